"""All that the API tells of customers, in one question each."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from schema.base.ids import global_id
from tests.conftest import Client
from tests.customers.family_words import ATTRIBUTES, Answer

SCORES = "recencyScore frequencyScore monetaryScore decile"

ALONE = f"""id externalId displayName givenName familyName email phone locale timeZone birthDate country
  tags attributes {{ key {" ".join(ATTRIBUTES)} }} lifecycleStage version createdAt updatedAt
  identities {{ id kind namespace value verification isShared source firstSeenAt lastSeenAt }}
  value {{ orderCount netSpent {{ amount currencyCode }} otherCurrencies {{ amount currencyCode }}
    averageOrder {{ amount currencyCode }} firstOrderAt lastOrderAt }}
  orders(first: 100) {{ totalCount nodes {{ id }} }}
  creditNotes(first: 100) {{ totalCount nodes {{ id }} }}
  consents {{ id reason }}
  consentHistory(first: 100) {{ totalCount nodes {{ id }} }}
  timeline(first: 100) {{ nodes {{ id }} }}
  documents: timeline(first: 100, kind: [ORDER, CREDIT_NOTE]) {{ nodes {{ id }} }}"""

EVERYTHING = f"""{ALONE} ranks: value {{ {SCORES} }}
  merges {{ id state reason mergedAt survivor {{ id }} absorbed {{ {ALONE} }} }}"""

CUSTOMERS = f"""query($sort: CustomerSort) {{
  customers(first: 100, orderBy: $sort) {{ totalCount nodes {{ {EVERYTHING} }} }} }}"""

MERGES = """query($state: [CustomerMergeState!]) {
  customerMerges(first: 100, state: $state) { totalCount nodes { id state survivor { id } absorbed { id } } } }"""

CONCENTRATION = "customerCount total { amount currencyCode } points { percent customerCount share }"
CONCENTRATIONS = f"""{{ ever: valueConcentration {{ {CONCENTRATION} }}
  since: valueConcentration(from: "1971-01-01T00:00:00Z") {{ {CONCENTRATION} }} }}"""

SORTS = ("CREATED_AT", "UPDATED_AT", "NAME", "LIFETIME_VALUE", "LAST_ORDER_AT")


async def read_everybody(client: Client) -> dict[str, Answer]:
    """Return all that is shown of everybody who is listed, by id; of consents whether a reason is told."""
    found = (await client.ask(CUSTOMERS, {"sort": {"field": "CREATED_AT"}})).data["customers"]
    assert found["totalCount"] == len(found["nodes"])
    everybody = {node["id"]: node for node in found["nodes"]}
    for node in found["nodes"]:
        for each in (node, *(merge["absorbed"] for merge in node["merges"])):
            for consent in each["consents"]:
                consent["hasReason"] = consent.pop("reason") is not None
    return everybody


async def ask_each(
    client: Client, field: str, asked: Sequence[Mapping[str, Any]], *, types: Mapping[str, str], selection: str
) -> list[Any]:
    """Ask the same field many times in one request, each time with other arguments."""
    variables = {f"{name}{index}": value for index, given in enumerate(asked) for name, value in given.items()}
    declared = ", ".join(f"${key}: {types[key.rstrip('0123456789')]}" for key in variables)
    fields = [
        f"a{index}: {field}({', '.join(f'{name}: ${name}{index}' for name in given)}) {{ {selection} }}"
        for index, given in enumerate(asked)
    ]
    data = (await client.ask(f"query({declared}) {{ {' '.join(fields)} }}", variables)).data if asked else {}
    return [data[f"a{index}"] for index in range(len(asked))]


async def read_lists(client: Client, asked: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Return the ids of lists of customers, by filter and order."""
    types = {"filter": "CustomerFilter", "orderBy": "CustomerSort", "first": "Int"}
    wanted = [{"first": 100, **each} for each in asked]
    found = await ask_each(client, "customers", wanted, types=types, selection="totalCount nodes { id }")
    assert all(each["totalCount"] == len(each["nodes"]) for each in found)
    return [[node["id"] for node in each["nodes"]] for each in found]


async def read_by_id(client: Client, keys: Sequence[UUID]) -> list[Answer]:
    """Return what is answered for customers' ids, by each way that there is."""
    ids = [global_id("Customer", key) for key in keys]
    types = {"id": "ID!", "first": "Int", "filter": "OrderFilter"}
    by_id = [{"id": each} for each in ids]
    of_customer = [{"first": 100, "filter": {"customerId": each}} for each in ids]
    customers = await ask_each(client, "customer", by_id, types=types, selection="id")
    nodes = await ask_each(client, "node", by_id, types=types, selection="id")
    orders = await ask_each(client, "orders", of_customer, types=types, selection="totalCount nodes { id }")
    together = zip(customers, nodes, orders, strict=True)
    return [{"customer": customer, "node": node, "orders": of_it} for customer, node, of_it in together]


async def read_recognised(client: Client, signs: Sequence[tuple[str, str, str]]) -> list[str | None]:
    """Return the id of the customer who is recognised by each sign: kind, namespace and value."""
    asked = [{"kind": kind, "namespace": space or None, "value": value} for kind, space, value in signs]
    types = {"kind": "IdentityKind!", "namespace": "String", "value": "String!"}
    found = await ask_each(client, "customerByIdentity", asked, types=types, selection="id")
    return [None if each is None else each["id"] for each in found]


async def read_merges(client: Client, *states: str) -> dict[str, Answer]:
    """Return the merges in these states by id, the newest first."""
    found = (await client.ask(MERGES, {"state": states})).data["customerMerges"]
    assert found["totalCount"] == len(found["nodes"])
    return {node["id"]: node for node in found["nodes"]}


async def read_answers(client: Client, keys: Sequence[UUID], *, searches: Sequence[str]) -> Mapping[str, Any]:
    """Return all that can be asked about these customers, word for word, so that two moments can be compared."""
    filters: list[dict[str, Any]] = [{"search": words} for words in searches]
    filters += [{"country": ["IT"]}, {"tag": ["vip"]}, {"lifecycleStage": ["ACTIVE", "ONBOARDING"]}]
    filters += [{"attribute": [{"key": name, "isSet": True}]} for name in ATTRIBUTES]
    sorts = [{"field": field, "direction": direction} for field in SORTS for direction in ("ASC", "DESC")]
    asked = [{"filter": each} for each in filters] + [{"orderBy": each} for each in sorts]
    return {
        "customers": (await client.ask(CUSTOMERS, {"sort": {"field": "CREATED_AT"}})).body,
        "lists": list(zip(map(repr, asked), await read_lists(client, asked), strict=True)),
        "by id": await read_by_id(client, keys),
        "concentration": (await client.ask(CONCENTRATIONS)).data,
        "merges": [await read_merges(client, state) for state in ("PROPOSED", "APPLIED", "REJECTED")],
    }

"""A shop in the tests' hands: what it sends, and what it reads back, through the API or past it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from domain.base.actors import SYSTEM
from domain.base.database import Database
from domain.base.work import Organisation, Work, Works
from domain.identity.actions.stores import upsert_store
from domain.identity.rules import StoreDetails
from tests.conftest import NOW, Answer, Client
from tests.snapshots import snapshot

Input: TypeAlias = dict[str, Any]

VALUE = """value {
  orderCount netSpent { amount currencyCode } otherCurrencies { amount currencyCode } asOf
  averageOrder { amount currencyCode } firstOrderAt lastOrderAt
  recencyScore frequencyScore monetaryScore decile
}"""

_ERRORS = "userErrors { __typename code message field ... on VersionConflict { currentVersion } }"

CUSTOMER = f"""id externalId displayName givenName familyName email phone locale timeZone birthDate country
  tags lifecycleStage version createdAt updatedAt {VALUE}"""

ORDER = """id externalId number placedAt cancelledAt state currencyCode shippingCountry contactEmail updatedAt summary
  total { amount currencyCode } shippingTotal { amount } discountTotal { amount } taxTotal { amount }
  paid { amount } refunded { amount currencyCode }
  store { code } customer { id externalId email givenName familyName country }
  lines { id externalId sku title quantity deliveredQuantity unitPrice { amount } total { amount } }
  deliveries { id externalId carrier trackingNumber trackingUrl shippedAt deliveredAt
    lines { quantity orderLine { id sku } } }
  creditNotes { externalId total { amount } }"""

CREDIT_NOTE = """id externalId number issuedAt summary total { amount currencyCode }
  customer { id externalId } order { externalId }
  lines { id sku title quantity unitPrice { amount } total { amount } }"""

_WRITES = {
    "orderUpsert": ("OrderUpsertInput", f"order {{ {ORDER} }}"),
    "creditNoteUpsert": ("CreditNoteUpsertInput", f"creditNote {{ {CREDIT_NOTE} }}"),
    "deliveryRecord": ("DeliveryRecordInput", f"delivery {{ id externalId }} order {{ {ORDER} }}"),
    "customerCreate": ("CustomerCreateInput", f"customer {{ {CUSTOMER} }}"),
    "customerUpdate": ("CustomerUpdateInput", f"customer {{ {CUSTOMER} }}"),
}
_RESULTS = {
    "orderUpsert": "order",
    "creditNoteUpsert": "creditNote",
    "deliveryRecord": "order",
    "customerCreate": "customer",
    "customerUpdate": "customer",
}

UNITED_KINGDOM = StoreDetails(
    code="uk", name="Britain", country="GB", locale="en-GB", currency_code="GBP", time_zone="Europe/London"
)


def instant(at: datetime) -> str:
    """Return an instant as the API reads it."""
    return at.isoformat()


def days_ago(days: float) -> str:
    """Return the instant so many days before the tests' present."""
    return instant(NOW - timedelta(days=days))


def line(sku: str = "cup", *, quantity: int = 1, price: str = "10", **more: Any) -> Input:  # noqa: ANN401
    """Return one line of an order or a credit note."""
    return {"sku": sku, "title": f"A {sku}", "quantity": quantity, "unitPrice": price, **more}


def order_input(external_id: str = "o-1", **more: Any) -> Input:  # noqa: ANN401
    """Return an order of one cup for ten euros, placed a day ago by a guest, but for what is said otherwise."""
    plain = {"externalId": external_id, "placedAt": days_ago(1), "currencyCode": "EUR", "lines": [line()]}
    return plain | more


def note_input(external_id: str = "c-1", **more: Any) -> Input:  # noqa: ANN401
    """Return a credit note over one cup for four euros, but for what is said otherwise."""
    plain = {"externalId": external_id, "issuedAt": days_ago(0.5), "currencyCode": "EUR", "lines": [line(price="4")]}
    return plain | more


@dataclass(frozen=True)
class Written:
    """What a write was answered: the object, or why there is none."""

    result: Input | None
    errors: Sequence[Input]

    @property
    def found(self) -> Input:
        """Return the object of a write that was not refused."""
        assert self.errors == [], self.errors
        assert self.result is not None
        return self.result

    @property
    def refusals(self) -> list[tuple[str, str]]:
        """Return code and path of each refusal of a write that was refused."""
        assert self.result is None
        assert self.errors
        assert all(error["message"] for error in self.errors)
        return [(error["code"], ".".join(error["field"] or ())) for error in self.errors]


async def ask_write(client: Client, field: str, given: Input, *, key: str | None = None) -> Answer:
    """Send a write and return what came back, whatever it is."""
    kind, selection = _WRITES[field]
    query = f"mutation($input: {kind}!) {{ {field}(input: $input) {{ {selection} {_ERRORS} }} }}"
    return await client.ask(query, {"input": given}, key=key)


async def write(client: Client, field: str, given: Input) -> Written:
    """Send a write."""
    payload = (await ask_write(client, field, given)).data[field]
    return Written(result=payload[_RESULTS[field]], errors=payload["userErrors"])


async def send_order(client: Client, external_id: str = "o-1", **more: Any) -> Input:  # noqa: ANN401
    """Send an order that is taken over, and return it."""
    return (await write(client, "orderUpsert", order_input(external_id, **more))).found


async def send_note(client: Client, external_id: str = "c-1", **more: Any) -> Input:  # noqa: ANN401
    """Send a credit note that is taken over, and return it."""
    return (await write(client, "creditNoteUpsert", note_input(external_id, **more))).found


async def send_delivery(client: Client, external_id: str = "d-1", order: str = "o-1", **more: Any) -> Input:  # noqa: ANN401
    """Record a delivery, and return its order."""
    given = {"externalId": external_id, "orderExternalId": order, **more}
    return (await write(client, "deliveryRecord", given)).found


async def new_customer(client: Client, **more: Any) -> Input:  # noqa: ANN401
    """Add a customer, and return them."""
    return (await write(client, "customerCreate", more)).found


async def read_customer(client: Client, customer_id: str) -> Input:
    """Return a customer by id."""
    answer = await client.ask(f"query($id: ID!) {{ customer(id: $id) {{ {CUSTOMER} }} }}", {"id": customer_id})
    customer = answer.data["customer"]
    assert isinstance(customer, dict)
    return customer


async def read_value(client: Client, customer_id: str) -> Input:
    """Return what a customer brought."""
    value = (await read_customer(client, customer_id))["value"]
    assert isinstance(value, dict)
    return value


async def read_order(client: Client, external_id: str = "o-1") -> Input | None:
    """Return an order by the shop's own id."""
    query = f"query($id: String!) {{ orderByExternalId(externalId: $id) {{ {ORDER} }} }}"
    found: Input | None = (await client.ask(query, {"id": external_id})).data["orderByExternalId"]
    return found


async def customer_ids(client: Client, **arguments: Any) -> list[str]:  # noqa: ANN401
    """Return the ids of the customers that a list of at most 100 has."""
    query = """query($filter: CustomerFilter, $sort: CustomerSort) {
      customers(first: 100, filter: $filter, orderBy: $sort) { nodes { id } totalCount } }"""
    found = (await client.ask(query, arguments)).data["customers"]
    assert found["totalCount"] == len(found["nodes"])
    return [node["id"] for node in found["nodes"]]


async def search(client: Client, words: str) -> set[str]:
    """Return what the customers are called whom a search finds."""
    query = "query($filter: CustomerFilter) { customers(first: 100, filter: $filter) { nodes { displayName } } }"
    found = (await client.ask(query, {"filter": {"search": words}})).data["customers"]
    return {node["displayName"] for node in found["nodes"]}


@asynccontextmanager
async def nothing_changes(works: Works, *, without: Iterable[str] = ()) -> AsyncIterator[None]:
    """Hold that what happens inside changes no row of any table, event log and audit included."""
    left_out = frozenset(without)
    before = await snapshot(works, without=left_out)
    yield
    after = await snapshot(works, without=left_out)
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}


async def refused(client: Client, field: str, given: Input) -> list[tuple[str, str]]:
    """Send a write that is refused without a trace; return code and path of each refusal."""
    async with nothing_changes(client.works):
        return (await write(client, field, given)).refusals


async def perform(works: Works, story: Callable[[Work], Awaitable[UUID]]) -> UUID:
    """Perform a write past the API, as the product itself."""
    return await works.perform(story, actor=SYSTEM, action="test")


async def add_store(works: Works, details: StoreDetails = UNITED_KINGDOM) -> None:
    """Add a store."""
    await perform(works, lambda work: upsert_store(work, details=details))


def with_organisation(works: Works, organisation: Organisation, *, database: Database | None = None) -> Works:
    """Return the same doors under other settings of the organisation."""
    return Works(
        database=database or works.database, reactions=works.reactions, clock=works.clock, organisation=organisation
    )


def amounts(value: Mapping[str, Any], *names: str) -> list[str]:
    """Return the amounts of several sums of money."""
    return [value[name]["amount"] for name in names]

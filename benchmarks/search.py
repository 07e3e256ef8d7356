"""Finding a customer, through the API: by their signs as quick among a million as among a thousand, and by names."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from benchmarks.asking import Shop, Variables, asked_in_turns, compared
from benchmarks.customers import external_id_of, order_number_of, phone_of
from domain.customers.model import Customer

SOUGHT = 501
"""The number of the customer who is sought: the same one in both databases. Their e-mail and telephone are verified."""

BY_IDENTITY = """query($kind: IdentityKind!, $value: String!) {
  customerByIdentity(kind: $kind, value: $value) { id displayName externalId } }"""
BY_SEARCH = """query($search: String!, $field: CustomerSortField = CREATED_AT) {
  customers(first: 50, filter: {search: $search}, orderBy: {field: $field}) { nodes { id displayName externalId } } }"""
COUNTED = "query($search: String) { customers(first: 1, filter: {search: $search}) { totalCount } }"

NAMES = (
    ("rare names", "hiroshi kowalski"),
    ("a beginning of a name", "valent"),
    ("a frequent name", "rossi"),
    ("the most frequent name", "maria"),
    ("two frequent names", "maria rossi"),
    ("the two most frequent names", "anna maria"),
    ("a frequent name and a letter", "anna b"),
    ("three names", "maria rossi anna"),
    ("one letter", "m"),
    ("two letters", "ro"),
    ("nobody's name", "qqqqq maria"),
    ("misspelled", "rosssi"),
    ("misspelled beside a frequent one", "maria rosssi"),
    ("two misspelled", "mraia rosssi"),
)

COUNTED_SEARCHES = (None, "hiroshi kowalski", "rossi", "maria", "maria rossi", "maria rosssi", "ro", "m")
REPETITIONS = 7


async def measure(kind: str, shops: Sequence[Shop], sizes: Sequence[int]) -> tuple[list[Any], list[Any]]:
    """Return the rows of the indexed look-ups, and those of the names."""
    email = await _email(shops[0])
    number = phone_of(SOUGHT)
    local = f"0{number[3:]}"
    asked: list[tuple[str, str, Variables]] = [
        ("identity: external account", BY_IDENTITY, {"kind": "EXTERNAL_ACCOUNT", "value": external_id_of(SOUGHT)}),
        ("identity: e-mail", BY_IDENTITY, {"kind": "EMAIL", "value": email.upper()}),
        ("identity: telephone", BY_IDENTITY, {"kind": "PHONE", "value": local}),
        ("search: e-mail", BY_SEARCH, {"search": email}),
        ("search: telephone, E.164", BY_SEARCH, {"search": number}),
        ("search: telephone, as it is dialled", BY_SEARCH, {"search": f"({local[:5]}) {local[5:]}"}),
        ("search: telephone, with 00", BY_SEARCH, {"search": f"00{number[1:3]} {number[3:7]}-{number[7:]}"}),
        ("search: external id", BY_SEARCH, {"search": external_id_of(SOUGHT)}),
        ("search: order number", BY_SEARCH, {"search": order_number_of(SOUGHT)}),
    ]
    indexed = []
    for name, query, variables in asked:
        for shop in shops:
            await _check(shop, query, variables)
        times = await asked_in_turns(query, *((shop, variables) for shop in shops))
        indexed.append({"database": kind, "by": name, **compared(sizes, times)})
    return indexed, [await _by_name(kind, shops, sizes, name, search) for name, search in NAMES]


async def count(kind: str, shops: Sequence[Shop], sizes: Sequence[int]) -> list[Any]:
    """Return how long it takes to count a whole list, which is done only when it is asked for."""
    rows = []
    for search in COUNTED_SEARCHES:
        found = (await shops[1].ask(COUNTED, {"search": search}))["customers"]["totalCount"]
        times = await asked_in_turns(COUNTED, *((shop, {"search": search}) for shop in shops), repetitions=REPETITIONS)
        row = {"database": kind, "search": search or "(everybody)", "found": found}
        rows.append(row | compared(sizes, times))
    return rows


async def _by_name(kind: str, shops: Sequence[Shop], sizes: Sequence[int], name: str, search: str) -> dict[str, Any]:
    """Return how long a page takes in the order in which customers became known, and in that of their names."""
    found = (await shops[1].ask(COUNTED, {"search": search}))["customers"]["totalCount"]
    asked: Variables = {"search": search}
    times = await asked_in_turns(BY_SEARCH, *((shop, asked) for shop in shops), repetitions=REPETITIONS)
    by_name = await asked_in_turns(BY_SEARCH, (shops[1], asked | {"field": "NAME"}), repetitions=REPETITIONS)
    row = {"database": kind, "name": name, "search": search, "found": found, **compared(sizes, times)}
    del row["ratio"]  # there are other customers to show: what counts is the time
    return row | {f"ms_{sizes[1]}_by_name": round(by_name[0], 2)}


async def _email(shop: Shop) -> str:
    async with shop.works.database.reading() as session:
        statement = select(Customer.email).where(Customer.external_id == external_id_of(SOUGHT))
        return str((await session.execute(statement)).scalar_one())


async def _check(shop: Shop, query: str, variables: Variables) -> None:
    """Find nobody but the one who is sought."""
    data = await shop.ask(query, variables)
    found = data["customers"]["nodes"] if "customers" in data else [data["customerByIdentity"]]
    if [node and node["externalId"] for node in found] != [external_id_of(SOUGHT)]:
        message = f"not who was sought by {variables}: {str(data)[:500]}"
        raise RuntimeError(message)

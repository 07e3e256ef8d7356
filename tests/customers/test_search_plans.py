"""How the databases find customers: by indexes, however many customers there are."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from domain.base.actors import SYSTEM
from domain.customers.repository import customers, search
from domain.customers.rules.profiles import Buyer
from domain.orders.actions.orders import upsert_orders
from domain.orders.rules import LineDetails, OrderDetails
from tests.conftest import NOW, Client
from tests.orders.shop import Input
from tests.statements import hearing

TABLES = ("customers", "customer_records", "customer_identities", "customer_terms")

SEARCH = """query($filter: CustomerFilter, $sort: CustomerSort,
  $first: Int, $last: Int, $after: String, $before: String) {
  customers(filter: $filter, orderBy: $sort, first: $first, last: $last, after: $after, before: $before) {
    nodes { displayName } totalCount pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }"""

SEARCHES = (
    "maria.1@example.org",
    "maria.1",
    "+39 06 69812301",
    "06.698-12301",
    "0039 06 69812301",
    "K-1001",
    "R-2001",
    "rossi",
    "maria rossi",
    "maria anna r",
    "m",
    "maria maria",
    "rosssi",
    "maria rosssi",
    "mraia rosssi",
    "xyzxyz maria",
    "bianchi k-1001",
)


@pytest.fixture
async def shop(client: Client) -> Client:
    """Add 24 customers with frequent names and an order each, of whom four are two; return who asks about them."""
    orders = [
        OrderDetails(
            external_id=f"o-{number}",
            number=f"R-20{number:02}",
            placed_at=NOW - timedelta(days=1),
            currency_code="EUR",
            lines=[LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(1))],
            buyer=Buyer(
                external_id=f"K-10{number:02}",
                given_name=("Maria", "Anna", "Maria Anna")[number % 3],
                family_name=("Rossi", "Russo", "Rosa", "Bianchi")[number % 4],
                email=f"maria.{number}@example.org",
                is_email_verified=True,
                country=("IT", "DE")[number % 2],
            ),
        )
        for number in range(24)
    ]
    await client.works.perform(lambda work: upsert_orders(work, orders=orders), actor=SYSTEM, action="test")
    nodes = (await client.ask("{ customers(first: 100) { nodes { id externalId } } }")).data["customers"]["nodes"]
    ids = {int(node["externalId"][-2:]): node["id"] for node in nodes}
    for number in (1, 20):
        phone = {"customerId": ids[number], "kind": "PHONE", "value": f"+39 06 698123{number:02}"}
        await done(client, "customerIdentityAdd", phone)
    for survivor, absorbed in ((5, 10), (0, 5), (3, 20), (0, 7)):
        await done(client, "customerMerge", {"survivorId": ids[survivor], "absorbedId": ids[absorbed]})
    return client


async def done(client: Client, field: str, given: Input) -> None:
    """Send a write that is not refused."""
    kind = f"{field[0].upper()}{field[1:]}Input"
    query = f"mutation($input: {kind}!) {{ {field}(input: $input) {{ userErrors {{ code message }} }} }}"
    assert (await client.ask(query, {"input": given})).data[field]["userErrors"] == []


@contextmanager
def reading() -> Iterator[list[tuple[str, Any]]]:
    """Yield what is read inside from the tables that grow with the customers: statements and their parameters."""
    found: list[tuple[str, Any]] = []
    with hearing() as heard:
        yield found
    for statement, parameters in heard:
        is_read = re.match(r"\s*(SELECT|WITH)\b", statement)
        if is_read and any(re.search(rf"\b{table}\b", statement) for table in TABLES):
            found.append((statement, parameters))


async def plans_of(client: Client, query: str, variables: Input) -> list[list[str]]:
    """Return how each statement behind a query reads the tables: by a line for each of them that is read."""
    with reading() as heard:
        answer = await client.ask(query, variables)
    assert answer.data
    database = client.works.database
    async with database.reading() as session:
        connection = await session.connection()
        if database.is_sqlite:
            explained = [await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", p) for s, p in heard]
            return [sqlite_plan([row[-1] for row in rows]) for rows in explained]
        # The tables are small here, and what is small is quicker to read whole: that is forbidden as far as it can be.
        await connection.execute(text("SET LOCAL enable_seqscan = off"))
        explained = [await connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {s}", p) for s, p in heard]
        return [list(postgresql_plan(loaded(rows.scalar_one()))) for rows in explained]


def loaded(plan: Any) -> Any:  # noqa: ANN401  a document, parsed by the driver or not
    """Return the tree of a plan."""
    return (orjson.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


def sqlite_plan(lines: Sequence[str]) -> list[str]:
    """Return the lines about tables: `SEARCH` is a look-up, `SCAN` reads the whole."""
    names = "|".join(rf"{table}(?:_\d+)?" for table in (*TABLES, "absorbed"))
    return [line for line in lines if re.match(rf"(SCAN|SEARCH) ({names})\b", line)]


def postgresql_plan(node: Input, *, is_limited: bool = False) -> Iterator[str]:
    """Yield a line for each table that is read, as SQLite writes it."""
    index = node.get("Index Name")
    if node.get("Relation Name") in TABLES and node["Node Type"] != "Bitmap Heap Scan":
        verb = "SEARCH" if "Index Cond" in node else "WALK" if index and is_limited else "SCAN"
        yield f"{verb} {node['Relation Name']} USING INDEX {index} ({node.get('Index Cond', '')})"
    elif node["Node Type"] == "Bitmap Index Scan":
        yield f"{'SEARCH' if 'Index Cond' in node else 'SCAN'} USING INDEX {index} ({node.get('Index Cond', '')})"
    for below in node.get("Plans", ()):
        # What is above a limit stops when it has enough: only a sort or a join between would read on.
        yields_as_it_reads = node["Node Type"] in ("Limit", "Subquery Scan") and (
            is_limited or node["Node Type"] == "Limit"
        )
        yield from postgresql_plan(below, is_limited=yields_as_it_reads)


async def test_a_search_reads_no_table_whole(shop: Client) -> None:
    """Addresses, telephone numbers, ids, numbers of orders, names, also misspelled, in each order of the list.

    Listed and counted: every table is looked up by an index.
    """
    for words, field in {*product(SEARCHES, ["NAME"]), *product(["maria rossi", "rosssi"], customers.ORDERINGS)}:
        asked = {"filter": {"search": words}, "sort": {"field": field}, "first": 5}
        plans = await plans_of(shop, SEARCH, asked)
        assert any("ix_customer_terms_term" in line for plan in plans for line in plan), words
        for plan in plans:
            assert all(line.startswith("SEARCH") for line in plan), (words, plan)


async def test_a_search_beside_other_filters_reads_no_table_whole(shop: Client) -> None:
    """The word names the candidates, not the country that half of all customers have, nor the order of the list."""
    for words in ("rossi", "maria rosssi", "+39 06 69812301"):
        wanted = {"search": words, "country": ["IT"], "lifecycleStage": ["ACTIVE", "ONBOARDING"]}
        asked = {"filter": wanted, "sort": {"field": "NAME", "direction": "DESC"}, "first": 5}
        for plan in await plans_of(shop, SEARCH, asked):
            assert all(line.startswith("SEARCH") for line in plan), plan
            assert not any("ix_customers_country" in line or "ix_customers_last" in line for line in plan), plan


async def test_a_look_up_by_identity_is_one_look_up(shop: Client) -> None:
    """One statement finds whose the identity is, one reads that customer; both by indexes, the value in its own."""
    query = "query($kind: IdentityKind!, $value: String!) { customerByIdentity(kind: $kind, value: $value) { id } }"
    for sign, value, is_known in (
        ("EXTERNAL_ACCOUNT", "K-1001", True),
        ("EXTERNAL_ACCOUNT", "K-1010", True),
        ("EMAIL", "MARIA.1@example.org", True),
        ("PHONE", "06 69812301", False),
        ("DEVICE", "d-1", False),
    ):
        found, *read = await plans_of(shop, query, {"kind": sign, "value": value})
        assert len(read) == is_known
        assert all(line.startswith("SEARCH") for plan in (found, *read) for line in plan), (found, read)
        signs = [line for line in found if re.search(r"INDEX \w+_customer_identities_", line)]
        assert signs
        assert all(re.search(r"_identities_(value|verified)\b.*\bvalue\b", line) for line in signs), signs


async def test_a_frequent_search_walks_along_the_list(shop: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stretch of the list's own index is read, and no more of the list; each in it is asked for the words."""
    every_word_is_frequent(monkeypatch, walk=8, part=0)
    index = {field: f"ix_customers_{columns[0].key}" for field, columns in customers.ORDERINGS.items()}
    for field in customers.ORDERINGS:
        asked = {"filter": {"search": "maria", "country": ["IT"]}, "sort": {"field": field}, "first": 5}
        plans = await plans_of(shop, SEARCH.replace("totalCount", ""), asked)
        lines = [line for plan in plans for line in plan]
        walks = [line for line in lines if not line.startswith("SEARCH")]
        assert walks
        assert all(
            re.search(rf"(WALK|SCAN) customers USING (COVERING )?INDEX {index[field]}\b", line) for line in walks
        )


def every_word_is_frequent(monkeypatch: pytest.MonkeyPatch, *, walk: int, part: int) -> None:
    """Let a list be walked along, few customers at first, for words that few have; with `part` 0 to its very end."""
    monkeypatch.setattr(search, "_RARE", 1)
    monkeypatch.setattr(search, "_COUNTED_MAX", 8)
    monkeypatch.setattr(customers, "FREQUENT", 1)
    monkeypatch.setattr(customers, "_WALK", walk)
    monkeypatch.setattr(customers, "_WALK_GROWTH", 2)
    monkeypatch.setattr(customers, "_WALKED_PART", part)


async def test_walking_finds_what_gathering_finds(shop: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same pages, from both ends, and the same counts, however far a list is walked along before that ends."""
    cases: list[Input] = [
        {"search": "maria"},
        {"search": "maria anna r"},
        {"search": "ro", "country": ["DE"]},
        {"search": "bianchi"},
        {"search": "k-1020"},
        {"search": "+39 06 69812320"},
        {"search": "rosssi"},
    ]
    gathered = [await pages(shop, wanted) for wanted in cases]
    assert [len(names) for names in gathered] != [0] * len(cases)
    for walk, part in ((1, 1), (3, 0), (1_000, 0)):
        every_word_is_frequent(monkeypatch, walk=walk, part=part)
        assert [await pages(shop, wanted) for wanted in cases] == gathered


async def pages(client: Client, wanted: Input) -> list[str]:
    """Return what the customers are called whom a filter names, read in pages of six from either end."""
    found: dict[str, list[str]] = {}
    for size, cursor, edge, more in (
        ("first", "after", "endCursor", "hasNextPage"),
        ("last", "before", "startCursor", "hasPreviousPage"),
    ):
        names: list[str] = []
        asked: Input = {size: 6, "filter": wanted, "sort": {"field": "NAME", "direction": "DESC"}}
        while True:
            page = (await client.ask(SEARCH, asked)).data["customers"]
            shown = [node["displayName"] for node in page["nodes"]]
            names = names + shown if size == "first" else shown + names
            if not page["pageInfo"][more]:
                break
            asked[cursor] = page["pageInfo"][edge]
        assert page["totalCount"] == len(names)
        found[size] = names
    assert found["first"] == found["last"] == sorted(found["first"], reverse=True)
    return found["first"]


async def test_bad_cursors_of_a_search_are_refused(shop: Client) -> None:
    """Also where nobody is found."""
    for words in ("xyzxyz", "maria", "rosssi"):
        answer = await shop.ask(SEARCH, {"filter": {"search": words}, "first": 5, "after": "?"})
        assert answer.codes == ["BAD_USER_INPUT"]


async def test_what_takes_no_search_to_count(shop: Client) -> None:
    """An empty filter counts everybody, without a look at each."""
    query = "query($filter: CustomerFilter) { customers(first: 1, filter: $filter) { totalCount } }"
    everybody: tuple[Input | None, ...] = (None, {}, {"search": " "}, {"country": [], "tag": []})
    for wanted in everybody:
        assert (await shop.ask(query, {"filter": wanted})).data["customers"]["totalCount"] == 24 - 4
    assert (await shop.ask(query, {"filter": {"country": ["IT"]}})).data["customers"]["totalCount"] == 12 - 2

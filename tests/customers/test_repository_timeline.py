"""Timelines and ledgers of any length: a page reads what it shows, along an index, whatever else there is."""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from sqlalchemy import text

from domain.base.columns import to_micros
from domain.base.database import Session
from domain.base.identifiers import new_id
from domain.base.pages import PageRequest
from domain.base.repository.rows import insert_rows
from domain.base.work import Work, Works
from domain.customers.actions.merges import merge_customers
from domain.customers.actions.profiles import create_customer
from domain.customers.actions.timeline import Happening, place_in_timeline
from domain.customers.model import Consent, TimelineEntry
from domain.customers.repository.consents import list_consent_history
from domain.customers.repository.timeline import (
    list_entries_by_family,
    replace_entries,
)
from domain.customers.rules.profiles import CustomerDetails
from tests.conftest import NOW
from tests.customers.test_repository_pages import made_cursor
from tests.orders.shop import perform
from tests.statements import hearing

Read: TypeAlias = Callable[[Session], Awaitable[Any]]

KINDS = ("ORDER", "CONSENT", "CALL")
BIG, SMALL = 100_000, 1_000
SIZE = 50
INDEXES = ("ix_timeline_entries_customer_id", "ix_consents_customer_id")


async def new_person(works: Works) -> UUID:
    """Add a customer."""
    return await perform(works, lambda work: create_customer(work, details=CustomerDetails()))


async def add(works: Works, table: type[TimelineEntry | Consent], rows: list[dict[str, Any]]) -> None:
    """Write rows as they are."""

    async def story(work: Work) -> UUID:
        await insert_rows(work.session, table, rows)
        return new_id()

    await perform(works, story)


def kind_of(number: int, count: int) -> str:
    """Return the kind of an item: most are orders, of the newest thousand a tenth consents, the five oldest calls."""
    every = 10 if number < SMALL else SMALL
    return "CALL" if number >= count - 5 else "CONSENT" if number % every == 0 else "ORDER"


def at(number: int) -> datetime:
    """Return when an item happened: a few at each instant, each instant before the one before."""
    return NOW - timedelta(minutes=number // 3)


def entries(customer_id: UUID, count: int) -> list[dict[str, Any]]:
    """Return so many items of a customer."""
    return [
        {"id": new_id(), "kind": kind_of(number, count), "customer_id": customer_id, "occurred_at": at(number)}
        for number in range(count)
    ]


def decisions(customer_id: UUID, count: int) -> list[dict[str, Any]]:
    """Return so many consents of a customer."""
    said = {"purpose": "MARKETING", "channel": None, "decision": "GRANTED", "text_version": None, "source": None}
    return [
        {
            "id": new_id(),
            "customer_id": customer_id,
            "decided_at": at(number),
            "recorded_at": NOW,
            "proof": None,
            **said,
        }
        for number in range(count)
    ]


@contextmanager
def statements_about(word: str) -> Iterator[list[tuple[str, Any]]]:
    """Yield the statements that name a table, each with its parameters."""
    found: list[tuple[str, Any]] = []
    with hearing() as heard:
        yield found
    found.extend(each for each in heard if word in each[0] and not each[0].startswith("EXPLAIN"))


async def plan_of(session: Session, read: Read) -> Any:  # noqa: ANN401  rows on SQLite, a tree on PostgreSQL
    """Return how the database goes about the one statement that `read` sends; PostgreSQL's with what it read."""
    with statements_about("customer_records") as sent:
        await read(session)
    ((statement, parameters),) = sent
    connection = await session.connection()
    if connection.dialect.name == "sqlite":
        return [tuple(row) for row in await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
    explain = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON)"
    plan = (await connection.exec_driver_sql(f"{explain} {statement}", parameters)).scalar_one()
    return (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every step of a PostgreSQL plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


async def steps_of(session: Session, read: Read) -> int:
    """Return how many tens of steps SQLite's machine takes for what `read` sends."""
    raw = await (await session.connection()).get_raw_connection()
    driver: Any = raw.driver_connection
    taken = 0

    def count() -> int:
        nonlocal taken
        taken += 1
        return 0

    await read(session)  # what is read once for a connection, such as the schema, is known
    await driver.set_progress_handler(count, 10)
    try:
        await read(session)
    finally:
        await driver.set_progress_handler(None, 0)
    return taken


async def rows_read(session: Session, read: Read) -> int:
    """Return how many rows of long tables PostgreSQL reads; all of them along an index, none thrown away."""
    plan = await plan_of(session, read)
    long = [node for node in nodes(plan) if node.get("Relation Name") in {"timeline_entries", "consents"}]
    assert long
    for node in long:
        assert node["Node Type"] in {"Index Scan", "Index Only Scan"}, node
        assert node["Index Name"] in INDEXES
        assert not any(name.startswith("Rows Removed") and number for name, number in node.items()), node
    return int(sum(node["Actual Rows"] * node["Actual Loops"] for node in long))


async def searched(session: Session, read: Read) -> None:
    """Hold that SQLite finds the long table's rows by its index, in the index's order."""
    plan = await plan_of(session, read)
    on_index = [detail for *_, detail in plan if any(name in detail for name in INDEXES)]
    assert on_index
    assert all(detail.startswith("SEARCH ") and "customer_id=?" in detail for detail in on_index)
    assert not [detail for *_, detail in plan if detail.startswith(("SCAN timeline_entries", "SCAN consents"))]


def beside(name: str, number: int) -> str:
    """Return a cursor in the middle of the items of one instant."""
    return made_cursor(name, to_micros(at(number)), "8" * 32)


def pages(name: str, middle: int) -> list[PageRequest]:
    """Return pages at the start, at the end and in the middle of a list, read from either end."""
    cursor, later = beside(name, middle), beside(name, middle + 900)
    return [
        PageRequest(limit=SIZE),
        PageRequest(limit=SIZE, is_backward=True),
        PageRequest(limit=SIZE, after=cursor),
        PageRequest(limit=SIZE, before=cursor, is_backward=True),
        PageRequest(limit=SIZE, after=cursor, before=later),
    ]


async def analyze(works: Works) -> None:
    """Let PostgreSQL know how long the tables are, as it does by itself after a while; SQLite is not told."""
    if not works.database.is_sqlite:
        async with works.database.writing() as session:
            await session.execute(text("ANALYZE"))
            await session.commit()


async def hold(works: Works, read: Callable[[UUID], Read], *, big: UUID, small: UUID, most: int) -> None:
    """Hold that reading of the big list goes along the index, and reads no more than it may show."""
    async with works.database.reading() as session:
        if works.database.is_sqlite:
            await searched(session, read(big))
            steps, expected = await steps_of(session, read(big)), await steps_of(session, read(small))
            assert steps <= expected * 1.1 + 5
        else:
            for scan in ("on", "off"):
                await session.execute(text(f"SET LOCAL enable_seqscan = {scan}"))
                assert await rows_read(session, read(big)) <= most


async def test_a_page_of_100_000_items_reads_what_it_shows(works: Works) -> None:
    """At the start, the end and in the middle, of all kinds or a rare one, of one customer or a family."""
    big, small, other = [await new_person(works) for _ in range(3)]
    await add(works, TimelineEntry, [*entries(big, BIG), *entries(small, SMALL), *entries(other, SMALL)])
    await analyze(works)

    def reading(kinds: Sequence[str], page: PageRequest) -> Callable[[UUID], Read]:
        return lambda key: lambda session: list_entries_by_family(session, [key], kinds=kinds, page=page)

    asked = [(kinds, page) for kinds in (KINDS, ("CALL",), ("ORDER", "CONSENT")) for page in pages("timeline-", 60)]
    for kinds, page in asked:
        await hold(works, reading(kinds, page), big=big, small=small, most=len(kinds) * (SIZE + 1))
    for page in pages("timeline-", BIG // 2):
        await hold(works, reading(KINDS, page), big=big, small=big, most=len(KINDS) * (SIZE + 1))
    await perform(works, lambda work: merge_customers(work, survivor_id=big, absorbed_id=other, reason=None))
    for page in pages("timeline-", 60)[:4]:
        await hold(works, reading(KINDS, page), big=big, small=big, most=2 * len(KINDS) * (SIZE + 1))
    async with works.database.reading() as session:
        (found,) = await list_entries_by_family(session, [big], kinds=["CALL"], page=PageRequest(limit=6))
        assert [row.occurred_at for row in found.items] == [
            at(number) for number in (*range(SMALL - 5, SMALL), BIG - 5)
        ]


async def test_a_page_of_a_long_ledger_reads_what_it_shows(works: Works) -> None:
    """As of a timeline."""
    big, small = [await new_person(works) for _ in range(2)]
    await add(works, Consent, [*decisions(big, 20 * SMALL), *decisions(small, SMALL)])
    await analyze(works)
    for page in pages("consents-", 60):

        def reading(key: UUID, page: PageRequest = page) -> Read:
            return lambda session: list_consent_history(session, [key], page=page)

        await hold(works, reading, big=big, small=small, most=SIZE + 1)


async def placed(works: Works, *keys: UUID) -> list[set[UUID]]:
    """Return what stands in the timelines of these customers."""
    async with works.database.reading() as session:
        found = await list_entries_by_family(session, keys, kinds=["CALL"], page=PageRequest(limit=2_000))
    return [{row.id for row in page.items} for page in found]


async def test_things_stand_where_they_were_placed_last(works: Works) -> None:
    """A thousand at once: placed, moved, given to nobody, placed again; each stands in one place at most."""
    ada, bob = await new_person(works), await new_person(works)
    ids = [new_id() for _ in range(1_200)]

    async def place(whose: Callable[[int], UUID | None], *, part: slice = slice(None)) -> None:
        happenings = [
            Happening(id=key, customer_id=whose(number), occurred_at=at(number)) for number, key in enumerate(ids)
        ]

        async def story(work: Work) -> UUID:
            await place_in_timeline(work, kind="CALL", happenings=happenings[part])
            return ada

        await perform(works, story)

    await place(lambda number: (ada, bob, None)[number % 3])
    assert await placed(works, ada, bob) == [set(ids[0::3]), set(ids[1::3])]
    await place(lambda _: bob)
    assert await placed(works, bob, ada) == [set(ids), set()]
    await place(lambda _: None, part=slice(0, 1_000))
    assert await placed(works, ada, bob) == [set(), set(ids[1_000:])]
    await place(lambda _: ada, part=slice(0, 0))
    assert await placed(works, bob, ada, bob) == [set(ids[1_000:]), set(), set(ids[1_000:])]
    async with works.database.writing() as session:
        await replace_entries(session, [], [])
        await session.commit()
    assert await placed(works, bob) == [set(ids[1_000:])]

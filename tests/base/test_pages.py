"""Pages of long lists: every item once, in both directions, also while rows come in."""

import base64
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Row, Select, Subquery, literal, select, union_all
from sqlalchemy.orm import InstrumentedAttribute

from domain.base.columns import Key
from domain.base.database import Database
from domain.base.errors import Invalid
from domain.base.pages import (
    Groups,
    Ordering,
    Page,
    PageRequest,
    check_page,
    list_page,
    list_pages_by_group,
)
from tests.base.samples import Sample, store
from tests.conftest import NOW

COLUMNS: tuple[InstrumentedAttribute[Any], ...] = (
    Sample.word,
    Sample.instant,
    Sample.amount,
    Sample.whole,
    Sample.key,
    Sample.id,
)
EVERY_KIND = Ordering("samples", COLUMNS)
BY_WORD = Ordering("samples.word", (Sample.word, Sample.id))
BY_WORD_DOWN = Ordering("samples.word", (Sample.word, Sample.id), is_descending=True)
COUNT = 23
PARENTS = [UUID(int=number) for number in range(3)]


async def fill(database: Database) -> None:
    """Write rows of which several are equal in all but the last column."""
    await store(
        database,
        *(
            Sample(
                id=number,
                word="abc"[number % 3],
                instant=NOW + timedelta(microseconds=number % 2),
                amount=Decimal(number % 5) / 10_000,
                whole=-number,
                key=PARENTS[number % 2],
            )
            for number in range(COUNT)
        ),
    )


async def read(database: Database, ordering: Ordering, request: PageRequest) -> Page[Row[Any]]:
    """Read one page of all samples, by a statement that is built each time and by one that is kept."""

    def build() -> Select[Any]:
        return select(*Sample.__table__.c)

    async with database.reading() as session:
        built = await list_page(session, build, ordering=ordering, page=request)
        kept = await list_page(session, build, ordering=ordering, page=request, key=("samples",))
    assert [row.id for row in kept.items] == [row.id for row in built.items]
    assert cursors(kept) == cursors(built)
    assert (kept.has_next, kept.has_previous) == (built.has_next, built.has_previous)
    return kept


def cursors(page: Page[Any]) -> list[str]:
    """Return where the items of a page stand."""
    return [page.cursor(row) for row in page.items]


async def walk(database: Database, ordering: Ordering, *, is_backward: bool) -> list[int]:
    """Read the whole list page by page and return the ids in the list's order."""
    found: list[int] = []
    cursor = None
    while True:
        request = PageRequest(
            limit=4,
            after=None if is_backward else cursor,
            before=cursor if is_backward else None,
            is_backward=is_backward,
        )
        page = await read(database, ordering, request)
        ids = [row.id for row in page.items]
        found = [*ids, *found] if is_backward else [*found, *ids]
        assert (page.has_previous if not is_backward else page.has_next) == (cursor is not None)
        if not (page.has_previous if is_backward else page.has_next):
            return found
        cursor = cursors(page)[0 if is_backward else -1]


@pytest.mark.parametrize("is_backward", [False, True])
@pytest.mark.parametrize("is_descending", [False, True])
async def test_every_row_is_shown_once(database: Database, *, is_descending: bool, is_backward: bool) -> None:
    """Walking through from either end, in either direction, meets every row once, in order, ties included."""
    await fill(database)
    ordering = Ordering("samples", COLUMNS, is_descending=is_descending)
    async with database.reading() as session:
        rows = (await session.execute(select(*Sample.__table__.c))).all()
    rows = sorted(rows, key=lambda row: tuple(row._mapping[column.key] for column in COLUMNS), reverse=is_descending)
    assert await walk(database, ordering, is_backward=is_backward) == [row.id for row in rows]


async def test_pages_are_stable_while_rows_come_in(database: Database) -> None:
    """A row that comes in before the cursor is not shown twice nor does it push another one out."""
    await fill(database)
    first = await read(database, BY_WORD, PageRequest(limit=5))
    await store(database, Sample(id=1_000, word="a"), Sample(id=1_001, word="A"), Sample(id=1_002, word="c"))
    rest = await read(database, BY_WORD, PageRequest(limit=100, after=cursors(first)[-1]))
    ids = [row.id for row in (*first.items, *rest.items)]
    assert len(set(ids)) == len(ids)
    assert set(ids) == {*range(COUNT), 1_000, 1_002}


async def test_a_page_lies_between_two_cursors(database: Database) -> None:
    """`after` and `before` together cut out a part; the row at a cursor is not in it."""
    await fill(database)
    all_rows = await read(database, BY_WORD_DOWN, PageRequest(limit=100))
    page = await read(
        database, BY_WORD_DOWN, PageRequest(limit=100, after=cursors(all_rows)[3], before=cursors(all_rows)[9])
    )
    assert [row.id for row in page.items] == [row.id for row in all_rows.items[4:9]]
    assert page.has_previous
    assert not page.has_next


async def test_the_end_of_a_list_is_an_empty_page(database: Database) -> None:
    """After the last row there is nothing, and that is no error."""
    await fill(database)
    last = await read(database, BY_WORD, PageRequest(limit=1, is_backward=True))
    page = await read(database, BY_WORD, PageRequest(limit=5, after=cursors(last)[0]))
    assert (page.items, cursors(page), page.has_next) == ([], [], False)


def runs_of(groups: Mapping[UUID, Sequence[UUID]]) -> Subquery:
    """Return a run for each key of each group."""
    rows = [(group, key) for group, keys in groups.items() for key in keys]
    return union_all(
        *(select(literal(group, Key()).label("group_id"), literal(key, Key()).label("key")) for group, key in rows)
    ).subquery("runs")


@pytest.mark.parametrize("is_backward", [False, True])
@pytest.mark.parametrize("ordering", [BY_WORD, BY_WORD_DOWN])
async def test_pages_of_several_groups_are_those_of_each(
    database: Database, ordering: Ordering, *, is_backward: bool
) -> None:
    """One statement for a level answers as the whole list of each group does, aligned, also page by page."""
    await fill(database)
    one, other, both, nobody = (UUID(int=number) for number in range(10, 14))
    groups = {one: [PARENTS[0]], other: [PARENTS[1]], both: PARENTS[:2], nobody: [UUID(int=99)]}
    keys = [other, nobody, both, one, other]
    everything = await read(database, ordering, PageRequest(limit=100))
    expected = {group: [row.id for row in everything.items if row.key in members] for group, members in groups.items()}
    assert [len(expected[key]) for key in (one, other, both, nobody)] == [12, 11, 23, 0]
    found: dict[UUID, list[int]] = {key: [] for key in keys}
    cursor: str | None = None
    async with database.reading() as session:
        while True:
            asked = keys if cursor is None else [both]
            bound = {"before" if is_backward else "after": cursor}
            pages = await list_pages_by_group(
                session,
                Sample,
                Groups(
                    ("of several groups", *asked),
                    lambda asked=asked: runs_of({key: groups[key] for key in asked}),  # type: ignore[misc]
                    lambda run, sample: sample.key == run.c.key,
                ),
                keys=asked,
                ordering=ordering,
                page=PageRequest(limit=5, is_backward=is_backward, **bound),
            )
            for key, page in zip(asked, pages, strict=True):
                ids = [row.id for row in page.items]
                found[key] = [*ids, *found[key]] if is_backward else [*found[key], *ids]
            page = pages[2 if cursor is None else 0]
            if not (page.has_previous if is_backward else page.has_next):
                break
            cursor = cursors(page)[0 if is_backward else -1]
    assert found[both] == expected[both]
    for key in (one, nobody):
        assert found[key][:5] == (expected[key][-5:] if is_backward else expected[key][:5])


def token(*content: object) -> str:
    """Return what a cursor with this content looks like."""
    return base64.urlsafe_b64encode(orjson.dumps(list(content))).rstrip(b"=").decode()


KEY = "0" * 32
HONEST: tuple[Any, ...] = ("a", 0, 0, 0, KEY, 0)


def test_the_cursors_of_these_tests_are_honest() -> None:
    """The forged cursors below differ from a good one in one thing each."""
    assert len(EVERY_KIND.position(token("samples+", *HONEST))) == len(COLUMNS)


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "=",
        "a",
        "é",
        "\ud800",
        "null",
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"5").decode(),
        base64.urlsafe_b64encode(b"[]").decode(),
        base64.urlsafe_b64encode(b"[" * 50_000).decode(),
        token("samples-", *HONEST),
        token("customers+", *HONEST),
        token("samples+", *HONEST[:-1]),
        token("samples+", *HONEST, 1),
        token("samples+", 5, *HONEST[1:]),
        token("samples+", "a\0", *HONEST[1:]),
        token("samples+", None, *HONEST[1:]),
        token("samples+", "a", "2026-11-22", *HONEST[2:]),
        token("samples+", "a", 2**63 - 1, *HONEST[2:]),
        token("samples+", "a", -(2**63), *HONEST[2:]),
        token("samples+", "a", 0, 1.5, *HONEST[3:]),
        token("samples+", "a", 0, *[True], *HONEST[3:]),
        token("samples+", "a", 0, 0, 2**64 - 1, *HONEST[4:]),
        token("samples+", "a", 0, 0, 0, "no key", 0),
        token("samples+", "a", 0, 0, 0, 0, 0),
        token("samples+", "a", 0, 0, 0, [KEY], {}),
        token("samples+", *HONEST) + "!",
        f" {token('samples+', *HONEST)}",
    ],
)
def test_a_forged_cursor_is_refused(cursor: str) -> None:
    """Another order's cursor, another list's, or anything that no list gave out says where to take one."""
    with pytest.raises(Invalid, match="take one from its pageInfo"):
        EVERY_KIND.position(cursor)


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=5,
)
CURSORS = st.one_of(
    st.text(max_size=100),
    st.binary(max_size=100).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    VALUES.map(lambda value: base64.urlsafe_b64encode(orjson.dumps(value)).decode()),
    st.lists(VALUES, min_size=6, max_size=6).map(lambda values: token("samples+", *values)),
    st.tuples(
        st.text(),
        st.integers(-(2**63), 2**63),
        st.integers(-(2**63), 2**63),
        st.integers(-(2**63), 2**63),
        st.uuids().map(lambda key: key.hex),
        st.integers(-(2**63), 2**63),
    ).map(lambda values: token("samples+", *values)),
)


@given(CURSORS)
def test_no_cursor_breaks_anything(cursor: str) -> None:
    """Any text is refused as `Invalid`, or is a position with a value of the right kind for each column."""
    try:
        position = EVERY_KIND.position(cursor)
    except Invalid:
        return
    assert [type(value) for value in position] == [column.type.python_type for column in COLUMNS]


EXTREMES = (
    ("\U0010ffff" * 50, -62_135_596_800_000_000, -(2**63), 2**63 - 1, "f" * 32, -(2**63)),
    ("", 253_402_300_799_999_999, 2**63 - 1, -(2**63), KEY, 2**63 - 1),
    ("'; DROP TABLE samples; --", 0, 0, 0, KEY, 0),
)


@pytest.mark.parametrize("values", EXTREMES)
async def test_every_accepted_cursor_can_be_asked_for(database: Database, values: tuple[Any, ...]) -> None:
    """The extremes that a forged cursor may hold are compared with by both databases without an error."""
    await fill(database)
    cursor = token("samples+", *values)
    after = await read(database, EVERY_KIND, PageRequest(limit=100, after=cursor))
    before = await read(database, EVERY_KIND, PageRequest(limit=100, before=cursor))
    assert len(after.items) + len(before.items) == COUNT


def test_a_cursor_of_an_unknown_kind_is_a_fault_of_the_program() -> None:
    """An order by a column that a cursor cannot carry is noticed at once."""
    row: Any = type("Row", (), {"flag": 1.5, "id": 1})()
    with pytest.raises(TypeError, match="float"):
        Ordering("samples.flag", (Sample.flag, Sample.id)).cursor(row)


def test_a_page_has_one_size_within_bounds() -> None:
    """Either `first` or `last`, 1 to 100; the other words are passed on."""
    assert check_page(first=1, after="a", last=None, before="b") == PageRequest(limit=1, after="a", before="b")
    assert check_page(first=None, after=None, last=100, before=None) == PageRequest(limit=100, is_backward=True)
    for sizes in ((None, None), (1, 1)):
        with pytest.raises(Invalid, match="either first or last"):
            check_page(first=sizes[0], after=None, last=sizes[1], before=None)
    for size in (0, -1, 101, 2**31 - 1):
        with pytest.raises(Invalid, match="from 1 to 100"):
            check_page(first=size, after=None, last=None, before=None)
        with pytest.raises(Invalid, match="from 1 to 100"):
            check_page(first=None, after=None, last=size, before=None)

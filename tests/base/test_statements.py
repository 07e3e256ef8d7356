"""The seam between SQLAlchemy and the drivers."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Select, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import DBAPIError

from domain.base import statements
from domain.base.columns import Amount, Document, Key, Whole, writer_of
from domain.base.database import Database, Session
from domain.base.kept import Kept
from domain.base.lanes import lane_of
from domain.base.sight import Sight, look
from domain.base.statements import EARS, Prepared, among, is_of_stores, prepared, shopper_of
from tests.base.samples import Sample, store
from tests.conftest import NOW


def full() -> Sample:
    """Return a sample with a value in every column but one."""
    return Sample(
        id=1,
        flag=True,
        whole=-(2**53),
        word="quixo",
        key=UUID(int=2**127),
        instant=datetime(2026, 11, 22, 12, 30, 1, 2, tzinfo=UTC),
        day=date(2026, 2, 28),
        amount=Decimal("-12.3456"),
        document={"a": [1, "two", None]},
    )


FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


def everything() -> Select[Any]:
    """Select every column of all samples."""
    statement: Select[Any] = select(*Sample.__table__.c).order_by(Sample.id)
    return statement


async def test_rows_are_what_sqlalchemy_reads(database: Database) -> None:
    """Every type of column, full and empty, and the ends of time."""
    await store(database, full(), Sample(id=2), Sample(id=3, instant=FIRST), Sample(id=4, instant=LAST, flag=False))
    async with database.reading() as session:
        expected = [dict(row._mapping) for row in await session.execute(everything())]
        found = await prepared(session, ("everything",), everything).rows(session)
    assert [row._mapping for row in found] == expected
    assert found[0].amount == Decimal("-12.3456")
    assert found[0].instant.tzinfo is UTC
    assert found[2].instant == FIRST
    assert found[1].key is None


@pytest.mark.parametrize("count", [0, 1, 10_000])
async def test_a_list_is_one_parameter(database: Database, count: int) -> None:
    """However long it is: one statement, and those who are in it."""
    await store(database, *(Sample(id=number, key=UUID(int=number)) for number in range(5)))
    built: list[int] = []

    def build() -> Any:  # noqa: ANN401
        built.append(1)
        return select(Sample.id, Sample.key).where(among(session, Sample.key, "keys")).order_by(Sample.id)

    async with database.reading() as session:
        found = prepared(session, ("listed", count), build)
        rows = await found.rows(session, keys=[UUID(int=number) for number in range(count)])
        again = prepared(session, ("listed", count), build)
    assert [row.id for row in rows] == list(range(5))[:count]
    assert again is found
    assert built == [1]


async def test_amounts_and_texts_in_lists(database: Database) -> None:
    """Values in a list are written as their column has them."""
    await store(database, Sample(id=1, amount=Decimal("1.5"), word="a"), Sample(id=2, amount=Decimal(2), word="b'\""))
    async with database.reading() as session:
        for column, values in ((Sample.amount, [Decimal(2), Decimal("1.4999")]), (Sample.word, ["b'\"", "A"])):
            statement = prepared(
                session,
                ("of", column),
                lambda column=column: select(Sample.id).where(among(session, column, "values")),  # type: ignore[misc]
            )
            assert [row.id for row in await statement.rows(session, values=values)] == [2]


async def test_who_sees_less_has_another_statement(database: Database) -> None:
    """How much is seen is a parameter that the session gives, never the caller."""

    def build(session: Session, sight: Sight) -> Select[Any]:
        statement = select(Sample.id).order_by(Sample.id)
        if sight.customer_id is not None:
            return statement.where(Sample.key == shopper_of(sight))
        return statement if sight.is_whole else statement.where(is_of_stores(session, sight, Sample.key))

    shopper, stores = UUID(int=7), frozenset({UUID(int=8), UUID(int=9)})
    await store(database, *(Sample(id=number, key=UUID(int=number)) for number in range(7, 10)))
    found = {}
    for sight in (Sight(), Sight(customer_id=shopper), Sight(store_ids=stores), Sight(store_ids=frozenset())):
        # The role of narrowed readers may not read this table of tests: the first fence is what is looked at.
        lane = await database.take_lane(Sight())
        session = lane.session
        look(session, sight)
        rows = await prepared(session, ("seen",), partial(build, session, sight)).rows(
            session, sight_customer=UUID(int=1)
        )
        found[sight.kind, bool(sight.store_ids)] = [row.id for row in rows]
        await database.lanes.give_back(lane)
    assert found == {("", False): [7, 8, 9], ("shopper", False): [7], ("stores", True): [8, 9], ("stores", False): []}


async def test_a_write_is_read_within_its_transaction(database: Database) -> None:
    """What was added is there without a flush; what runs before SQLAlchemy's first statement is undone too."""
    async with database.writing() as session:
        await lane_of(session).driver.execute("INSERT INTO samples (id) VALUES (5)")
        session.add(Sample(id=6, word="new"))
        rows = await prepared(session, ("everything",), everything).rows(session)
        assert [(row.id, row.word) for row in rows] == [(5, None), (6, "new")]
        assert await prepared(session, ("everything",), everything).rows(session)
    async with database.reading() as session:
        assert await prepared(session, ("everything",), everything).rows(session) == []


async def test_a_driver_s_error_is_sqlalchemy_s(database: Database) -> None:
    """Nobody need know who ran a statement; the session can be given back, and the next one reads."""
    async with database.reading() as session:
        broken = prepared(session, ("broken",), lambda: select(text("nothing.at_all")))
        with pytest.raises(DBAPIError, match="nothing"):
            await broken.rows(session)
    async with database.reading() as session:
        assert await prepared(session, ("everything",), everything).rows(session) == []


async def test_a_list_in_the_statement_is_refused(database: Database) -> None:
    """A statement whose text would differ with the length of a list is a fault of the program."""
    async with database.reading() as session:
        with pytest.raises(ValueError, match="among"):
            prepared(session, ("wrong",), lambda: select(Sample.id).where(Sample.id.in_([1, 2])))


async def test_statements_are_heard(database: Database) -> None:
    """Who counts statements is told of those that run past SQLAlchemy, with their parameters."""
    heard: list[tuple[str, object]] = []

    def hear(statement: str, parameters: object) -> None:
        heard.append((statement, parameters))

    EARS.append(hear)
    try:
        async with database.reading() as session:
            counted = select(func.count().label("size")).where(Sample.whole == bindparam("whole", 3, Sample.whole.type))
            (row,) = await prepared(session, ("counted",), lambda: counted).rows(session, whole=4)
    finally:
        EARS.remove(hear)
    assert row.size == 0
    ((statement, parameters),) = heard
    assert "count(*)" in statement
    assert parameters == (4,)


async def test_what_is_kept_is_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not used for longest is built anew."""
    monkeypatch.setattr(statements, "_statements", Kept[Prepared](2))
    built: list[int] = []

    def build(number: int) -> Select[Any]:
        built.append(number)
        return select(Sample.id).where(Sample.id == number)

    async with database.reading() as session:
        for number in (1, 2, 1, 3, 2, 1):
            prepared(session, ("kept", number), lambda number=number: build(number))  # type: ignore[misc]
    assert built == [1, 2, 3, 2, 1]


async def test_what_is_written_as_it_is(database: Database) -> None:
    """On PostgreSQL the driver takes keys and lists of them; amounts and documents are converted on both."""
    dialect = database._reader.dialect
    assert (writer_of(ARRAY(Key()), dialect) is None) is not database.is_sqlite
    amounts = writer_of(ARRAY(Amount()), dialect)
    assert amounts is not None
    assert amounts([Decimal("1.5")]) == [15_000]
    document = writer_of(Document(), dialect)
    assert document is not None
    assert document({"at": str(NOW)})


async def test_a_table_that_changed_its_type_is_read_anew(database: Database) -> None:
    """Alter a column under a statement that is prepared: at most one reading fails of it."""
    await store(database, Sample(id=1, text="7"))

    def build() -> Any:  # noqa: ANN401
        return select(Sample.id, Sample.text)

    async def read() -> list[Any]:
        async with database.reading() as session:
            return await prepared(session, ("altered",), build).rows(session)

    assert [row.id for row in await read()] == [1]
    if not database.is_sqlite:
        async with database.writing() as session:
            await session.execute(text("ALTER TABLE samples ALTER COLUMN text TYPE varchar(50)"))
            await session.commit()
        with pytest.raises(DBAPIError):
            await read()
    assert [row.text for row in await read()] == ["7"]


async def test_a_lane_keeps_so_many_statements(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run more than it keeps, the first one again at the end."""
    monkeypatch.setattr("domain.base.lanes.STATEMENTS_ON_A_CONNECTION", 3)
    await store(database, Sample(id=1))
    async with database.reading() as session:
        for number in (*range(10), 0):
            build = partial(select, Sample.id, bindparam("number", type_=Whole()).label("number"))
            (row,) = await prepared(session, ("numbered", number), build).rows(session, number=number)
            assert (row.id, row.number) == (1, number)
        lane = lane_of(session)
    assert lane is not None
    assert len(lane.statements) == (0 if database.is_sqlite else 3)

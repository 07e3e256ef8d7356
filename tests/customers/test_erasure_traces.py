"""Attack 12: of an erased person no byte is left: in no table, file, index, log of the database or of the server."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from domain.base.errors import StorageBusy
from domain.base.model import Base
from domain.base.work import Works
from tests.conftest import Client, StandingClock
from tests.customers.people import EMAIL, MARKS, Person, add_bystanders, add_person, erase, forget_twin, run_jobs
from tests.interactions.person import let_talk
from tests.orders.shop import send_order

EXPORT = 'mutation($id: ID) { customerExport(input: {customerId: $id, idempotencyKey: "quixo"}) { export { id } } }'
_FILES = """
SELECT coalesce((SELECT relname FROM pg_class WHERE pg_relation_filenode(oid)::text = files.name), files.name) AS name
FROM (SELECT 'base/' || oid AS folder FROM pg_database WHERE datname = current_database()) here,
  LATERAL pg_ls_dir(folder) AS files(name)
WHERE position(convert_to(:mark, 'UTF8') IN pg_read_binary_file(folder || '/' || files.name)) > 0"""


async def rows_with(works: Works, marks: Iterable[str]) -> list[str]:
    """Return the tables with a row in which one of the marks stands, read whole as a dump would."""
    found = []
    async with works.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            rows = await session.execute(text(f'SELECT * FROM "{table.name}"'))
            written = repr([tuple(row) for row in rows]).lower()
            found += [f"{table.name}: {mark}" for mark in marks if mark in written]
    return found


async def files_with(works: Works, marks: Iterable[str]) -> list[str]:
    """Return the database's files in which one of the marks stands, in either case."""
    spellings = {spelling for mark in marks for spelling in (mark, mark.upper(), mark.capitalize())}
    if works.database.is_sqlite:
        path = Path(works.database.url.database or "")
        files = sorted(path.parent.glob(f"{path.name}*"))
        return [f"{file.name}: {each}" for file in files for each in spellings if each.encode() in file.read_bytes()]
    found = []
    async with works.database.writing() as session:
        await session.execute(text("CHECKPOINT"))
        for each in spellings:
            found += [f"{row.name}: {each}" for row in await session.execute(text(_FILES), {"mark": each})]
    return found


async def know_everything(client: Client) -> Person:
    """Let a person be known everywhere, by the database's own statistics too, and have all of it exported."""
    await add_bystanders(client)
    person = await add_person(client)
    await let_talk(client, person)
    await client.ask(EXPORT, {"id": person.id})
    await run_jobs(client.works)
    async with client.works.database.writing() as session:
        await session.execute(text("ANALYZE"))
        await session.commit()
    return person


async def test_no_byte_is_left(client: Client, clock: StandingClock, capfd: pytest.CaptureFixture[str]) -> None:
    """Not in a table, nor in the files behind them once the product cleared up, nor in anything that was logged."""
    person = await know_everything(client)
    before = await rows_with(client.works, MARKS)
    assert len({each.partition(":")[0] for each in before}) >= 20, before
    assert await files_with(client.works, MARKS)
    assert (await erase(client, person.id))["userErrors"] == []
    await forget_twin(client, person)
    await run_jobs(client.works, clock)
    assert await rows_with(client.works, MARKS) == []
    assert await rows_with(client.works, ["1985-03-07", "datetime.date(1985, 3, 7)"]) == []
    assert await files_with(client.works, MARKS) == []
    captured = capfd.readouterr()
    assert [mark for mark in MARKS if mark in (captured.out + captured.err).lower()] == []


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_no_byte_is_left_in_a_copy(client: Client, clock: StandingClock, tmp_path: Path) -> None:
    """A backup that is made afterwards has nothing either, and the file is whole."""
    person = await know_everything(client)
    await erase(client, person.id)
    await forget_twin(client, person)
    await run_jobs(client.works, clock)
    with closing(sqlite3.connect(client.works.database.url.database or "")) as connection:
        connection.execute("VACUUM INTO ?", (str(tmp_path / "copy.sqlite3"),))
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    copy = (tmp_path / "copy.sqlite3").read_bytes().lower()
    assert [mark for mark in MARKS if mark.encode() in copy] == []


@pytest.mark.parametrize("kind", ["sqlite"])
async def test_the_writer_overwrites_what_it_deletes(works: Works) -> None:
    """The setting of the connection that writes; without it freed pages would keep their bytes."""
    async with works.database.writing() as session:
        assert (await session.execute(text("PRAGMA secure_delete"))).scalar_one() == 1


async def test_who_still_reads_is_waited_for(client: Client, clock: StandingClock) -> None:
    """While a transaction may still see the person, the job is tried again; then nothing is left."""
    person = await know_everything(client)
    async with client.works.database.reading() as session:
        await session.execute(text('SELECT * FROM "customers"'))
        await erase(client, person.id)
        await forget_twin(client, person)
        if client.works.database.is_sqlite:
            with pytest.raises(StorageBusy):
                await client.works.database.scrub([])
        else:
            with pytest.raises(StorageBusy):
                await client.works.database.scrub(["customers"])
    await run_jobs(client.works, clock)
    assert await files_with(client.works, MARKS) == []


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_a_large_table_is_not_kept_from_its_readers(
    client: Client, monkeypatch: pytest.MonkeyPatch, works: Works
) -> None:
    """It is vacuumed beside them: no row is left that anybody could read, and nobody waits."""
    monkeypatch.setattr("domain.base.database.REWRITTEN_BYTES_MAX", 0)
    person = await know_everything(client)
    async with works.database.reading() as session:
        await session.execute(text('SELECT * FROM "customers"'))
        await erase(client, person.id)
        await works.database.scrub(["customers"])
    await works.database.scrub(["customers"])
    async with works.database.reading() as session:
        dead = text("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'customers'")
        assert (await session.execute(dead)).scalar_one() == 0


async def test_what_others_have_in_common_stays_theirs(client: Client) -> None:
    """An address that somebody else has too stands on with them, and on their orders; nobody else's is touched."""
    person = await add_person(client)
    await send_order(client, "o-0", customer={"externalId": "b-2", "email": "buyer@mail.example"})
    await send_order(client, "o-2", customer={"externalId": "b-2", "email": EMAIL})
    await send_order(client, "o-3", customer={"externalId": "b-3", "email": "quixo.only@mail.example"})
    await erase(client, person.id)
    query = '{ orders(first: 9, filter: {search: "%s"}) { nodes { externalId } } }' % EMAIL  # noqa: UP031
    found = (await client.ask(query)).data["orders"]["nodes"]
    assert [order["externalId"] for order in found] == ["o-2"]
    other = (await client.ask("query($id: ID!) { customer(id: $id) { email } }", {"id": person.other_id})).data
    assert other["customer"]["email"] == EMAIL.lower()
    await forget_twin(client, person)
    assert (await client.ask(query)).data["orders"]["nodes"] == []
    left = await client.ask('{ orderByExternalId(externalId: "o-3") { contactEmail } }')
    assert left.data["orderByExternalId"] == {"contactEmail": "quixo.only@mail.example"}

"""One write: the change and all that follows from it in one commit, or nothing at all."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from domain.base.actors import ANONYMOUS, SYSTEM
from domain.base.errors import Forbidden, StorageFull, Taken
from domain.base.events import Event
from domain.base.identifiers import new_id
from domain.base.model import AuditEntry, EventRecord
from domain.base.repository import events, keys
from domain.base.work import Once, Organisation, Reactions, Work, Works
from domain.base.writing import WritingSession
from domain.identity.actions.stores import upsert_store
from domain.identity.events import ApiKeyCreated, StoreChanged
from domain.identity.model import Store
from tests.base.stories import APP, count, new_store, opening, state
from tests.conftest import ITALY, NOW

ONCE = Once(key="key", input_hash="hash")


class Breakdown(Exception):  # noqa: N818  not a refusal, and not one of the program's own errors
    """Something fails at the worst moment."""


def with_reactions(works: Works, reactions: Reactions) -> Works:
    """Return works with other reactions on the same database."""
    return replace(works, reactions=reactions)


async def test_one_commit_holds_everything(works: Works) -> None:
    """Business row, event, audit row and idempotency answer are there, and point to one another."""
    store_id = await works.perform_once(opening("fr"), once=ONCE, actor=APP, action="storeUpsert", request_id="r1")
    async with works.database.reading() as session:
        event = (await session.scalars(select(EventRecord).order_by(EventRecord.id.desc()).limit(1))).one()
        audit = await session.get_one(AuditEntry, event.audit_id)
        answer = (await session.execute(text("SELECT scope, key, input_hash FROM idempotency_keys"))).one()
        store = await session.get_one(Store, store_id)
    assert store.code == "fr"
    assert (event.type, event.subjects, event.occurred_at) == ("StoreChanged", {"store_id": store_id.hex}, NOW)
    assert (audit.action, audit.actor_kind, audit.actor_id) == ("storeUpsert", "APP", APP.id)
    assert (audit.request_id, audit.occurred_at) == ("r1", NOW)
    assert tuple(answer) == (APP.scope, "key", "hash")


async def fail_in_story(work: Work) -> UUID:
    """Fail after the change."""
    await opening("fr")(work)
    await work.session.flush()
    raise Breakdown


async def fail_in_flush(work: Work) -> UUID:
    """Leave a row behind that the database refuses at the last moment."""
    await opening("fr")(work)
    work.session.add(AuditEntry(action=None, actor_kind="APP", actor_id=None, request_id=None, occurred_at=work.now))  # type: ignore[arg-type]
    return APP.id or UUID(int=0)


async def refuse(work: Work) -> UUID:
    """Say no after the change."""
    await opening("fr")(work)
    await work.session.flush()
    message = "no"
    raise Taken(message)


@pytest.mark.parametrize(
    ("story", "error"), [(fail_in_story, Breakdown), (fail_in_flush, IntegrityError), (refuse, Taken)]
)
async def test_a_failing_story_leaves_nothing(
    works: Works, story: Callable[[Work], Awaitable[UUID]], error: type[Exception]
) -> None:
    """An error or a refusal, before or in the flush, leaves every table as it was."""
    before = await state(works.database)
    with pytest.raises(error):
        await works.perform_once(story, once=ONCE, actor=APP, action="storeUpsert")
    assert await state(works.database) == before


async def test_a_failing_reaction_leaves_nothing(works: Works) -> None:
    """What another area cannot follow does not happen."""

    async def fail(_work: Work, _events: object, /) -> None:
        raise Breakdown

    before = await state(works.database)
    with pytest.raises(Breakdown):
        await with_reactions(works, {StoreChanged: (fail,)}).perform_once(
            opening("fr"), once=ONCE, actor=APP, action="storeUpsert"
        )
    assert await state(works.database) == before


@pytest.mark.parametrize(
    ("part", "step"), [(events, "insert_rows"), (keys, "store_idempotent_answer"), (WritingSession, "commit")]
)
async def test_a_failure_at_any_later_step_leaves_nothing(
    works: Works, monkeypatch: pytest.MonkeyPatch, part: object, step: str
) -> None:
    """Neither the log, nor the answer, nor the commit itself can fail in part."""

    async def fail(*_arguments: object, **_words: object) -> None:
        raise Breakdown

    before = await state(works.database)
    with monkeypatch.context() as patch:
        patch.setattr(part, step, fail)
        with pytest.raises(Breakdown):
            await works.perform_once(opening("fr"), once=ONCE, actor=APP, action="storeUpsert")
    assert await state(works.database) == before
    await works.perform_once(opening("fr"), once=ONCE, actor=APP, action="storeUpsert")
    assert await count(works.database, Store) == 2


async def test_a_cancelled_work_leaves_nothing(works: Works) -> None:
    """A request that is aborted in the middle leaves nothing and blocks nobody."""
    reached, never = asyncio.Event(), asyncio.Event()

    async def story(work: Work) -> UUID:
        await opening("fr")(work)
        await work.session.flush()
        reached.set()
        await never.wait()
        return UUID(int=0)

    before = await state(works.database)
    task = asyncio.create_task(works.perform_once(story, once=ONCE, actor=APP, action="storeUpsert"))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await state(works.database) == before
    await works.perform(opening("de"), actor=APP, action="storeUpsert")


async def test_reactions_follow_reactions(works: Works) -> None:
    """An event that a reaction records sets off its own reactions; each is given all fresh events of its kind."""
    calls: list[tuple[str, int]] = []

    async def on_store(work: Work, events: Any) -> None:  # noqa: ANN401
        calls.append(("store", len(events)))
        for event in events:
            work.record(ApiKeyCreated(api_key_id=event.store_id))

    async def on_key(work: Work, events: Any) -> None:  # noqa: ANN401
        calls.append(("key", len(events)))
        if len(calls) < 4:
            work.record(StoreChanged(store_id=new_id()))

    reacting = with_reactions(works, {StoreChanged: (on_store,), ApiKeyCreated: (on_key,)})
    await reacting.perform(opening("fr", event_count=3), actor=APP, action="storeUpsert")
    assert calls == [("store", 3), ("key", 3), ("store", 1), ("key", 1)]
    async with works.database.reading() as session:
        recorded = await events.list_events(session, limit=100)
        audits = await events.list_audit_entries(session, limit=1)
    assert [event.type for event in recorded[1:]] == ["StoreChanged"] * 3 + ["ApiKeyCreated"] * 3 + [
        "StoreChanged",
        "ApiKeyCreated",
    ]
    assert {event.audit_id for event in recorded[1:]} == {audits[0].id}


async def test_reactions_see_the_transaction(works: Works) -> None:
    """A reaction reads what the story wrote before anybody else can."""
    seen: list[str] = []

    async def look(work: Work, events: Any) -> None:  # noqa: ANN401
        await work.session.flush()
        store = await work.session.get_one(Store, events[0].store_id)
        seen.append(store.code)
        assert await count(works.database, Store) == 1

    await with_reactions(works, {StoreChanged: (look,)}).perform(opening("fr"), actor=APP, action="storeUpsert")
    assert seen == ["fr"]


async def test_upkeep_of_the_product_is_no_act(works: Works) -> None:
    """What the product does by itself without an event has no audit row; what an actor does has one."""

    async def nothing(_work: Work) -> None:
        return None

    before = await count(works.database, AuditEntry)
    await works.perform(nothing, actor=SYSTEM, action="upkeep")
    assert await count(works.database, AuditEntry) == before
    await works.perform(nothing, actor=APP, action="look")
    assert await count(works.database, AuditEntry) == before + 1


async def test_an_actor_without_the_permission_writes_nothing(works: Works) -> None:
    """The first line of an action names what is needed."""
    before = await state(works.database)
    details = replace(ITALY, code="fr")
    with pytest.raises(Forbidden, match="stores:write"):
        await works.perform(lambda work: upsert_store(work, details=details), actor=ANONYMOUS, action="storeUpsert")
    assert await state(works.database) == before


async def test_a_work_knows_clock_and_organisation(works: Works) -> None:
    """A story decides by the injected clock and the organisation's settings."""
    organisation = Organisation(currency_code="GBP", default_store_code="it")

    async def story(work: Work) -> tuple[object, Organisation]:
        return work.now, work.organisation

    answer = await replace(works, organisation=organisation).perform(story, actor=APP, action="look")
    assert answer == (NOW, organisation)


async def test_a_lost_race_is_run_again(works: Works) -> None:
    """The loser of a unique value runs anew, and nothing of its first attempt stays."""
    attempts: list[UUID] = []

    async def story(work: Work) -> UUID:
        store = new_store(work, "it" if not attempts else "fr")  # "it" is taken already
        attempts.append(store.id)
        work.session.add(store)
        work.record(StoreChanged(store_id=store.id))
        return store.id

    assert await works.perform(story, actor=APP, action="storeUpsert") == attempts[1]
    assert len(attempts) == 2
    assert await count(works.database, EventRecord) == 2  # the first is the one of the store that was there


async def test_a_race_that_never_ends_is_an_error(works: Works) -> None:
    """After six attempts the error is shown; what is no race is shown at once."""
    attempts = 0

    async def always(work: Work) -> None:
        nonlocal attempts
        attempts += 1
        work.session.add(new_store(work, "it"))

    with pytest.raises(IntegrityError):
        await works.perform(always, actor=APP, action="storeUpsert")
    assert attempts == 6

    async def broken(work: Work) -> None:
        nonlocal attempts
        attempts += 1
        await work.session.execute(text("SELECT nothing FROM nowhere"))

    attempts = 0
    with pytest.raises(DBAPIError):
        await works.perform(broken, actor=APP, action="storeUpsert")
    assert attempts == 1


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_a_deadlock_is_run_again(works: Works) -> None:
    """Two works that lock two rows in opposite order both come to their end, one after the other."""
    await works.perform(opening("fr"), actor=APP, action="storeUpsert")
    meeting = asyncio.Barrier(2)
    attempts: list[str] = []

    def locking(first: str, second: str) -> Callable[[Work], Awaitable[None]]:
        async def story(work: Work) -> None:
            is_first_attempt = first not in attempts
            attempts.append(first)
            for code in (first, second):
                rename = text("UPDATE stores SET name = name || '!' WHERE code = :code")
                await work.session.execute(rename, {"code": code})
                if is_first_attempt and code == first:
                    await meeting.wait()

        return story

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(works.perform(locking("it", "fr"), actor=APP, action="rename"))
        tasks.create_task(works.perform(locking("fr", "it"), actor=APP, action="rename"))
    assert len(attempts) == 3
    async with works.database.reading() as session:
        assert set(await session.scalars(select(Store.name))) == {"Italia!!", "fr!!"}


@pytest.mark.parametrize("kind", ["postgresql"])
async def test_two_who_open_the_same_store_at_once_open_one(works: Works) -> None:
    """Both saw that there is none; the one that comes second changes the first one's instead of failing."""
    meeting = asyncio.Barrier(2)
    starts = 0

    def story(name: str) -> Callable[[Work], Awaitable[UUID]]:
        async def open_store(work: Work) -> UUID:
            nonlocal starts
            starts += 1
            store_id = await upsert_store(work, details=replace(ITALY, code="fr", name=name))
            if starts <= 2:
                await meeting.wait()
            return store_id

        return open_store

    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(works.perform(story(name), actor=APP, action="storeUpsert")) for name in ("A", "B")]
    assert starts == 3
    assert both[0].result() == both[1].result()
    assert await count(works.database, Store) == 2


async def test_a_full_disk_is_known_until_there_is_room(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk is full a probe is written before anybody is told that there is room again."""
    assert await works.has_room()

    async def full(*_arguments: object) -> None:
        message = "full"
        raise StorageFull(message)

    with monkeypatch.context() as patch:
        patch.setattr(keys, "write_probe", full)
        assert await works.has_room()  # nobody found it full, so nothing is tried
        with pytest.raises(StorageFull):
            await works.perform(full, actor=APP, action="storeUpsert")
        assert works.database.is_full
        assert not await works.has_room()
    assert await works.has_room()
    assert not works.database.is_full


def test_events_are_told_by_ids_only() -> None:
    """Every kind of event is registered under its name, and shows what it is about as ids."""
    assert Event.registry["StoreChanged"] is StoreChanged
    assert StoreChanged(store_id=UUID(int=5)).subjects == {"store_id": "0" * 31 + "5"}


async def test_what_a_work_kept_is_not_read_again(works: Works) -> None:
    """A reaction recalls what was written as it was kept last, and reads the rest; what was made is known as new."""
    one, other = UUID(int=1), UUID(int=2)
    asked: list[list[UUID]] = []

    async def read(_session: object, ids: Iterable[UUID]) -> dict[UUID, Any]:
        asked.append(list(ids))
        return {key: SimpleNamespace(id=key, name="read") for key in asked[-1]}

    async def story(work: Work) -> None:
        work.keep(SimpleNamespace(id=one, name="first"), is_new=True)
        work.keep(SimpleNamespace(id=one, name="last"))
        found = await work.recall([one, other, one], read)
        assert {key: row.name for key, row in found.items()} == {one: "last", other: "read"}
        assert set(await work.recall([one], read)) == {one}
        assert (work.made(one), work.made(other)) == (True, False)

    await works.perform(story, actor=APP, action="look")
    assert asked == [[other]]

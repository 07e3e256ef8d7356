"""A repeated key: the same answer, one effect."""

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select

from domain.base.errors import IdempotencyMismatch, Invalid, Refusals, Required, TooLong
from domain.base.model import EventRecord, IdempotencyKey
from domain.base.repository.rows import chunks
from domain.base.work import IDEMPOTENCY_KEPT, Once, Works
from domain.identity.model import Store
from tests.base.stories import APP, OTHER_APP, count, opening
from tests.conftest import StandingClock

ONCE = Once(key="key", input_hash="hash")


async def test_the_same_key_gets_the_same_answer(works: Works) -> None:
    """The second story is not told at all; without a key every story is."""
    first = await works.perform_once(opening("fr"), once=ONCE, actor=APP, action="open")
    events = await count(works.database, EventRecord)
    assert await works.perform_once(opening("de"), once=ONCE, actor=APP, action="open") == first
    assert await count(works.database, Store) == 2
    assert await count(works.database, EventRecord) == events
    assert await works.perform_once(opening("de"), once=None, actor=APP, action="open") != first


async def test_another_input_is_refused(works: Works) -> None:
    """The key stays with the input that it was first used for."""
    await works.perform_once(opening("fr"), once=ONCE, actor=APP, action="open")
    with pytest.raises(IdempotencyMismatch, match="another input") as raised:
        await works.perform_once(opening("de"), once=Once(key="key", input_hash="other"), actor=APP, action="open")
    assert raised.value.field == ("idempotency_key",)
    assert await count(works.database, Store) == 2


async def test_keys_of_others_are_others(works: Works) -> None:
    """Each actor has keys of their own."""
    mine = await works.perform_once(opening("fr"), once=ONCE, actor=APP, action="open")
    theirs = await works.perform_once(
        opening("de"), once=Once(key="key", input_hash="x"), actor=OTHER_APP, action="open"
    )
    assert mine != theirs
    assert await count(works.database, IdempotencyKey) == 2


async def test_a_key_is_kept_for_seven_days(works: Works, clock: StandingClock) -> None:
    """After exactly seven days it still counts; a moment later it is unknown, and starts anew."""
    first = await works.perform_once(opening("fr"), once=ONCE, actor=APP, action="open")
    clock.advance(IDEMPOTENCY_KEPT)
    assert await works.perform_once(opening("de"), once=ONCE, actor=APP, action="open") == first
    clock.advance(timedelta(microseconds=1))
    second = await works.perform_once(opening("de"), once=ONCE, actor=APP, action="open")
    assert second != first
    clock.advance(IDEMPOTENCY_KEPT)
    assert await works.perform_once(opening("es"), once=ONCE, actor=APP, action="open") == second
    assert await count(works.database, IdempotencyKey) == 1


async def test_a_refused_write_leaves_its_key_free(works: Works) -> None:
    """What failed may be tried again with the same key."""
    with pytest.raises(ZeroDivisionError):
        await works.perform_once(lambda _work: 1 / 0, once=ONCE, actor=APP, action="open")  # type: ignore[arg-type, return-value]
    assert await count(works.database, IdempotencyKey) == 0
    await works.perform_once(opening("fr"), once=ONCE, actor=APP, action="open")


async def test_twenty_at_once_have_one_effect(works: Works) -> None:
    """A client that sends the same write twenty times at once gets twenty equal answers and one object."""
    async with asyncio.TaskGroup() as tasks:
        sent = [
            tasks.create_task(works.perform_once(opening(f"s{number}"), once=ONCE, actor=APP, action="open"))
            for number in range(20)
        ]
    assert len({each.result() for each in sent}) == 1
    assert await count(works.database, Store) == 2
    assert await count(works.database, EventRecord) == 2
    async with works.database.reading() as session:
        assert (await session.scalars(select(IdempotencyKey.answer_id))).all() == [sent[0].result()]


@pytest.mark.parametrize(
    ("key", "kind_of_refusal"),
    [("x" * 201, TooLong), ("é" * 10_000, TooLong), ("", Required), ("  ", Required), ("a\0b", Invalid)],
)
async def test_what_is_no_key_is_refused(works: Works, key: str, kind_of_refusal: type[Exception]) -> None:
    """A key has 1 to 200 characters that a database can hold; the refusal names the field."""
    with pytest.raises(Refusals) as raised:
        await works.perform_once(opening("fr"), once=Once(key=key, input_hash="h"), actor=APP, action="open")
    (refusal,) = raised.value.refusals
    assert isinstance(refusal, kind_of_refusal)
    assert refusal.field == ("idempotency_key",)
    assert await count(works.database, Store) == 1
    await works.perform_once(opening("fr"), once=Once(key="é" * 200, input_hash="h"), actor=APP, action="open")


def test_lists_are_cut_into_statements() -> None:
    """No statement has more values than the databases take; each value comes once, in order."""
    cut = chunks([*range(1_200), *range(10)])
    assert [len(part) for part in cut] == [500, 500, 200]
    assert [value for part in cut for value in part] == list(range(1_200))

"""What goes wrong in the middle of a level: graphql-core's answer, nothing leaks, and what is kept stays good."""

import asyncio
from typing import Any

import pytest
from graphql import parse
from sqlalchemy import text

from domain.base import statements
from domain.base.actors import EVERY_PERMISSION, Actor, ActorKind
from domain.base.kept import Kept
from domain.base.statements import Prepared
from schema.base.execution.plans import Plans
from schema.orders.types import documents
from tests.api.shop import sell
from tests.conftest import Client
from tests.execution.answering import answer, reference

ACTOR = Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION)
QUERY = """{ customers(first: 5) { nodes { displayName
  orders(first: 2) { nodes { number lines { sku } creditNotes { number } } } } } stores { code } }"""


async def shop(client: Client) -> tuple[Plans, bytes]:
    """Sell something; return the plans of the query, made already, and its answer."""
    for number in range(1, 4):
        await sell(client, number, customer="Ada" if number % 2 else "Bob")
    plans = Plans.of(parse(QUERY))
    sound = await answer(client.works, ACTOR, QUERY, plans=plans)
    assert sound == await reference(client.works, ACTOR, QUERY)
    assert b'"errors":[]' in sound
    return plans, sound


async def broken_statement(session: Any, *_: object, **__: object) -> Any:  # noqa: ANN401
    """Fail as a database does: its transaction is over."""
    await session.execute(text("SELECT nothing FROM nowhere"))


async def broken_code(*_: object, **__: object) -> Any:  # noqa: ANN401
    """Fail as code does."""
    raise ZeroDivisionError


@pytest.mark.parametrize("broken", [broken_statement, broken_code])
@pytest.mark.parametrize("name", ["list_orders_by_customer", "list_lines_by_order", "list_credit_notes_by_order"])
async def test_a_level_that_fails(client: Client, monkeypatch: pytest.MonkeyPatch, name: str, broken: Any) -> None:  # noqa: ANN401
    """The same answer as graphql-core's, with the same errors; what else was asked is answered, the plan stays good."""
    plans, sound = await shop(client)
    with monkeypatch.context() as patched:
        patched.setattr(documents, name, broken)
        found = await answer(client.works, ACTOR, QUERY, plans=plans)
        assert found == await reference(client.works, ACTOR, QUERY)
    assert b'"errors":[]' not in found
    assert client.works.database.lanes.busy == 0
    assert await answer(client.works, ACTOR, QUERY, plans=plans) == sound


async def test_a_client_that_goes_away_in_a_level(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was read with is given back, and the plan stays good."""
    plans, sound = await shop(client)
    reached = asyncio.Event()

    async def endless(*_: object, **__: object) -> None:
        reached.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(documents, "list_lines_by_order", endless)
        asking = asyncio.create_task(answer(client.works, ACTOR, QUERY, plans=plans))
        await reached.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert client.works.database.lanes.busy == 0
    assert await answer(client.works, ACTOR, QUERY, plans=plans) == sound


async def test_a_flood_of_documents_takes_bounded_memory(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each with columns, names and sizes of its own: what is kept is bounded, the last is answered as the first."""
    await sell(client, 1, customer="Ada")
    kept = Kept[Prepared](50)
    monkeypatch.setattr(statements, "_statements", kept)
    names = ("email", "phone", "locale", "country", "givenName", "familyName", "birthDate", "timeZone")
    for number in range(1, 2 ** len(names), 2):
        chosen = " ".join(name for place, name in enumerate(names) if number >> place & 1)
        found = await client.ask(f"{{ a{number}: customers(first: {number % 100 + 1}) {{ nodes {{ {chosen} }} }} }}")
        assert not found.codes
        assert list(found.data) == [f"a{number}"]
    assert len(kept) == 50

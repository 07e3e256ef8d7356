"""The invented people of the demo: there once, as the product's own actions make them, and left alone afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Select, select

from api.demo import furnish, ready_key, write_details
from api.demo_conversations import converse
from api.demo_logins import ready_logins
from domain.base.actors import EVERY_PERMISSION, SYSTEM, Permission
from domain.base.work import Work, Works
from domain.customers.actions.families import show_families
from domain.customers.actions.identities import take_identity_away
from domain.customers.actions.merges import reject_merge, unmerge_customers
from domain.customers.model import CustomerIdentity, CustomerMerge, CustomerRecord
from domain.customers.rules.families import MergeState
from domain.customers.rules.identities import IdentityKind
from domain.interactions.model import Conversation
from tests.conftest import Client
from tests.orders.shop import add_store, nothing_changes, send_order
from tests.snapshots import snapshot

NUMBERS = ("13050", "16700", "12700")


async def open_shop(client: Client, *numbers: str) -> None:
    """Let customers with these numbers have ordered at the demo's store."""
    await add_store(client.works)
    for number in numbers:
        await send_order(client, f"o-{number}", customer={"externalId": number}, storeCode="uk")


async def perform(works: Works, story: Callable[[Work], Awaitable[object]]) -> None:
    """Run a story as the product itself."""
    await works.perform(story, actor=SYSTEM, action="test")


async def read(works: Works, statement: Select[Any]) -> list[Any]:
    """Return the single values that a statement finds."""
    async with works.database.reading() as session:
        return list(await session.scalars(statement))


def merges(state: MergeState) -> Select[Any]:
    """Ask for the merges in a state."""
    return select(CustomerMerge.id).where(CustomerMerge.state == state)


async def test_the_key_opens_every_door(client: Client, tmp_path: Path) -> None:
    """A demo that was made before there were new permissions gets a new key; one that has them all keeps its own."""
    works = client.works
    narrow = await client.new_key(*(EVERY_PERMISSION - {Permission.ATTRIBUTES_WRITE}))
    write_details(tmp_path, url="http://127.0.0.1:1", api_key=narrow)
    wide = await ready_key(works, tmp_path)
    assert wide != narrow
    assert set((await client.ask("{ viewer { permissions } }", key=wide)).data["viewer"]["permissions"]) == {
        *Permission
    }
    write_details(tmp_path, url="http://127.0.0.1:1", api_key=wide)
    async with nothing_changes(works):
        assert await ready_key(works, tmp_path) == wide


async def test_they_are_added_once(client: Client) -> None:
    """A second start of the demo finds them there, and writes nothing at all."""
    works = client.works
    await open_shop(client, *NUMBERS)
    assert await furnish(works)
    assert len(await read(works, select(CustomerRecord.id))) == len(NUMBERS) + 3
    assert [len(await read(works, merges(state))) for state in (MergeState.PROPOSED, MergeState.APPLIED)] == [2, 1]
    async with nothing_changes(works):
        assert await furnish(works)


async def test_several_starts_at_once_add_them_once(client: Client) -> None:
    """On a server several processes may start together: one adds them, the others find them."""
    works = client.works
    await open_shop(client, *NUMBERS)
    assert all(await asyncio.gather(furnish(works), furnish(works), furnish(works)))
    rows = await snapshot(works)
    assert [len(rows[name]) for name in ("customers", "consents", "customer_merges")] == [len(NUMBERS) + 3, 3, 3]


async def test_what_was_decided_about_them_stays(client: Client) -> None:
    """Undone, rejected or taken away, nothing comes back with the next start."""
    works = client.works
    await open_shop(client, *NUMBERS)
    await furnish(works)
    (applied,) = await read(works, merges(MergeState.APPLIED))
    rejected, _ = await read(works, merges(MergeState.PROPOSED))
    (phone,) = await read(works, select(CustomerIdentity.id).where(CustomerIdentity.kind == IdentityKind.PHONE))
    await perform(works, lambda work: unmerge_customers(work, merge_id=applied, reason=None))
    await perform(works, lambda work: reject_merge(work, merge_id=rejected, reason=None))
    await perform(works, lambda work: take_identity_away(work, identity_id=phone))
    async with nothing_changes(works):
        assert await furnish(works)


async def test_another_shop_gets_none(client: Client) -> None:
    """Where one of the customers is missing, the data are not the demo's: nobody is invented among them."""
    await open_shop(client, *NUMBERS[:2])
    async with nothing_changes(client.works):
        assert not await furnish(client.works)


async def test_what_is_shown_of_them_is_gathered(client: Client) -> None:
    """Made in one transaction, with a merge in its midst, they are shown as they would be shown anew."""
    works = client.works
    await open_shop(client, *NUMBERS)
    await furnish(works)
    everybody = await read(works, select(CustomerRecord.id))
    async with nothing_changes(works):
        await perform(works, lambda work: show_families(work, customer_ids=everybody))


async def test_they_have_talked(client: Client, tmp_path: Path) -> None:
    """In every state; whoever is recognised has it in their timeline. A second start says nothing again."""
    works = client.works
    await open_shop(client, *NUMBERS, "17450")
    await furnish(works)
    _, logins = await ready_logins(works, tmp_path)
    await converse(works, agent_email=logins["AGENT"])
    unknown = select(Conversation.contact_value).where(Conversation.customer_id.is_(None))
    assert sorted(await read(works, select(Conversation.status))) == [
        "NEW",
        "NEW",
        "NEW",
        "OPEN",
        "PENDING",
        "RESOLVED",
    ]
    assert await read(works, unknown) == ["buying@lanterna.example"]
    async with nothing_changes(works):
        await converse(works, agent_email=logins["AGENT"])


async def test_talks_that_were_interrupted_go_on(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was said before the crash is not said again."""
    works = client.works
    await open_shop(client, *NUMBERS, "17450")
    await furnish(works)
    _, logins = await ready_logins(works, tmp_path)

    async def crash(_talks: object) -> None:
        message = "the power fails"
        raise OSError(message)

    with monkeypatch.context() as patch:
        patch.setattr("api.demo_conversations._signs", crash)
        with pytest.raises(OSError, match="power"):
            await converse(works, agent_email=logins["AGENT"])
    await converse(works, agent_email=logins["AGENT"])
    rows = await snapshot(works)
    assert (len(rows["conversations"]), len(rows["interactions"])) == (6, 18)


async def test_nobody_talks_in_another_shop(client: Client, tmp_path: Path) -> None:
    """Nor where the agent is not there."""
    works = client.works
    await open_shop(client, *NUMBERS)
    _, logins = await ready_logins(works, tmp_path)
    async with nothing_changes(works):
        await converse(works, agent_email=logins["AGENT"])
        await converse(works, agent_email="nobody@demo.example")

"""What counted for a while is removed, and what still counts is not."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from domain.base.actors import SYSTEM, StaffRole
from domain.base.work import Works
from domain.identity.actions import upkeep
from domain.identity.actions.accounts import forget_shoppers
from domain.identity.actions.upkeep import SESSIONS_KEPT, USED_TOKENS_KEPT, PurgeSignIn, purge_sign_in
from domain.jobs import HANDLERS, SCHEDULES
from schema.base.ids import parse_id
from tests.conftest import Client, StandingClock
from tests.identity.mails import Mailbox
from tests.identity.staff import add_staff, enter, is_let_in, refresh, sign_in
from tests.identity.test_api_registration import EMAIL, REQUEST, ask, enrolled, register

TABLES = ("sessions", "refresh_tokens", "mailed_codes", "throttles", "accounts", "staff_members")


async def counted(works: Works) -> dict[str, int]:
    """Return how many rows each table has."""
    async with works.database.reading() as session:
        return {name: (await session.execute(text(f"SELECT count(*) FROM {name}"))).scalar_one() for name in TABLES}


async def test_what_is_over_is_removed(client: Client, clock: StandingClock) -> None:
    """Codes and counts at once, sessions a week after they ended, used refresh tokens after a month."""
    upkeep_of = next(each for each in SCHEDULES if isinstance(each.job, PurgeSignIn))
    assert upkeep_of.every <= timedelta(hours=1)
    assert HANDLERS[PurgeSignIn] is purge_sign_in
    mailbox = Mailbox(client.works)
    shopper = await enrolled(client, mailbox)
    await add_staff(client.works, "ada@shop.example", role=StaffRole.AGENT)
    await enter(client, "ada@shop.example")
    await sign_in(client, "ada@shop.example", "wrong password")
    await ask(client, REQUEST, {"email": EMAIL})
    shopper = (await refresh(client, shopper["refreshToken"]))["session"]
    before = await counted(client.works)
    await purge_sign_in(client.works, PurgeSignIn())
    assert await counted(client.works) == before
    assert before["sessions"] == 2
    assert before["mailed_codes"] == 1

    clock.advance(timedelta(hours=1, microseconds=1))
    await purge_sign_in(client.works, PurgeSignIn())
    assert await counted(client.works) == {**before, "mailed_codes": 0, "throttles": 0}
    clock.advance(timedelta(hours=11) + SESSIONS_KEPT)
    await purge_sign_in(client.works, PurgeSignIn())
    after = await counted(client.works)
    assert (after["sessions"], after["refresh_tokens"]) == (1, 2)  # the shopper's, with a used and an unused one
    shopper = (await refresh(client, shopper["refreshToken"]))["session"]
    clock.advance(USED_TOKENS_KEPT - SESSIONS_KEPT - timedelta(hours=12))
    await purge_sign_in(client.works, PurgeSignIn())
    assert (await counted(client.works))["refresh_tokens"] == 2
    assert (await refresh(client, shopper["refreshToken"]))["session"]["id"] == shopper["id"]


async def test_many_are_removed_some_at_a_time(
    client: Client, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits long for it."""
    for number in range(3):
        await register(client, f"a{number}@example.org")
    clock.advance(timedelta(hours=2))
    monkeypatch.setattr(upkeep, "REMOVED_AT_ONCE", 1)
    await purge_sign_in(client.works, PurgeSignIn())
    assert (await counted(client.works))["mailed_codes"] == 0


async def test_a_shopper_is_forgotten(client: Client, clock: StandingClock) -> None:
    """Account, sessions and codes go; whoever is signed in is nobody within two seconds; others stay."""
    mailbox = Mailbox(client.works)
    gone, stays = await enrolled(client, mailbox), await enrolled(client, mailbox, "eve@example.org")
    for email in (EMAIL, "eve@example.org", "Other@example.org"):
        await register(client, email)
    customer_id = parse_id(gone["viewer"]["customer"]["id"])[1]
    await client.works.perform(
        lambda work: forget_shoppers(work, customer_ids=[customer_id], addresses=["other@EXAMPLE.org"]),
        actor=SYSTEM,
        action="test",
    )
    left = await counted(client.works)
    assert (left["accounts"], left["sessions"], left["refresh_tokens"], left["mailed_codes"]) == (1, 1, 1, 1)
    clock.advance(timedelta(seconds=2))
    assert [await is_let_in(client, each["accessToken"]) for each in (gone, stays)] == [False, True]

"""Signing in, staying signed in, signing out."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from domain.base import passwords
from domain.base.actors import SYSTEM, StaffRole
from domain.base.identifiers import new_id
from domain.base.passwords import Comparison
from domain.identity.actions.revoking import revoke_family
from domain.identity.rules import ROLE_PERMISSIONS, SIGN_INS_IN_ALL, SIGN_INS_OF_ACCOUNT, SIGN_INS_OF_ADDRESS
from schema.base.ids import global_id
from tests.conftest import Client, StandingClock
from tests.identity import staff
from tests.identity.staff import (
    PASSWORD,
    STAFF_UPDATE,
    VIEWER,
    add_staff,
    codes,
    enter,
    is_let_in,
    refresh,
    revoke,
    sign_in,
)
from tests.snapshots import snapshot


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count how often a password is compared, and with what."""
    seen: list[str] = []
    compare = passwords._compare

    def watched(password: str, with_hash: str) -> Comparison:
        seen.append(with_hash)
        return compare(password, with_hash)

    monkeypatch.setattr(passwords, "_compare", watched)
    return seen


async def test_staff_sign_in_and_act(client: Client) -> None:
    """The session says who it is; the access token opens what the role may do, for ten minutes."""
    await add_staff(client.works, "Ada@Shop.example", store_codes=("it",))
    session = await enter(client, " ada@shop.EXAMPLE ")
    assert session["accessTokenExpiresAt"] == "2026-11-22T12:10:00Z"
    member = {"name": "Ada Byron", "email": "Ada@shop.example", "role": "AGENT", "stores": [{"code": "it"}]}
    assert session["viewer"] == {
        "kind": "STAFF",
        "permissions": sorted(ROLE_PERMISSIONS[StaffRole.AGENT]),
        "staffMember": member,
        "customer": None,
    }
    viewer = (await client.ask(VIEWER, key=session["accessToken"])).data["viewer"]
    assert (viewer["kind"], viewer["staffMember"]) == ("STAFF", {"name": "Ada Byron", "role": "AGENT"})
    assert (await client.ask("{ apiKeys { id } }", key=session["accessToken"])).codes == ["FORBIDDEN"]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@shop.example", "wrong password"),
        ("nobody@shop.example", PASSWORD),
        ("no address", PASSWORD),
        ("a\u0000b@shop.example", PASSWORD),
        ("", ""),
        ("ada@shop.example", ""),
        ("ada@shop.example", PASSWORD + "\u0000"),
        ("ada@shop.example", "x" * 9_000),
        ("gone@shop.example", PASSWORD),
    ],
)
async def test_what_is_wrong_is_not_said(client: Client, comparisons: list[str], email: str, password: str) -> None:
    """Known and unknown get the same answer, at the cost of one comparison with the same parameters."""
    await add_staff(client.works, "ada@shop.example")
    gone = await add_staff(client.works, "gone@shop.example")
    await client.ask(STAFF_UPDATE, {"input": {"staffMemberId": gone, "isActive": False}})
    refused = await sign_in(client, email, password)
    assert refused["session"] is None
    (error,) = refused["userErrors"]
    assert (error["code"], error["field"]) == ("BAD_CREDENTIALS", None)
    assert error["message"] == "The e-mail address, the password or the one-time code is wrong."
    (compared,) = comparisons
    assert compared.startswith("$argon2id$v=19$m=47104,t=1,p=1$")


async def test_guessing_ends_after_ten_failures(client: Client, clock: StandingClock, comparisons: list[str]) -> None:
    """Then nothing is compared any more, also for the right password, until the quarter of an hour is over."""
    await add_staff(client.works, "ada@shop.example")
    for _ in range(SIGN_INS_OF_ACCOUNT.attempts_max):
        assert codes(await sign_in(client, "ada@shop.example", "wrong password")) == ["BAD_CREDENTIALS"]
    clock.advance(timedelta(minutes=14))
    refused = await sign_in(client, "ADA@shop.example")
    assert codes(refused) == ["RATE_LIMITED"]
    assert refused["userErrors"][0]["retryAt"] == "2026-11-22T12:15:00Z"
    assert len(comparisons) == SIGN_INS_OF_ACCOUNT.attempts_max
    clock.advance(timedelta(minutes=1))
    await enter(client, "ada@shop.example")


async def test_fifty_guesses_at_once_are_ten(client: Client, comparisons: list[str]) -> None:
    """Attempts are counted before they are looked at."""
    await add_staff(client.works, "ada@shop.example")
    answers = await asyncio.gather(*(sign_in(client, "ada@shop.example", f"wrong {n}") for n in range(25)))
    told = sorted(code for answer in answers for code in codes(answer))
    assert told == ["BAD_CREDENTIALS"] * 10 + ["RATE_LIMITED"] * 15
    assert len(comparisons) == SIGN_INS_OF_ACCOUNT.attempts_max


async def test_who_signs_in_is_forgotten_their_failures(client: Client) -> None:
    """Nine failures, a success, nine failures: nobody is locked out."""
    await add_staff(client.works, "ada@shop.example")
    for _ in range(2):
        for _ in range(SIGN_INS_OF_ACCOUNT.attempts_max - 1):
            await sign_in(client, "ada@shop.example", "wrong password")
        await enter(client, "ada@shop.example")


async def test_who_knows_the_password_is_slowed_down_too(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right ones cost the server as much: sixty in a quarter of an hour are enough for one account."""
    await add_staff(client.works, "ada@shop.example")
    monkeypatch.setattr(passwords, "_compare", lambda _password, _hash: Comparison(is_right=True))
    for _ in range(SIGN_INS_IN_ALL.attempts_max):
        assert codes(await sign_in(client, "ada@shop.example")) == []
    assert codes(await sign_in(client, "ada@shop.example")) == ["RATE_LIMITED"]


async def test_one_network_address_tries_many_accounts(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred failures from one address end it for every account; others' addresses go on."""
    monkeypatch.setattr(passwords, "_compare", lambda _password, _hash: Comparison(is_right=False))
    for number in range(SIGN_INS_OF_ADDRESS.attempts_max):
        assert codes(await sign_in(client, f"a{number}@shop.example")) == ["BAD_CREDENTIALS"]
    assert codes(await sign_in(client, "another@shop.example")) == ["RATE_LIMITED"]


async def test_an_outdated_hash_is_renewed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who signs in with a hash of other parameters has one of today's afterwards."""
    cheap = PasswordHasher(memory_cost=8_192, time_cost=1, parallelism=1)
    with monkeypatch.context() as patch:
        patch.setattr(staff, "kept_of", lambda password: asyncio.to_thread(cheap.hash, password))
        await add_staff(client.works, "ada@shop.example")
    await enter(client, "ada@shop.example")
    async with client.works.database.reading() as session:
        (kept,) = await session.scalars(text("SELECT password_hash FROM staff_members"))
    assert "m=47104,t=1,p=1" in kept
    await enter(client, "ada@shop.example")


async def test_a_refresh_token_works_once(client: Client, clock: StandingClock) -> None:
    """Each refresh hands over a new pair; after ten seconds an old one ends the whole session, for good."""
    await add_staff(client.works, "ada@shop.example")
    first = await enter(client, "ada@shop.example")
    second = (await refresh(client, first["refreshToken"]))["session"]
    assert second["id"] == first["id"]
    assert second["refreshToken"] != first["refreshToken"]
    clock.advance(timedelta(seconds=10))
    third = (await refresh(client, first["refreshToken"]))["session"]
    assert third["id"] == first["id"]
    clock.advance(timedelta(microseconds=1))
    assert await is_let_in(client, third["accessToken"])
    refused = await refresh(client, first["refreshToken"])
    assert (refused["session"], codes(refused)) == (None, ["BAD_CREDENTIALS"])
    clock.advance(timedelta(seconds=2))
    assert not await is_let_in(client, third["accessToken"])
    for each in (second, third):
        assert codes(await refresh(client, each["refreshToken"])) == ["BAD_CREDENTIALS"]
    async with client.works.database.reading() as session:
        (revoked,) = await session.scalars(text("SELECT count(*) FROM events WHERE type = 'SessionRevoked'"))
    assert revoked == 1


async def test_a_phone_refreshes_twenty_times_at_once(client: Client) -> None:
    """All are answered within the grace, none ends the session, and each new token works."""
    await add_staff(client.works, "ada@shop.example")
    session = await enter(client, "ada@shop.example")
    answers = await asyncio.gather(*(refresh(client, session["refreshToken"]) for _ in range(20)))
    assert [codes(answer) for answer in answers] == [[]] * 20
    for answer in answers[:3]:
        assert await is_let_in(client, answer["session"]["accessToken"])
        assert codes(await refresh(client, answer["session"]["refreshToken"])) == []


@pytest.mark.parametrize("token", ["", "nonsense", "x" * 5_000, "a\u0000b", "\ud800"])
async def test_what_is_no_refresh_token_opens_nothing(client: Client, token: str) -> None:
    """Whatever it is, it is unknown, and nothing is written for it."""
    query = "mutation($t: String!) { sessionRefresh(input: {refreshToken: $t}) { session { id } userErrors { code } } }"
    body = json.dumps({"query": query, "variables": {"t": token}})
    response = await client.http.post("/graphql", content=body, headers={"Content-Type": "application/json"})
    if response.status_code == 200:
        assert codes(response.json()["data"]["sessionRefresh"]) == ["BAD_CREDENTIALS"]
    else:
        assert response.status_code == 400


async def test_a_staff_session_ends_after_twelve_hours(client: Client, clock: StandingClock) -> None:
    """However busy it is; its last access token ends with it."""
    await add_staff(client.works, "ada@shop.example")
    session = await enter(client, "ada@shop.example")
    clock.advance(timedelta(hours=11, minutes=55))
    session = (await refresh(client, session["refreshToken"]))["session"]
    assert await is_let_in(client, session["accessToken"])
    clock.advance(timedelta(minutes=5))
    assert not await is_let_in(client, session["accessToken"])
    assert codes(await refresh(client, session["refreshToken"])) == ["BAD_CREDENTIALS"]


async def test_an_access_token_ends_after_ten_minutes(client: Client, clock: StandingClock) -> None:
    """When it ends it ends; clocks may differ about its beginning only."""
    await add_staff(client.works, "ada@shop.example")
    session = await enter(client, "ada@shop.example")
    clock.advance(timedelta(minutes=9, seconds=59))
    assert await is_let_in(client, session["accessToken"])
    clock.advance(timedelta(seconds=1))
    assert not await is_let_in(client, session["accessToken"])


async def test_sessions_are_revoked(client: Client, clock: StandingClock) -> None:
    """One's own, another of one's own, all; never somebody else's; within two seconds; a second time nothing."""
    await add_staff(client.works, "ada@shop.example")
    await add_staff(client.works, "bob@shop.example")
    ada = [await enter(client, "ada@shop.example") for _ in range(4)]
    bob = await enter(client, "bob@shop.example")
    token = ada[0]["accessToken"]
    for stranger in (bob["id"], global_id("Session", new_id()), "nonsense"):
        assert await revoke(client, token, sessionId=stranger) == {
            "revokedCount": None,
            "userErrors": [{"code": "NOT_FOUND", "field": ["sessionId"]}],
        }
    assert (await revoke(client, token, sessionId=ada[1]["id"]))["revokedCount"] == 1
    assert (await revoke(client, token, sessionId=ada[1]["id"]))["revokedCount"] == 0
    assert (await revoke(client, ada[2]["accessToken"]))["revokedCount"] == 1
    clock.advance(timedelta(seconds=2))
    assert [await is_let_in(client, each["accessToken"]) for each in ada] == [True, False, False, True]
    assert (await revoke(client, token, everywhere=True))["revokedCount"] == 2
    clock.advance(timedelta(seconds=2))
    assert [await is_let_in(client, each["accessToken"]) for each in (*ada, bob)] == [False] * 4 + [True]
    assert client.key is not None
    for what in ({}, {"everywhere": True}):
        assert codes(await revoke(client, client.key, **what)) == ["INVALID_STATE"]


async def test_a_lost_role_is_lost_within_seconds(client: Client, clock: StandingClock) -> None:
    """A role, stores or a whole member: what changes counts for sessions that are open."""
    key = await add_staff(client.works, "ada@shop.example", role=StaffRole.SUPERVISOR)
    session = await enter(client, "ada@shop.example")
    shown: dict[str, Any] = (await client.ask(VIEWER, key=session["accessToken"])).data["viewer"]
    assert shown["permissions"] == sorted(ROLE_PERMISSIONS[StaffRole.SUPERVISOR])
    await client.ask(STAFF_UPDATE, {"input": {"staffMemberId": key, "role": "ANALYST"}})
    clock.advance(timedelta(seconds=2))
    shown = (await client.ask(VIEWER, key=session["accessToken"])).data["viewer"]
    assert shown["permissions"] == sorted(ROLE_PERMISSIONS[StaffRole.ANALYST])
    await client.ask(STAFF_UPDATE, {"input": {"staffMemberId": key, "isActive": False}})
    clock.advance(timedelta(seconds=2))
    assert not await is_let_in(client, session["accessToken"])
    assert codes(await refresh(client, session["refreshToken"])) == ["BAD_CREDENTIALS"]
    await client.ask(STAFF_UPDATE, {"input": {"staffMemberId": key, "isActive": True}})
    assert not await is_let_in(client, session["accessToken"])


async def test_nothing_secret_is_kept(client: Client) -> None:
    """Neither a password nor a token stands in the database, but as a hash."""
    await add_staff(client.works, "ada@shop.example")
    session = await enter(client, "ada@shop.example")
    again = (await refresh(client, session["refreshToken"]))["session"]
    secrets = {PASSWORD, session["accessToken"], session["refreshToken"], again["refreshToken"]}
    async with client.works.database.reading() as reading:
        tables = ("staff_members", "sessions", "refresh_tokens", "events", "audit_entries", "jobs", "throttles")
        for table in tables:
            rows = str((await reading.execute(text(f"SELECT * FROM {table}"))).all())
            assert not [secret for secret in secrets if secret in rows], table
            assert "127.0.0.1" not in rows


async def test_a_family_that_is_gone_is_revoked_by_nobody(client: Client) -> None:
    """Who revokes a session that was removed meanwhile changes nothing."""
    before = await snapshot(client.works)
    await client.works.perform(lambda work: revoke_family(work, session_id=new_id()), actor=SYSTEM, action="test")
    assert await snapshot(client.works) == before

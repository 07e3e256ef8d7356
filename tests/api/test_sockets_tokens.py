"""Tokens over the socket: where they may stand, and what happens to open streams when they end."""

import asyncio
from datetime import timedelta

import pytest
from starlette.applications import Starlette

from domain.base.actors import EVERY_PERMISSION, SYSTEM, StaffRole
from domain.base.tokens import CLOCK_SKEW_S
from domain.identity.actions.keys import revoke_api_key
from domain.identity.repository.keys import find_api_key_by_hash
from domain.identity.rules import hash_secret
from tests.api.sockets import Socket
from tests.conftest import Client, StandingClock
from tests.identity.staff import add_staff, enter
from tests.identity.staff import revoke as revoke_session
from tests.orders.shop import Input, send_order

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])
DEMOTE = """mutation($i: ID!) {
  staffMemberUpdate(input: {staffMemberId: $i, role: ANALYST}) { userErrors { code } } }"""
CREATE = 'mutation { customerCreate(input: {givenName: "Eva"}) { customer { displayName } } }'


async def revoke(client: Client, secret: str) -> None:
    """Let a key open no door any more."""
    async with client.works.database.reading() as session:
        key = await find_api_key_by_hash(session, hash_secret(secret))
    assert key is not None
    await client.works.perform(lambda work: revoke_api_key(work, api_key_id=key.id), actor=SYSTEM, action="revoke")


@SQLITE_ONLY
async def test_where_the_token_may_stand(app: Starlette, client: Client) -> None:
    """In connection_init, or in the handshake's own header, which pages cannot set; never in a cookie."""
    bearer = f"Bearer {client.key}"
    for payload in ({"Authorization": bearer}, {"authorization": bearer}):
        socket = await (await Socket(app).open()).initialise(**payload)
        assert (await socket.ask("{ viewer { kind } }"))["data"]["viewer"] == {"kind": "APP"}
        await socket.leave()
    for headers, kind in (({"authorization": bearer}, "APP"), ({"cookie": f"Authorization={bearer}"}, "ANONYMOUS")):
        socket = await (await Socket(app, **headers).open()).initialise()
        assert (await socket.ask("{ viewer { kind } }"))["data"]["viewer"] == {"kind": kind}
        await socket.leave()


@SQLITE_ONLY
@pytest.mark.parametrize("token", ["sk_unknown", "", "x" * 10_000, "é"])
async def test_a_wrong_token_closes_the_socket(app: Starlette, token: str) -> None:
    """With 4403: clients get a fresh token and come back."""
    socket = await Socket(app).open()
    socket.tell({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
    assert await socket.closed() == 4403


async def test_a_revoked_token_closes_its_sockets_within_five_seconds(
    app: Starlette, client: Client, clock: StandingClock, customer: Input
) -> None:
    """Those of others stay open; nothing is told to it any more."""
    secret = await client.new_key(*EVERY_PERMISSION)
    sockets = [await (await Socket(app).open()).initialise(key) for key in (secret, secret, client.key)]
    for socket in sockets:
        await socket.follow(customer["id"])
    await revoke(client, secret)
    for _ in range(10):
        clock.advance(timedelta(seconds=0.5))
        await asyncio.sleep(0.02)
    for socket in sockets[:2]:
        assert await socket.closed() == 4403
    await send_order(client, customer={"externalId": "k"})
    assert (await sockets[2].hear())["type"] == "next"
    await sockets[2].leave()


async def test_a_session_that_ends_closes_its_sockets(
    app: Starlette, client: Client, clock: StandingClock, customer: Input
) -> None:
    """Within five seconds after it was revoked, or after its token counts no more."""
    await add_staff(client.works, "ada@shop.example")
    for ends_by in ("revocation", "time"):
        session = await enter(client, "ada@shop.example")
        socket = await (await Socket(app).open()).initialise(session["accessToken"])
        await socket.follow(customer["id"])
        if ends_by == "revocation":
            assert (await revoke_session(client, session["accessToken"]))["revokedCount"] == 1
        else:
            clock.advance(timedelta(minutes=10, seconds=CLOCK_SKEW_S))
        for _ in range(10):
            clock.advance(timedelta(seconds=0.5))
            await asyncio.sleep(0.02)
        assert await socket.closed() == 4403


async def test_a_role_that_is_taken_is_taken_from_streams(
    app: Starlette, client: Client, clock: StandingClock, customer: Input
) -> None:
    """Who may no longer read customers is told nothing of them after five seconds."""
    member = await add_staff(client.works, "ada@shop.example")
    await add_staff(client.works, "root@shop.example", role=StaffRole.ADMIN)
    session = await enter(client, "ada@shop.example")
    socket = await (await Socket(app).open()).initialise(session["accessToken"])
    await socket.follow(customer["id"])
    mutation = (
        "mutation($i: ID!) { staffMemberUpdate(input: {staffMemberId: $i, role: ANALYST}) { userErrors { code } } }"
    )
    assert (await client.ask(mutation, {"i": member})).data["staffMemberUpdate"]["userErrors"] == []
    for _ in range(10):
        clock.advance(timedelta(seconds=0.5))
        await asyncio.sleep(0.02)
    said = await socket.hear()
    assert [each["extensions"]["code"] for each in said["payload"]["errors"]] == ["FORBIDDEN"]
    assert await socket.hear() == {"type": "complete", "id": "1"}
    await send_order(client, customer={"externalId": "k"})
    await asyncio.sleep(0.05)
    assert socket.is_silent
    await socket.leave()

"""Tokens that the shop's own server makes for one customer."""

from datetime import timedelta
from typing import Any

import pytest

from domain.base.actors import EVERY_PERMISSION, Permission, StaffRole
from domain.base.identifiers import new_id
from schema.base.ids import global_id, parse_id
from tests.conftest import Client, StandingClock
from tests.identity.staff import STAFF_UPDATE, add_staff, codes, enter, is_let_in, revoke

CREATE = """
mutation($input: CustomerTokenCreateInput!) { customerTokenCreate(input: $input) {
  accessToken expiresAt sessionId userErrors { code field } } }
"""
CUSTOMER = "mutation($input: CustomerCreateInput!) { customerCreate(input: $input) { customer { id } } }"


@pytest.fixture
async def ada(client: Client) -> str:
    """Return the id of a customer whom the shop calls c-1."""
    made = await client.ask(CUSTOMER, {"input": {"externalId": "c-1", "givenName": "Ada"}})
    return str(made.data["customerCreate"]["customer"]["id"])


async def mint(client: Client, *, key: str | None = None, **said: Any) -> dict[str, Any]:  # noqa: ANN401
    """Ask for a token; return the payload."""
    payload: dict[str, Any] = (await client.ask(CREATE, {"input": said}, key=key)).data["customerTokenCreate"]
    return payload


async def who(client: Client, token: str) -> str | None:
    """Return as whom a token acts."""
    me: dict[str, Any] | None = (await client.ask("{ me { id } }", key=token)).data["me"]
    return None if me is None else me["id"]


@pytest.mark.parametrize(
    ("lifetime", "ends"),
    [(None, "12:10:00"), ("PT1H", "13:00:00"), ("PT1S", "12:00:01"), ("pt30m15s", "12:30:15"), ("P0DT5M", "12:05:00")],
)
async def test_a_token_acts_as_the_customer(
    client: Client, ada: str, clock: StandingClock, lifetime: str | None, ends: str
) -> None:
    """For as long as was asked for, by either id; it cannot be prolonged."""
    more = {} if lifetime is None else {"expiresIn": lifetime}
    for named in ({"customerId": ada}, {"externalId": "c-1"}):
        made = await mint(client, **named, **more)
        assert (made["expiresAt"], made["userErrors"]) == (f"2026-11-22T{ends}Z", [])
        assert await who(client, made["accessToken"]) == ada
    clock.advance(timedelta(hours=1, seconds=5))
    assert not await is_let_in(client, made["accessToken"])


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({}, "INVALID", ["customerId"]),
        ({"customerId": "own", "externalId": "c-1"}, "INVALID", ["customerId"]),
        ({"customerId": "none"}, "NOT_FOUND", ["customerId"]),
        ({"customerId": "nonsense"}, "NOT_FOUND", ["customerId"]),
        ({"externalId": "c-2"}, "NOT_FOUND", ["externalId"]),
        ({"externalId": ""}, "NOT_FOUND", ["externalId"]),
        ({"externalId": "c-1", "expiresIn": "PT1H1S"}, "INVALID", ["expiresIn"]),
        ({"externalId": "c-1", "expiresIn": "PT0S"}, "INVALID", ["expiresIn"]),
        ({"externalId": "c-1", "expiresIn": "PT"}, "INVALID", ["expiresIn"]),
        ({"externalId": "c-1", "expiresIn": "-PT5M"}, "INVALID", ["expiresIn"]),
        ({"externalId": "c-1", "expiresIn": "P999999D"}, "INVALID", ["expiresIn"]),
        ({"externalId": "c-1", "expiresIn": "P1M"}, "INVALID", ["expiresIn"]),
        ({"externalId": "c-1", "expiresIn": "600"}, "INVALID", ["expiresIn"]),
    ],
)
async def test_a_bad_wish_is_refused(
    client: Client, ada: str, said: dict[str, str], code: str, field: list[str]
) -> None:
    """Each with its code and field."""
    ids = {"own": ada, "none": global_id("Customer", new_id())}
    refused = await mint(client, **{name: ids.get(value, value) for name, value in said.items()})
    assert (refused["accessToken"], refused["sessionId"]) == (None, None)
    assert refused["userErrors"] == [{"code": code, "field": field}]


async def test_a_token_of_staff_ends_with_them(client: Client, ada: str, clock: StandingClock) -> None:
    """Who leaves takes along what they had made: within two seconds it opens nothing."""
    member = await add_staff(client.works, "root@shop.example", role=StaffRole.ADMIN)
    staff = (await enter(client, "root@shop.example"))["accessToken"]
    made = await mint(client, key=staff, customerId=ada, expiresIn="PT1H")
    assert await who(client, made["accessToken"]) == ada
    await add_staff(client.works, "next@shop.example", role=StaffRole.ADMIN)
    await client.ask(STAFF_UPDATE, {"input": {"staffMemberId": member, "isActive": False}})
    clock.advance(timedelta(seconds=2))
    assert not await is_let_in(client, made["accessToken"])


async def test_only_who_may_mints(client: Client, ada: str) -> None:
    """No other permission does."""
    other = await client.new_key(*(EVERY_PERMISSION - {Permission.TOKENS_WRITE}))
    answer = await client.ask(CREATE, {"input": {"customerId": ada}}, key=other)
    assert (answer.codes, answer.body["data"]) == (["FORBIDDEN"], {"customerTokenCreate": None})


async def test_a_token_ends_with_its_session_or_its_key(client: Client, ada: str, clock: StandingClock) -> None:
    """Whoever made it ends it by its id; nobody else does; with the key all that it made end."""
    minting, other = [await client.new_key(Permission.TOKENS_WRITE) for _ in range(2)]
    first, second = [await mint(client, key=minting, customerId=ada) for _ in range(2)]
    assert codes(await revoke(client, other, sessionId=first["sessionId"])) == ["NOT_FOUND"]
    assert (await revoke(client, minting, sessionId=first["sessionId"]))["revokedCount"] == 1
    clock.advance(timedelta(seconds=2))
    assert [await is_let_in(client, each["accessToken"]) for each in (first, second)] == [False, True]
    listed = (await client.ask("{ apiKeys { id prefix } }")).data["apiKeys"]
    (key_id,) = [each["id"] for each in listed if minting.startswith(each["prefix"])]
    await client.ask(
        "mutation($id: ID!) { apiKeyRevoke(input: {apiKeyId: $id}) { userErrors { code } } }", {"id": key_id}
    )
    clock.advance(timedelta(seconds=2))
    assert not await is_let_in(client, second["accessToken"])


async def test_a_customers_token_may_do_nothing_else(client: Client, ada: str) -> None:
    """It reads no other customer, mints no token, and sees no key."""
    token = (await mint(client, customerId=ada))["accessToken"]
    for query in ("{ customers(first: 1) { nodes { id } } }", "{ apiKeys { id } }"):
        assert (await client.ask(query, key=token)).codes == ["FORBIDDEN"], query
    assert (await client.ask(CREATE, {"input": {"customerId": ada}}, key=token)).codes == ["FORBIDDEN"]
    assert parse_id(ada)[0] == "Customer"

"""Keys of programs through the API."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from domain.base.actors import EVERY_PERMISSION, SYSTEM, Permission
from domain.base.identifiers import new_id
from domain.identity.actions.keys import create_api_key
from domain.identity.repository.keys import list_program_ids
from tests.conftest import Client, StandingClock
from tests.snapshots import snapshot

CREATE = """
mutation($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) {
  apiKey { id name prefix permissions createdAt expiresAt revokedAt lastUsedAt } secret
  userErrors { code message field } } }
"""
REVOKE = """
mutation($id: ID!) { apiKeyRevoke(input: { apiKeyId: $id }) {
  apiKey { id revokedAt } userErrors { code field } } }
"""
VIEWER = "{ viewer { kind permissions } }"


async def create(client: Client, *, key: str | None = None, **fields: Any) -> dict[str, Any]:  # noqa: ANN401
    """Make a key and return the payload."""
    values = {"name": "Shop", "permissions": ["orders:write", "orders:read"], **fields}
    payload: dict[str, Any] = (await client.ask(CREATE, {"input": values}, key=key)).data["apiKeyCreate"]
    return payload


async def test_a_key_is_made_used_and_revoked(client: Client, clock: StandingClock) -> None:
    """Its secret opens the door, its use is noted to the minute, and revoked it opens nothing."""
    made = await create(client, expiresAt="2027-01-01T00:00:00Z")
    assert made["userErrors"] == []
    key, secret = made["apiKey"], made["secret"]
    assert secret.startswith(key["prefix"])
    assert len(secret) > len(key["prefix"]) + 30
    assert (key["permissions"], key["expiresAt"]) == (["orders:read", "orders:write"], "2027-01-01T00:00:00Z")
    assert (key["lastUsedAt"], key["revokedAt"]) == (None, None)
    viewer = (await client.ask(VIEWER, key=secret)).data["viewer"]
    assert viewer == {"kind": "APP", "permissions": ["orders:read", "orders:write"]}
    for minutes, noted in ((0.5, "12:00:00"), (1, "12:01:30"), (0.1, "12:01:30")):
        clock.advance(timedelta(minutes=minutes))
        await client.ask(VIEWER, key=secret)
        listed = (await client.ask("{ apiKeys { id lastUsedAt } }")).data["apiKeys"]
        assert {each["id"]: each["lastUsedAt"] for each in listed}[key["id"]] == f"2026-11-22T{noted}Z"
    for _ in range(2):
        revoked = (await client.ask(REVOKE, {"id": key["id"]})).data["apiKeyRevoke"]
        assert revoked == {"apiKey": {"id": key["id"], "revokedAt": "2026-11-22T12:01:36Z"}, "userErrors": []}
    clock.advance(timedelta(seconds=2))
    answer = await client.ask(VIEWER, key=secret)
    assert (answer.status, answer.codes) == (401, ["UNAUTHENTICATED"])


async def test_nobody_gives_away_what_they_have_not(client: Client) -> None:
    """A key that makes keys makes none that may do more than itself."""
    maker = await client.new_key(Permission.KEYS_WRITE, Permission.ORDERS_READ)
    refused = await create(client, key=maker)
    assert (refused["apiKey"], refused["secret"]) == (None, None)
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [("FORBIDDEN", ["permissions"])]
    assert "orders:write" in refused["userErrors"][0]["message"]
    made = await create(client, key=maker, permissions=["orders:read"])
    assert made["apiKey"]["permissions"] == ["orders:read"]


async def test_what_a_key_makes_ends_with_it(client: Client) -> None:
    """A key that expires makes none that would go on without it."""
    ends = "2026-12-01T00:00:00Z"
    maker = (await create(client, permissions=["keys:write", "orders:read"], expiresAt=ends))["secret"]
    for said, kept in (
        ({}, ends),
        ({"expiresAt": "2027-01-01T00:00:00Z"}, ends),
        ({"expiresAt": "2026-11-30T00:00:00Z"}, "2026-11-30T00:00:00Z"),
    ):
        made = await create(client, key=maker, permissions=["orders:read"], **said)
        assert made["apiKey"]["expiresAt"] == kept
    assert (await create(client))["apiKey"]["expiresAt"] is None


async def test_a_repeated_call_makes_one_key_and_shows_its_secret_once(client: Client) -> None:
    """Ten at once with one idempotency key: one API key, one answer with the secret, nine without."""
    made = await asyncio.gather(*(create(client, idempotencyKey="k") for _ in range(10)))
    assert len({each["apiKey"]["id"] for each in made}) == 1
    secrets = [each["secret"] for each in made if each["secret"] is not None]
    assert len(secrets) == 1
    assert (await client.ask(VIEWER, key=secrets[0])).data["viewer"]["kind"] == "APP"
    again = await create(client, idempotencyKey="k", name="Other")
    assert [each["code"] for each in again["userErrors"]] == ["IDEMPOTENCY_MISMATCH"]


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"name": " "}, "REQUIRED", None),
        ({"name": "x" * 201}, "TOO_LONG", None),
        ({"permissions": ["everything"]}, "INVALID", None),
        ({"expiresAt": "2026-11-22T12:00:00Z"}, "INVALID", ["expiresAt"]),
    ],
)
async def test_bad_input_is_refused_and_changes_nothing(
    client: Client, fields: dict[str, Any], code: str, field: list[str] | None
) -> None:
    """Each with its code."""
    await client.ask(VIEWER)
    before = await snapshot(client.works)
    refused = await create(client, **fields)
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [(code, field)]
    assert await snapshot(client.works) == before


async def test_keys_are_seen_by_who_may_make_them(client: Client) -> None:
    """No other permission shows, makes or revokes one; nor does nobody; a strange id is none."""
    made = await create(client)
    other = await client.new_key(*(EVERY_PERMISSION - {Permission.KEYS_WRITE}))
    for query, variables in (
        (CREATE, {"input": {"name": "A", "permissions": []}}),
        (REVOKE, {"id": made["apiKey"]["id"]}),
        ("{ apiKeys { id } }", {}),
        ("query($id: ID!) { node(id: $id) { id } }", {"id": made["apiKey"]["id"]}),
    ):
        assert (await client.ask(query, variables, key=other)).codes == ["FORBIDDEN"], query
    stranger = (await client.ask("{ stores { id } }")).data["stores"][0]["id"]
    refused = (await client.ask(REVOKE, {"id": stranger})).data["apiKeyRevoke"]
    assert refused["userErrors"] == [{"code": "NOT_FOUND", "field": ["apiKeyId"]}]
    found = await client.ask(
        "query($id: ID!) { node(id: $id) { ... on ApiKey { name } } }", {"id": made["apiKey"]["id"]}
    )
    assert found.data["node"] == {"name": "Shop"}


async def test_programs_are_known_by_their_keys(client: Client) -> None:
    """Also when a key opens nothing any more; what is no key is no program."""
    key, _ = await client.works.perform(
        lambda work: create_api_key(work, name="Bot", permissions=["stores:read"]), actor=SYSTEM, action="apiKeyCreate"
    )
    async with client.works.database.reading() as session:
        assert await list_program_ids(session, [key, new_id()]) == {key}

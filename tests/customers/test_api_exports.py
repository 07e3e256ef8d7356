"""Exports: complete, for who asked for them and nobody else, and not for long."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.base.actors import Actor, ActorKind, Permission, StaffRole
from domain.base.work import Works
from domain.customers.actions.exports import PurgeExports, remove_expired_exports
from domain.customers.repository import exports
from domain.customers.rules.privacy import (
    ADDRESS_VALID,
    EXPORT_KEPT,
    EXPORT_PATIENCE,
    EXPORT_REMEMBERED,
    EXPORTS_KEPT_MAX,
)
from domain.identity.rules import ROLE_PERMISSIONS
from schema.base.ids import parse_id
from tests.conftest import Client, StandingClock
from tests.customers.identities import only_asked
from tests.customers.people import (
    STAFF,
    Person,
    add_person,
    ask_as,
    erase,
    key_in,
    run_jobs,
    shopper,
)
from tests.orders.shop import new_customer, nothing_changes

EXPORT = """mutation($id: ID, $key: String) { customerExport(input: {customerId: $id, idempotencyKey: $key}) {
  export { id state url requestedAt readyAt } userErrors { code field } } }"""
NODE = "query($id: ID!) { node(id: $id) { id ... on CustomerExport { state url requestedAt readyAt } } }"


async def request(works: Works, actor: Actor, customer_id: str | None = None, key: str | None = None) -> dict[str, Any]:
    """Ask for an export as somebody, which is not refused; return it."""
    payload = (await ask_as(works, actor, EXPORT, {"id": customer_id, "key": key}))["customerExport"]
    assert payload["userErrors"] == []
    export: dict[str, Any] = payload["export"]
    return export


async def read(works: Works, actor: Actor, export_id: str) -> dict[str, Any] | None:
    """Return the export as somebody sees it."""
    found: dict[str, Any] | None = (await ask_as(works, actor, NODE, {"id": export_id}))["node"]
    return found


async def download(client: Client, works: Works, actor: Actor, export_id: str) -> dict[str, Any]:
    """Return the document behind a finished export."""
    export = await read(works, actor, export_id)
    assert export is not None
    assert export["state"] == "READY"
    response = await client.http.get(export["url"])
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document


async def test_an_export_is_written_in_the_background(client: Client, clock: StandingClock) -> None:
    """At first it is pending; written, it can be had for a day under an address that changes."""
    person = await add_person(client)
    works = client.works
    actor = shopper(person.id)
    export = await request(works, actor)
    assert (export["state"], export["url"], export["readyAt"]) == ("PENDING", None, None)
    await run_jobs(works)
    ready = await read(works, actor, export["id"])
    assert ready is not None
    assert (ready["state"], ready["readyAt"]) == ("READY", export["requestedAt"])
    response = await client.http.get(ready["url"])
    assert response.headers["content-disposition"] == 'attachment; filename="customer.json"'
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"
    assert response.json()["customerIds"] == [str(person.key), str(key_in(person.absorbed_id))]
    clock.advance(ADDRESS_VALID)
    assert (await client.http.get(ready["url"])).status_code == 404
    again = await read(works, actor, export["id"])
    assert again is not None
    assert again["url"] != ready["url"]
    assert (await client.http.get(again["url"])).status_code == 200
    clock.advance(EXPORT_KEPT - ADDRESS_VALID)
    assert await read(works, actor, export["id"]) == ready | {"state": "EXPIRED", "url": None}


async def test_nobody_fills_the_disk_with_exports(client: Client, clock: StandingClock) -> None:
    """Ten documents about one customer are kept at a time; one more has to wait until the first has expired."""
    person = await add_person(client)
    works = client.works
    for _ in range(EXPORTS_KEPT_MAX):
        await request(works, STAFF, person.id)
        await run_jobs(works)
        clock.advance(timedelta(hours=1))
    payload = (await ask_as(works, STAFF, EXPORT, {"id": person.id}))["customerExport"]
    assert (payload["export"], [each["code"] for each in payload["userErrors"]]) == (None, ["RATE_LIMITED"])
    clock.advance(EXPORT_KEPT - timedelta(hours=EXPORTS_KEPT_MAX))
    await request(works, STAFF, person.id)


async def test_what_has_expired_is_removed(client: Client, clock: StandingClock) -> None:
    """First the document, a week later what reminds of it; one that is still good stays."""
    person = await add_person(client)
    works = client.works
    export = await request(works, STAFF, person.id)
    await run_jobs(works)
    clock.advance(EXPORT_KEPT - timedelta(seconds=1))
    await purge(works)
    assert await document_of(works, export["id"]) is not None
    clock.advance(timedelta(seconds=1))
    await purge(works)
    assert await document_of(works, export["id"]) is None
    assert (await read(works, STAFF, export["id"]) or {})["state"] == "EXPIRED"
    clock.advance(EXPORT_REMEMBERED)
    await purge(works)
    assert await read(works, STAFF, export["id"]) is None


async def purge(works: Works) -> None:
    """Do what is done every hour."""
    await remove_expired_exports(works, PurgeExports())


async def document_of(works: Works, export_id: str) -> str | None:
    """Return what is kept of an export."""
    async with works.database.reading() as session:
        row = await exports.find_export(session, parse_id(export_id)[1])
    return None if row is None else row.document


async def test_the_same_key_gets_the_same_export(client: Client) -> None:
    """Also when it is written already; without a key who waits for one waits for that."""
    person = await add_person(client)
    works = client.works
    first = await request(works, STAFF, person.id, key="k-1")
    async with only_asked(works):
        assert await request(works, STAFF, person.id, key="k-1") == first
    assert await request(works, STAFF, person.absorbed_id) == first
    assert (await request(works, shopper(person.id)))["id"] != first["id"]
    await run_jobs(works)
    assert (await request(works, STAFF, person.id, key="k-1"))["id"] == first["id"]
    assert (await request(works, STAFF, person.id))["id"] != first["id"]
    other = {"id": person.other_id, "key": "k-1"}
    refused = (await ask_as(works, STAFF, EXPORT, other))["customerExport"]
    assert [error["code"] for error in refused["userErrors"]] == ["IDEMPOTENCY_MISMATCH"]


async def test_who_finds_an_export(client: Client) -> None:
    """Who asked for it, and with the permission anybody; to everybody else it does not exist."""
    person = await add_person(client)
    works = client.works
    own = await request(works, shopper(person.id))
    about = await request(works, STAFF, person.id)
    await run_jobs(works)
    stranger = shopper((await new_customer(client, givenName="Nobody"))["id"])
    for role in StaffRole:
        actor = Actor(kind=ActorKind.STAFF, permissions=ROLE_PERMISSIONS[role], id=UUID(int=8), role=role)
        may = actor.may(Permission.PRIVACY_WRITE)
        for export in (own, about):
            assert (await read(works, actor, export["id"]) is not None) == may, role
    assert await read(works, stranger, own["id"]) is None
    assert await read(works, stranger, about["id"]) is None
    assert await read(works, shopper(person.id), about["id"]) is None
    assert (await read(works, shopper(person.id), own["id"]) or {})["state"] == "READY"
    anonymous = await client.http.post("/graphql", json={"query": NODE, "variables": {"id": own["id"]}})
    assert anonymous.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_who_may_ask_for_an_export(client: Client) -> None:
    """As for erasing: a stranger is like nobody, and a refusal leaves nothing behind."""
    person: Person = await add_person(client)
    works = client.works
    stranger = shopper((await new_customer(client, givenName="Nobody"))["id"])
    for customer_id in (person.id, person.id[:-4] + "AAAA", "UXVlcnk6AAAAAAAAAAAAAAAAAAAAAA"):
        async with nothing_changes(works):
            payload = (await ask_as(works, stranger, EXPORT, {"id": customer_id}))["customerExport"]
        assert payload["export"] is None
        assert [(each["code"], each["field"]) for each in payload["userErrors"]] == [("NOT_FOUND", ["customerId"])]
    refused = (await ask_as(works, STAFF, EXPORT))["customerExport"]
    assert [each["code"] for each in refused["userErrors"]] == ["REQUIRED"]
    key = await client.new_key(Permission.CUSTOMERS_READ, Permission.CUSTOMERS_WRITE)
    assert (await client.ask(EXPORT, {"id": person.id}, key=key)).codes == ["FORBIDDEN"]


async def test_erasing_removes_exports(client: Client) -> None:
    """The document, the address that was given out, and one that was still to be written."""
    person = await add_person(client)
    works = client.works
    ready = await request(works, STAFF, person.id)
    await run_jobs(works)
    url = (await read(works, STAFF, ready["id"]) or {})["url"]
    pending = await request(works, STAFF, person.id)
    await erase(client, person.id)
    assert (await client.http.get(url)).status_code == 404
    await run_jobs(works)
    for export in (ready, pending):
        assert await read(works, STAFF, export["id"]) is None
    refused = (await ask_as(works, STAFF, EXPORT, {"id": person.id}))["customerExport"]
    assert [each["code"] for each in refused["userErrors"]] == ["NOT_FOUND"]


async def test_what_cannot_be_written_is_tried_again(
    client: Client, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until then it has failed; who is erased while it is written is not written down after all."""
    person = await add_person(client)
    works = client.works
    export = await request(works, STAFF, person.id)

    async def broken(*_: object) -> None:
        message = "no rows today"
        raise OSError(message)

    with monkeypatch.context() as patched:
        patched.setattr("domain.customers.actions.exports.list_rows", broken)
        await run_jobs(works)
        assert (await read(works, STAFF, export["id"]) or {})["state"] == "FAILED"
    clock.advance(timedelta(minutes=1))
    await run_jobs(works)
    assert (await read(works, STAFF, export["id"]) or {})["state"] == "READY"


async def test_what_waits_for_too_long_is_given_up(client: Client, clock: StandingClock) -> None:
    """A runner that comes back after three days writes nothing that nobody waits for."""
    person = await add_person(client)
    export = await request(client.works, STAFF, person.id)
    clock.advance(EXPORT_PATIENCE)
    await run_jobs(client.works)
    assert (await read(client.works, STAFF, export["id"]) or {})["state"] == "EXPIRED"
    assert await document_of(client.works, export["id"]) is None


@pytest.mark.parametrize("address", ["", "x", "..%2f..", "0" * 32 + ".9999999999." + "0" * 64, "%00", "é" * 3_000])
async def test_a_guessed_address_leads_nowhere(client: Client, address: str) -> None:
    """Whatever is tried, the answer is that of an address that does not exist."""
    response = await client.http.get(f"/exports/{address}")
    assert response.status_code == 404


async def test_an_address_is_read_only(client: Client) -> None:
    """It takes no writes."""
    assert (await client.http.post("/exports/x")).status_code == 405

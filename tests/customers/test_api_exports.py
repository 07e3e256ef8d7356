"""Exports: complete, for who asked for them and nobody else, and not for long."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, select

from domain.base.actors import Actor, ActorKind, Permission, StaffRole
from domain.base.model import Base
from domain.base.work import Works
from domain.customers.actions.exports import PurgeExports, remove_expired_exports
from domain.customers.model import Customer
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
    add_bystanders,
    add_person,
    ask_as,
    erase,
    key_in,
    run_jobs,
    shopper,
)
from tests.interactions.person import let_talk
from tests.orders.shop import new_customer, nothing_changes

EXPORT = """mutation($id: ID, $key: String) { customerExport(input: {customerId: $id, idempotencyKey: $key}) {
  export { id state url requestedAt readyAt } userErrors { code field } } }"""
NODE = "query($id: ID!) { node(id: $id) { id ... on CustomerExport { state url requestedAt readyAt } } }"

INTERNAL = {
    "customer_match_keys": "words made of the profile, to notice who is there twice",
    "mailed_codes": "what was asked for by mail in the last hour: the mail itself tells it",
    "refresh_tokens": "hashes that prolong a session, which is told",
    "customer_terms": "words made of the profile and of order numbers, to search by",
    "conversation_terms": "words made of what was said, to search by",
    "attachment_chunks": "the bytes of files, which are had by their addresses",
}
"""Tables about a person that hold nothing but what is told already in other words."""

LEFT_OUT = {
    ("accounts", "password_hash"): "of use to who would guess it only",
    ("customer_exports", "secret"): "opens the document",
    ("customer_exports", "document"): "is the document",
    **dict.fromkeys(
        [("customer_exports", name) for name in ("state", "ready_at", "expires_at")],
        "come to be once the document is written",
    ),
    ("attribute_definitions", "*"): "the shop's own words; key and name are told with each value",
    ("attachments", "secret"): "opens the file",
    ("attachments", "upload_id"): "names the bytes",
    ("interactions", "seq"): "counts notes, which no shopper learns of; told as the customer counts",
    **dict.fromkeys(
        [
            *(("conversations", name) for name in ("last_seq", "customer_message_seq", "staff_message_seq")),
            *(("conversations", name) for name in ("version", "updated_at")),
            ("conversation_readings", "seq"),
        ],
        "moves with notes, which no shopper learns of",
    ),
}

OF_A_PERSON = re.compile(
    r"(^|_)(customer|canonical|survivor|absorbed|first|second|actor|subject|author|reader|uploader|holder)_id$"
)
"""How columns are called that name a customer; of those without a foreign key too."""


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


def tables_of_a_person() -> dict[str, Table]:
    """Return every table with a column that names a customer, and those that refer to such a row."""
    tables = Base.metadata.tables
    found = {
        name: table
        for name, table in tables.items()
        if name == Customer.__tablename__ or any(OF_A_PERSON.search(column.key) for column in table.c)
    }
    grown = True
    while grown:
        below = {
            name: table
            for name, table in tables.items()
            if name not in found and {key.column.table.name for key in table.foreign_keys} & set(found)
        }
        grown = bool(below - found.keys() - {"events"})
        found |= {name: table for name, table in below.items() if name != "events"}  # ids only
    return found


def values_in(value: Any) -> set[str]:  # noqa: ANN401  a part of a document
    """Return every value in a document, as text."""
    if isinstance(value, Mapping):
        return {text for inner in value.values() for text in values_in(inner)}
    if isinstance(value, list):
        return {text for inner in value for text in values_in(inner)} or {"[]"}
    return {str(value)}


def written(value: Any) -> set[str]:  # noqa: ANN401  of a column
    """Return how a document may have written a value."""
    if isinstance(value, datetime):
        return {value.isoformat().replace("+00:00", "Z")}
    if isinstance(value, Decimal):
        return {f"{value:f}"}
    if isinstance(value, list | dict):
        return values_in(value)
    return {str(value)}


async def rows_of(works: Works, table: Table, ids: set[UUID]) -> list[dict[str, Any]]:
    """Return the rows of a table that are about one of these ids, in any column."""
    async with works.database.reading() as session:
        rows = [dict(row._mapping) for row in await session.execute(select(table))]
    return [row for row in rows if {value for value in row.values() if isinstance(value, UUID)} & ids]


async def test_an_export_is_complete(client: Client) -> None:
    """Every value of every row that is about the person is told; a table that is left out has its reason."""
    await add_bystanders(client)
    person = await add_person(client)
    guest_id = await let_talk(client, person)
    works = client.works
    await ask_as(works, shopper(person.id), EXPORT, {"key": "quixo"})
    wanted = await request(works, STAFF, person.id)
    await run_jobs(works)
    document = await download(client, works, STAFF, wanted["id"])
    told = values_in(document)
    ids = {person.key, key_in(person.absorbed_id), key_in(guest_id)}
    missing: list[str] = []
    empty: list[str] = []
    tables = tables_of_a_person()
    await follow(works, tables, ids)
    for table in tables.values():
        rows = await rows_of(works, table, ids)
        if not rows:
            empty.append(table.name)
        missing += [
            f"{table.name}.{name}"
            for row in rows
            for name, value in row.items()
            if value is not None and not written(value) <= told and not is_left_out(table.name, name, row, ids)
        ]
    assert empty == [], "a person of whom nothing is known there proves nothing"
    assert sorted(set(missing)) == []
    strangers = [value for value in told if re.search("other-|other[0-9]@|Somebody|Else|Person[0-9]", value)]
    assert strangers == []
    assert str(key_in(person.other_id)) not in json.dumps(document)
    assert "calls every day" not in json.dumps(document)


SHARED_ROWS = {"customer_merges", "stores", "audit_entries"}


async def follow(works: Works, tables: Mapping[str, Table], ids: set[UUID]) -> None:
    """Add the ids of all that is about these ids, and of what is about that."""
    before = 0
    while before != len(ids):
        before = len(ids)
        for table in (each for name, each in tables.items() if name not in SHARED_ROWS):
            ids |= {row["id"] for row in await rows_of(works, table, ids) if isinstance(row.get("id"), UUID)}


def is_left_out(table: str, name: str, row: Mapping[str, Any], ids: set[UUID]) -> bool:
    """Tell whether a column is left out on purpose: it is made of others, a secret, or somebody else's."""
    if table in INTERNAL or (table, name) in LEFT_OUT or (table, "*") in LEFT_OUT or is_the_team_s(table, row):
        return True
    is_with_others = table == "customer_merges" and not {row["survivor_id"], row["absorbed_id"]} <= ids
    return is_with_others and name in {"survivor_id", "absorbed_id", "first_id", "second_id"}


def is_the_team_s(table: str, row: Mapping[str, Any]) -> bool:
    """Tell whether a row is the team's own: a note and what else the customer does not see (I3), who of it has read."""
    is_hidden = table == "interactions" and row["shopper_seq"] is None
    return is_hidden or (table == "conversation_readings" and row["reader_kind"] != "CUSTOMER")


def test_every_table_of_a_person_is_known() -> None:
    """What may be left out is one that there is: a table that went takes its reason along."""
    tables = tables_of_a_person()
    assert set(INTERNAL) <= set(tables)
    assert {"order_lines", "deliveries", "delivery_lines", "credit_note_lines", "audit_entries"} <= set(tables)
    assert {"interactions", "received_messages", "conversation_tags", "attachments"} <= set(tables)
    assert "stores" not in tables


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

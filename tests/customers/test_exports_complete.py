"""An export is complete: every value of every row that is about a person, found by the schema of the database."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Table, select

from domain.base.model import Base
from domain.base.work import Works
from domain.customers.model import Customer
from tests.conftest import Client
from tests.customers.people import STAFF, add_bystanders, add_person, ask_as, key_in, run_jobs, shopper
from tests.customers.test_api_exports import EXPORT, download, request
from tests.interactions.person import let_talk

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

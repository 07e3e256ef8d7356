"""The limit on SQLite: hand-written SQL on bare ASGI and `sqlite3`, run in the event loop itself.

A statement costs some microseconds here, so each parent is asked for by itself. Run by uvicorn with `PEERS_DSN`.
"""

import os
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import uuid_utils.compat

from benchmarks.peers.asgi import answer, answer_lifespan, read_body
from benchmarks.peers.documents import PLAIN
from benchmarks.peers.limit import shape_order, shape_profile
from domain.base.columns import to_micros

PROFILE = "id, external_id, given_name, family_name, email, phone, locale, created_at, country"
FIND_CUSTOMER = f"SELECT {PROFILE} FROM customers WHERE id = ?"
LIST_CUSTOMERS = f"SELECT {PROFILE} FROM customers ORDER BY created_at DESC, id DESC LIMIT ?"
LIST_ORDERS = """SELECT id, number, placed_at, state, total, currency_code FROM orders
    WHERE customer_id = ? ORDER BY placed_at DESC, id DESC LIMIT ?"""
LIST_LINES = "SELECT sku, title, quantity, unit_price FROM order_lines WHERE order_id = ? ORDER BY position, id"
LIST_NOTES = """SELECT number, issued_at, total FROM credit_notes
    WHERE customer_id = ? ORDER BY issued_at DESC, id DESC LIMIT ?"""
FIND_BUYER = "SELECT customer_id, store_id FROM orders WHERE id = ?"
INSERT_NOTE = """INSERT INTO credit_notes (id, external_id, number, customer_id, order_id, issued_at, currency_code,
    total, created_at, updated_at) VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)"""
INSERT_LINE = """INSERT INTO credit_note_lines (id, credit_note_id, position, sku, title, quantity, unit_price, total)
    VALUES (?, ?, 0, ?, ?, ?, ?, ?)"""
INSERT_ENTRY = """INSERT INTO timeline_entries (id, kind, customer_id, occurred_at, store_id)
    VALUES (?, 'CREDIT_NOTE', ?, ?, ?)"""
INSERT_AUDIT = """INSERT INTO audit_entries (id, action, actor_kind, actor_id, request_id, occurred_at)
    VALUES (?, 'creditNoteUpsert', 'APP', ?, ?, ?)"""
INSERT_EVENT = """INSERT INTO events (id, type, subjects, audit_id, occurred_at)
    VALUES (?, 'CreditNoteChanged', ?, ?, ?)"""
SUM_ORDERS = """SELECT count(*), coalesce(sum(total), 0), min(placed_at), max(placed_at) FROM orders
    WHERE customer_id = ? AND currency_code = ? AND cancelled_at IS NULL"""
SUM_NOTES = """SELECT coalesce(sum(n.total), 0) FROM credit_notes AS n LEFT JOIN orders AS o ON o.id = n.order_id
    WHERE n.customer_id = ? AND n.currency_code = ? AND o.cancelled_at IS NULL"""
UPDATE_SPENDING = """UPDATE customer_spendings SET order_count = ?, ordered = ?, credited = ?, net = ?,
    first_order_at = ?, last_order_at = ? WHERE customer_id = ? AND currency_code = ?"""
UPDATE_CUSTOMER = """UPDATE customers SET order_count = ?, net_spent = ?, first_order_at = ?, last_order_at = ?,
    last_order_key = ? WHERE id = ?"""

_ACTOR = UUID(int=0).hex
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _connect(*pragmas: str) -> sqlite3.Connection:
    connection = sqlite3.connect(os.environ.get("PEERS_DSN", ":memory:"), isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", *pragmas):
        connection.execute(f"PRAGMA {pragma}")
    return connection


reader = _connect("query_only=ON")
writer = _connect("secure_delete=ON")


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _key(spelled: str) -> str:
    return spelled.replace("-", "")


def _profile(row: Any) -> dict[str, Any]:  # noqa: ANN401
    return shape_profile((*row[:7], _instant(row[7]), row[8]))


def _orders(customer_key: str, first: int) -> list[dict[str, Any]]:
    return [
        shape_order((*row[:2], _instant(row[2]), *row[3:]), _lines(row[0]))
        for row in reader.execute(LIST_ORDERS, (customer_key, first)).fetchall()
    ]


def _lines(order_key: str) -> list[dict[str, Any]]:
    rows = reader.execute(LIST_LINES, (order_key,)).fetchall()
    return [{"sku": row[0], "title": row[1], "quantity": row[2], "unitPrice": row[3]} for row in rows]


def find_customer(variables: dict[str, Any]) -> Any:  # noqa: ANN401
    """Answer Q1."""
    row = reader.execute(FIND_CUSTOMER, (_key(variables["id"]),)).fetchone()
    return {"customer": row and _profile(row)}


def view_customer(variables: dict[str, Any]) -> Any:  # noqa: ANN401
    """Answer Q2."""
    key = _key(variables["id"])
    row = reader.execute(FIND_CUSTOMER, (key,)).fetchone()
    if row is None:
        return {"customer": None}
    customer = _profile(row)
    customer["orders"] = _orders(key, 10)
    notes = reader.execute(LIST_NOTES, (key, 5)).fetchall()
    customer["creditNotes"] = [{"number": note[0], "issuedAt": _instant(note[1]), "total": note[2]} for note in notes]
    return {"customer": customer}


def list_customers_with_orders(_: Any) -> Any:  # noqa: ANN401
    """Answer Q3."""
    rows = reader.execute(LIST_CUSTOMERS, (50,)).fetchall()
    return {"customers": [_profile(row) | {"orders": _orders(row[0], 3)} for row in rows]}


def list_customers(_: Any) -> Any:  # noqa: ANN401
    """Answer Q4."""
    return {"customers": [_profile(row) for row in reader.execute(LIST_CUSTOMERS, (100,)).fetchall()]}


def write_note(variables: dict[str, Any]) -> Any:  # noqa: ANN401
    """Answer M1: the rows that the product writes, in one transaction."""
    writer.execute("BEGIN IMMEDIATE")
    try:
        written = _write(variables["input"])
        writer.execute("COMMIT")
    except BaseException:
        writer.execute("ROLLBACK")
        raise
    return {"creditNoteUpsert": written}


def _write(sent: dict[str, Any]) -> dict[str, Any]:
    (line,) = sent["lines"]
    total, now = line["quantity"] * line["unitPrice"], to_micros(datetime.now(UTC))
    issued_at, currency_code = datetime.fromisoformat(sent["issuedAt"]), sent["currencyCode"]
    key, line_key, audit_key, event_key, request_key = (uuid_utils.compat.uuid7().hex for _ in range(5))
    order_key, issued = _key(sent["orderId"]), to_micros(issued_at)
    customer_key, store_key = writer.execute(FIND_BUYER, (order_key,)).fetchone()
    number = sent["externalId"]
    writer.execute(INSERT_NOTE, (key, number, customer_key, order_key, issued, currency_code, total, now))
    writer.execute(INSERT_LINE, (line_key, key, line["sku"], line["title"], line["quantity"], line["unitPrice"], total))
    writer.execute(INSERT_ENTRY, (key, customer_key, issued, store_key))
    count, ordered, first_at, last_at = writer.execute(SUM_ORDERS, (customer_key, currency_code)).fetchone()
    (credited,) = writer.execute(SUM_NOTES, (customer_key, currency_code)).fetchone()
    sums = (count, ordered, credited, ordered - credited, first_at, last_at)
    writer.execute(UPDATE_SPENDING, (*sums, customer_key, currency_code))
    writer.execute(UPDATE_CUSTOMER, (count, ordered - credited, first_at, last_at, last_at, customer_key))
    subjects = orjson.dumps({"credit_note_id": key, "order_id": order_key, "customer_id": customer_key}).decode()
    writer.execute(INSERT_AUDIT, (audit_key, _ACTOR, request_key, now))
    writer.execute(INSERT_EVENT, (event_key, subjects, audit_key, now))
    return {"id": key, "number": number, "issuedAt": issued_at, "total": total, "lines": [line]}


def tell_type(_: Any) -> Any:  # noqa: ANN401
    """Answer T0."""
    return {"__typename": "Query"}


ANSWERS: dict[str, Callable[[Any], Any]] = {
    PLAIN.documents["T0"]: tell_type,
    PLAIN.documents["Q1"]: find_customer,
    PLAIN.documents["Q2"]: view_customer,
    PLAIN.documents["Q3"]: list_customers_with_orders,
    PLAIN.documents["Q4"]: list_customers,
    PLAIN.documents["M1"]: write_note,
}


async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI
    """Answer one request."""
    if scope["type"] == "lifespan":
        await answer_lifespan(receive, send)
        return
    asked = orjson.loads(await read_body(receive))
    await answer(send, {"data": ANSWERS[asked["query"]](asked.get("variables"))})

"""The limit: what hand-written SQL on bare ASGI can do; one statement for each level, answers shaped by hand.

It knows the documents by heart. Its pool hands out connections that keep their prepared statements, and resets nothing.
Run by uvicorn with `PEERS_DSN` and, for asyncpg, no other settings.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uuid_utils.compat

from benchmarks.machine import connect_arguments
from benchmarks.peers.asgi import answer, answer_lifespan, read_body
from benchmarks.peers.documents import PLAIN

POOL_SIZE = 16
SQL = Path(__file__).parent / "sql"
PROFILE = "id::text, external_id, given_name, family_name, email, phone, locale, created_at, country"
FIND_CUSTOMER = f"SELECT {PROFILE} FROM customers WHERE id = $1"
LIST_CUSTOMERS = f"SELECT {PROFILE}, id AS key FROM customers ORDER BY created_at DESC, customers.id DESC LIMIT $1"
LIST_ORDERS = """SELECT id, number, placed_at, state, total, currency_code FROM orders
    WHERE customer_id = $1 ORDER BY placed_at DESC, id DESC LIMIT $2"""
LIST_ORDERS_OF_ALL = """SELECT o.id, o.number, o.placed_at, o.state, o.total, o.currency_code, c.id AS customer_id
    FROM unnest($1::uuid[]) AS c (id) CROSS JOIN LATERAL (
        SELECT id, number, placed_at, state, total, currency_code FROM orders
        WHERE customer_id = c.id ORDER BY placed_at DESC, id DESC LIMIT $2) AS o"""
LIST_LINES = """SELECT order_id, sku, title, quantity, unit_price FROM order_lines
    WHERE order_id = ANY($1::uuid[]) ORDER BY position, id"""
LIST_NOTES = """SELECT number, issued_at, total FROM credit_notes
    WHERE customer_id = $1 ORDER BY issued_at DESC, id DESC LIMIT $2"""
LOCK_BUYER = (SQL / "lock_buyer.sql").read_text(encoding="utf-8")
WRITE_NOTE = (SQL / "write_note.sql").read_text(encoding="utf-8")

_ACTOR = UUID(int=0)

Rows = Sequence[Any]


class Connections:
    """A pool: whoever was given back last is handed out first, with the statements that it has prepared."""

    def __init__(self) -> None:
        """Start without a connection."""
        self._free: list[Any] = []
        self._kept: dict[Any, dict[str, Any]] = {}
        self._room = asyncio.Semaphore(POOL_SIZE)

    async def open(self) -> None:
        """Connect as often as allowed."""
        arguments = connect_arguments(os.environ["PEERS_DSN"])
        for _ in range(POOL_SIZE):
            connection = await asyncpg.connect(**arguments)
            self._kept[connection] = {}
            self._free.append(connection)

    @asynccontextmanager
    async def one(self) -> AsyncIterator["Statements"]:
        """Yield a connection that nobody else has."""
        async with self._room:
            connection = self._free.pop()
            try:
                yield Statements(connection, self._kept[connection])
            finally:
                self._free.append(connection)


class Statements:
    """A connection and what it has prepared."""

    __slots__ = ("_connection", "_kept")

    def __init__(self, connection: Any, kept: dict[str, Any]) -> None:  # noqa: ANN401  the driver has no types
        """Take both."""
        self._connection = connection
        self._kept = kept

    async def rows(self, statement: str, *arguments: Any) -> Rows:  # noqa: ANN401
        """Return all rows of a statement."""
        prepared = self._kept.get(statement)
        if prepared is None:
            prepared = self._kept[statement] = await self._connection.prepare(statement)
        found: Rows = await prepared.fetch(*arguments)
        return found

    async def tell(self, command: str) -> None:
        """Run a statement without arguments or answer."""
        await self._connection.execute(command)


connections = Connections()


def shape_profile(row: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a customer."""
    return {
        "id": row[0], "externalId": row[1], "givenName": row[2], "familyName": row[3], "email": row[4], "phone": row[5],
        "locale": row[6], "createdAt": row[7], "country": row[8],
    }  # fmt: skip


def shape_order(row: Any, lines: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: ANN401
    """Return an order with its lines."""
    return {
        "number": row[1], "placedAt": row[2], "state": row[3], "total": row[4], "currencyCode": row[5], "lines": lines,
    }  # fmt: skip


def shape_lines(rows: Rows) -> dict[Any, list[dict[str, Any]]]:
    """Return the lines of each order."""
    found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for order_id, sku, title, quantity, price in rows:
        found[order_id].append({"sku": sku, "title": title, "quantity": quantity, "unitPrice": price})
    return found


async def find_customer(variables: dict[str, Any]) -> Any:  # noqa: ANN401
    """Answer Q1."""
    async with connections.one() as statements:
        rows = await statements.rows(FIND_CUSTOMER, variables["id"])
    return {"customer": shape_profile(rows[0]) if rows else None}


async def view_customer(variables: dict[str, Any]) -> Any:  # noqa: ANN401
    """Answer Q2."""
    key = variables["id"]
    async with connections.one() as statements:
        rows = await statements.rows(FIND_CUSTOMER, key)
        if not rows:
            return {"customer": None}
        orders = await statements.rows(LIST_ORDERS, key, 10)
        notes = await statements.rows(LIST_NOTES, key, 5)
        lines = shape_lines(await statements.rows(LIST_LINES, [row[0] for row in orders]))
    customer = shape_profile(rows[0])
    customer["orders"] = [shape_order(row, lines[row[0]]) for row in orders]
    customer["creditNotes"] = [{"number": row[0], "issuedAt": row[1], "total": row[2]} for row in notes]
    return {"customer": customer}


async def list_customers_with_orders(_: Any) -> Any:  # noqa: ANN401
    """Answer Q3."""
    async with connections.one() as statements:
        rows = await statements.rows(LIST_CUSTOMERS, 50)
        orders = await statements.rows(LIST_ORDERS_OF_ALL, [row[9] for row in rows], 3)
        lines = shape_lines(await statements.rows(LIST_LINES, [row[0] for row in orders]))
    of_customer: dict[Any, list[Any]] = defaultdict(list)
    for row in orders:
        of_customer[row[6]].append(shape_order(row, lines[row[0]]))
    return {"customers": [shape_profile(row) | {"orders": of_customer[row[9]]} for row in rows]}


async def list_customers(_: Any) -> Any:  # noqa: ANN401
    """Answer Q4."""
    async with connections.one() as statements:
        rows = await statements.rows(LIST_CUSTOMERS, 100)
    return {"customers": [shape_profile(row) for row in rows]}


async def write_note(variables: dict[str, Any]) -> Any:  # noqa: ANN401
    """Answer M1: the rows that the product writes, in one transaction, the customer locked as there."""
    sent = variables["input"]
    (line,) = sent["lines"]
    total, issued_at = line["quantity"] * line["unitPrice"], datetime.fromisoformat(sent["issuedAt"])
    key, line_key, audit_key, event_key = (uuid_utils.compat.uuid7() for _ in range(4))
    order_id = UUID(sent["orderId"])
    async with connections.one() as statements:
        await statements.tell("BEGIN")
        try:
            ((customer_id, store_id),) = await statements.rows(LOCK_BUYER, order_id)
            subjects = {"credit_note_id": key.hex, "order_id": order_id.hex, "customer_id": customer_id.hex}
            await statements.rows(
                WRITE_NOTE, key, sent["externalId"], customer_id, order_id, issued_at, sent["currencyCode"], total,
                datetime.now(UTC), line_key, line["sku"], line["title"], line["quantity"], line["unitPrice"], store_id,
                audit_key, _ACTOR, uuid_utils.compat.uuid7().hex, event_key, orjson.dumps(subjects).decode(),
            )  # fmt: skip
            await statements.tell("COMMIT")
        except BaseException:
            await statements.tell("ROLLBACK")
            raise
    written = {"id": str(key), "number": sent["externalId"], "issuedAt": issued_at, "total": total, "lines": [line]}
    return {"creditNoteUpsert": written}


async def tell_type(_: Any) -> Any:  # noqa: ANN401
    """Answer T0."""
    return {"__typename": "Query"}


ANSWERS: dict[str, Callable[[Any], Awaitable[Any]]] = {
    PLAIN.documents["T0"]: tell_type,
    PLAIN.documents["Q1"]: find_customer,
    PLAIN.documents["Q2"]: view_customer,
    PLAIN.documents["Q3"]: list_customers_with_orders,
    PLAIN.documents["Q4"]: list_customers,
    PLAIN.documents["M1"]: write_note,
}


async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI
    """Answer one request, or open the connections when the server starts."""
    if scope["type"] == "lifespan":
        await answer_lifespan(receive, send, connections.open)
        return
    asked = orjson.loads(await read_body(receive))
    await answer(send, {"data": await ANSWERS[asked["query"]](asked.get("variables"))})

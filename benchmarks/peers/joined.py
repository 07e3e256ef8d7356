"""The limit with fewer statements: what is below a customer or an order comes joined, at the price of repeated columns.

Where this is faster than a statement for each level, it is the limit. Run as `limit` is.
"""

from collections import defaultdict
from typing import Any

import orjson

from benchmarks.peers.asgi import answer, answer_lifespan, read_body
from benchmarks.peers.documents import PLAIN
from benchmarks.peers.limit import (
    ANSWERS,
    LIST_CUSTOMERS,
    Rows,
    connections,
    shape_order,
    shape_profile,
)

ORDER, NOTE = 1, 2
_LINES = """LEFT JOIN LATERAL (SELECT sku, title, quantity, unit_price FROM order_lines
        WHERE order_id = x.id ORDER BY position, order_lines.id) AS l ON {}"""
VIEW_CUSTOMER = f"""SELECT c.id::text, c.external_id, c.given_name, c.family_name, c.email, c.phone, c.locale,
        c.created_at, c.country, x.*, l.*
    FROM customers AS c LEFT JOIN LATERAL (
        (SELECT id, number, placed_at, state, total, currency_code, {ORDER} AS kind FROM orders
            WHERE customer_id = c.id ORDER BY placed_at DESC, id DESC LIMIT 10)
        UNION ALL
        (SELECT id, number, issued_at, NULL, total, NULL, {NOTE} FROM credit_notes
            WHERE customer_id = c.id ORDER BY issued_at DESC, id DESC LIMIT 5)
    ) AS x ON true {_LINES.format(f"x.kind = {ORDER}")} WHERE c.id = $1"""
LIST_ORDERS = f"""SELECT x.*, c.id, l.* FROM unnest($1::uuid[]) AS c (id) CROSS JOIN LATERAL (
        SELECT id, number, placed_at, state, total, currency_code FROM orders
            WHERE customer_id = c.id ORDER BY placed_at DESC, id DESC LIMIT $2) AS x {_LINES.format("true")}"""


async def view_customer(variables: dict[str, Any]) -> Any:  # noqa: ANN401
    """Answer Q2."""
    async with connections.one() as statements:
        rows = await statements.rows(VIEW_CUSTOMER, variables["id"])
    if not rows:
        return {"customer": None}
    customer, orders, notes = shape_profile(rows[0]), _Orders(), []
    for row in rows:
        if row[15] == ORDER:
            orders.add(row[9:15], row[16:])
        elif row[15] == NOTE:
            notes.append({"number": row[10], "issuedAt": row[11], "total": row[13]})
    customer["orders"], customer["creditNotes"] = orders.made, notes
    return {"customer": customer}


async def list_customers_with_orders(_: Any) -> Any:  # noqa: ANN401
    """Answer Q3."""
    async with connections.one() as statements:
        rows = await statements.rows(LIST_CUSTOMERS, 50)
        joined = await statements.rows(LIST_ORDERS, [row[9] for row in rows], 3)
    of_customer: dict[Any, _Orders] = defaultdict(_Orders)
    for row in joined:
        of_customer[row[6]].add(row, row[7:])
    return {"customers": [shape_profile(row) | {"orders": of_customer[row[9]].made} for row in rows]}


class _Orders:
    """Orders whose lines come one after the other."""

    __slots__ = ("_last", "_lines", "made")

    def __init__(self) -> None:
        self._last: Any = None
        self._lines: list[dict[str, Any]] = []
        self.made: list[dict[str, Any]] = []

    def add(self, order: Rows, line: Rows) -> None:
        if order[0] != self._last:
            self._last, self._lines = order[0], []
            self.made.append(shape_order(order, self._lines))
        self._lines.append({"sku": line[0], "title": line[1], "quantity": line[2], "unitPrice": line[3]})


KNOWN = ANSWERS | {PLAIN.documents["Q2"]: view_customer, PLAIN.documents["Q3"]: list_customers_with_orders}


async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI
    """Answer one request, or open the connections when the server starts."""
    if scope["type"] == "lifespan":
        await answer_lifespan(receive, send, connections.open)
        return
    asked = orjson.loads(await read_body(receive))
    await answer(send, {"data": await KNOWN[asked["query"]](asked.get("variables"))})

"""Same answers? Before anything is measured every server answers as the limit does, value by value."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any
from uuid import UUID

import httpx

from benchmarks.peers.documents import CUSTOMER, NUMBER, ORDER, canonical, filled
from benchmarks.peers.servers import Started

CHECKED_CUSTOMERS = 20
SHOWN = 600

Expected = dict[tuple[str, str], Any]


@dataclass(frozen=True)
class Pair:
    """A customer and an order of theirs."""

    customer: UUID
    order: UUID

    def signs(self, started: Started, number: int = 0) -> Mapping[str, str]:
        """Return the signs of variables as a server spells them."""
        spell = started.kind.dialect.spell
        return {
            CUSTOMER: spell("Customer", self.customer),
            ORDER: spell("Order", self.order),
            NUMBER: f"M-check-{started.kind.name}-{number}",
        }


def ask(started: Started, operation: str, pair: Pair, number: int = 0) -> Any:  # noqa: ANN401  of JSON
    """Return what a server answers, in the form that all share. Raises `RuntimeError` for anything but data."""
    dialect = started.kind.dialect
    body = {"query": dialect.documents[operation]}
    if variables := dialect.variables.get(operation):
        body["variables"] = filled(variables, pair.signs(started, number))
    response = httpx.post(started.running.address, json=body, headers=dict(started.headers), timeout=30)
    answer = response.json() if response.headers.get("content-type", "").startswith("application/") else {}
    if response.status_code != httpx.codes.OK or "errors" in answer or not answer.get("data"):
        said = f"{response.status_code} {response.text[:SHOWN]}\n{started.running.said()}"
        message = f"{started.kind.name}, {operation}: {said}"
        raise RuntimeError(message)
    found = canonical(answer["data"])
    if operation.startswith("M"):
        written = found["creditNoteUpsert"]
        written.pop("id")
        if not written.pop("number").startswith("M-"):
            message = f"{started.kind.name}, {operation}: another number was written"
            raise RuntimeError(message)
    return found


def compare(servers: Sequence[Started], operations: Sequence[str], pairs: Sequence[Pair]) -> Expected:
    """Return the right answers. Raises `RuntimeError` where a server differs from the first."""
    expected: Expected = {}
    for operation in sorted(operations, key=lambda each: each.startswith("M")):  # what writes comes last
        checked = pairs[: CHECKED_CUSTOMERS if operation in {"Q1", "Q2"} else 1]
        answering = [started for started in servers if operation in started.kind.operations]
        for started, (number, pair) in product(answering, enumerate(checked)):
            found = ask(started, operation, pair, number)
            require_equal(expected.setdefault((operation, str(pair.customer)), found), found, started, operation)
    return expected


def require_equal(expected: Any, found: Any, started: Started, operation: str) -> None:  # noqa: ANN401
    """Raise `RuntimeError` where an answer is not the expected one."""
    if found != expected:
        right, wrong = (json.dumps(each, sort_keys=True, ensure_ascii=False) for each in (expected, found))
        at = next((i for i, (a, b) in enumerate(zip(right, wrong, strict=False)) if a != b), 0)
        shown = slice(max(0, at - SHOWN // 4), at + SHOWN // 2)
        message = (
            f"{started.kind.name}, {operation}: the answer differs.\nexpected …{right[shown]}\nfound    …{wrong[shown]}"
        )
        raise RuntimeError(message)

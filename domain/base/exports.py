"""Telling a person everything that is stored about them: each area its part, as plain words.

An area tells what it has by a function that is given the ids under which the person is known and returns rows by
name; `domain/exports.py` lists them all. Every column is told, under its own name in the API's spelling.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import orjson
from sqlalchemy import Row

from domain.base.database import Session
from domain.base.repository.events import list_acts_of_customers

Told: TypeAlias = dict[str, Any]
Part: TypeAlias = Callable[[Session, Sequence[UUID]], Awaitable[Mapping[str, Sequence[Told]]]]


async def tell_acts(session: Session, ids: Sequence[UUID]) -> dict[str, list[Told]]:
    """Tell what they did here themselves, as the audit has it."""
    return {"acts": [told(row) for row in await list_acts_of_customers(session, ids)]}


async def write_document(session: Session, *, ids: Sequence[UUID], parts: Sequence[Part], now: datetime) -> str:
    """Return everything that the areas have to tell, as JSON with lines and indents: a person is to read it."""
    document: Told = {"writtenAt": _plain(now), "customerIds": [str(key) for key in ids]}
    for part in parts:
        document |= await part(session, ids)
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def told(row: Row[Any], *, without: Iterable[str] = ()) -> Told:
    """Return a row as it is told: every column by its name in the API's spelling."""
    left_out = set(without)
    return {_spelled(name): _plain(value) for name, value in row._mapping.items() if name not in left_out}  # noqa: SLF001  the public name of a row's mapping


def _plain(value: Any) -> Any:  # noqa: ANN401  whatever a column holds
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, UUID | date) else value


def _spelled(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)

"""The format jsonl: one `OrderUpsertInput` or `CreditNoteUpsertInput` a line, spelled as in the API.

A line with `placedAt` is an order, one with `issuedAt` a credit note.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import orjson
from graphql import GraphQLInputType
from graphql.utilities import coerce_input_value, validate_input_value
from strawberry.types.arguments import convert_argument

from api.imports.documents import Document, Found, Problem
from api.imports.files import lines_of
from domain.base.errors import Refusal
from domain.orders.rules import CreditNoteDetails, OrderDetails
from schema.orders.inputs import CreditNoteUpsertInput, OrderUpsertInput
from schema.root import make_schema

_KINDS: dict[str, type[OrderUpsertInput] | type[CreditNoteUpsertInput]] = {
    "placedAt": OrderUpsertInput,
    "issuedAt": CreditNoteUpsertInput,
}


def read(path: Path, rows_done: int) -> Iterator[Found]:
    """Yield the documents of the file after the first `rows_done` lines."""
    inputs = _Inputs()
    for number, line in enumerate(lines_of(path), start=1):
        if number > rows_done and line.strip():
            yield _document(inputs, number, line)


def _document(inputs: "_Inputs", number: int, line: str) -> Found:
    name = f"line {number}"
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Problem(name, f"no valid JSON: {error}", number, number)
    if not isinstance(value, dict):
        return Problem(name, "no JSON object", number, number)
    if isinstance(external_id := value.get("externalId"), str):
        name = external_id[:200]
    kinds = [kind for key, kind in _KINDS.items() if key in value]
    if len(kinds) != 1:
        return Problem(
            name, "an order has placedAt, a credit note has issuedAt: exactly one of the two", number, number
        )
    try:
        return Document(inputs.details(kinds[0], value), number, number)
    except (ValueError, Refusal) as error:
        return Problem(name, str(error), number, number)


class _Inputs:
    """Reads the API's inputs from plain values, by the schema's own rules."""

    def __init__(self) -> None:
        """Build the schema once."""
        self._schema = make_schema()

    def details(
        self, kind: type[OrderUpsertInput] | type[CreditNoteUpsertInput], value: dict[str, Any]
    ) -> OrderDetails | CreditNoteDetails:
        """Return what the line says. Raises `ValueError` with every field that is at fault, `Refusal`."""
        errors: list[str] = []
        graphql_type = cast("GraphQLInputType", self._schema._schema.type_map[kind.__name__])  # noqa: SLF001
        validate_input_value(
            value, graphql_type, lambda error, path: errors.append(f"{'.'.join(map(str, path))}: {error.message}")
        )
        if errors:
            raise ValueError("; ".join(errors[:5]))
        coerced = coerce_input_value(value, graphql_type)
        converter = self._schema.schema_converter
        made = convert_argument(coerced, kind, scalar_registry=converter.scalar_registry, config=self._schema.config)
        return cast("OrderUpsertInput | CreditNoteUpsertInput", made).details()

"""What is asked of every server, in the words of its schema, and what its answers mean.

Amounts are kept in ten-thousandths. The product gives decimals with their currency, the others what their column
holds; ids, names and instants differ likewise. `canonical` makes the same of all.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.base.columns import to_micros
from schema.base.ids import global_id

OPERATIONS = ("T0", "Q1", "Q2", "Q3", "Q4", "M1")
TITLES = {
    "T0": "`{ __typename }`",
    "Q1": "one customer",
    "Q2": "the 360° view: a customer, their last 10 orders with lines, their last 5 credit notes",
    "Q3": "the 50 newest customers, each with their last 3 orders with lines",
    "Q4": "the 100 newest customers",
    "M1": "a credit note with one line on an order",
}
ISSUED_AT = "2025-06-01T00:00:00Z"
SKU, TITLE, QUANTITY, UNITS = "SKU-00007", "Article 7, as the shop calls it", 1, 27_500
CUSTOMER, ORDER, NUMBER = "@customer@", "@order@", "@number@"
"""What stands in variables for ids and for a number that nothing else has; the load generator puts them in."""

_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Dialect:
    """How servers of one kind are asked."""

    documents: Mapping[str, str]
    variables: Mapping[str, Mapping[str, Any]]
    """By operation, with the signs above instead of ids."""

    spell: Callable[[str, UUID], str]
    """How an id of a type is written."""


_PROFILE = "id externalId displayName email phone locale createdAt country"
_LINES = "lines { sku title quantity unitPrice { amount } }"
PRODUCT = Dialect(
    documents={
        "T0": "{ __typename }",
        "Q1": f"query Q1($id: ID!) {{ customer(id: $id) {{ {_PROFILE} }} }}",
        "Q2": f"""query Q2($id: ID!) {{ customer(id: $id) {{ {_PROFILE}
  orders(first: 10) {{ nodes {{ number placedAt state total {{ amount currencyCode }} {_LINES} }} }}
  creditNotes(first: 5) {{ nodes {{ number issuedAt total {{ amount }} }} }} }} }}""",
        "Q3": f"""query Q3 {{ customers(first: 50, orderBy: {{ field: CREATED_AT, direction: DESC }}) {{
  nodes {{ {_PROFILE}
  orders(first: 3) {{ nodes {{ number placedAt state total {{ amount currencyCode }} {_LINES} }} }} }} }} }}""",
        "Q4": f"""query Q4 {{ customers(first: 100, orderBy: {{ field: CREATED_AT, direction: DESC }}) {{
  nodes {{ {_PROFILE} }} }} }}""",
        "M1": f"""mutation M1($input: CreditNoteUpsertInput!) {{ creditNoteUpsert(input: $input) {{
  creditNote {{ id number issuedAt total {{ amount }} {_LINES} }} userErrors {{ code message }} }} }}""",
    },
    variables={
        "Q1": {"id": CUSTOMER},
        "Q2": {"id": CUSTOMER},
        "M1": {
            "input": {
                "externalId": NUMBER,
                "orderId": ORDER,
                "issuedAt": ISSUED_AT,
                "currencyCode": "EUR",
                "lines": [
                    {"sku": SKU, "title": TITLE, "quantity": QUANTITY, "unitPrice": str(Decimal(UNITS) / 10_000)}
                ],
            }
        },
    },
    spell=lambda type_name, key: str(global_id(type_name, key)),
)

_PROFILE = "id externalId givenName familyName email phone locale createdAt country"
_LINES = "lines { sku title quantity unitPrice }"
PLAIN = Dialect(
    documents={
        "T0": "{ __typename }",
        "Q1": f"query Q1($id: ID!) {{ customer(id: $id) {{ {_PROFILE} }} }}",
        "Q2": f"""query Q2($id: ID!) {{ customer(id: $id) {{ {_PROFILE}
  orders(first: 10) {{ number placedAt state total currencyCode {_LINES} }}
  creditNotes(first: 5) {{ number issuedAt total }} }} }}""",
        "Q3": f"""query Q3 {{ customers(first: 50) {{ {_PROFILE}
  orders(first: 3) {{ number placedAt state total currencyCode {_LINES} }} }} }}""",
        "Q4": f"query Q4 {{ customers(first: 100) {{ {_PROFILE} }} }}",
        "M1": f"""mutation M1($input: CreditNoteInput!) {{ creditNoteUpsert(input: $input) {{
  id number issuedAt total {_LINES} }} }}""",
    },
    variables={
        "Q1": {"id": CUSTOMER},
        "Q2": {"id": CUSTOMER},
        "M1": {
            "input": {
                "externalId": NUMBER,
                "orderId": ORDER,
                "issuedAt": ISSUED_AT,
                "currencyCode": "EUR",
                "lines": [{"sku": SKU, "title": TITLE, "quantity": QUANTITY, "unitPrice": UNITS}],
            }
        },
    },
    spell=lambda _, key: str(key),
)


_PROFILE = "id: rowId externalId givenName familyName email phone locale createdAt country"
_LINES = "lines: orderLinesByOrderId(orderBy: [POSITION_ASC]) { nodes { sku title quantity unitPrice } }"
_ORDERS = f"""orders: ordersByCustomerId(first: %d, orderBy: [PLACED_AT_DESC, ROW_ID_DESC]) {{ nodes {{
    number placedAt state total currencyCode {_LINES} }} }}"""
_NEWEST = "customers: allCustomers(first: %d, orderBy: [CREATED_AT_DESC, ROW_ID_DESC])"
POSTGRAPHILE = Dialect(
    documents={
        "T0": "{ __typename }",
        "Q1": f"query Q1($id: UUID!) {{ customer: customerByRowId(rowId: $id) {{ {_PROFILE} }} }}",
        "Q2": f"""query Q2($id: UUID!) {{ customer: customerByRowId(rowId: $id) {{ {_PROFILE}
  {_ORDERS % 10}
  creditNotes: creditNotesByCustomerId(first: 5, orderBy: [ISSUED_AT_DESC, ROW_ID_DESC]) {{
    nodes {{ number issuedAt total }} }} }} }}""",
        "Q3": f"query Q3 {{ {_NEWEST % 50} {{ nodes {{ {_PROFILE}\n  {_ORDERS % 3} }} }} }}",
        "Q4": f"query Q4 {{ {_NEWEST % 100} {{ nodes {{ {_PROFILE} }} }} }}",
        "M1": """mutation M1($input: PeersWriteCreditNoteInput!) {
  creditNoteUpsert: peersWriteCreditNote(input: $input) { creditNote: result { id: rowId number issuedAt total
    lines: creditNoteLinesByCreditNoteId(orderBy: [POSITION_ASC]) {
      nodes { sku title quantity unitPrice } } } } }""",
    },
    variables={
        "Q1": {"id": CUSTOMER},
        "Q2": {"id": CUSTOMER},
        "M1": {
            "input": {
                "externalId": NUMBER,
                "orderId": ORDER,
                "issuedAt": ISSUED_AT,
                "currencyCode": "EUR",
                "sku": SKU,
                "title": TITLE,
                "quantity": str(QUANTITY),
                "unitPrice": str(UNITS),
            }
        },
    },
    spell=lambda _, key: str(key),
)


def filled(value: Any, signs: Mapping[str, str]) -> Any:  # noqa: ANN401  of JSON
    """Return variables in which the signs are replaced."""
    if isinstance(value, Mapping):
        return {name: filled(each, signs) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, signs) for each in value]
    return signs.get(value, value) if isinstance(value, str) else value


def canonical(value: Any, name: str = "") -> Any:  # noqa: ANN401  of JSON
    """Return an answer as all servers should give it."""
    if isinstance(value, list):
        return [canonical(each, name) for each in value]
    if isinstance(value, dict):
        return _canonical_object(value, name)
    if value is None:
        return None
    if name.endswith("At"):
        if value[10] != "T":
            message = f"no instant as RFC 3339 has it: {value}"
            raise RuntimeError(message)
        return to_micros(datetime.fromisoformat(value))
    if name in {"total", "unitPrice", "quantity"}:
        return int(value)
    return _key(value) if name == "id" else value


def _canonical_object(found: dict[str, Any], name: str) -> Any:  # noqa: ANN401
    if set(found) == {"nodes"}:
        return canonical(found["nodes"])
    if "amount" in found:
        return int(Decimal(found["amount"]) * 10_000)
    if name == "creditNoteUpsert" and "creditNote" in found:
        if found.get("userErrors"):
            message = f"refused: {found['userErrors']}"
            raise RuntimeError(message)
        return canonical(found["creditNote"], name)
    made = {each: canonical(value, each) for each, value in found.items()}
    if "familyName" in made:
        made["displayName"] = f"{made.pop('givenName')} {made.pop('familyName')}"
    if isinstance(found.get("total"), dict) and "currencyCode" in found["total"]:
        made["currencyCode"] = found["total"]["currencyCode"]
    return made


def _key(value: str) -> str:
    """Return the key in an id, a UUID or the product's global one."""
    try:
        return str(UUID(value))
    except ValueError:
        padded = value.encode() + b"=" * (-len(value) % 4)
        return str(UUID(bytes=base64.urlsafe_b64decode(padded)[-_KEY_BYTES:]))

"""Taking over credit notes from the shop, one or a thousand at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from domain.base.actors import Permission
from domain.base.errors import Invalid, Refusal, Refusals
from domain.base.identifiers import new_id
from domain.base.work import Work
from domain.customers.actions.buyers import recognise_buyers
from domain.customers.repository.families import list_erased
from domain.customers.rules.profiles import Buyer
from domain.orders import rules
from domain.orders.errors import OrderNotFound
from domain.orders.events import CreditNoteChanged
from domain.orders.repository.credit_notes import (
    list_credit_notes_for_update,
    list_lines_by_credit_note,
    write_credit_notes,
)
from domain.orders.repository.orders import lock_orders
from domain.orders.rules import CreditNoteDetails, LineDetails


async def upsert_credit_note(work: Work, *, note: CreditNoteDetails) -> UUID:
    """Take over one credit note: `upsert_credit_notes` with one, whose refusal is raised.

    Raises `Refusals`, `OrderNotFound`, `Invalid` for another currency than the order's.
    """
    (outcome,) = await upsert_credit_notes(work, notes=[note])
    if isinstance(outcome, UUID):
        return outcome
    raise outcome


async def upsert_credit_notes(work: Work, *, notes: Sequence[CreditNoteDetails]) -> list[UUID | Refusal | Refusals]:
    """Take over credit notes whose external ids differ; return each one's id, or why it was refused.

    A credit note belongs to its order's customer; where the shop did not say which order, to the buyer
    that it names. A known one is replaced; with an older `sequence` or no difference nothing changes.

    Records `CreditNoteChanged`, and what recognising the buyers records. Locks customers, orders, notes.
    """
    work.require(Permission.ORDERS_WRITE)
    outcomes: list[UUID | Refusal | Refusals | None] = [None] * len(notes)
    valid: dict[int, CreditNoteDetails] = {}
    for index, note in enumerate(notes):
        try:
            valid[index] = rules.check_credit_note(note, now=work.now)
        except (Refusal, Refusals) as refusal:
            outcomes[index] = refusal
    orders = await _orders_of(work, list(valid.values()))
    known = await list_credit_notes_for_update(work.session, [note.external_id for note in valid.values()])
    for index, note in list(valid.items()):
        existing = known.get(note.external_id)
        if existing is not None and rules.is_outdated(known=existing.sequence, sent=note.sequence):
            outcomes[index] = existing.id
            del valid[index]
        elif (wrong_order := _refuse_order(note, _order_of(note, orders))) is not None:
            outcomes[index] = wrong_order
            del valid[index]
    customers = await _recognise(work, valid, orders, known)
    stored_lines = await list_lines_by_credit_note(work.session, [note.id for note in known.values()])
    batch = _Batch()
    for index, note in valid.items():
        order = _order_of(note, orders)
        columns = _columns(note, order_id=None if order is None else order.id, customer_id=customers[index])
        row = known.get(note.external_id)
        if row is None:
            outcomes[index] = _add(work, batch, note, columns)
        else:
            _change(work, batch, row, note, columns, stored_lines[row.id])
            outcomes[index] = row.id
    await write_credit_notes(
        work.session, fresh=batch.fresh, changed=batch.changed, rewritten=batch.rewritten, lines=batch.lines
    )
    return [outcome for outcome in outcomes if outcome is not None]


@dataclass(slots=True)
class _Batch:
    """What is to be written."""

    fresh: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    rewritten: list[UUID] = field(default_factory=list)
    """Known notes, whose lines make room."""
    lines: list[dict[str, Any]] = field(default_factory=list)

    def take_lines(self, note_id: UUID, lines: Sequence[LineDetails]) -> None:
        """Let these be the note's lines."""
        self.lines.extend(
            {"id": new_id(), "credit_note_id": note_id, **_line_columns(position, line)}
            for position, line in enumerate(lines)
        )


def _add(work: Work, batch: _Batch, note: CreditNoteDetails, columns: Mapping[str, Any]) -> UUID:
    stamps = {"sequence": note.sequence, "created_at": work.now, "updated_at": work.now}
    row = {"id": new_id(), "external_id": note.external_id, **columns, **stamps}
    batch.fresh.append(row)
    batch.take_lines(row["id"], note.lines)
    _record(work, row, previous_customer_id=None)
    key: UUID = row["id"]
    return key


def _change(
    work: Work,
    batch: _Batch,
    known: Any,  # noqa: ANN401  a row
    note: CreditNoteDetails,
    columns: Mapping[str, Any],
    lines: Sequence[Any],
) -> None:
    """Take over what differs from what is known."""
    sequence = known.sequence if note.sequence is None else note.sequence
    sent = [_line_columns(position, line) for position, line in enumerate(note.lines)]
    is_same = [_shown(line) for line in lines] == sent
    is_same = is_same and all(getattr(known, name) == value for name, value in columns.items())
    row = {"id": known.id, **columns, "sequence": sequence, "updated_at": known.updated_at if is_same else work.now}
    if is_same:
        if sequence != known.sequence:
            batch.changed.append(row)
        return
    batch.changed.append(row)
    batch.rewritten.append(known.id)
    batch.take_lines(known.id, note.lines)
    is_moved = known.customer_id != row["customer_id"]
    _record(work, row, previous_customer_id=known.customer_id if is_moved else None)


async def _orders_of(work: Work, notes: Sequence[CreditNoteDetails]) -> dict[UUID | str, Any]:
    """Return the orders that the notes name, under both their names."""
    ids = [note.order_id for note in notes if note.order_id is not None]
    external_ids = [note.order_external_id for note in notes if note.order_external_id is not None]
    found: dict[UUID | str, Any] = {}
    for order in await lock_orders(work.session, ids=ids, external_ids=external_ids):
        work.keep(order)
        found[order.id] = found[order.external_id] = order
    return found


def _order_of(note: CreditNoteDetails, orders: Mapping[UUID | str, Any]) -> Any | None:  # noqa: ANN401  a row
    name = note.order_id or note.order_external_id
    return None if name is None else orders.get(name)


def _refuse_order(note: CreditNoteDetails, order: Any | None) -> Refusal | None:  # noqa: ANN401  a row
    """Refuse a note whose order is unknown or in another currency."""
    if order is None:
        if note.order_id is not None:
            return OrderNotFound(field=("order_id",))
        return None if note.order_external_id is None else OrderNotFound(field=("order_external_id",))
    if order.currency_code != note.currency_code:
        message = f"The order is in {order.currency_code}, so its credit notes are too."
        return Invalid(message, field=("currency_code",))
    return None


async def _recognise(
    work: Work,
    notes: Mapping[int, CreditNoteDetails],
    orders: Mapping[UUID | str, Any],
    known: Mapping[str, Any],
) -> dict[int, UUID | None]:
    """Return whose credit note each is: the order's customer, else the buyer that it names, else nobody's.

    What is sent again of an erased customer's stays theirs: the person does not come back with it.
    """
    found: dict[int, UUID | None] = {}
    named: dict[int, Buyer] = {}
    owners = {note.customer_id for note in known.values() if note.customer_id is not None}
    erased = await list_erased(work.session, owners)
    for index, note in notes.items():
        order = _order_of(note, orders)
        current = known.get(note.external_id)
        if order is not None:
            found[index] = order.customer_id
        elif current is not None and current.customer_id in erased:
            found[index] = current.customer_id
        elif note.buyer is None:
            found[index] = None
        else:
            named[index] = note.buyer.now_behind(None if current is None else current.customer_id)
    ids = await recognise_buyers(work, buyers=list(named.values())) if named else []
    return found | dict(zip(named, ids, strict=True))


def _columns(note: CreditNoteDetails, *, order_id: UUID | None, customer_id: UUID | None) -> dict[str, Any]:
    """Return what the shop says about a credit note, by column."""
    return {
        "number": note.number,
        "customer_id": customer_id,
        "order_id": order_id,
        "issued_at": note.issued_at,
        "currency_code": note.currency_code,
        "total": rules.lines_total(note.lines),
    }


def _line_columns(position: int, line: LineDetails) -> dict[str, Any]:
    return {
        "position": position,
        "external_id": line.external_id,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        "total": line.total,
    }


def _shown(row: Any) -> dict[str, Any]:  # noqa: ANN401  a row of a select
    names = ("position", "external_id", "sku", "title", "quantity", "unit_price", "total")
    return {name: getattr(row, name) for name in names}


def _record(work: Work, row: Mapping[str, Any], *, previous_customer_id: UUID | None) -> None:
    note = SimpleNamespace(**row)
    work.keep(note)
    work.record(
        CreditNoteChanged(
            credit_note_id=note.id,
            order_id=note.order_id,
            customer_id=note.customer_id,
            previous_customer_id=previous_customer_id,
        )
    )

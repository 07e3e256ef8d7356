"""Taking over whole files, batch by batch."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.base.actors import Permission
from domain.base.errors import Refusal, Refusals
from domain.base.work import Work
from domain.orders.actions.credit_notes import upsert_credit_notes
from domain.orders.actions.orders import upsert_orders
from domain.orders.repository.imports import delete_import_run, set_import_finished, store_import_progress
from domain.orders.rules import CreditNoteDetails, OrderDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some documents of a file, how far the file is read with them, and what was counted without them."""

    file_hash: str
    format: str
    rows_done: int
    counts: Mapping[str, int]
    orders: Sequence[OrderDetails]
    credit_notes: Sequence[CreditNoteDetails]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """The id of what each document became, or why it was refused; aligned to the batch. And all counts now."""

    orders: list[UUID | Refusal | Refusals]
    credit_notes: list[UUID | Refusal | Refusals]
    counts: dict[str, int]


async def import_batch(work: Work, *, batch: Batch) -> BatchOutcome:
    """Take over the documents, and note how far the file has come, in one transaction.

    Orders come first: credit notes may name them. Records what taking them over records.
    """
    work.require(Permission.ORDERS_WRITE)
    orders = await upsert_orders(work, orders=batch.orders) if batch.orders else []
    credit_notes = await upsert_credit_notes(work, notes=batch.credit_notes) if batch.credit_notes else []
    counts = Counter(batch.counts)
    _count(counts, "order", batch.orders, orders)
    _count(counts, "credit note", batch.credit_notes, credit_notes)
    await store_import_progress(
        work.session,
        file_hash=batch.file_hash,
        format=batch.format,
        rows_done=batch.rows_done,
        counts=counts,
        now=work.now,
    )
    return BatchOutcome(orders=orders, credit_notes=credit_notes, counts=dict(counts))


def _count(
    counts: Counter[str],
    kind: str,
    documents: Sequence[OrderDetails | CreditNoteDetails],
    outcomes: Sequence[UUID | Refusal | Refusals],
) -> None:
    """Count what went in, with its lines, and what was refused."""
    for document, outcome in zip(documents, outcomes, strict=True):
        if isinstance(outcome, UUID):
            counts[kind] += 1
            counts["line"] += len(document.lines)
        else:
            counts["refused"] += 1


async def finish_import(work: Work, *, file_hash: str, format: str) -> None:  # noqa: A002  the word of the command
    """Note that the file is done."""
    work.require(Permission.ORDERS_WRITE)
    await set_import_finished(work.session, file_hash=file_hash, format=format, now=work.now)


async def restart_import(work: Work, *, file_hash: str, format: str) -> None:  # noqa: A002
    """Forget how far the file was read, so that it is read from the start."""
    work.require(Permission.ORDERS_WRITE)
    await delete_import_run(work.session, file_hash=file_hash, format=format)

"""Taking over whole files, batch by batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from domain.base.actors import Permission
from domain.base.errors import Refusal, Refusals
from domain.base.work import Work
from domain.orders import repository
from domain.orders.actions.credit_notes import upsert_credit_notes
from domain.orders.actions.orders import upsert_orders
from domain.orders.rules import CreditNoteDetails, OrderDetails


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Some documents of a file, and how far the file is read with them."""

    file_hash: str
    format: str
    rows_done: int
    counts: dict[str, int]
    orders: Sequence[OrderDetails]
    credit_notes: Sequence[CreditNoteDetails]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """The id of what each document became, or why it was refused; aligned to the batch."""

    orders: list[UUID | Refusal | Refusals]
    credit_notes: list[UUID | Refusal | Refusals]


async def import_batch(work: Work, *, batch: Batch) -> BatchOutcome:
    """Take over the documents, and note how far the file has come, in one transaction.

    Orders come first: credit notes may name them. Records what taking them over records.
    """
    work.require(Permission.ORDERS_WRITE)
    orders = await upsert_orders(work, orders=batch.orders) if batch.orders else []
    credit_notes = await upsert_credit_notes(work, notes=batch.credit_notes) if batch.credit_notes else []
    refused = sum(1 for outcome in (*orders, *credit_notes) if not isinstance(outcome, UUID))
    counts = batch.counts | {"refused": batch.counts.get("refused", 0) + refused}
    await repository.store_import_progress(
        work.session,
        file_hash=batch.file_hash,
        format=batch.format,
        rows_done=batch.rows_done,
        counts=counts,
        now=work.now,
    )
    return BatchOutcome(orders=orders, credit_notes=credit_notes)


async def finish_import(work: Work, *, file_hash: str, format: str) -> None:  # noqa: A002  the word of the command
    """Note that the file is done."""
    work.require(Permission.ORDERS_WRITE)
    await repository.finish_import(work.session, file_hash=file_hash, format=format, now=work.now)


async def restart_import(work: Work, *, file_hash: str, format: str) -> None:  # noqa: A002
    """Forget how far the file was read, so that it is read from the start."""
    work.require(Permission.ORDERS_WRITE)
    await repository.delete_import_run(work.session, file_hash=file_hash, format=format)

"""Taking over whole files, batch by batch: documents and progress in one transaction."""

from uuid import UUID

from domain.base.actors import SYSTEM
from domain.base.work import Work, Works
from domain.customers.rules.profiles import Buyer
from domain.orders.actions.imports import Batch, BatchOutcome, finish_import, import_batch, restart_import
from domain.orders.repository.imports import find_import_run
from domain.orders.rules import CreditNoteDetails, OrderDetails
from tests.conftest import NOW
from tests.orders.test_api_concentration import cups

FILE = {"file_hash": "hash", "format": "jsonl"}


async def take(works: Works, batch: Batch) -> BatchOutcome:
    """Take over a batch."""
    return await works.perform(lambda work: import_batch(work, batch=batch), actor=SYSTEM, action="test")


async def progress(works: Works) -> tuple[int, dict[str, int], bool] | None:
    """Return the rows done, what was counted, and whether the file is done."""
    async with works.database.reading() as session:
        row = await find_import_run(session, **FILE)
    return None if row is None else (row.rows_done, row.counts, row.finished_at is not None)


async def test_a_file_goes_in_batch_by_batch(works: Works) -> None:
    """Credit notes may name orders of their own batch; the progress has every count, until it is forgotten."""
    order = OrderDetails(
        external_id="o-1", placed_at=NOW, currency_code="EUR", lines=cups(2) * 3, buyer=Buyer(external_id="k")
    )
    wrong = OrderDetails(external_id="o-2", placed_at=NOW, currency_code="?", lines=cups(2))
    note = CreditNoteDetails(
        external_id="c-1", issued_at=NOW, currency_code="EUR", lines=cups(1), order_external_id="o-1"
    )
    batch = Batch(**FILE, rows_done=5, counts={"row": 5}, orders=[order, wrong], credit_notes=[note])
    outcome = await take(works, batch)
    assert [isinstance(each, UUID) for each in (*outcome.orders, *outcome.credit_notes)] == [True, False, True]
    expected = {"row": 5, "order": 1, "credit note": 1, "line": 4, "refused": 1}
    assert outcome.counts == expected
    assert await progress(works) == (5, expected, False)
    outcome = await take(works, Batch(**FILE, rows_done=6, counts={"row": 6}, orders=[], credit_notes=[]))
    assert (outcome.orders, outcome.credit_notes) == ([], [])
    assert await progress(works) == (6, {"row": 6}, False)

    async def finish(work: Work) -> None:
        await finish_import(work, **FILE)

    async def restart(work: Work) -> None:
        await restart_import(work, **FILE)

    await works.perform(finish, actor=SYSTEM, action="test")
    assert await progress(works) == (6, {"row": 6}, True)
    await works.perform(restart, actor=SYSTEM, action="test")
    assert await progress(works) is None

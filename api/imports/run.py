"""Importing a file: read, take over batch by batch, count, report."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

from api.imports import jsonl, online_retail
from api.imports.documents import Document, Found, Problem, Reader
from api.imports.files import Sound, inspect
from domain.base.actors import SYSTEM
from domain.base.errors import Refusal, Refusals
from domain.base.work import Works
from domain.customers.actions.spending import refresh_ranking
from domain.identity.actions.stores import upsert_store
from domain.identity.repository.stores import find_store
from domain.orders.actions.imports import (
    Batch,
    finish_import,
    import_batch,
    restart_import,
)
from domain.orders.repository.imports import find_import_run
from domain.orders.rules import CreditNoteDetails, OrderDetails
from schema.base.errors import in_api_spelling

FORMATS: dict[str, Reader] = {"online-retail": online_retail.read, "jsonl": jsonl.read}

BATCH_LINES_MAX = 4_000
BATCH_DOCUMENTS_MAX = 400
"""A batch is one transaction: large enough that its statements pay, small enough to be soon on disk."""

COUNTED_AT_COMMIT = ("order", "credit note", "line")

Advance: TypeAlias = Callable[[int], None]


@dataclass(slots=True)
class Summary:
    """What became of a file."""

    path: Path
    rows: int
    counts: Counter[str] = field(default_factory=Counter)
    left_out: list[Problem] = field(default_factory=list)
    report: Path | None = None
    was_done: bool = False

    @property
    def is_clean(self) -> bool:
        """Tell whether nothing was refused."""
        return self.counts["refused"] == 0


class Report:
    """The file of what was refused; it exists only where something was."""

    def __init__(self, path: Path) -> None:
        """Forget the report of an earlier run."""
        self.path = path
        path.unlink(missing_ok=True)

    def add(self, problem: Problem) -> None:
        """Write one row."""
        is_new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            if is_new:
                writer.writerow(["first_line", "last_line", "document", "reason"])
            writer.writerow([problem.first_line, problem.last_line, problem.name, problem.reason])


def check_file(path: Path, *, format_name: str) -> Sound:
    """Read the file once from end to end. Raises `FileRefused` where it is unfit as a whole."""
    sound = inspect(path)
    if format_name == "online-retail":
        online_retail.check(path)
    return sound


async def import_file(
    works: Works,
    path: Path,
    *,
    format_name: str,
    report_folder: Path,
    advance: Advance = lambda _rows: None,
    sound: Sound | None = None,
    is_again: bool = False,
) -> Summary:
    """Import one file and return what became of it; a file that was begun goes on where it stopped.

    A file that went in without a refusal is not read again, unless `is_again`. One with refusals is read
    from its start, so that the report names them all: what went in before changes nothing.
    Raises `FileRefused` where the file as a whole is unfit; then nothing of it went in.
    """
    sound = sound or check_file(path, format_name=format_name)
    summary = Summary(path=path, rows=sound.line_count)
    async with works.database.reading() as session:
        known = await find_import_run(session, file_hash=sound.sha256, format=format_name)
    was_clean = known is not None and known.counts.get("refused", 0) == 0
    if known is not None and known.finished_at is not None and was_clean and not is_again:
        summary.counts, summary.was_done = Counter(known.counts), True
        advance(sound.line_count)
        return summary
    if known is not None and (known.finished_at is not None or not was_clean):
        known = None
        await works.perform(
            lambda work: restart_import(work, file_hash=sound.sha256, format=format_name),
            actor=SYSTEM,
            action="importRestart",
        )
    rows_done = 0 if known is None else known.rows_done
    if known is not None:  # what was left out is found again in the part that was read before
        summary.counts = Counter({kind: known.counts.get(kind, 0) for kind in COUNTED_AT_COMMIT})
    advance(rows_done)
    report = Report(report_folder / f"{path.name}.refused.csv")
    await _open_store(works, format_name=format_name)
    taker = _Taker(works, sound, format_name, summary, report, advance, rows_done)
    for found in FORMATS[format_name](path, rows_done):
        await taker.take(found)
    await taker.finish()
    summary.report = report.path if report.path.exists() else None
    return summary


async def _open_store(works: Works, *, format_name: str) -> None:
    """Add the import's store where it is missing: the data set's own, or any at all.

    A store of that code which the shop has renamed stays as it is.
    """
    async with works.database.reading() as session:
        if format_name == "online-retail":
            known = await find_store(session, online_retail.STORE.code)
        else:
            known = await find_store(session, None)
    if known is None:
        await works.perform(
            lambda work: upsert_store(work, details=online_retail.STORE), actor=SYSTEM, action="storeUpsert"
        )


class _Taker:
    """Collects documents into batches and takes these over."""

    def __init__(
        self,
        works: Works,
        sound: Sound,
        format_name: str,
        summary: Summary,
        report: Report,
        advance: Advance,
        rows_done: int,
    ) -> None:
        """Start with an empty batch."""
        self._works, self._sound, self._format = works, sound, format_name
        self._summary, self._report, self._advance = summary, report, advance
        self._rows_done = self._rows_committed = rows_done
        self._documents: list[Document] = []
        self._names: set[tuple[type, str]] = set()
        self._line_count = 0
        self._counts: Counter[str] = Counter()

    async def take(self, found: Found) -> None:
        """Put what was found into the batch; take the batch over when it is full."""
        if isinstance(found, Problem):
            self._leave_out(found)
        else:
            name = (type(found.details), found.details.external_id.strip())
            # The same document twice in one batch would meet itself.
            if (
                name in self._names
                or self._line_count >= BATCH_LINES_MAX
                or len(self._documents) >= BATCH_DOCUMENTS_MAX
            ):
                await self._commit()
            self._names.add(name)
            self._documents.append(found)
            self._line_count += len(found.details.lines)
        rows = found.last_line - (1 if self._format == "online-retail" else 0)
        self._rows_done = max(self._rows_done, rows)

    async def finish(self) -> None:
        """Take over what is left, note that the file is done, and rank the customers anew."""
        await self._commit()
        self._advance(self._summary.rows - self._rows_committed)
        await self._works.perform(
            lambda work: finish_import(work, file_hash=self._sound.sha256, format=self._format),
            actor=SYSTEM,
            action="importFinish",
        )
        await self._works.perform(
            lambda work: refresh_ranking(work, is_forced=True), actor=SYSTEM, action="rankingRefresh"
        )

    def _leave_out(self, problem: Problem) -> None:
        self._counts[problem.kind] += 1
        if problem.is_refusal:
            self._report.add(problem)
        else:
            self._summary.left_out.append(problem)

    async def _commit(self) -> None:
        orders = [each for each in self._documents if isinstance(each.details, OrderDetails)]
        notes = [each for each in self._documents if isinstance(each.details, CreditNoteDetails)]
        batch = Batch(
            file_hash=self._sound.sha256,
            format=self._format,
            rows_done=self._rows_done,
            counts=self._summary.counts + self._counts,
            orders=[each.details for each in orders if isinstance(each.details, OrderDetails)],
            credit_notes=[each.details for each in notes if isinstance(each.details, CreditNoteDetails)],
        )
        outcome = await self._works.perform(
            lambda work: import_batch(work, batch=batch), actor=SYSTEM, action="importBatch"
        )
        self._summary.counts, self._counts = Counter(outcome.counts), Counter()
        for problem in _refused([*orders, *notes], [*outcome.orders, *outcome.credit_notes]):
            self._report.add(problem)
        self._advance(self._rows_done - self._rows_committed)
        self._rows_committed = self._rows_done
        self._documents, self._line_count = [], 0
        self._names.clear()


def _refused(documents: list[Document], outcomes: list[UUID | Refusal | Refusals]) -> Iterator[Problem]:
    for document, outcome in zip(documents, outcomes, strict=True):
        if not isinstance(outcome, UUID):
            reasons = outcome.refusals if isinstance(outcome, Refusals) else (outcome,)
            reason = "; ".join(_told(document, each) for each in reasons[:5])
            yield Problem(document.details.external_id, reason, document.first_line, document.last_line)


def _told(document: Document, refusal: Refusal) -> str:
    """Return the reason with its place: the file's line, where the document has one line for each of its own."""
    path = refusal.field
    place = ""
    is_line_by_line = len(document.details.lines) == document.last_line - document.first_line + 1
    if is_line_by_line and path[:1] == ("lines",) and len(path) > 1:
        place = f"line {document.first_line + int(path[1])}: "
        path = path[2:]
    name = ".".join(in_api_spelling(step) for step in path)
    return f"{place}{name}: {refusal.message}" if name else f"{place}{refusal.message}"

"""Files that overlap, and files that come twice: an invoice goes in once, whoever brings it first."""

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from anyio import to_thread
from sqlalchemy import text

from api.imports.run import Summary, import_file
from tests.conftest import Client, Databases
from tests.real_data.asking import (
    CONCENTRATION,
    EVERY_CUSTOMER,
    expected_concentration,
    expected_values,
    read_all,
    shown_concentration,
    shown_value,
)
from tests.real_data.conftest import DECEMBER, MOD5, Imported, open_client
from tests.real_data.expected_ranks import buyers_of, read_invoices
from tests.snapshots import snapshot


@pytest.fixture
def first_file(kind: str) -> Path:
    """Return the file that is imported first: a different one on each database."""
    return MOD5 if kind == "sqlite" else DECEMBER


@pytest.fixture
async def client(kind: str, first_file: Path, imported: Imported, databases: Databases) -> AsyncIterator[Client]:
    """Ask a database that holds the first file."""
    url = await to_thread.run_sync(imported.copy, kind, first_file)
    async with open_client(url) as client:
        yield client
    await to_thread.run_sync(databases.drop, kind, url)


async def test_two_files_in_one_database_are_their_union(client: Client, first_file: Path, tmp_path: Path) -> None:
    """In both orders the figures are those of all invoices, each counted once, and each is told once."""
    second = DECEMBER if first_file == MOD5 else MOD5
    summary = await import_file(client.works, second, format_name="online-retail", report_folder=tmp_path)
    invoices = read_invoices(MOD5, DECEMBER)
    assert len(invoices) < len(read_invoices(MOD5)) + len(read_invoices(DECEMBER))
    buyers = buyers_of(invoices.values())
    nodes = await read_all(client, EVERY_CUSTOMER, "customers")
    assert {node["externalId"]: shown_value(node["value"]) for node in nodes} == expected_values(buyers)
    answer = await client.ask(CONCENTRATION)
    assert shown_concentration(answer.data["valueConcentration"]) == expected_concentration(buyers)
    orders = [number for number, invoice in invoices.items() if invoice.is_order]
    async with client.works.database.reading() as session:
        told = Counter((await session.execute(text("SELECT type FROM events"))).scalars())
        numbers = (await session.execute(text("SELECT external_id FROM orders"))).scalars().all()
        lines = (await session.execute(text("SELECT count(*) FROM order_lines"))).scalar_one()
        notes = (await session.execute(text("SELECT count(*) FROM credit_notes"))).scalar_one()
    assert sorted(numbers) == sorted(orders)
    assert told["OrderChanged"] == len(orders)
    assert told["CreditNoteChanged"] == notes == sum(invoice.is_cancellation for invoice in invoices.values())
    assert told["CustomerCreated"] == len(buyers)
    assert lines == sum(len(invoices[number].rows) for number in orders)
    assert summary.is_clean


async def test_the_same_file_again_changes_nothing(mod5: Client, mod5_summary: Summary, tmp_path: Path) -> None:
    """Not one column of one row, not one event: the file is known, and said to be."""
    before = await snapshot(mod5.works)
    summary = await import_file(mod5.works, MOD5, format_name="online-retail", report_folder=tmp_path)
    assert await snapshot(mod5.works) == before
    assert summary.was_done
    assert summary.counts == mod5_summary.counts
    assert summary.report is None


async def test_a_file_read_again_on_purpose_changes_nothing(
    december: Client, december_summary: Summary, tmp_path: Path
) -> None:
    """Every order is compared with what is known and found equal; only the audit says that somebody tried."""
    before = await snapshot(december.works, without=("audit_entries",))
    summary = await import_file(
        december.works, DECEMBER, format_name="online-retail", report_folder=tmp_path, is_again=True
    )
    assert await snapshot(december.works, without=("audit_entries",)) == before
    assert not summary.was_done
    assert (summary.counts, summary.left_out) == (december_summary.counts, december_summary.left_out)

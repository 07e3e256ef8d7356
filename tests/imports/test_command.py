"""The command `sportello import orders`, as somebody types it: exit codes, and what it says."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import DATA
from tests.imports.files import as_csv, as_jsonl, row, written

COMMAND = Path(sys.executable).with_name("sportello")


def run(url: str, folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command against the database, in a folder of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPORTELLO_")}
    return subprocess.run(  # noqa: S603
        [COMMAND, "import", "orders", *arguments],
        cwd=folder,
        env=environment | {"SPORTELLO_DATABASE_URL": url, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_clean_file_ends_with_0_and_a_summary(database_url: str, tmp_path: Path) -> None:
    """The summary has the counts; a second run says that the file went in already, and no more."""
    path = DATA / "online_retail_cust_mod50.csv.gz"
    first = run(database_url, tmp_path, "--format", "online-retail", path)
    assert (first.returncode, first.stdout) == (0, "")
    counts = "394 orders and 74 credit notes with 7,810 lines"
    nothing_else = "0 stock corrections and 0 adjustments of the books are no orders; 0 refused."
    assert f"online_retail_cust_mod50.csv.gz: done. {counts}; {nothing_else}\n" in first.stderr
    second = run(database_url, tmp_path, "--format", "online-retail", path)
    assert second.returncode == 0
    assert f"online_retail_cust_mod50.csv.gz: went in already. {counts}; {nothing_else}\n" in second.stderr
    assert not (tmp_path / "var").exists()


def test_a_refusal_ends_with_1_and_a_report(database_url: str, tmp_path: Path) -> None:
    """Whatever else is good: a script sees that something was refused, and a person where to look."""
    good = written(tmp_path, as_csv([row("1"), row("2")]), name="good.csv")
    mixed = written(tmp_path, as_csv([row("3"), row("4", "six"), row("5", "-1", "0", customer="")]), name="mixed.csv")
    found = run(database_url, tmp_path, "--format", "online-retail", good, mixed, "--report", "reports")
    assert found.returncode == 1, found.stderr
    assert "good.csv: done. 2 orders" in found.stderr
    assert "mixed.csv: done. 1 orders and 0 credit notes with 1 lines; 1 stock corrections" in found.stderr
    assert "; 1 refused.\n" in found.stderr
    assert "  5: corrects the stock of 85123A by -1 (line 4)\n" in found.stderr
    assert "What was refused, and why, is in reports/mixed.csv.refused.csv." in found.stderr
    report = tmp_path / "reports" / "mixed.csv.refused.csv"
    assert report.read_text(encoding="utf-8").splitlines() == [
        "first_line,last_line,document,reason",
        "3,3,4,line 3: Quantity 'six' is no whole number",
    ]
    assert list((tmp_path / "reports").iterdir()) == [report]


def test_an_unfit_file_keeps_the_others_out_too(database_url: str, tmp_path: Path) -> None:
    """All files are looked at before the first goes in, so that nothing has to be taken back."""
    good = written(tmp_path, as_csv([row("1")]), name="good.csv")
    broken = written(tmp_path, as_csv([row("2")]), name="broken.csv.gz", is_packed=True)
    broken.write_bytes(broken.read_bytes()[:-4])
    found = run(database_url, tmp_path, "--format", "online-retail", good, broken)
    assert found.returncode == 1
    assert "broken.csv.gz: the gzip file is broken" in found.stderr
    assert "Nothing was imported." in found.stderr
    assert "Traceback" not in found.stderr
    again = run(database_url, tmp_path, "--format", "online-retail", good)
    assert "good.csv: done. 1 orders" in again.stderr  # not: went in already


def test_json_lines_go_in(database_url: str, tmp_path: Path) -> None:
    """Into a database without a store too: the import's store is the United Kingdom, in pounds."""
    order = {
        "externalId": "o1",
        "placedAt": "2026-01-15T10:00:00Z",
        "currencyCode": "GBP",
        "lines": [{"sku": "A1", "title": "Cup", "quantity": 2, "unitPrice": "4.50"}],
    }
    path = written(tmp_path, as_jsonl([order]), name="orders.jsonl")
    found = run(database_url, tmp_path, "--format", "jsonl", path)
    assert found.returncode == 0, found.stderr
    assert "orders.jsonl: done. 1 orders" in found.stderr
    retail = written(tmp_path, as_csv([row("1")]), name="retail.csv")
    assert run(database_url, tmp_path, "--format", "online-retail", retail).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "xml", "orders.csv"], "There is no format xml; there are online-retail, jsonl."),
        (["orders.csv"], "--format"),
        (["--format", "jsonl"], "FILE"),
    ],
    ids=["unknown format", "no format", "no file"],
)
def test_a_wrong_command_ends_with_2(arguments: list[str], message: str, tmp_path: Path) -> None:
    """Typed wrong is another thing than refused, and touches no database."""
    found = run(f"sqlite:///{tmp_path}/none.sqlite3", tmp_path, *arguments)
    assert found.returncode == 2
    assert message in found.stderr
    assert list(tmp_path.glob("none.sqlite3*")) == []


def test_a_missing_database_is_told_in_a_sentence(tmp_path: Path) -> None:
    """No traceback where somebody only has to start a server."""
    path = written(tmp_path, as_csv([row("1")]))
    url = f"postgresql://nobody@/none?host={tmp_path}"
    found = run(url, tmp_path, "--format", "online-retail", path)
    assert found.returncode == 2
    assert "The database cannot be used" in found.stderr
    assert "Traceback" not in found.stderr

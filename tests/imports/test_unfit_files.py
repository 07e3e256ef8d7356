"""Files that are unfit as a whole: refused with what to do, and nothing of them in the database."""

import gzip
from pathlib import Path

import pytest

from api.imports.files import LINE_BYTES_MAX, FileRefused
from domain.base.work import Works
from tests.conftest import DATA
from tests.imports.conftest import Take
from tests.imports.files import COLUMNS, as_csv, row, written
from tests.snapshots import snapshot

GOOD = as_csv([row(str(number)) for number in range(500)])
PACKED = gzip.compress(GOOD, mtime=0)
MIDDLE = len(PACKED) // 2
FLIPPED = PACKED[:MIDDLE] + bytes([PACKED[MIDDLE] ^ 0x10]) + PACKED[MIDDLE + 1 :]
WRONG_SUM = PACKED[:-8] + bytes(byte ^ 0xFF for byte in PACKED[-8:-4]) + PACKED[-4:]
LATIN_1 = as_csv([row("1"), row("2", title="CAFÉ")]).decode().encode("latin-1")
UNBALANCED = as_csv([row("1")]) + b'2,85123A,"no end,1,2010-12-01 08:26:00,1,,United Kingdom\n' + as_csv([row("3")])

UNFIT: dict[str, tuple[bytes, str]] = {
    "truncated.csv.gz": (PACKED[:MIDDLE], "the gzip file is broken"),
    "without_its_end.csv.gz": (PACKED[:-1], "the gzip file is broken"),
    "flipped_bit.csv.gz": (FLIPPED, "the gzip file is broken"),
    "wrong_sum.csv.gz": (WRONG_SUM, "the gzip file is broken"),
    "two_bytes.csv.gz": (PACKED[:2], "the gzip file is broken"),
    "rubbish_after_the_end.csv.gz": (PACKED + b"rubbish", "the gzip file is broken"),
    "truncated.csv": (PACKED[:MIDDLE], "the gzip file is broken"),
    "missing_column.csv": (as_csv([row("1")[:-2]], columns=COLUMNS[:-2]), "the header lacks CustomerID, Country;"),
    "other_names.csv": (as_csv([row("1")], columns=[name.lower() for name in COLUMNS]), "the header lacks InvoiceNo"),
    "no_header.csv": (b"".join(as_csv([row("1")]).splitlines(keepends=True)[1:]), "the header lacks InvoiceNo"),
    "semicolons.csv": (GOOD.replace(b",", b";"), "the header lacks InvoiceNo"),
    "empty.csv": (b"", "the header lacks InvoiceNo"),
    "empty.csv.gz": (gzip.compress(b""), "the header lacks InvoiceNo"),
    "latin_1.csv": (LATIN_1, "line 3 is not UTF-8 (byte 0xc9 at position 13). Convert the file first"),
    "utf_16.csv": (GOOD.decode().encode("utf-16"), "line 1 is not UTF-8"),
    "half_a_character.csv": (GOOD + "é".encode()[:1], "line 502 is not UTF-8"),
    "unbalanced_quote.csv": (UNBALANCED, "is no CSV"),
    "text_after_a_quote.csv": (as_csv([]) + b'1,"a"b,c,1,2010-12-01 08:26:00,1,,United Kingdom\n', "line 2 is no CSV"),
    "huge_value.csv": (as_csv([row("1", title="x" * 200_000)]), "line 2 is no CSV"),
    "endless_line.csv": (b"x" * 20_000_000, f"line 1 has over {LINE_BYTES_MAX:,} bytes"),
    "endless_line.csv.gz": (gzip.compress(b"x" * 20_000_000), f"line 1 has over {LINE_BYTES_MAX:,} bytes"),
    "long_line_later.csv": (GOOD + b"x" * 20_000_000 + b"\n", f"line 502 has over {LINE_BYTES_MAX:,} bytes"),
}
"""Contents by name of the file, and what is told of each."""


@pytest.mark.parametrize("name", UNFIT)
async def test_an_unfit_file_changes_nothing(name: str, take: Take, works: Works, tmp_path: Path) -> None:
    """The refusal names the file and what is wrong; not one row of any table differs."""
    content, reason = UNFIT[name]
    path = written(tmp_path, content, name=name)
    before = await snapshot(works)
    with pytest.raises(FileRefused, match=f"^{path}: ") as refused:
        await take(path)
    assert reason in str(refused.value)
    assert await snapshot(works) == before
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize("name", ["truncated.csv.gz", "latin_1.csv", "endless_line.csv"])
async def test_an_unfit_file_of_json_lines_changes_nothing(name: str, take: Take, works: Works, tmp_path: Path) -> None:
    """What makes a file unfit does not depend on the format."""
    content, reason = UNFIT[name]
    before = await snapshot(works)
    with pytest.raises(FileRefused) as refused:
        await take(written(tmp_path, content, name=name), "jsonl")
    assert reason in str(refused.value)
    assert await snapshot(works) == before


async def test_a_file_that_is_not_there_is_refused(take: Take, works: Works, tmp_path: Path) -> None:
    """A missing file and a folder are told as what they are."""
    before = await snapshot(works)
    with pytest.raises(FileRefused, match="cannot be read \\(No such file or directory\\)"):
        await take(tmp_path / "missing.csv")
    with pytest.raises(FileRefused, match="cannot be read \\(Is a directory\\)"):
        await take(tmp_path)
    assert await snapshot(works) == before


async def test_each_place_where_a_real_file_can_end_early(tmp_path: Path, take: Take, works: Works) -> None:
    """A download that broke off is refused wherever it did."""
    packed = (DATA / "online_retail_cust_mod50.csv.gz").read_bytes()
    before = await snapshot(works)
    for size in range(2, len(packed), len(packed) // 16):
        with pytest.raises(FileRefused, match="the gzip file is broken"):
            await take(written(tmp_path, packed[:size], name="orders.csv.gz"))
    assert await snapshot(works) == before

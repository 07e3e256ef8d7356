"""How much memory the import needs: the same for one file's worth of data and for ten.

As a program (`python -m benchmarks.memory URL FILE FOLDER`) it imports one file and prints its own peak.
"""

import asyncio
import csv
import gzip
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from api.imports.run import import_file
from benchmarks.databases import KINDS, Place, open_works

FACTOR = 10
SECONDS_MAX = 900


def measure(place: Place, path: Path, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return the peak memory of a process that imports the file once, and ten times as much of the same kind."""
    large = place.folder / "ten_times.csv.gz"
    _multiply(path, large)
    results = []
    for kind in KINDS:
        peaks = []
        for label, file in (("1 file", path), (f"{FACTOR} files' worth", large)):
            tell(f"memory, {kind}, {label}")
            with place.migrated(kind) as url:
                peaks.append(_peak(url, file, place.folder))
        results.append(
            {
                "database": kind,
                "file": path.name,
                "peak_mib": round(peaks[0], 1),
                f"peak_mib_{FACTOR}": round(peaks[1], 1),
                "ratio": round(peaks[1] / peaks[0], 3),
            }
        )
    large.unlink()
    return results


def _multiply(path: Path, target: Path) -> None:
    """Write ten copies whose invoices and customers differ: nothing in one is known from another."""
    with gzip.open(target, "wt", encoding="utf-8", newline="", compresslevel=1) as written:
        writer = csv.writer(written, lineterminator="\n")
        for copy in range(FACTOR):
            rows = _rows(path)
            header = next(rows)
            if copy == 0:
                writer.writerow(header)
            for row in rows:
                customer = f"{copy}{row[6]}" if row[6] else ""
                # A number's first letter says what it is, so the copy's number stands at the end.
                writer.writerow([f"{row[0]}{copy}", *row[1:6], customer, row[7]])


def _rows(path: Path) -> Iterator[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        yield from csv.reader(stream)


def _peak(url: str, path: Path, folder: Path) -> float:
    """Return the MiB of a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", url, str(path), str(folder)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=True)  # noqa: S603
    return float(answer.stdout)


async def _import(url: str, path: Path, folder: Path) -> None:
    works = open_works(url)
    summary = await import_file(works, path, format_name="online-retail", report_folder=folder)
    await works.database.dispose()
    if not summary.is_clean:
        message = f"the import refused something: see {summary.report}"
        raise RuntimeError(message)


def main() -> None:
    """Import one file and print the peak of this process in MiB."""
    url, path, folder = sys.argv[1:]
    asyncio.run(_import(url, Path(path), Path(folder)))
    print(_own_peak())


def _own_peak() -> float:
    """Return the peak of this process in MiB: on Linux `ru_maxrss` would begin with that of its parent."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) / 2**10 for line in lines if line.startswith("VmHWM:"))
    units_per_mib = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / units_per_mib


if __name__ == "__main__":
    main()

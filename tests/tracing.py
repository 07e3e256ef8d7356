"""Which tests count for the coverage of the domain: those made for it, by area.

Tracing takes as much time again as what is traced. What comes in through files and protocols, random histories and
the second database run the same lines once more, so they run without it: the domain is covered by its own tests.
"""

from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

from domain.base import statements
from domain.base.kept import Kept
from domain.base.statements import Prepared

ROOT = Path(__file__).parent
COUNTED_FOLDERS = ("access", "base", "customers", "files", "identity", "interactions", "orders")
BOTH_DATABASES = ("access", "base")
"""Where the lines are that only one of the databases reaches."""
ALWAYS = ("test_erasure_traces.py", "test_issuer.py", "test_repository_families.py", "test_tokens.py")
LONG = ("test_fields.py", "test_families_random.py", "test_families_undone.py", "test_actions_sequences.py")
"""Many repetitions of lines that shorter tests reach as well."""


def counts(item: pytest.Item) -> bool:
    """Tell whether a test counts for the coverage."""
    if item.path.name in ALWAYS:
        return True
    folder, *_ = item.path.relative_to(ROOT).parts
    kind = item.callspec.params.get("kind") if isinstance(item, pytest.Function) and hasattr(item, "callspec") else None
    is_second = kind == "postgresql" and folder not in BOTH_DATABASES
    return folder in COUNTED_FOLDERS and item.path.name not in LONG and not is_second


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Trace what counts, with what it starts from."""
    controller = getattr(item.config.pluginmanager.getplugin("_cov"), "cov_controller", None)
    if controller is None:
        return (yield)
    if counts(item):
        # Statements are kept for as long as the process runs: what builds them is to be seen by who counts.
        statements._statements = Kept[Prepared](statements.STATEMENTS_MAX)
        return (yield)
    controller.pause()
    # In each of several processes coverage has begun by itself already, and would go on with that now.
    while (other := coverage.Coverage.current()) is not None:
        other.stop()
    try:
        return (yield)
    finally:
        controller.resume()

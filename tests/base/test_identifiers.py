"""Keys of rows: unique, and rising."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from domain.base.identifiers import new_id


def test_keys_rise() -> None:
    """Each key is greater than the one before, also within a millisecond, and so is its text."""
    keys = [new_id() for _ in range(10_000)]
    assert all(before < after and before.hex < after.hex for before, after in pairwise(keys))
    assert {key.version for key in keys} == {7}


def test_keys_of_threads_differ() -> None:
    """Threads that make keys at once make different ones."""
    with ThreadPoolExecutor(8) as pool:
        batches = list(pool.map(lambda _: [new_id() for _ in range(500)], range(8)))
    assert len({key for batch in batches for key in batch}) == 4_000

"""Passwords: in one spelling, at one cost, a few at once."""

import asyncio
import os
import threading
import time

import pytest

from domain.base import passwords
from domain.base.errors import Invalid, TooLong
from domain.base.passwords import NOBODYS_HASH, Comparison, check_password, compare_password, hash_password


async def test_a_password_is_compared_with_its_hash() -> None:
    """The right one, whatever way its characters were composed; no other, nor one that is no text or endless."""
    kept = await hash_password(check_password("Caffè corretto"))
    assert kept.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert await compare_password("Caffe\u0300 corretto", with_hash=kept) == Comparison(is_right=True)
    for wrong in ("caffè corretto", "Caffè corretto ", "", "\ud800", "x" * 100_000, "Caffè corretto\0"):
        assert await compare_password(wrong, with_hash=kept) == Comparison(is_right=False)
    assert await compare_password("Caffè corretto", with_hash=None) == Comparison(is_right=False)
    assert await compare_password("", with_hash=None) == Comparison(is_right=False)


@pytest.mark.parametrize("wrong", ["seven77", "", "\ud800" * 8])
def test_a_short_one_or_none_is_refused(wrong: str) -> None:
    """Eight characters at least, each of which is one."""
    with pytest.raises(Invalid):
        check_password(wrong)


def test_a_long_one_is_refused() -> None:
    """256 characters at most; staff have 12 at least."""
    assert check_password("x" * 256) == "x" * 256
    with pytest.raises(TooLong):
        check_password("x" * 257)
    with pytest.raises(Invalid, match="at least 12"):
        check_password("eleven char", length_min=12)


async def test_the_unknown_cost_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever it is, one comparison is made, with a hash of the same parameters."""
    seen: list[str] = []
    hasher = passwords._HASHER

    class Watched:
        def verify(self, with_hash: str, password: str) -> bool:
            seen.append(with_hash)
            return hasher.verify(with_hash, password)

    monkeypatch.setattr(passwords, "_HASHER", Watched())
    for password in ("a", "", "\ud800", "x" * 1_000):
        await compare_password(password, with_hash=None)
    assert seen == [NOBODYS_HASH] * 4
    assert not hasher.check_needs_rehash(NOBODYS_HASH)


async def test_as_many_at_once_as_there_are_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others wait, and nobody else does: the event loop goes on."""
    running, most, lock = 0, 0, threading.Lock()

    def slow(_password: str, _hash: str) -> Comparison:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return Comparison(is_right=False)

    monkeypatch.setattr(passwords, "_compare", slow)
    waiting = asyncio.gather(*(compare_password("x", with_hash=None) for _ in range(20)))
    turns = 0
    while not waiting.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert most <= passwords._threads()._max_workers
    assert turns > 3


def test_what_threads_do() -> None:
    """As many as there are cores reckon at once; each compares as anybody would."""
    assert passwords._threads.__wrapped__()._max_workers == (os.cpu_count() or 1)
    kept = passwords._HASHER.hash("correct horse")
    assert passwords._compare("correct horse", kept) == Comparison(is_right=True)
    assert passwords._compare("wrong horse", kept) == Comparison(is_right=False)

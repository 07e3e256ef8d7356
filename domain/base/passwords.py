"""Passwords: kept as argon2id hashes, reckoned in threads, at most as many at once as there are cores."""

import asyncio
import base64
import os
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar, TypeVarTuple, Unpack

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from domain.base.errors import Invalid, TooLong

PASSWORD_LENGTH_MIN = 8
"""Characters of a shopper's password: NIST SP 800-63B, 5.1.1.2."""

STAFF_PASSWORD_LENGTH_MIN = 12
"""Staff see the data of everybody."""

PASSWORD_LENGTH_MAX = 256
"""A longer one costs as much to guess and more to carry."""

_HASHER = PasswordHasher(memory_cost=46 * 1_024, time_cost=1, parallelism=1, hash_len=32, salt_len=16)
"""46 MiB, one pass: the first of the settings that OWASP's Password Storage Cheat Sheet holds equal."""

_NOTHING = base64.b64encode(bytes(32)).rstrip(b"=").decode()
NOBODYS_HASH = f"$argon2id$v=19$m={_HASHER.memory_cost},t=1,p=1${_NOTHING[:22]}${_NOTHING}"
"""The hash of no password that anybody knows: what somebody unknown is compared with, at the same cost."""


_Answer = TypeVar("_Answer")
_Given = TypeVarTuple("_Given")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether a password is the right one, and whether its hash was made with other parameters than today's."""

    is_right: bool
    is_outdated: bool = False


def check_password(password: str, *, length_min: int = PASSWORD_LENGTH_MIN) -> str:
    """Return the password in one spelling, however its characters were composed. Raises `Invalid`, `TooLong`."""
    if len(password) > PASSWORD_LENGTH_MAX:
        message = f"A password has at most {PASSWORD_LENGTH_MAX} characters."
        raise TooLong(message)
    if len(password) < length_min:
        message = f"A password has at least {length_min} characters; take a few words that do not belong together."
        raise Invalid(message)
    if not _is_text(password):
        message = "This password has characters that are none; type it again."
        raise Invalid(message)
    return unicodedata.normalize("NFKC", password)


async def hash_password(password: str) -> str:
    """Return what is kept of a password, in the spelling in which it is compared."""
    return await _in_thread(_HASHER.hash, unicodedata.normalize("NFKC", password))


async def compare_password(password: str, *, with_hash: str | None) -> Comparison:
    """Compare a password with a hash; without one it takes as long and is wrong."""
    if not _is_text(password) or len(password) > PASSWORD_LENGTH_MAX:
        password, with_hash = "", None
    return await _in_thread(_compare, unicodedata.normalize("NFKC", password), with_hash or NOBODYS_HASH)


def _compare(password: str, with_hash: str) -> Comparison:
    try:
        _HASHER.verify(with_hash, password)
    except VerificationError:
        return Comparison(is_right=False)
    return Comparison(is_right=True, is_outdated=_HASHER.check_needs_rehash(with_hash))


def _is_text(password: str) -> bool:
    """Tell whether the password can be written in UTF-8: JSON can carry halves of characters."""
    try:
        password.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _in_thread(reckon: Callable[[Unpack[_Given]], _Answer], *given: *_Given) -> _Answer:
    return await asyncio.get_running_loop().run_in_executor(_threads(), reckon, *given)


@cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads in which hashes are reckoned: each takes a core and 46 MiB for a while."""
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="password")

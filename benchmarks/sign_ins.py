"""Signing in against bare argon2 of the same parameters, and for known against unknown addresses."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import count, cycle
from typing import Any

from benchmarks.asking import Shop, asking, milliseconds
from benchmarks.databases import KINDS, Place, open_works
from domain.base.actors import SYSTEM, StaffRole
from domain.base.passwords import compare_password, hash_password
from domain.base.work import Work
from domain.identity.actions.staff import create_staff_member
from domain.identity.rules import StaffDetails

AT_ONCE = 8
ROUNDS = 5
EACH_ROUND = 40
PASSWORD = "correct horse battery"  # noqa: S105  opens nothing

SIGN_IN = """mutation($input: SessionCreateInput!) { sessionCreate(input: $input) {
  session { accessToken } userErrors { code } } }"""

Figures = list[dict[str, Any]]


def measure(place: Place, tell: Callable[[str], None]) -> Figures:
    """Return a row for each database."""
    rows = []
    for kind in KINDS:
        tell(f"sign-ins on {kind}")
        with place.migrated(kind) as url:
            rows.append({"database": kind, **asyncio.run(_measure(url))})
    return rows


async def _measure(url: str) -> dict[str, Any]:
    async with asking(open_works(url)) as shop:
        password_hash = await hash_password(PASSWORD)
        emails = [f"member{number}@shop.example" for number in range(EACH_ROUND)]
        await shop.works.perform(lambda work: _add(work, emails, password_hash), actor=SYSTEM, action="benchmark")
        bare, signed_in = [], []
        for _ in range(ROUNDS):  # in turns, so that what else the machine does is in both
            bare.append(await _per_second([lambda: compare_password(PASSWORD, with_hash=password_hash)] * EACH_ROUND))
            signed_in.append(await _per_second([_signing_in(shop, email) for email in emails]))
        # Each once or twice: ten failures and an account is closed for a while.
        members, strangers = cycle(emails), (f"nobody{number}@shop.example" for number in count())
        known, unknown = await milliseconds(
            lambda: _try(shop, next(members), "wrong password"),
            lambda: _try(shop, next(strangers), "wrong password"),
            repetitions=EACH_ROUND,
        )
    ratio = statistics.median(signed_in) / statistics.median(bare)
    return {
        "argon2_per_s": round(statistics.median(bare), 1),
        "sign_ins_per_s": round(statistics.median(signed_in), 1),
        "ratio": round(ratio, 2),
        "known_ms": round(known, 1),
        "unknown_ms": round(unknown, 1),
    }


async def _add(work: Work, emails: list[str], password_hash: str) -> None:
    for email in emails:
        details = StaffDetails(email=email, name="Member", role=StaffRole.AGENT)
        await create_staff_member(work, details=details, password_hash=password_hash)


def _signing_in(shop: Shop, email: str) -> Callable[[], Awaitable[None]]:
    async def sign_in() -> None:
        if await _try(shop, email, PASSWORD):
            message = "nobody was signed in"
            raise RuntimeError(message)

    return sign_in


async def _try(shop: Shop, email: str, password: str) -> list[Any]:
    answer = await shop.ask(SIGN_IN, {"input": {"email": email, "password": password}})
    errors: list[Any] = answer["sessionCreate"]["userErrors"]
    return errors


async def _per_second(steps: list[Callable[[], Awaitable[object]]]) -> float:
    """Return how many steps are done in a second, so many at once."""
    waiting: Iterator[Callable[[], Awaitable[object]]] = iter(steps)

    async def work() -> None:
        for step in waiting:
            await step()

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return len(steps) / (time.perf_counter() - begun)

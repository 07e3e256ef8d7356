"""How much each caller may ask in a while: a bucket that leaks.

What an operation costs goes into its caller's bucket, which leaks at a steady rate; where it would run over, the
caller waits. Buckets are kept by each process for itself, and forgotten when they would be empty.
"""

import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

import strawberry

from domain.base.actors import Actor
from domain.base.networks import network_of
from schema.base.descriptions import shown

_BUCKETS_MAX = 10_000
"""Callers that are remembered; then the one who asked longest ago is forgotten."""


@strawberry.type(description="What the caller may still ask, in units of cost.")
class ThrottleStatus:
    """See the description."""

    maximum_available: int = shown("What may be asked at once after a pause.")
    currently_available: int = shown("What may be asked now.")
    restore_rate: int = shown("What comes back each second.")


@dataclass(slots=True)
class _Bucket:
    """What one caller has asked and the bucket has not leaked yet."""

    level: float
    at: datetime


class Budgets:
    """The buckets of all callers."""

    def __init__(self, *, maximum: int, restore_rate: int) -> None:
        """Start with every bucket empty."""
        self._maximum = maximum
        self._restore_rate = restore_rate
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, caller: str, cost: int, *, now: datetime) -> int:
        """Take a cost from the caller's budget; return 0, or the seconds to wait until there is enough."""
        bucket = self._bucket(caller, now)
        missing = bucket.level + cost - self._maximum
        # What is dearer than the whole budget is let through where the bucket is empty: it is paid off afterwards.
        if missing > 0 and bucket.level > 0:
            return max(1, math.ceil(min(missing, bucket.level) / self._restore_rate))
        bucket.level += cost
        return 0

    def give_back(self, caller: str, cost: int, *, now: datetime) -> ThrottleStatus:
        """Give back what was taken and not used; a cost below 0 was used on top. Return what may be asked now."""
        bucket = self._bucket(caller, now)
        bucket.level = max(0.0, bucket.level - cost)
        return self._status(bucket)

    def status(self, caller: str, *, now: datetime) -> ThrottleStatus:
        """Return what the caller may still ask."""
        return self._status(self._bucket(caller, now))

    def _status(self, bucket: _Bucket) -> ThrottleStatus:
        return ThrottleStatus(
            maximum_available=self._maximum,
            currently_available=max(0, int(self._maximum - bucket.level)),
            restore_rate=self._restore_rate,
        )

    def _bucket(self, caller: str, now: datetime) -> _Bucket:
        bucket = self._buckets.get(caller)
        if bucket is None:
            bucket = self._buckets[caller] = _Bucket(0.0, now)
            if len(self._buckets) > _BUCKETS_MAX:
                self._buckets.popitem(last=False)
            return bucket
        self._buckets.move_to_end(caller)
        if bucket.level:
            elapsed = max(0.0, (now - bucket.at).total_seconds())
            bucket.level = max(0.0, bucket.level - elapsed * self._restore_rate)
        bucket.at = now
        return bucket


def caller_of(actor: Actor, client_address: str | None) -> str:
    """Return whose budget it is: the actor's, or that of the network from which nobody in particular asks."""
    return actor.scope if actor.id is not None else f"{actor.kind}:{network_of(client_address)}"

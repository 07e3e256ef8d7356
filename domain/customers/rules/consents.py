"""What customers may be contacted for: the decisions, and which of several counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from domain.base.errors import Checks, Invalid
from domain.base.texts import clean_optional

TEXT_VERSION_LENGTH_MAX = 200
PROOF_LENGTH_MAX = 2_000


class ConsentPurpose(StrEnum):
    """What a customer may be contacted for, or their data used for."""

    SERVICE = "SERVICE"
    MARKETING = "MARKETING"
    PROFILING = "PROFILING"
    SURVEYS = "SURVEYS"
    CONTESTS = "CONTESTS"


class ConsentDecision(StrEnum):
    """What the customer said."""

    GRANTED = "GRANTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class ChannelKind(StrEnum):
    """Over what the shop and its customers talk."""

    WEB_CHAT = "WEB_CHAT"
    EMAIL = "EMAIL"
    PHONE = "PHONE"
    SMS = "SMS"
    WHATSAPP = "WHATSAPP"
    SOCIAL = "SOCIAL"
    VIDEO = "VIDEO"
    FORM = "FORM"
    IN_STORE = "IN_STORE"
    CUSTOM = "CUSTOM"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDetails:
    """One decision, as it is to be recorded. `decided_at`: None means now."""

    purpose: ConsentPurpose
    channel: ChannelKind | None
    decision: ConsentDecision
    text_version: str | None = None
    source: str | None = None
    proof: str | None = None
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One decision of the ledger, as far as it matters for what counts."""

    id: UUID
    customer_id: UUID
    purpose: str
    channel: str | None
    decision: str
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """An applied merge: from then on the two decide as one."""

    survivor_id: UUID
    absorbed_id: UUID
    merged_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """The decision that counts for a purpose and channel, and why, where merged customers differed."""

    id: UUID
    reason: str | None


ConsentKey: TypeAlias = tuple[str, str | None]


def check_consent(details: ConsentDetails, *, now: datetime) -> ConsentDetails:
    """Return the details in normal form. Raises `Refusals`: nobody decided in the future."""
    checks = Checks()
    checked = replace(
        details,
        text_version=checks.take(
            lambda: clean_optional(details.text_version, length_max=TEXT_VERSION_LENGTH_MAX), "text_version"
        ),
        source=checks.take(lambda: clean_optional(details.source), "source"),
        proof=checks.take(lambda: clean_optional(details.proof, length_max=PROOF_LENGTH_MAX), "proof"),
        decided_at=checks.take(lambda: _not_after(details.decided_at or now, now), "decided_at"),
    )
    checks.settle()
    return checked


def _not_after(instant: datetime, now: datetime) -> datetime:
    if instant <= now:
        return instant
    message = "A decision of the future cannot be recorded; leave decidedAt out for one that is made now."
    raise Invalid(message)


def counting_consents(decisions: Iterable[Decided], *, merges: Iterable[Merged]) -> dict[ConsentKey, Counting]:
    """Return which decision counts for each purpose and channel of a family.

    Each customer's latest decision counts for them. Where a merge brings two together who decided apart, the
    stricter decision counts from then on: REFUSED and WITHDRAWN before GRANTED, the later one among equals.
    What is decided after that counts for the whole family, until the next merge. A no over every channel is
    stricter than a yes over one of them that was said apart from it: that channel has no decision of its own then.
    """
    by_key: dict[ConsentKey, list[Decided]] = {}
    for decision in decisions:
        by_key.setdefault((decision.purpose, decision.channel), []).append(decision)
    in_order = sorted(merges, key=lambda merge: (merge.merged_at, merge.absorbed_id.hex))
    standing = {key: _replayed(of_key, in_order) for key, of_key in by_key.items()}
    for (purpose, channel), specific in list(standing.items()):
        general = standing.get((purpose, None))
        if channel is None or general is None or general.is_yes or not specific.is_yes:
            continue
        joined_at = _joined_apart(general.decided, specific.decided, in_order)
        if joined_at is not None:
            del standing[purpose, channel]
            against = general.against or specific.decided
            standing[purpose, None] = _Standing(decided=general.decided, against=against, merged_at=joined_at)
    return {key: Counting(id=found.decided.id, reason=found.reason) for key, found in standing.items()}


def _joined_apart(one: Decided, other: Decided, merges: Sequence[Merged]) -> datetime | None:
    """Return when two decisions met that were made apart, None where the same customer made both."""
    groups = {merge.absorbed_id: merge.absorbed_id for merge in merges}
    groups |= {key: key for merge in merges for key in (merge.survivor_id, one.customer_id, other.customer_id)}
    for merge in merges:
        if groups.get(one.customer_id) == groups.get(other.customer_id):
            break
        kept, gone = groups[merge.survivor_id], groups[merge.absorbed_id]
        groups = {key: kept if group == gone else group for key, group in groups.items()}
        is_met = groups[one.customer_id] == groups[other.customer_id]
        if is_met and max(one.decided_at, other.decided_at) <= merge.merged_at:
            return merge.merged_at
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Standing:
    """The decision that counts for merged customers, and the yes that it stands against, if anybody said it."""

    decided: Decided
    against: Decided | None = None
    merged_at: datetime | None = None

    @property
    def is_yes(self) -> bool:
        """Tell whether it allows."""
        return self.decided.decision == ConsentDecision.GRANTED

    @property
    def strictness(self) -> tuple[bool, datetime, str]:
        """Return what the stricter of two has more of."""
        return not self.is_yes, self.decided.decided_at, self.decided.id.hex

    @property
    def reason(self) -> str | None:
        """Return why it counts, None where nobody had decided differently."""
        if self.against is None:
            return None
        return (
            f"{self.decided.decision} on {self.decided.decided_at:%Y-%m-%d} counts although another record of this "
            f"customer, merged on {self.merged_at:%Y-%m-%d}, has {self.against.decision} of "
            f"{self.against.decided_at:%Y-%m-%d}: of decisions made apart the stricter one counts until the customer "
            "decides again."
        )


def _replayed(decisions: Sequence[Decided], merges: Sequence[Merged]) -> _Standing:
    groups = {one: one for merge in merges for one in (merge.survivor_id, merge.absorbed_id)}
    groups |= {decision.customer_id: decision.customer_id for decision in decisions}
    counting: dict[UUID, _Standing] = {}
    steps: list[tuple[datetime, int, str, Decided | Merged]] = [
        (decision.decided_at, 0, decision.id.hex, decision) for decision in decisions
    ]
    steps += [(merge.merged_at, 1, merge.absorbed_id.hex, merge) for merge in merges]
    for _, _, _, step in sorted(steps, key=lambda step: step[:3]):
        if isinstance(step, Decided):
            counting[groups[step.customer_id]] = _Standing(decided=step)
            continue
        kept, gone = groups[step.survivor_id], groups[step.absorbed_id]
        groups = {one: kept if group == gone else group for one, group in groups.items()}
        stricter = _stricter(counting.get(kept), counting.pop(gone, None), step.merged_at)
        if stricter is not None:
            counting[kept] = stricter
    (standing,) = counting.values()
    return standing


def _stricter(one: _Standing | None, other: _Standing | None, merged_at: datetime) -> _Standing | None:
    if one is None or other is None:
        return one or other
    strict, lenient = sorted((one, other), key=lambda each: each.strictness, reverse=True)
    if strict.strictness[0] != lenient.strictness[0]:
        return _Standing(decided=strict.decided, against=lenient.decided, merged_at=merged_at)
    if strict.against is None:  # what the other one stood against is overruled by this one from now on
        return _Standing(decided=strict.decided, against=lenient.against, merged_at=merged_at)
    return strict

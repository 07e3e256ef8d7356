"""Which records are probably the same person: the evidence, and what it weighs."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias
from uuid import UUID

from domain.base.texts import folded
from domain.customers.rules.identities import IdentityVerification
from domain.customers.rules.search import with_one_error

HOLDERS_MAX = 5
"""An identity that more others than this have too is nobody's sign: a shop's own number, a forwarding address."""

PROPOSAL_SCORE_MIN = Decimal("0.5")


class Signal(StrEnum):
    """One sort of evidence that two records are the same person."""

    VERIFIED_ON_BOTH = "VERIFIED_ON_BOTH"
    VERIFIED_ON_ONE = "VERIFIED_ON_ONE"
    SAME_IDENTITY = "SAME_IDENTITY"
    SAME_MAILBOX = "SAME_MAILBOX"
    SAME_NAME = "SAME_NAME"
    SIMILAR_NAME = "SIMILAR_NAME"
    SAME_BIRTH_DATE = "SAME_BIRTH_DATE"
    SAME_COUNTRY = "SAME_COUNTRY"
    OTHER_NAME = "OTHER_NAME"
    OTHER_BIRTH_DATE = "OTHER_BIRTH_DATE"


WEIGHTS = {
    Signal.VERIFIED_ON_BOTH: Decimal("0.95"),
    Signal.VERIFIED_ON_ONE: Decimal("0.7"),
    Signal.SAME_IDENTITY: Decimal("0.5"),
    Signal.SAME_MAILBOX: Decimal("0.4"),
    Signal.SAME_NAME: Decimal("0.4"),
    Signal.SIMILAR_NAME: Decimal("0.25"),
    Signal.SAME_BIRTH_DATE: Decimal("0.3"),
    Signal.SAME_COUNTRY: Decimal("0.05"),
}
"""How much of the doubt that is left each signal takes away: the score is 1 - Π(1 - weight)."""

DOUBTS = {Signal.OTHER_NAME: Decimal("0.75"), Signal.OTHER_BIRTH_DATE: Decimal("0.4")}
"""What a score is multiplied by where the records contradict each other: families share addresses."""

VERIFIED_SIGNALS = frozenset({Signal.VERIFIED_ON_BOTH, Signal.VERIFIED_ON_ONE})

Evidence: TypeAlias = tuple[Signal, str]
"""A signal, and the identity (`KIND namespace value`) that it was seen in; empty for what profiles say."""

_SIGNAL_TEXTS = {
    Signal.VERIFIED_ON_BOTH: "Proven for both: {}.",
    Signal.VERIFIED_ON_ONE: "The same, verified on one side: {}.",
    Signal.SAME_IDENTITY: "The same, not verified: {}.",
    Signal.SAME_MAILBOX: "E-mail addresses of the same mailbox, spelled differently.",
    Signal.SAME_NAME: "The same name.",
    Signal.SIMILAR_NAME: "Names that differ by one letter, or by a part that one has more.",
    Signal.SAME_BIRTH_DATE: "The same date of birth.",
    Signal.SAME_COUNTRY: "The same country.",
    Signal.OTHER_NAME: "But: different names.",
    Signal.OTHER_BIRTH_DATE: "But: different dates of birth.",
}

_DOTLESS_DOMAINS = {"gmail.com": "gmail.com", "googlemail.com": "gmail.com"}
"""Mail providers that take no notice of dots before the @."""

_WORD = re.compile(r"\w+")
"""Anna-Maria is Anna Maria."""

_SUFFIX = re.compile(r"\+.*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is compared of a record."""

    id: UUID
    given_name: str | None
    family_name: str | None
    birth_date: date | None
    country: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """An identity of a record, as evidence. `is_claimed`: proven for this record while it is verified for another."""

    customer_id: UUID
    kind: str
    namespace: str
    value: str
    verification: str
    is_claimed: bool = False

    @property
    def name(self) -> str:
        """Return the identity as one word."""
        return " ".join(part for part in (self.kind, self.namespace, self.value) if part)

    @property
    def is_proven(self) -> bool:
        """Tell whether it is sure that it is the record's."""
        return self.is_claimed or self.verification == IdentityVerification.VERIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """How probable it is that two records are the same person, 0 to 1, and why."""

    score: Decimal
    evidence: Sequence[Evidence]

    @property
    def proof(self) -> list[Evidence]:
        """Return what is proven on both sides."""
        return [each for each in self.evidence if each[0] is Signal.VERIFIED_ON_BOTH]


def match_keys(profile: Profile, *, emails: Iterable[str]) -> set[str]:
    """Return what the record of the same person would have in common, beside identities."""
    keys = {f"mailbox {mailbox(email)}" for email in emails}
    words = _name_words(profile)
    if len(words) > 1 and profile.birth_date is not None:
        keys.add(f"born {profile.birth_date.isoformat()} {' '.join(words)}")
    return keys


def mailbox(email: str) -> str:
    """Return the mailbox behind an address: without what follows a plus sign and, where they do not count, dots."""
    local, _, domain = email.casefold().rpartition("@")
    local = _SUFFIX.sub("", local) or local
    if domain in _DOTLESS_DOMAINS:
        return f"{local.replace('.', '')}@{_DOTLESS_DOMAINS[domain]}"
    return f"{local}@{domain}"


def match(
    one: Profile, *, other: Profile, signs: Sequence[Sign], others: Sequence[Sign], keys: Collection[str]
) -> Match:
    """Return how probable it is that the records are the same person.

    `signs` and `others` are their identities that are evidence, `keys` the match keys that both have.
    """
    evidence = _shared_signs(signs, others)
    if not evidence and any(key.startswith("mailbox ") for key in keys):
        evidence.append((Signal.SAME_MAILBOX, ""))
    evidence += [(signal, "") for signal in _compared(one, other)]
    doubt, belief = Decimal(1), Decimal(1)
    for signal, _ in evidence:
        doubt *= 1 - WEIGHTS.get(signal, Decimal(0))
        belief *= DOUBTS.get(signal, Decimal(1))
    return Match(score=((1 - doubt) * belief).quantize(Decimal("0.0001")), evidence=evidence)


def _shared_signs(signs: Sequence[Sign], others: Sequence[Sign]) -> list[Evidence]:
    found = []
    proven = {sign.name: False for sign in others} | {sign.name: True for sign in others if sign.is_proven}
    own = {sign.name: False for sign in signs} | {sign.name: True for sign in signs if sign.is_proven}
    for name in sorted(own.keys() & proven.keys()):
        sides = own[name] + proven[name]
        found.append(((Signal.SAME_IDENTITY, Signal.VERIFIED_ON_ONE, Signal.VERIFIED_ON_BOTH)[sides], name))
    return found


def _compared(one: Profile, other: Profile) -> list[Signal]:
    found = []
    words, others = _name_words(one), _name_words(other)
    if words and others:
        found.append(_compared_names(words, others))
    if one.birth_date is not None and other.birth_date is not None:
        is_same = one.birth_date == other.birth_date
        found.append(Signal.SAME_BIRTH_DATE if is_same else Signal.OTHER_BIRTH_DATE)
    if one.country is not None and one.country == other.country:
        found.append(Signal.SAME_COUNTRY)
    return found


def _compared_names(words: Sequence[str], others: Sequence[str]) -> Signal:
    if words == others:
        return Signal.SAME_NAME
    left, right = sorted(set(words) - set(others)), sorted(set(others) - set(words))
    if not left or not right:  # a second name, or one name only
        return Signal.SIMILAR_NAME
    if len(left) == len(right) == 1 and (right[0] in with_one_error(left[0]) or left[0] in with_one_error(right[0])):
        return Signal.SIMILAR_NAME
    return Signal.OTHER_NAME


def _name_words(profile: Profile) -> list[str]:
    names = (profile.given_name, profile.family_name)
    return sorted(word for name in names if name for word in _WORD.findall(folded(name)))


def is_news(evidence: Iterable[Evidence], *, decided: Iterable[Evidence]) -> bool:
    """Tell whether there is verified evidence that was not there when a person decided on the pair.

    What was proven on both sides is no news where only one side of it is seen.
    """
    known = set(decided)
    known |= {(Signal.VERIFIED_ON_ONE, detail) for signal, detail in known if signal is Signal.VERIFIED_ON_BOTH}
    return any(signal in VERIFIED_SIGNALS and (signal, detail) not in known for signal, detail in evidence)


def told(evidence: Iterable[Evidence]) -> list[str]:
    """Return the evidence in sentences, for the person who decides."""
    return [_SIGNAL_TEXTS[signal].format(detail) for signal, detail in evidence]

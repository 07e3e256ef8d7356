"""Which decision counts: the latest, and of merged customers the stricter one, held against a plain definition."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeAlias
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.base.errors import Refusals
from domain.customers.rules.consents import (
    ChannelKind,
    ConsentDecision,
    ConsentDetails,
    ConsentPurpose,
    Counting,
    Decided,
    Merged,
    check_consent,
    counting_consents,
)
from tests.conftest import NOW

A, B, C, D = (UUID(int=number) for number in range(1, 5))
SAID = ConsentDetails(
    purpose=ConsentPurpose.MARKETING, channel=ChannelKind.EMAIL, decision=ConsentDecision.GRANTED, decided_at=NOW
)

Standing: TypeAlias = tuple[Decided | None, bool]
"""What stands of a group's decisions, and whether it stands against a yes that somebody of the group said."""


def said(who: UUID, word: str, day: int, *, number: int = 0, channel: str | None = "EMAIL") -> Decided:
    """Return a decision of so many days after the tests' present."""
    return Decided(
        id=UUID(int=1_000 * (day + 100) + number),
        customer_id=who,
        purpose="MARKETING",
        channel=channel,
        decision=word,
        decided_at=NOW + timedelta(days=day),
    )


def merged(survivor: UUID, absorbed: UUID, day: int) -> Merged:
    """Return a merge of so many days after the tests' present."""
    return Merged(survivor_id=survivor, absorbed_id=absorbed, merged_at=NOW + timedelta(days=day))


def counts(decisions: Sequence[Decided], merges: Sequence[Merged] = ()) -> Counting:
    """Return what counts of decisions on one purpose and channel."""
    (found,) = counting_consents(decisions, merges=merges).values()
    return found


@pytest.mark.parametrize("order", [1, -1])
def test_the_latest_decision_counts(order: int) -> None:
    """Whatever it says, and in whatever order the ledger is read; of two of one instant the one made later."""
    yes, no, again = said(A, "GRANTED", 1), said(A, "REFUSED", 2), said(A, "GRANTED", 3)
    assert counts([yes, no][::order]) == Counting(id=no.id, reason=None)
    assert counts([yes, no, again][::order]) == Counting(id=again.id, reason=None)
    first, second = said(A, "WITHDRAWN", 4, number=1), said(A, "GRANTED", 4, number=2)
    assert counts([first, second][::order]).id == second.id


def test_each_purpose_and_channel_is_decided_by_itself() -> None:
    """Without a channel is a key of its own: it neither hides nor is hidden by a channel's decision."""
    found = [said(A, "GRANTED", 1, channel=None), said(A, "REFUSED", 2), said(A, "GRANTED", 3, channel="SMS")]
    other = Decided(
        id=B, customer_id=A, purpose="SURVEYS", channel=None, decision="WITHDRAWN", decided_at=NOW + timedelta(days=9)
    )
    assert counting_consents([*found, other], merges=[]) == {
        ("MARKETING", None): Counting(id=found[0].id, reason=None),
        ("MARKETING", "EMAIL"): Counting(id=found[1].id, reason=None),
        ("MARKETING", "SMS"): Counting(id=found[2].id, reason=None),
        ("SURVEYS", None): Counting(id=other.id, reason=None),
    }
    assert counting_consents([], merges=[merged(A, B, 1)]) == {}


@pytest.mark.parametrize("word", ["REFUSED", "WITHDRAWN"])
@pytest.mark.parametrize("no_day", [1, 3])
@pytest.mark.parametrize("who", [(A, B), (B, A)])
def test_of_two_who_decided_apart_the_stricter_counts(word: str, no_day: int, who: tuple[UUID, UUID]) -> None:
    """Earlier or later, of the survivor or the absorbed: a no stands against a yes, and says against which."""
    no, yes = said(who[0], word, no_day), said(who[1], "GRANTED", 2)
    found = counts([no, yes], [merged(A, B, 5)])
    assert found.id == no.id
    assert found.reason is not None
    day = no.decided_at.date().isoformat()
    assert found.reason.startswith(f"{word} on {day} counts although another record of this customer, merged on ")
    assert "merged on 2026-11-27, has GRANTED of 2026-11-24" in found.reason


def test_where_two_decided_alike_the_later_counts_and_nothing_is_told() -> None:
    """Two yeses, two noes, or one who said nothing: nobody had decided differently."""
    merge = [merged(A, B, 5)]
    for words in (("GRANTED", "GRANTED"), ("REFUSED", "WITHDRAWN"), ("WITHDRAWN", "REFUSED")):
        one, other = said(A, words[0], 1), said(B, words[1], 2)
        assert counts([one, other], merge) == Counting(id=other.id, reason=None)
        one, other = said(A, words[0], 2), said(B, words[1], 1)
        assert counts([one, other], merge) == Counting(id=one.id, reason=None)
    for who in (A, B):
        alone = said(who, "GRANTED", 1)
        assert counts([alone], merge) == Counting(id=alone.id, reason=None)


@pytest.mark.parametrize("who", [A, B])
def test_what_is_decided_after_a_merge_counts_for_both(who: UUID) -> None:
    """By whichever id it came in; said before the merge and told after it, it is weighed as said before."""
    no, yes, merge = said(A, "REFUSED", 1), said(B, "GRANTED", 2), [merged(A, B, 5)]
    after = said(who, "GRANTED", 6)
    assert counts([no, yes, after], merge) == Counting(id=after.id, reason=None)
    told_late = said(B, "GRANTED", 4)
    assert counts([no, yes, told_late], merge).id == no.id
    of_that_moment = said(B, "GRANTED", 5)
    assert counts([no, yes, of_that_moment], merge).id == no.id


def test_a_no_that_stands_against_a_yes_says_so_through_further_merges() -> None:
    """Three are merged, and the one whose no counts never met the yes: it is told nevertheless, in any order."""
    yes, early, late = said(A, "GRANTED", 4), said(B, "REFUSED", 2), said(C, "WITHDRAWN", 3)
    for merges in (
        [merged(A, B, 5), merged(A, C, 6)],
        [merged(A, C, 5), merged(A, B, 6)],
        [merged(B, C, 5), merged(A, B, 6)],
        [merged(C, B, 5), merged(C, A, 6)],
    ):
        found = counts([yes, early, late], merges)
        assert found.id == late.id, merges
        assert found.reason is not None, merges
        assert found.reason.startswith("WITHDRAWN on 2026-11-25 counts although "), merges
        assert "has GRANTED of 2026-11-26" in found.reason, merges


def test_a_decision_between_two_merges_settles_the_first() -> None:
    """What the first two said before is of no weight any more when a third is merged."""
    decisions = [said(A, "REFUSED", 1), said(B, "GRANTED", 2), said(A, "GRANTED", 4), said(C, "GRANTED", 3)]
    merges = [merged(A, B, 3), merged(A, C, 5)]
    assert counts(decisions, merges) == Counting(id=decisions[2].id, reason=None)
    found = counts([*decisions, said(D, "REFUSED", 0)], [*merges, merged(D, A, 6)])
    assert found.id == said(D, "REFUSED", 0).id
    assert found.reason is not None


def oracle(members: AbstractSet[UUID], decisions: Sequence[Decided], merges: Sequence[Merged]) -> Standing:
    """Say by definition what stands of a group: what it decided after its last merge, else the stricter half."""
    own = [merge for merge in merges if merge.survivor_id in members]
    last = max(own, key=lambda merge: merge.merged_at, default=None)
    of_group = [each for each in decisions if each.customer_id in members]
    settled = [each for each in of_group if last is None or each.decided_at > last.merged_at]
    if settled or last is None:
        return max(settled, key=lambda each: (each.decided_at, each.id), default=None), False
    before = [merge for merge in own if merge is not last]
    halves = [together(key, before) for key in (last.survivor_id, last.absorbed_id)]
    said_by_both = [oracle(half, of_group, before) for half in halves]
    found = [(each, told) for each, told in said_by_both if each is not None]
    if not found:
        return None, False
    strict, _ = max(found, key=lambda one: (one[0].decision != "GRANTED", one[0].decided_at, one[0].id))
    differ = len({each.decision == "GRANTED" for each, _ in found}) > 1
    return strict, differ or any(told for _, told in found)


def together(key: UUID, merges: Sequence[Merged]) -> set[UUID]:
    """Return who is one with this one by the merges."""
    found = {key}
    for _ in merges:
        for merge in merges:
            if {merge.survivor_id, merge.absorbed_id} & found:
                found |= {merge.survivor_id, merge.absorbed_id}
    return found


def is_overruled(specific: Standing | None, general: Standing | None, merges: Sequence[Merged]) -> bool:
    """Say by definition whether a yes over one channel gives way to a no over all that was said apart from it."""
    if specific is None or general is None or specific[0] is None or general[0] is None or specific is general:
        return False
    yes, no = specific[0], general[0]
    if yes.decision != "GRANTED" or no.decision == "GRANTED" or yes.customer_id == no.customer_id:
        return False
    in_order = sorted(merges, key=lambda merge: (merge.merged_at, merge.absorbed_id))
    drawn = [in_order[: count + 1] for count in range(len(in_order))]
    joined_at = next(edges[-1].merged_at for edges in drawn if no.customer_id in together(yes.customer_id, edges))
    return max(yes.decided_at, no.decided_at) <= joined_at


@dataclass
class History:
    """What happened to a few customers, in its order."""

    decisions: list[Decided] = field(default_factory=list)
    merges: list[Merged] = field(default_factory=list)
    absorbed_by: dict[UUID, UUID] = field(default_factory=dict)
    minutes: int = 0

    def root(self, key: UUID) -> UUID:
        """Return who has this customer."""
        while key in self.absorbed_by:
            key = self.absorbed_by[key]
        return key


PEOPLE = [UUID(int=number) for number in range(1, 5)]
PERSON = st.sampled_from(PEOPLE)
WORD = st.sampled_from(["GRANTED", "REFUSED", "WITHDRAWN"])
CHANNEL = st.sampled_from([None, None, None, "SMS"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("merge"), PERSON, PERSON, st.integers(0, 1), st.integers(0, 4)),
        st.tuples(WORD, PERSON, CHANNEL, st.integers(0, 1), st.integers(0, 4)),
    ),
    min_size=6,
    max_size=12,
)


def happened(steps: Sequence[tuple[str, UUID, UUID | str | None, int, int]]) -> History:
    """Return the history of the steps: of merges some were undone since, of decisions some were told late."""
    history = History()
    undone: list[Merged] = []
    for number, (word, who, other, minutes, more) in enumerate(steps):
        history.minutes += minutes
        now = NOW + timedelta(minutes=history.minutes)
        if isinstance(other, UUID):
            survivor, absorbed = history.root(who), history.root(other)
            if survivor != absorbed:
                history.absorbed_by[absorbed] = survivor
                history.merges.append(Merged(survivor_id=survivor, absorbed_id=absorbed, merged_at=now))
                undone += history.merges[-1:] if more == 4 else []
            continue
        decided_at = now - timedelta(minutes=more)
        key = UUID(int=1_000 + number)
        history.decisions.append(
            Decided(id=key, customer_id=who, purpose="MARKETING", channel=other, decision=word, decided_at=decided_at)
        )
    history.merges = [merge for merge in history.merges if merge not in undone]
    return history


@settings(max_examples=500)
@given(steps=STEPS)
def test_what_counts_is_what_the_definition_says(
    steps: Sequence[tuple[str, UUID, UUID | str | None, int, int]],
) -> None:
    """After any merges, unmerges and decisions, told late or of one instant, and whatever order they are read in."""
    history = happened(steps)
    for person in PEOPLE:
        family = together(person, history.merges)
        decisions = [each for each in history.decisions if each.customer_id in family]
        merges = [merge for merge in history.merges if merge.survivor_id in family]
        found = counting_consents(reversed(decisions), merges=reversed(merges))
        channels = {each.channel for each in decisions}
        said = {
            channel: oracle(family, [each for each in decisions if each.channel == channel], merges)
            for channel in channels
        }
        overruled = {channel for channel in channels if is_overruled(said.get(channel), said.get(None), merges)}
        assert set(found) == {("MARKETING", channel) for channel in channels - overruled}
        for (_, channel), counting in found.items():
            expected, is_told = said[channel]
            is_told = is_told or (channel is None and bool(overruled))
            assert expected is not None
            assert counting.id == expected.id
            assert (counting.reason is not None) == is_told
            if counting.reason is not None:
                assert counting.reason.startswith(f"{expected.decision} on ")
                assert "has GRANTED of" in counting.reason


def test_a_decision_is_kept_in_normal_form() -> None:
    """Texts without blanks around them, blank ones as none; without an instant it is made now."""
    details = ConsentDetails(
        purpose=ConsentPurpose.SURVEYS,
        channel=None,
        decision=ConsentDecision.REFUSED,
        text_version=" v 2 ",
        source="  ",
        proof="",
    )
    found = check_consent(details, now=NOW)
    assert (found.text_version, found.source, found.proof, found.decided_at) == ("v 2", None, None, NOW)
    assert check_consent(SAID, now=NOW) == SAID
    longest = ConsentDetails(
        purpose=SAID.purpose,
        channel=SAID.channel,
        decision=SAID.decision,
        text_version="é" * 200,
        source="x" * 200,
        proof="x" * 2_000,
        decided_at=NOW - timedelta(days=300_000),
    )
    assert check_consent(longest, now=NOW) == longest


def test_every_fault_of_a_decision_is_told_at_once() -> None:
    """Too long, with control characters, of the future: each with its place."""
    details = ConsentDetails(
        purpose=SAID.purpose,
        channel=SAID.channel,
        decision=SAID.decision,
        text_version="x" * 201,
        source="a\x00b",
        proof="x" * 2_001,
        decided_at=NOW + timedelta(microseconds=1),
    )
    with pytest.raises(Refusals) as caught:
        check_consent(details, now=NOW)
    assert [(each.code, each.field) for each in caught.value.refusals] == [
        ("TOO_LONG", ("text_version",)),
        ("INVALID", ("source",)),
        ("TOO_LONG", ("proof",)),
        ("INVALID", ("decided_at",)),
    ]


def test_a_no_over_every_channel_is_stricter_than_a_yes_over_one_that_was_said_apart() -> None:
    """Whoever absorbs whom, and whoever spoke last; but the same customer's own yes over one channel stays a yes."""
    one, other = UUID(int=1), UUID(int=2)
    for yes_day, no_day in ((1, 2), (2, 1)):
        yes = decided(1, one, "GRANTED", "EMAIL", day=yes_day)
        no = decided(2, other, "WITHDRAWN", None, day=no_day)
        for survivor, absorbed in ((one, other), (other, one)):
            edge = Merged(survivor_id=survivor, absorbed_id=absorbed, merged_at=NOW)
            found = counting_consents([yes, no], merges=[edge])
            assert set(found) == {("MARKETING", None)}
            assert found["MARKETING", None].id == no.id
            assert "has GRANTED of" in (found["MARKETING", None].reason or "")
            again = decided(3, survivor, "GRANTED", "EMAIL", day=-1)
            assert set(counting_consents([yes, no, again], merges=[edge])) == {
                ("MARKETING", None),
                ("MARKETING", "EMAIL"),
            }
    own = decided(2, one, "WITHDRAWN", None, day=1)
    yes = decided(1, one, "GRANTED", "EMAIL", day=2)
    assert set(counting_consents([yes, own], merges=[])) == {("MARKETING", None), ("MARKETING", "EMAIL")}


def decided(number: int, who: UUID, word: str, channel: str | None, *, day: int) -> Decided:
    """Return a decision of so many days ago."""
    return Decided(
        id=UUID(int=number),
        customer_id=who,
        purpose="MARKETING",
        channel=channel,
        decision=word,
        decided_at=NOW - timedelta(days=day),
    )

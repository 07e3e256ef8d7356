"""Decisions on plain values: what follows what, by whom, and what of it is seen."""

from datetime import timedelta

import pytest

from domain.base.errors import Invalid, InvalidState, Refusals
from domain.interactions.rules.channels import check_delivery, forgotten_id
from domain.interactions.rules.conversations import (
    REOPEN_WITHIN,
    SNOOZED_AT_MOST,
    ConversationStatus,
    DeliveryState,
    MessageDetails,
    Turn,
    WaitingOn,
    check_change,
    check_message,
    check_snooze,
    is_further,
    is_shown_to_shoppers,
    shown_status,
    statuses_behind,
    turn_of,
    waiting_on,
)
from domain.interactions.rules.presence import Audience, is_typing_shown
from domain.interactions.rules.words import SEARCH_WORDS_MAX, WORD_LENGTH_MAX, WORDS_MAX, search_words, words_of
from tests.conftest import NOW

S = ConversationStatus
D = DeliveryState
MOMENT = timedelta(microseconds=1)

FOLLOWS = {
    S.NEW: "OPEN SPAM",
    S.OPEN: "PENDING SNOOZED RESOLVED SPAM",
    S.PENDING: "OPEN SNOOZED RESOLVED SPAM",
    S.SNOOZED: "OPEN PENDING SPAM",
    S.RESOLVED: "OPEN CLOSED SPAM",
    S.CLOSED: "SPAM",
    S.SPAM: "OPEN",
}
"""As the specification draws it."""


@pytest.mark.parametrize("before", list(S))
def test_what_follows_a_status(before: ConversationStatus) -> None:
    """These and no others; the refusal says which would."""
    for after in S:
        if after in FOLLOWS[before].split():
            check_change(before=before, after=after)
            continue
        with pytest.raises(InvalidState, match=f"is {before} cannot become {after}") as refused:
            check_change(before=before, after=after)
        assert refused.value.field == ("status",)
        assert all(each in str(refused.value) for each in FOLLOWS[before].split())


def test_a_snooze_has_an_end_that_is_to_come() -> None:
    """Within a year, or none; nothing else has an end."""
    for until in (None, NOW + MOMENT, NOW + SNOOZED_AT_MOST):
        check_snooze(S.SNOOZED, until=until, now=NOW)
    for until in (NOW, NOW - MOMENT, NOW + SNOOZED_AT_MOST + MOMENT):
        with pytest.raises(Invalid, match="within a year"):
            check_snooze(S.SNOOZED, until=until, now=NOW)
    for status in set(S) - {S.SNOOZED}:
        check_snooze(status, until=None, now=NOW)
        with pytest.raises(Invalid, match="leave snoozedUntil out"):
            check_snooze(status, until=NOW + MOMENT, now=NOW)


def test_what_shoppers_are_shown() -> None:
    """That we sleep on it, or take it for spam, looks like waiting and like the end; changes among those like none."""
    hidden = {S.SNOOZED: S.PENDING, S.SPAM: S.CLOSED}
    for status in S:
        assert shown_status(status, is_shopper=False) is status
        assert shown_status(status, is_shopper=True) is hidden.get(status, status)
    assert statuses_behind(["PENDING", "CLOSED"], is_shopper=True) == {S.PENDING, S.SNOOZED, S.CLOSED, S.SPAM}
    assert statuses_behind(["SNOOZED", "SPAM"], is_shopper=True) == set()
    assert statuses_behind(["SNOOZED"], is_shopper=False) == {S.SNOOZED}
    assert not is_shown_to_shoppers(before=S.PENDING, after=S.SNOOZED)
    assert not is_shown_to_shoppers(before=S.CLOSED, after=S.SPAM)
    assert is_shown_to_shoppers(before=S.OPEN, after=S.SNOOZED)
    assert is_shown_to_shoppers(before=None, after=S.NEW)


def test_whose_turn_it_is() -> None:
    """What is done waits for nobody, what is opened again for us; the rest stays as it was."""
    assert waiting_on(S.PENDING, before=WaitingOn.US) is WaitingOn.CUSTOMER
    for status in (S.RESOLVED, S.CLOSED, S.SPAM):
        assert waiting_on(status, before=WaitingOn.THIRD_PARTY) is WaitingOn.NOBODY
    assert waiting_on(S.OPEN, before=WaitingOn.NOBODY) is WaitingOn.US
    assert waiting_on(S.SNOOZED, before=WaitingOn.THIRD_PARTY) is WaitingOn.THIRD_PARTY


def test_what_a_message_of_the_customer_does() -> None:
    """It wakes, opens again within a week, begins anew after that; spam stays spam."""
    expected = {
        S.NEW: Turn.GO_ON,
        S.OPEN: Turn.GO_ON,
        S.PENDING: Turn.REOPEN,
        S.SNOOZED: Turn.REOPEN,
        S.RESOLVED: Turn.REOPEN,
        S.CLOSED: Turn.FOLLOW_UP,
        S.SPAM: Turn.STAY,
    }
    for status, turn in expected.items():
        assert turn_of(status, resolved_at=None, now=NOW) is turn
    assert turn_of(S.RESOLVED, resolved_at=NOW - REOPEN_WITHIN, now=NOW) is Turn.REOPEN
    assert turn_of(S.RESOLVED, resolved_at=NOW - REOPEN_WITHIN - MOMENT, now=NOW) is Turn.FOLLOW_UP


def test_a_message_never_goes_back() -> None:
    """Each state, after each: only what is further counts; what failed is tried again, what came in stays."""
    further = {
        D.RECEIVED: set(),
        D.ACCEPTED: {D.SENT, D.DELIVERED, D.READ, D.FAILED},
        D.SENT: {D.DELIVERED, D.READ, D.FAILED},
        D.DELIVERED: {D.READ},
        D.READ: set(),
        D.FAILED: {D.ACCEPTED},
    }
    for before in D:
        assert {after for after in D if is_further(before=before, after=after)} == further[before], before


def test_a_report_has_a_reason_only_where_something_failed() -> None:
    """A blank one is none."""
    assert check_delivery(D.FAILED, reason=" why\u00a0") == "why"
    assert check_delivery(D.FAILED, reason="  ") is None
    assert check_delivery(D.SENT, reason=" ") is None
    with pytest.raises(Refusals) as refused:
        check_delivery(D.ACCEPTED, reason="x")
    assert [each.field for each in refused.value.refusals] == [("state",), ("failure_reason",)]


def test_an_id_that_was_forgotten_is_recognised() -> None:
    """The same hash for the same id, and nothing of it."""
    assert forgotten_id("ada@mail.example") == forgotten_id("ada@mail.example") != forgotten_id("bob")
    assert "ada" not in forgotten_id("ada@mail.example")


def test_a_message_is_cleaned() -> None:
    """Lines stay lines; the client's id is a word of its own."""
    cleaned = check_message(MessageDetails(text=" a\r\n\tb \r", client_message_id=" c "))
    assert (cleaned.text, cleaned.client_message_id) == ("a\nb", "c")
    with pytest.raises(Refusals) as refused:
        check_message(MessageDetails(text="", client_message_id="x" * 101))
    assert [each.field for each in refused.value.refusals] == [("text",), ("client_message_id",)]


@pytest.mark.parametrize("audience", list(Audience))
@pytest.mark.parametrize("is_shopper", [True, False])
def test_who_is_shown_that_somebody_types(audience: Audience, *, is_shopper: bool) -> None:
    """Nobody themselves; no shopper what becomes a note."""
    assert not is_typing_shown(audience=audience, is_shopper=is_shopper, is_own=True)
    shown = is_typing_shown(audience=audience, is_shopper=is_shopper, is_own=False)
    assert shown is not (is_shopper and audience is Audience.STAFF)


def test_words_are_folded_once_each() -> None:
    """Without case, accents and punctuation; so many of a text, so long, so many of a search."""
    assert words_of("Crème, crème BRÛLÉE!", None, "42-B brûlée") == ["creme", "brulee", "42", "b"]
    assert words_of("x" * 99) == ["x" * WORD_LENGTH_MAX]
    assert len(words_of(" ".join(f"w{number}" for number in range(WORDS_MAX + 1)))) == WORDS_MAX
    assert len(search_words("a b c d e f g h i j")) == SEARCH_WORDS_MAX
    assert search_words("… !") == []

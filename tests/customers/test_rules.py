"""Decisions about customers, on plain values: each bound on both of its sides."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.base.errors import Invalid, Refusals, Required, TooLong
from domain.base.money import Money
from domain.customers.rules.attributes import AttributeChange
from domain.customers.rules.identities import IdentityKind
from domain.customers.rules.profiles import (
    Buyer,
    CustomerChanges,
    CustomerDetails,
    LifecycleStage,
    check_birth_date,
    check_buyer,
    check_changes,
    check_details,
    check_tags,
    last_order_key,
    lifecycle_stage,
)
from domain.customers.rules.ranking import average_order, group_ends, rank_values, scores, share
from domain.customers.rules.search import SEARCH_WORDS_MAX, TermKind, order_terms, profile_terms, search_words

TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize("day", [date(1900, 1, 1), TODAY, None])
def test_a_possible_day_of_birth_is_taken(day: date | None) -> None:
    """From 1900 to today, or unknown."""
    assert check_birth_date(day, today=TODAY) == day


@pytest.mark.parametrize("day", [date(1899, 12, 31), TODAY + timedelta(days=1), date.min, date.max])
def test_an_impossible_day_of_birth_is_refused(day: date) -> None:
    """A day before and a day after."""
    with pytest.raises(Invalid):
        check_birth_date(day, today=TODAY)


def test_tags_are_sorted_small_and_once_each() -> None:
    """At most 50 of 50 characters."""
    assert check_tags([" B", "a", "b "]) == ("a", "b")
    assert len(check_tags([str(number) for number in range(50)])) == 50
    for tags, kind in ((["x"] * 51, TooLong), (["x" * 51], TooLong), ([" "], Required), (["\x00"], Invalid)):
        with pytest.raises(kind):
            check_tags(tags)


def test_all_faults_of_a_customer_are_found_at_once() -> None:
    """Each with the field that it is in."""
    wrong = CustomerDetails(
        external_id="x" * 201,
        email="@",
        phone="1",
        given_name="\x00",
        family_name="x" * 201,
        locale="?",
        time_zone="?",
        birth_date=date(1800, 1, 1),
        country="?",
        tags=[""],
        attributes=[AttributeChange(key="x")] * 101,
    )
    with pytest.raises(Refusals) as caught:
        check_details(wrong, home_country=None, today=TODAY)
    fields = {refusal.field[0] for refusal in caught.value.refusals}
    assert fields == set(CustomerDetails.__dataclass_fields__)


def test_a_number_without_country_needs_one_from_somewhere() -> None:
    """The customer's country, else the shop's, else it is refused."""
    details = CustomerDetails(phone="06 69812345")
    assert check_details(details, home_country="IT", today=TODAY).phone == "+390669812345"
    with pytest.raises(Refusals):
        check_details(details, home_country=None, today=TODAY)


def test_changes_that_are_not_said_stay_unsaid() -> None:
    """Nothing said, nothing to change; blank empties; each fault in its field."""
    assert check_changes(CustomerChanges(), today=TODAY) == CustomerChanges()
    emptied = check_changes(CustomerChanges(given_name=" ", country="", tags=None, birth_date=None), today=TODAY)
    assert emptied == CustomerChanges(given_name=None, country=None, tags=(), birth_date=None)
    wrong = CustomerChanges(given_name="\x00", locale="?", birth_date=date.max, tags=[""], country=" ")
    with pytest.raises(Refusals) as caught:
        check_changes(wrong, today=TODAY)
    fields = {refusal.field[0] for refusal in caught.value.refusals}
    assert fields == {"given_name", "locale", "birth_date", "tags", "country"}


def test_a_buyer_in_normal_form() -> None:
    """Blank is nothing; a country alone makes nobody; all faults at once."""
    checked = check_buyer(Buyer(external_id=" ", email="", given_name=" ", country="it"))
    assert checked == Buyer(country="IT")
    assert checked.is_empty
    assert checked.is_anonymous
    named = Buyer(given_name="Ada")
    assert (named.is_anonymous, named.is_empty) == (True, False)
    assert (Buyer(email="a@example.org").is_anonymous, Buyer(external_id="k").is_anonymous) == (False, False)
    wrong = Buyer(external_id="x" * 201, email="@", given_name="\x00", family_name="\x00", country="?")
    with pytest.raises(Refusals) as caught:
        check_buyer(wrong)
    assert len(caught.value.refusals) == 5


@pytest.mark.parametrize(
    ("buyer", "expected"),
    [
        (Buyer(email="Ada@example.org"), True),
        (Buyer(email="ADA@EXAMPLE.ORG", given_name="Ada"), True),
        (Buyer(email="ada@example.org", is_email_verified=True), False),
        (Buyer(email="ada@example.org", external_id="k"), False),
        (Buyer(email="eve@example.org"), False),
        (Buyer(given_name="Ada"), False),
    ],
)
def test_the_same_contact(buyer: Buyer, expected: bool) -> None:  # noqa: FBT001
    """Nothing is said but the e-mail that is known, in any case."""
    assert buyer.is_same_contact("ada@example.org") is expected
    assert not buyer.is_same_contact(None)


@pytest.mark.parametrize(
    ("first", "last", "stage"),
    [
        (None, None, LifecycleStage.LEAD),
        (timedelta(0), timedelta(0), LifecycleStage.ONBOARDING),
        (timedelta(days=90), timedelta(days=90), LifecycleStage.ONBOARDING),
        (timedelta(days=90) + TICK, timedelta(0), LifecycleStage.ACTIVE),
        (timedelta(days=900), timedelta(days=180), LifecycleStage.ACTIVE),
        (timedelta(days=900), timedelta(days=180) + TICK, LifecycleStage.AT_RISK),
        (timedelta(days=900), timedelta(days=365), LifecycleStage.AT_RISK),
        (timedelta(days=900), timedelta(days=365) + TICK, LifecycleStage.LAPSED),
    ],
)
def test_stages(first: timedelta | None, last: timedelta | None, stage: LifecycleStage) -> None:
    """The bounds of each stage, to the microsecond."""
    found = lifecycle_stage(
        first_order_at=None if first is None else NOW - first,
        last_order_at=None if last is None else NOW - last,
        now=NOW,
    )
    assert found is stage


def test_terms_of_a_profile() -> None:
    """Words of names and ids, whole e-mails, numbers with and without country code; nothing of nothing."""
    terms = profile_terms(
        given_name="Zoë Anna",
        family_name=None,
        emails=["A@Example.org"],
        phones=["+390669812345"],
        identities=[
            (IdentityKind.EXTERNAL_ACCOUNT, "K 1"),
            (IdentityKind.EMAIL, "a@example.org"),
            (IdentityKind.PHONE, "+390669812345"),
            (IdentityKind.SOCIAL_HANDLE, "zoe.anna"),
            (IdentityKind.DEVICE, "device-1"),
        ],
    )
    assert terms == {
        (TermKind.NAME, "zoe"),
        (TermKind.NAME, "anna"),
        (TermKind.EXTERNAL_ID, "k"),
        (TermKind.EXTERNAL_ID, "1"),
        (TermKind.EXTERNAL_ID, "zoe.anna"),
        (TermKind.EMAIL, "a@example.org"),
        (TermKind.PHONE, "390669812345"),
        (TermKind.PHONE, "0669812345"),
    }
    assert profile_terms(given_name=None, family_name=None, emails=[], phones=[], identities=[]) == set()
    assert order_terms("R 1") == {(TermKind.ORDER_NUMBER, "r"), (TermKind.ORDER_NUMBER, "1")}
    assert search_words(" ".join("abcdefghij")) == list("abcdefgh")
    assert search_words("x" * 61) == ["x" * 60]


def test_the_key_of_the_last_order() -> None:
    """Microseconds, 0 for nobody."""
    assert last_order_key(None) == 0
    assert last_order_key(datetime(1970, 1, 1, microsecond=1, tzinfo=UTC)) == 1


@pytest.mark.parametrize(
    ("ordered", "count", "expected"),
    [
        ("10", 3, "3.3333"),
        ("0.0001", 2, "0"),
        ("0.0003", 2, "0.0002"),
        ("0", 1, "0"),
    ],
)
def test_means_are_rounded_to_four_decimals_ties_to_even(ordered: str, count: int, expected: str) -> None:
    """A mean in one currency."""
    found = average_order(ordered=Decimal(ordered), order_count=count, currency_code="EUR")
    assert found == Money(Decimal(expected), "EUR")


def test_nothing_has_no_mean_and_no_share() -> None:
    """Without orders no mean; of nothing, or less, no share."""
    assert average_order(ordered=Decimal(0), order_count=0, currency_code="EUR") is None
    assert share(Decimal(1), whole=Decimal(0)) == 0
    assert share(Decimal(1), whole=Decimal(-3)) == 0
    assert share(Decimal(2), whole=Decimal(3)) == Decimal("0.666667")


def plain_groups(values: list[tuple[Any, str]], count: int) -> dict[str, int]:
    """Return ⌈count · rank / N⌉ by name: the definition, word by word."""
    ordered = sorted(values)
    return {name: -(-count * rank // len(ordered)) for rank, (_, name) in enumerate(ordered, 1)}


@given(st.lists(st.integers(-3, 3), max_size=60), st.sampled_from([5, 10]))
def test_groups_by_boundaries_are_groups_by_rank(values: list[int], group_count: int) -> None:
    """For any customers with any ties, a customer's group by the stored boundaries is that of the definition."""
    people = [(value, f"{index * 7919 % 61:02}") for index, value in enumerate(values)]
    ordered = sorted(people)
    ends = group_ends(customer_count=len(people), group_count=group_count)
    assert len(ends) == group_count - 1
    boundaries = {"one": [list(ordered[end - 1]) if end else None for end in ends]}
    found = {name: scores({"one": value}, tie=name, boundaries=boundaries)["one"] for value, name in people}
    assert found == plain_groups(people, group_count)


def test_the_decile_counts_from_the_top() -> None:
    """Money is ranked upwards for fifths and downwards for tenths."""
    found = rank_values(last_order_key=7, order_count=2, net_spent=Decimal("-1.5"))
    assert found == {"recency": 7, "frequency": 2, "monetary": -15_000, "decile": 15_000}


@given(st.text(max_size=300))
def test_no_text_breaks_a_rule(text: str) -> None:
    """Whatever is typed everywhere at once is refused for what it is: no text is an e-mail, a country and a number."""
    details = CustomerDetails(
        external_id=text,
        email=text,
        phone=text,
        given_name=text,
        locale=text,
        time_zone=text,
        country=text,
        tags=[text],
    )
    with pytest.raises(Refusals):
        check_details(details, home_country="IT", today=TODAY)
    assert len(search_words(text)) <= SEARCH_WORDS_MAX

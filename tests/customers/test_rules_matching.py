"""How probable it is that two records are one person: what speaks for it, what against it."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.customers.rules.matching import (
    DOUBTS,
    PROPOSAL_SCORE_MIN,
    VERIFIED_SIGNALS,
    WEIGHTS,
    Evidence,
    Match,
    Profile,
    Sign,
    Signal,
    is_news,
    mailbox,
    match,
    match_keys,
    told,
)

ONE, OTHER = UUID(int=1), UUID(int=2)
BORN = date(1815, 12, 10)
PHONE = "PHONE +390669812345"
MAILBOX = {"mailbox ada@example.org"}


def profile(*names: str | None, born: date | None = None, country: str | None = None) -> Profile:
    """Return what is compared of somebody."""
    given_name, family_name = (*names, None, None)[:2]
    return Profile(id=ONE, given_name=given_name, family_name=family_name, birth_date=born, country=country)


def sign(verification: str = "UNVERIFIED", *, is_claimed: bool = False, value: str = "+390669812345") -> Sign:
    """Return a telephone number of somebody."""
    return Sign(
        customer_id=ONE, kind="PHONE", namespace="", value=value, verification=verification, is_claimed=is_claimed
    )


def matched(
    one: Profile,
    other: Profile,
    *,
    signs: tuple[Sign, ...] = (),
    others: tuple[Sign, ...] = (),
    keys: frozenset[str] | set[str] = frozenset(),
) -> tuple[str, list[Signal]]:
    """Return score and signals of a match, which are the same from either side."""
    found = match(one, other=other, signs=signs, others=others, keys=keys)
    assert found == match(other, other=one, signs=others, others=signs, keys=keys)
    return str(found.score), [signal for signal, _ in found.evidence]


@pytest.mark.parametrize(
    ("signs", "others", "score", "signal"),
    [
        ((sign(),), (sign(),), "0.5000", Signal.SAME_IDENTITY),
        ((sign("PENDING"),), (sign("REVOKED"),), "0.5000", Signal.SAME_IDENTITY),
        ((sign("VERIFIED"),), (sign(),), "0.7000", Signal.VERIFIED_ON_ONE),
        ((sign("VERIFIED"),), (sign("VERIFIED"),), "0.9500", Signal.VERIFIED_ON_BOTH),
        ((sign("VERIFIED", is_claimed=True),), (sign("VERIFIED"),), "0.9500", Signal.VERIFIED_ON_BOTH),
        ((sign(), sign("VERIFIED", is_claimed=True)), (sign("VERIFIED"),), "0.9500", Signal.VERIFIED_ON_BOTH),
        ((sign("VERIFIED"), sign()), (sign(),), "0.7000", Signal.VERIFIED_ON_ONE),
    ],
)
def test_the_same_identity_counts_by_how_sure_it_is(
    signs: tuple[Sign, ...], others: tuple[Sign, ...], score: str, signal: Signal
) -> None:
    """Unverified is half the way, verified on one side more, proven on both nearly all of it."""
    assert matched(profile(), profile(), signs=signs, others=others) == (score, [signal])
    found = match(profile(), other=profile(), signs=signs, others=others, keys=())
    assert found.evidence == [(signal, PHONE)]
    assert found.proof == (found.evidence if signal is Signal.VERIFIED_ON_BOTH else [])


def test_each_signal_takes_away_part_of_the_doubt() -> None:
    """Two numbers are more than one, and together they are less than their sum."""
    two = (sign(), sign(value="+390669812346"))
    assert matched(profile(), profile(), signs=two, others=two) == ("0.7500", [Signal.SAME_IDENTITY] * 2)
    assert matched(profile(), profile(), signs=two, others=(sign(),)) == ("0.5000", [Signal.SAME_IDENTITY])
    assert matched(profile(), profile(), signs=(sign(),), others=(sign(value="+1"),)) == ("0.0000", [])


def test_identities_are_told_apart_by_kind_and_namespace() -> None:
    """The same handle in two networks is two."""
    handles = [
        Sign(customer_id=ONE, kind="SOCIAL_HANDLE", namespace=network, value="ada", verification="VERIFIED")
        for network in ("instagram", "tiktok")
    ]
    assert [each.name for each in handles] == ["SOCIAL_HANDLE instagram ada", "SOCIAL_HANDLE tiktok ada"]
    assert matched(profile(), profile(), signs=(handles[0],), others=(handles[1],)) == ("0.0000", [])


def test_a_mailbox_counts_where_no_identity_does() -> None:
    """The same address is not counted twice, once as itself and once as its mailbox."""
    assert matched(profile(), profile(), keys=MAILBOX) == ("0.4000", [Signal.SAME_MAILBOX])
    found = matched(profile(), profile(), signs=(sign(),), others=(sign(),), keys=MAILBOX)
    assert found == ("0.5000", [Signal.SAME_IDENTITY])
    assert matched(profile(), profile(), keys={"born 1815-12-10 ada byron"}) == ("0.0000", [])


@pytest.mark.parametrize(
    ("one", "other", "signal"),
    [
        (("Ada", "Byron"), ("Ada", "Byron"), Signal.SAME_NAME),
        (("Ada", "Byron"), ("BYRON", "ada"), Signal.SAME_NAME),
        (("Zoë", "Müller"), ("Zoe", "Muller"), Signal.SAME_NAME),
        (("Ada Byron",), ("Ada", "Byron"), Signal.SAME_NAME),
        (("Ada", "Byron"), ("Ada", "Biron"), Signal.SIMILAR_NAME),
        (("Ada", "Byron"), ("Ada", "Byro"), Signal.SIMILAR_NAME),
        (("John", "Byron"), ("Jon", "Byron"), Signal.SIMILAR_NAME),
        (("Ada", "Byron"), ("Ada", "Yberon"), Signal.OTHER_NAME),
        (("Ada", "Byron"), ("Ida", "Byron"), Signal.OTHER_NAME),
        (("Ada", "Byron"), ("Bob", "Byron"), Signal.OTHER_NAME),
        (("John", "Byron"), ("Jon", "Biron"), Signal.OTHER_NAME),
        (("李", "小龍"), ("李", "小龍"), Signal.SAME_NAME),
    ],
)
def test_names_speak_for_it_or_against_it(one: tuple[str, ...], other: tuple[str, ...], signal: Signal) -> None:
    """The same words in any order, case and accents; one letter's difference in one word; else another person."""
    assert matched(profile(*one), profile(*other))[1] == [signal]


def test_a_missing_name_says_nothing() -> None:
    """Neither for it nor against it."""
    for nobody in (profile(), profile(" "), profile(None, "")):
        assert matched(nobody, profile("Ada", "Byron")) == ("0.0000", [])


@pytest.mark.parametrize(
    ("one", "other", "score", "signals"),
    [
        (profile("A", "B", born=BORN), profile("A", "B", born=BORN), "0.5800", "SAME_NAME SAME_BIRTH_DATE"),
        (
            profile("A", "B", born=BORN, country="IT"),
            profile("A", "B", born=BORN, country="IT"),
            "0.6010",
            "SAME_NAME SAME_BIRTH_DATE SAME_COUNTRY",
        ),
        (profile("A", born=BORN), profile("A", born=date(1815, 12, 11)), "0.1600", "SAME_NAME OTHER_BIRTH_DATE"),
        (profile("A", born=BORN), profile("B", born=BORN), "0.2250", "OTHER_NAME SAME_BIRTH_DATE"),
        (profile("A", born=BORN), profile("A"), "0.4000", "SAME_NAME"),
        (profile(country="IT"), profile(country="IT"), "0.0500", "SAME_COUNTRY"),
        (profile(country="IT"), profile(country="FR"), "0.0000", ""),
        (profile(country="IT"), profile(), "0.0000", ""),
    ],
)
def test_what_profiles_say_counts(one: Profile, other: Profile, score: str, signals: str) -> None:
    """Name, day of birth and country; moving house is no contradiction."""
    found = matched(one, other)
    assert (found[0], " ".join(found[1])) == (score, signals)


def test_contradictions_lower_the_score() -> None:
    """A family that shares a number has other names and days of birth: it is proposed no longer."""
    both = {"signs": (sign(),), "others": (sign(),)}
    score = {
        words: Decimal(matched(profile(*one), profile(*other), **both)[0])  # type: ignore[arg-type]
        for words, one, other in (
            ("same", ("Ada", "Byron"), ("Ada", "Byron")),
            ("unknown", ("Ada", "Byron"), ()),
            ("other", ("Ada", "Byron"), ("Bob", "Byron")),
        )
    }
    assert score["same"] > score["unknown"] >= PROPOSAL_SCORE_MIN > score["other"]
    proven = {"signs": (sign("VERIFIED"),), "others": (sign("VERIFIED"),)}
    ada, bob = profile("Ada", born=BORN), profile("Bob", born=date(1900, 1, 1))
    assert matched(ada, bob, **proven)[0] == "0.2850"  # type: ignore[arg-type]


@given(
    signals=st.lists(st.sampled_from(sorted(WEIGHTS)), max_size=6),
    doubts=st.lists(st.sampled_from(sorted(DOUBTS)), max_size=2, unique=True),
)
def test_weights_and_doubts_leave_a_score_between_nothing_and_one(signals: list[Signal], doubts: list[Signal]) -> None:
    """However much is found, nobody is surer than sure."""
    doubt, belief = Decimal(1), Decimal(1)
    for signal in signals:
        doubt *= 1 - WEIGHTS[signal]
    for against in doubts:
        belief *= DOUBTS[against]
    assert 0 <= (1 - doubt) * belief < 1


def test_every_signal_is_weighed_and_told() -> None:
    """Each is either for it or against it, and has a sentence of its own."""
    assert set(WEIGHTS) | set(DOUBTS) == set(Signal)
    assert not set(WEIGHTS) & set(DOUBTS)
    sentences = told([(signal, PHONE) for signal in Signal])
    assert len(set(sentences)) == len(Signal)
    assert all(each.endswith(".") for each in sentences)
    assert [PHONE in sentence for sentence in sentences] == [
        signal in {*VERIFIED_SIGNALS, Signal.SAME_IDENTITY} for signal in Signal
    ]
    assert told([]) == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("ada@example.org", "ada@example.org"),
        ("Ada@Example.ORG", "ada@example.org"),
        ("ada+shop@example.org", "ada@example.org"),
        ("ada+a+b@example.org", "ada@example.org"),
        ("+ada@example.org", "+ada@example.org"),
        ("a.d.a@example.org", "a.d.a@example.org"),
        ("a.d.a@gmail.com", "ada@gmail.com"),
        ("A.Da+shop@GoogleMail.com", "ada@gmail.com"),
        ("a.da@gmail.com.example.org", "a.da@gmail.com.example.org"),
        ("a.da@mygmail.com", "a.da@mygmail.com"),
    ],
)
def test_a_mailbox_is_what_spellings_reach(address: str, expected: str) -> None:
    """Without what follows a plus sign; without dots where the provider takes no notice of them, and only there."""
    assert mailbox(address) == expected
    assert mailbox(expected) == expected


def test_match_keys_are_mailboxes_and_births() -> None:
    """A name alone is no key, nor is a day of birth, nor half a name with it."""
    assert match_keys(profile("Ada", "Byron"), emails=[]) == set()
    assert match_keys(profile(born=BORN), emails=[]) == set()
    assert match_keys(profile("Ada", born=BORN), emails=[]) == set()
    assert match_keys(profile("Ada", "Bÿron", born=BORN), emails=["a.da@gmail.com", "ada+x@gmail.com"]) == {
        "born 1815-12-10 ada byron",
        "mailbox ada@gmail.com",
    }
    assert match_keys(profile("Byron Ada", born=BORN), emails=[]) == {"born 1815-12-10 ada byron"}


BOTH: Evidence = (Signal.VERIFIED_ON_BOTH, PHONE)
HALF: Evidence = (Signal.VERIFIED_ON_ONE, PHONE)
SAME: Evidence = (Signal.SAME_IDENTITY, PHONE)
OTHER_HALF: Evidence = (Signal.VERIFIED_ON_ONE, "EMAIL ada@example.org")


@pytest.mark.parametrize(
    ("evidence", "decided"),
    [
        ([HALF], []),
        ([HALF], [SAME]),
        ([BOTH], [HALF]),
        ([OTHER_HALF], [BOTH]),
        ([HALF, OTHER_HALF], [HALF]),
    ],
)
def test_verified_evidence_is_news(evidence: list[Evidence], decided: list[Evidence]) -> None:
    """What the person who decided has not seen, or has seen less sure."""
    assert is_news(evidence, decided=iter(decided))


@pytest.mark.parametrize(
    ("evidence", "decided"),
    [
        ([], []),
        ([SAME, (Signal.SAME_NAME, "")], []),
        ([HALF], [HALF]),
        ([HALF, SAME], [SAME, HALF]),
        ([BOTH], [SAME, BOTH]),
        ([HALF], [BOTH]),
    ],
)
def test_other_evidence_is_no_news(evidence: list[Evidence], decided: list[Evidence]) -> None:
    """What is not verified, or was decided on in that sureness or a greater one."""
    assert not is_news(evidence, decided=iter(decided))


def test_a_match_knows_its_proof() -> None:
    """What is proven on both sides, and nothing beside."""
    assert Match(score=Decimal(1), evidence=[SAME, BOTH, HALF]).proof == [BOTH]

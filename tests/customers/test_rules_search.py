"""The words under which customers are found, and what a word may be a misspelling of."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.customers.rules.identities import IdentityKind
from domain.customers.rules.search import (
    SEARCH_WORDS_MAX,
    TYPO_LETTERS_MAX,
    TYPO_LETTERS_MIN,
    TermKind,
    order_terms,
    profile_terms,
    search_words,
    with_one_error,
)

LATIN = "abcdefghijklmnopqrstuvwxyz"
GREEK = "αβγδεζηθικλμνξοπρσςτυφχψω"
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"


@st.composite
def words_and_misspellings(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a word of one alphabet and what one typing error makes of it, long enough to be looked at."""
    alphabet = draw(st.sampled_from([LATIN, GREEK, CYRILLIC]))
    letter = draw(st.sampled_from(alphabet))
    error = draw(st.sampled_from(["left out", "added", "replaced", "swapped"]))
    # What was typed is what has 4 to 20 letters; the word itself may have one more or one less.
    least = TYPO_LETTERS_MIN + {"left out": 1, "added": -1}.get(error, 0)
    most = TYPO_LETTERS_MAX + {"left out": 1, "added": -1}.get(error, 0)
    word = draw(st.text(alphabet, min_size=least, max_size=most))
    place = draw(st.integers(0, len(word) - 2))
    left, right = word[:place], word[place:]
    typed = {
        "left out": left + right[1:],
        "added": left + letter + right,
        "replaced": left + letter + right[1:],
        "swapped": left + right[1] + right[0] + right[2:],
    }[error]
    return word, typed


@given(words_and_misspellings())
def test_every_single_error_is_undone(pair: tuple[str, str]) -> None:
    """A letter left out, added, replaced, or two neighbours swapped: the word is among what was meant."""
    word, typed = pair
    meant = with_one_error(typed)
    assert (word in meant) is (word != typed)


@pytest.mark.parametrize("place", [0, 4, 8])
def test_errors_at_the_first_and_the_last_letter_are_undone(place: int) -> None:
    """Nothing is special about an end of a word."""
    word = "abcdefghi"
    added = word[:place] + "z" + word[place:]
    replaced = word[:place] + "z" + word[place + 1 :]
    left_out = word[:place] + word[place + 1 :]
    for typed in (added, f"{word}z", replaced, left_out, "bacdefghi", "abcdefgih"):
        assert word in with_one_error(typed), typed


@given(st.text(LATIN, min_size=TYPO_LETTERS_MIN, max_size=TYPO_LETTERS_MAX))
def test_two_errors_are_not_forgiven(typed: str) -> None:
    """All that a word may be a misspelling of differs from it by exactly one error."""
    assert all(differs_by_one_error(typed, meant) for meant in with_one_error(typed))


def differs_by_one_error(one: str, other: str) -> bool:
    """Tell it in another way: what two words have in common at their ends leaves the error between."""
    short, long = sorted((one, other), key=len)
    start = next((place for place, letter in enumerate(short) if letter != long[place]), len(short))
    middle_of_long, middle_of_short = long[start:], short[start:]
    while middle_of_short and middle_of_short[-1] == middle_of_long[-1]:
        middle_of_long, middle_of_short = middle_of_long[:-1], middle_of_short[:-1]
    is_swapped = len(middle_of_short) == 2 and middle_of_short == middle_of_long[::-1]
    return is_swapped or (len(middle_of_long) == 1 and len(middle_of_short) <= 1)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("rosi", "rossi", True),
        ("rossi", "rosi", True),
        ("rossi", "russi", True),
        ("rosis", "rossi", True),
        ("rossi", "rossi", False),
        ("rossi", "rusi", False),
        ("rossi", "isros", False),
        ("abc", "cba", False),
        ("aa", "aaaa", False),
    ],
)
def test_the_other_way_to_tell_one_error(one: str, other: str, *, expected: bool) -> None:
    """What the test above compares with is right itself."""
    assert differs_by_one_error(one, other) is expected


def test_all_that_one_error_makes_of_a_word() -> None:
    """All 26 letters at each place, and nothing twice: the number is known."""
    for word in ("abcd", "abcdefghijklmnopqrst"):
        places = len(word)
        # Before and after each letter 26, of which those that double a neighbour come twice; 25 others for each
        # letter; each left out; each pair of neighbours, all of them different here.
        missing = 26 * (places + 1) - places
        assert len(with_one_error(word)) == missing + 25 * places + places + (places - 1)
        assert all(left != right for left, right in pairwise(word))


@pytest.mark.parametrize(
    "word",
    [
        "", "a", "abc", "a" * 21, "a" * 60,  # too short, too long
        "o'neil", "anna-maria", "ada.byron@example.org", "k-12345", "1234", "2026/77", "abc1", "ab cd", "+390669812345",
        "李小龍李", "דניאל", "ñandu", "1abc", "%%%%", "____",  # no alphabet with so few letters that all can be tried
    ],
)  # fmt: skip
def test_no_errors_are_looked_for(word: str) -> None:
    """Numbers, addresses, joined words, short and long ones, and other scripts mean what they are."""
    assert with_one_error(word) == set()


@pytest.mark.parametrize("word", ["abcd", "a" * 20, "ωωωω", "яяяя"])
def test_the_shortest_and_the_longest_word_with_an_error(word: str) -> None:
    """Four and twenty letters are looked at, and never count as their own misspelling."""
    found = with_one_error(word)
    assert found
    assert word not in found
    assert {len(each) for each in found} == {len(word) - 1, len(word), len(word) + 1}


def test_a_misspelling_stays_in_its_alphabet() -> None:
    """A word of Greek letters is tried with Greek ones; the first letter says which alphabet it is."""
    assert "ιωαννης" in with_one_error("ιωανης")
    assert "иванов" in with_one_error("иваноф")
    assert set("".join(with_one_error("ιωανης"))) == set(GREEK)
    assert set("".join(with_one_error("иваноф"))) == set(CYRILLIC)
    assert set("".join(with_one_error("rosi"))) == set(LATIN)


def test_a_search_is_taken_apart() -> None:
    """Without case and accents, blanks of any kind between; eight words, each as long as terms are."""
    assert search_words("  ZOË\tMüller-L \u00a0 Straße ") == ["zoe", "muller-l", "strasse"]
    assert search_words("") == search_words(" \n ") == []
    assert search_words(" ".join("abcdefghij")) == list("abcdefgh")
    assert len(search_words("a " * 99)) == SEARCH_WORDS_MAX
    assert search_words("é" * 61) == ["e" * 60]


def test_what_a_customer_is_found_by() -> None:
    """Words of names and their parts, addresses, numbers with and without country, accounts and handles."""
    terms = profile_terms(
        given_name="Zoë O'Hara",
        family_name="Müller-Lüdenscheidt",
        emails={"Zoe@Example.org"},
        phones={"+390669812345"},
        identities=[
            (IdentityKind.EMAIL, "zoe@example.org"),
            (IdentityKind.EMAIL, "z@example.org"),
            (IdentityKind.PHONE, "+442079460958"),
            (IdentityKind.EXTERNAL_ACCOUNT, "K 77"),
            (IdentityKind.SOCIAL_HANDLE, "zoë.m"),
            (IdentityKind.DEVICE, "device-1"),
            (IdentityKind.VISITOR, "visitor-1"),
        ],
    )
    names = {"zoe", "o'hara", "o", "hara", "muller-ludenscheidt", "muller", "ludenscheidt"}
    assert terms == {
        *((TermKind.NAME, name) for name in names),
        (TermKind.EMAIL, "zoe@example.org"),
        (TermKind.EMAIL, "z@example.org"),
        (TermKind.PHONE, "390669812345"),
        (TermKind.PHONE, "0669812345"),
        (TermKind.PHONE, "442079460958"),
        (TermKind.PHONE, "2079460958"),
        (TermKind.EXTERNAL_ID, "k"),
        (TermKind.EXTERNAL_ID, "77"),
        (TermKind.EXTERNAL_ID, "zoe.m"),
    }


def test_nothing_known_is_nothing_to_find() -> None:
    """A customer without any data has no terms; what is no number has none either; one name may be missing."""
    assert profile_terms(given_name=None, family_name=None, emails=(), phones=(), identities=()) == set()
    assert profile_terms(given_name="", family_name="Ada", emails=(), phones=["?"], identities=()) == {
        (TermKind.NAME, "ada")
    }


def test_an_order_is_found_by_each_word_of_its_number() -> None:
    """Folded and cut as every term; a blank number has none."""
    assert order_terms("R 2026/77") == {(TermKind.ORDER_NUMBER, "r"), (TermKind.ORDER_NUMBER, "2026/77")}
    assert order_terms("x" * 99) == {(TermKind.ORDER_NUMBER, "x" * 60)}
    assert order_terms(" ") == set()


@given(st.text(max_size=80), st.text(max_size=80))
def test_who_has_a_name_is_found_by_it(given_name: str, family_name: str) -> None:
    """Each of the first eight words of a name is a term of it, whatever the script."""
    terms = profile_terms(given_name=given_name, family_name=family_name, emails=(), phones=(), identities=())
    for name in (given_name, family_name):
        assert {(TermKind.NAME, word) for word in search_words(name)} <= terms

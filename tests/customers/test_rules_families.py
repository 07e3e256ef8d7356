"""One customer out of several records: what is believed, what is shown, who may be merged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from domain.customers.rules.families import (
    FAMILY_SIZE_MAX,
    PROFILE_FIELDS,
    blockers,
    gathered_profile,
    in_order_of_belief,
    named_by_others,
    pair_of,
    shown_of,
)
from tests.conftest import NOW

KEYS = [UUID(int=number) for number in range(1, 8)]


@dataclass(kw_only=True)
class Said:
    """A record, as the rules see it."""

    id: UUID = KEYS[0]
    canonical_id: UUID = KEYS[0]
    external_id: str | None = None
    email: str | None = None
    phone: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    birth_date: date | None = None
    country: str | None = None
    emptied: Sequence[str] = ()
    version: int = 1
    created_at: datetime = NOW
    updated_at: datetime = NOW


@dataclass(kw_only=True)
class Brought:
    """What the orders of a record in one currency come to, as the rules see it."""

    currency_code: str = "EUR"
    order_count: int = 0
    net: Decimal = Decimal(0)
    first_order_at: datetime | None = None
    last_order_at: datetime | None = None


NAMES: list[tuple[list[Said], tuple[str | None, str | None]]] = [
    ([Said(given_name="Ada"), Said(family_name="Byron")], ("Ada", None)),
    ([Said(given_name="Ada"), Said(given_name="ada", family_name="Byron")], ("Ada", "Byron")),
    ([Said(given_name="Ada"), Said(given_name="Eva", family_name="King")], ("Ada", None)),
    ([Said(), Said(given_name="Ada"), Said(given_name="Àda", family_name="Byron")], ("Ada", "Byron")),
    ([Said(family_name="Byron"), Said(given_name="Ada", family_name="BYRON")], ("Ada", "Byron")),
    ([Said(), Said()], (None, None)),
    ([Said(emptied=["given_name"]), Said(given_name="Ada", family_name="Byron")], (None, "Byron")),
    ([Said(emptied=["family_name"], given_name="Ada"), Said(given_name="Ada", family_name="King")], ("Ada", None)),
    ([Said(emptied=["given_name", "family_name"]), Said(given_name="Ada")], (None, None)),
    ([Said(emptied=["given_name"], given_name="Ada"), Said(given_name="Eva", family_name="King")], ("Ada", None)),
    ([Said(), Said(emptied=["given_name"]), Said(given_name="Ada", family_name="Byron")], (None, "Byron")),
]


def test_each_branch_is_believed_as_a_whole() -> None:
    """The canonical one first, then each whom it absorbed, in the order of the merges, with those below it."""
    one, two, three, four, five, six, _ = KEYS
    absorbed_by = {one: [four, two], two: [three], four: [six, five]}
    expected = [one, four, six, five, two, three]
    for order in permutations(expected):
        records = [Said(id=key) for key in order]
        found = in_order_of_belief(records, canonical_id=one, absorbed_by=absorbed_by)
        assert [record.id for record in found] == expected
    assert in_order_of_belief([Said()], canonical_id=one, absorbed_by={}) == [Said()]


def test_the_first_word_is_believed() -> None:
    """Field by field, also a word that says nothing on purpose."""
    one = Said(country="IT", emptied=["locale"])
    two = Said(country="DE", locale="de-DE", email="ada@shop.test")
    three = Said(email="eva@shop.test", phone="+390669812345", birth_date=date(1990, 1, 1), external_id="k-3")
    assert gathered_profile([one, two, three]) == dict.fromkeys(PROFILE_FIELDS) | {
        "country": "IT",
        "locale": None,
        "email": "ada@shop.test",
        "phone": "+390669812345",
        "birth_date": date(1990, 1, 1),
        "external_id": "k-3",
    }
    assert gathered_profile([Said(country="IT", emptied=["country"])])["country"] == "IT"


def test_halves_of_two_names_are_nobodys_name() -> None:
    """The missing half comes from a record with the same other half only, without case and accents."""
    for records, expected in NAMES:
        profile = gathered_profile(records)
        assert (profile["given_name"], profile["family_name"]) == expected, records


words = st.sampled_from([None, "Ada", "Eva", "ada"])
records = st.builds(
    Said,
    given_name=words,
    family_name=words,
    country=st.sampled_from([None, "IT", "DE"]),
    emptied=st.lists(st.sampled_from(["given_name", "family_name", "country"]), unique=True),
)


@given(st.lists(records, min_size=1, max_size=5))
def test_whoever_is_believed_later_changes_nothing_said_before(family: list[Said]) -> None:
    """Absorbing one more fills gaps: no word that was shown becomes another one, and the first one's are all shown."""
    before, after = gathered_profile(family[:-1] or family), gathered_profile(family)
    assert {name: after[name] for name, value in before.items() if value is not None} == {
        name: value for name, value in before.items() if value is not None
    }
    own = {name: getattr(family[0], name) for name in PROFILE_FIELDS}
    assert {name: after[name] for name, value in own.items() if value is not None} == {
        name: value for name, value in own.items() if value is not None
    }


def test_who_else_has_a_word() -> None:
    """Of the others, not of the first one; also where it is not shown."""
    one, two, three = Said(country="IT", email="a@b.it"), Said(country="DE"), Said(given_name="Ada", emptied=["locale"])
    assert named_by_others([one, two, three]) == {"country", "given_name"}
    assert named_by_others([one]) == set()


def test_what_is_shown_is_added_up() -> None:
    """Versions, counts, the organisation's currency; the earliest and the latest; called by what is known."""
    one = Said(id=KEYS[3], version=3, created_at=NOW - timedelta(days=2), updated_at=NOW - timedelta(days=1))
    two = Said(external_id="k-2", given_name="Àda", version=2, created_at=NOW - timedelta(days=5))
    spendings = [
        Brought(order_count=2, net=Decimal("10.5"), first_order_at=NOW - timedelta(days=9), last_order_at=NOW),
        Brought(order_count=1, net=Decimal(-3), first_order_at=NOW - timedelta(days=7), last_order_at=NOW),
        Brought(currency_code="USD", order_count=1, net=Decimal(100), first_order_at=NOW, last_order_at=NOW),
        Brought(net=Decimal(-1)),
    ]
    shown = shown_of([one, two], spendings=spendings, currency_code="EUR")
    assert (shown.id, shown.version, shown.created_at, shown.updated_at) == (KEYS[3], 5, two.created_at, NOW)
    assert (shown.external_id, shown.rank_key, shown.sort_name) == ("k-2", "k-2", "ada")
    assert (shown.order_count, shown.net_spent) == (4, Decimal("6.5"))
    assert (shown.first_order_at, shown.last_order_at) == (NOW - timedelta(days=9), NOW)
    assert shown.last_order_key == int(NOW.timestamp()) * 1_000_000


def test_nothing_is_shown_of_who_brought_nothing() -> None:
    """Without a word and an order: called Customer, ranked by id, nothing spent."""
    shown = shown_of([Said(id=KEYS[3])], spendings=iter(()), currency_code="EUR")
    assert (shown.sort_name, shown.rank_key) == ("customer", KEYS[3].hex)
    assert (shown.order_count, shown.net_spent, shown.last_order_key) == (0, Decimal(0), 0)
    assert (shown.first_order_at, shown.last_order_at) == (None, None)


def test_a_pair_has_one_spelling() -> None:
    """Whoever is named first."""
    assert pair_of(KEYS[1], other=KEYS[0]) == pair_of(KEYS[0], other=KEYS[1]) == (KEYS[0], KEYS[1])


def family(canonical: int, *others: int) -> list[Said]:
    """Return the records of a family, the canonical one first."""
    return [Said(id=KEYS[each], canonical_id=KEYS[canonical]) for each in (canonical, *others)]


def why(survivor: tuple[int, list[Said]], absorbed: tuple[int, list[Said]]) -> list[tuple[str | int, ...]]:
    """Return the fields at fault of a merge of two who are named, with their families."""
    found = blockers(survivor[1], absorbed=absorbed[1], survivor_id=KEYS[survivor[0]], absorbed_id=KEYS[absorbed[0]])
    assert all(each.message for each in found)
    return [each.field for each in found]


def test_two_roots_are_merged_and_nothing_else() -> None:
    """Neither with oneself nor in a ring nor below somebody else, nor beyond a hundred records."""
    one, two = family(0, 1), family(2, 3)
    assert why((0, one), (2, two)) == []
    assert why((0, one), (0, one)) == [("absorbed_id",)]
    assert why((0, one), (1, one)) == [("absorbed_id",)]
    assert why((1, one), (0, one)) == [("absorbed_id",)]
    assert why((1, one), (2, two)) == [("survivor_id",)]
    assert why((0, one), (3, two)) == [("absorbed_id",)]
    assert why((1, one), (3, two)) == [("survivor_id",), ("absorbed_id",)]
    many = [Said(id=UUID(int=1_000 + number), canonical_id=KEYS[0]) for number in range(FAMILY_SIZE_MAX - 2)]
    assert why((0, [*family(0), *many]), (2, family(2))) == []
    assert why((0, [*family(0), *many]), (2, two)) == [("absorbed_id",)]
    assert why((0, [*family(0), *many]), (3, two)) == [("absorbed_id",), ("absorbed_id",)]

"""Custom attributes: what a definition may say, and what fits it, as a value and as a condition."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.base.errors import Invalid, Refusal, Refusals
from domain.base.money import from_units, to_units
from domain.customers.rules.attributes import (
    AttributeAudience,
    AttributeChange,
    AttributeCondition,
    AttributeType,
    Definition,
    DefinitionDetails,
    StoredCondition,
    StoredValue,
    check_definition,
    check_key,
    check_number,
    stored_condition,
    stored_value,
)

PLAIN = DefinitionDetails(
    key="shoe_size",
    name="Shoe size",
    description=None,
    type=AttributeType.NUMBER,
    choices=(),
    audience=AttributeAudience.STAFF,
    is_archived=False,
)
ID = UUID(int=7)
VALUES: dict[str, Any] = {
    "text": "x",
    "number": Decimal(1),
    "flag": False,
    "day": date(2026, 1, 1),
    "choice": "gold",
}
"""One value of each sort, under the name by which a change gives it."""

CONDITIONS: dict[str, set[str]] = {
    "TEXT": {"text"},
    "NUMBER": {"number_min", "number_max"},
    "FLAG": {"flag"},
    "DAY": {"day_min", "day_max"},
    "CHOICE": {"choices"},
}
ASKED: dict[str, Any] = {
    "text": "x",
    "number_min": Decimal(1),
    "number_max": Decimal(2),
    "flag": False,
    "day_min": date(2026, 1, 1),
    "day_max": date(2026, 1, 2),
    "choices": ["gold"],
}


def defined(kind: str) -> Definition:
    """Return a definition of a type; of a choice, with two."""
    return Definition(
        id=ID,
        key="level",
        type=AttributeType(kind),
        choices=["gold", "silver"] if kind == "CHOICE" else [],
        audience=AttributeAudience.STAFF,
        is_archived=False,
    )


def change(**values: Any) -> AttributeChange:  # noqa: ANN401
    """Return a change of the attribute."""
    return AttributeChange(key="level", **values)


def condition(**asked: Any) -> AttributeCondition:  # noqa: ANN401
    """Return a condition on the attribute."""
    return AttributeCondition(key="level", **asked)


def refusals(caught: pytest.ExceptionInfo[Exception]) -> list[tuple[str, tuple[str | int, ...]]]:
    """Return code and path of each refusal."""
    raised = caught.value
    found = raised.refusals if isinstance(raised, Refusals) else (raised,)
    return [(each.code, tuple(each.field)) for each in found if isinstance(each, Refusal)]


@pytest.mark.parametrize("key", ["a", "shoe_size", "x9", "a" * 50, "a__", "customer_since_2020"])
def test_a_key_is_a_word_for_programs(key: str) -> None:
    """Small letters, digits and underscores, a letter first."""
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key", ["", " ", "A", "shoeSize", "9lives", "_a", "shoe-size", "shoe size", "a" * 51, "à", "a\n", " a", "a.b", "٣a"]
)
def test_any_other_word_is_no_key(key: str) -> None:
    """Not cleaned and taken either: a program's word has one spelling."""
    with pytest.raises(Invalid):
        check_key(key)


def test_a_definition_is_kept_in_normal_form() -> None:
    """Texts without blanks around them, a blank description as none, each choice once and in the order given."""
    details = replace(
        PLAIN,
        name="  Level ",
        description=" ",
        type=AttributeType.CHOICE,
        choices=["silver", " gold", "silver ", "e\u0301lite", "\u00e9lite"],
    )
    found = check_definition(details)
    assert (found.name, found.description, list(found.choices)) == ("Level", None, ["silver", "gold", "\u00e9lite"])
    most = [f"{number:0100}" for number in range(250)]
    longest = replace(
        PLAIN, name="x" * 200, description="x" * 1_000, type=AttributeType.CHOICE, choices=most, is_archived=True
    )
    assert check_definition(longest) == longest


FAULTS: list[tuple[Mapping[str, Any], list[tuple[str, str]]]] = [
    ({"key": "Shoe"}, [("INVALID", "key")]),
    ({"name": " "}, [("REQUIRED", "name")]),
    ({"name": "x" * 201}, [("TOO_LONG", "name")]),
    ({"name": "a\x00"}, [("INVALID", "name")]),
    ({"description": "x" * 1_001}, [("TOO_LONG", "description")]),
    ({"choices": ["gold"]}, [("INVALID", "choices")]),
    ({"type": AttributeType.CHOICE}, [("INVALID", "choices")]),
    ({"type": AttributeType.CHOICE, "choices": ["x" * 101]}, [("TOO_LONG", "choices")]),
    ({"type": AttributeType.CHOICE, "choices": ["gold", " "]}, [("REQUIRED", "choices")]),
    ({"type": AttributeType.CHOICE, "choices": ["gold"] * 251}, [("TOO_LONG", "choices")]),
    ({"type": AttributeType.TEXT, "choices": ["gold"]}, [("INVALID", "choices")]),
    (
        {"key": "", "name": "", "description": "\x07", "choices": ["\x00"]},
        [("INVALID", "key"), ("REQUIRED", "name"), ("INVALID", "description"), ("INVALID", "choices")],
    ),
]


@pytest.mark.parametrize(("wrong", "expected"), FAULTS)
def test_every_fault_of_a_definition_is_told(wrong: Mapping[str, Any], expected: list[tuple[str, str]]) -> None:
    """All at once, each with its place; choices are of a CHOICE and of nothing else."""
    with pytest.raises(Refusals) as caught:
        check_definition(replace(PLAIN, **wrong))
    assert refusals(caught) == [(code, (path,)) for code, path in expected]


def test_a_value_is_stored_by_its_type() -> None:
    """Numbers as numbers, everything else as a text that sorts as the value does; nothing given empties."""
    for kind, given_value, stored in (
        ("TEXT", {"text": "  Zoë\u0301 "}, StoredValue(text_value="Zoë\u0301")),
        ("TEXT", {"text": "x" * 500}, StoredValue(text_value="x" * 500)),
        ("TEXT", {"text": "  "}, StoredValue()),
        ("NUMBER", {"number": Decimal("-12.5")}, StoredValue(number_value=Decimal("-12.5"))),
        ("NUMBER", {"number": Decimal(0)}, StoredValue(number_value=Decimal(0))),
        ("FLAG", {"flag": True}, StoredValue(text_value="true")),
        ("FLAG", {"flag": False}, StoredValue(text_value="false")),
        ("DAY", {"day": date(999, 1, 2)}, StoredValue(text_value="0999-01-02")),
        ("CHOICE", {"choice": "gold"}, StoredValue(text_value="gold")),
    ):
        assert stored_value(change(**given_value), definition=defined(kind)) == stored, (kind, given_value)
    for kind in CONDITIONS:
        assert stored_value(change(), definition=defined(kind)) == StoredValue()


@pytest.mark.parametrize("kind", CONDITIONS)
def test_a_value_of_another_type_is_refused(kind: str) -> None:
    """Also beside one of the right type, and two wrong ones: the path names one that is at fault."""
    wanted = kind.lower()
    for name, value in VALUES.items():
        if name == wanted:
            continue
        for given_value in ({name: value}, {name: value, wanted: VALUES[wanted]}):
            with pytest.raises(Invalid) as caught:
                stored_value(change(**given_value), definition=defined(kind))
            assert refusals(caught) == [("INVALID", (name,))]
            assert wanted in str(caught.value)
    with pytest.raises(Invalid) as caught:
        stored_value(change(**VALUES), definition=defined(kind))
    assert refusals(caught)[0][1][0] in set(VALUES) - {wanted}


@pytest.mark.parametrize(
    ("kind", "given_value", "expected"),
    [
        ("TEXT", {"text": "x" * 501}, ("TOO_LONG", ("text",))),
        ("TEXT", {"text": "a\nb"}, ("INVALID", ("text",))),
        ("NUMBER", {"number": Decimal("0.00001")}, ("INVALID", ("number",))),
        ("NUMBER", {"number": Decimal("10000000000.0001")}, ("INVALID", ("number",))),
        ("NUMBER", {"number": Decimal(-10_000_000_001)}, ("INVALID", ("number",))),
        ("CHOICE", {"choice": "bronze"}, ("INVALID", ("choice",))),
        ("CHOICE", {"choice": "Gold"}, ("INVALID", ("choice",))),
        ("CHOICE", {"choice": ""}, ("INVALID", ("choice",))),
    ],
)
def test_a_value_out_of_its_range_is_refused(
    kind: str, given_value: Mapping[str, Any], expected: tuple[str, tuple[str, ...]]
) -> None:
    """With the path to it."""
    with pytest.raises(Refusals) as caught:
        stored_value(change(**given_value), definition=defined(kind))
    assert refusals(caught) == [expected]


@given(number=st.decimals(allow_nan=True, allow_infinity=True))
def test_a_number_is_kept_exactly_or_refused(number: Decimal) -> None:
    """Whatever a client makes up: what is taken comes back from the database's integers as the same number."""
    try:
        checked = check_number(number)
    except Invalid:
        assert not number.is_finite() or abs(number) > 10**10 or number != number.quantize(Decimal("0.0001"))
    else:
        assert from_units(to_units(checked)) == number


@given(number=st.decimals(min_value=-(10**10), max_value=10**10, places=4))
def test_every_number_of_four_decimals_is_taken(number: Decimal) -> None:
    """Up to ten thousand million either way, both ends included."""
    assert check_number(number) == number


@pytest.mark.parametrize("kind", CONDITIONS)
@pytest.mark.parametrize("name", ASKED)
def test_a_condition_asks_what_its_type_knows(kind: str, name: str) -> None:
    """Anything else is refused, with and without isSet; isSet false goes with no value at all."""
    for is_set in (None, True):
        asked = condition(**{name: ASKED[name]}, is_set=is_set)
        if name in CONDITIONS[kind]:
            assert stored_condition(asked, definition=defined(kind)).is_set
            continue
        with pytest.raises(Invalid, match="level is of the type"):
            stored_condition(asked, definition=defined(kind))
    with pytest.raises(Invalid, match="level is of the type"):
        stored_condition(condition(**{name: ASKED[name]}, is_set=False), definition=defined(kind))


def test_a_condition_is_asked_of_what_is_stored() -> None:
    """In the spelling in which values are stored."""
    for kind, asked, stored in (
        ("TEXT", {"text": " Zoe\u0308 "}, {"texts": ["Zo\u00eb"]}),
        ("FLAG", {"flag": False}, {"texts": ["false"]}),
        ("CHOICE", {"choices": ["silver", "gold"]}, {"texts": ["silver", "gold"]}),
        ("NUMBER", {"number_min": Decimal(0)}, {"number_min": Decimal(0)}),
        ("NUMBER", {"number_min": Decimal(2), "number_max": Decimal(1)}, {"number_min": 2, "number_max": 1}),
        ("DAY", {"day_min": date(5, 1, 1)}, {"text_min": "0005-01-01"}),
        ("DAY", {"day_max": date(9999, 12, 31)}, {"text_max": "9999-12-31"}),
        ("TEXT", {"is_set": True}, {}),
        ("DAY", {"is_set": False}, {"is_set": False}),
    ):
        found = stored_condition(condition(**asked), definition=defined(kind))
        assert found == StoredCondition(definition_id=ID, **stored), (kind, asked)


@pytest.mark.parametrize(
    ("kind", "asked"),
    [
        ("TEXT", {"text": " "}),
        ("TEXT", {"text": "x" * 501}),
        ("CHOICE", {"choices": ["gold", "bronze"]}),
        ("NUMBER", {"number_min": Decimal("0.00001")}),
        ("NUMBER", {"number_max": Decimal(10**10 + 1)}),
    ],
)
def test_a_condition_that_nothing_can_meet_is_refused(kind: str, asked: Mapping[str, Any]) -> None:
    """It is a client's mistake, and finding nobody would hide it."""
    with pytest.raises(Refusal):
        stored_condition(condition(**asked), definition=defined(kind))

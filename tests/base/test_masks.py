"""Personal data in part."""

import pytest

from domain.base.masks import mask_address, mask_email, mask_family_name, mask_name, mask_number, mask_value


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Anna Maria Rossi", "Anna M. R."),
        ("Anna", "Anna"),
        ("anna@example.org", "a…@….org"),
        ("+390669812345", "…45"),
    ],
)
def test_of_a_name_the_first_word_stays(name: str, shown: str) -> None:
    """What stands in for a name is masked as what it is."""
    assert mask_name(name) == shown


def test_nobody_is_reached_by_what_is_left() -> None:
    """Of names, addresses, numbers, signs and ids that the shop gave."""
    assert mask_family_name("De Rossi") == "D. R."
    assert mask_email("anna@mail.example.org") == "a…@….org"
    assert (mask_number("12"), mask_number("123")) == ("…", "…23")
    assert (mask_value("a@b.it"), mask_value("device-1")) == ("a…@….it", "…-1")
    assert [mask_address(each) for each in ("a@b.it", "+390669812345", "K-17")] == ["a…@….it", "…45", "K-17"]

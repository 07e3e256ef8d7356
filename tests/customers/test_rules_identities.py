"""By what a customer is recognised: one spelling for each sign, and which signs are nobody's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.base.errors import Invalid, Refusal, Required, TooLong
from domain.customers.rules.identities import (
    RELAY_DOMAINS,
    SOCIAL_NETWORKS,
    IdentityKind,
    check_namespace,
    check_value,
    is_blocked,
    is_withheld,
)

EMAIL, PHONE = IdentityKind.EMAIL, IdentityKind.PHONE
HANDLE, ACCOUNT = IdentityKind.SOCIAL_HANDLE, IdentityKind.EXTERNAL_ACCOUNT
DEVICE, VISITOR = IdentityKind.DEVICE, IdentityKind.VISITOR


@pytest.mark.parametrize(
    ("kind", "expected", "spellings"),
    [
        (EMAIL, "ada@example.org", ["ada@example.org", " ADA@Example.ORG ", "ada@EXAMPLE.org"]),
        (EMAIL, "ada@münchen.de", ["ada@münchen.de", "ada@xn--mnchen-3ya.de", "ADA@MÜNCHEN.DE"]),
        (PHONE, "+390669812345", ["+39 06 69812345", "06/698-12345", "0039 06 69812345", "(06) 698.12345"]),
        (PHONE, "+442079460958", ["+44 20 7946 0958", "+44 (0)20 7946 0958", "0044 20 79460958"]),
        (HANDLE, "ada", ["ada", "@ada", " @ADA ", "@ Ada", "@@ada"]),
        (HANDLE, "strasse", ["straße", "@STRASSE"]),
        (ACCOUNT, "K 12-ä", ["K 12-ä", " K 12-ä ", "K 12-a\u0308"]),
        (DEVICE, "AbC-1", ["AbC-1", " AbC-1\t"]),
        (VISITOR, "AbC-1", ["AbC-1", "AbC-1 "]),
    ],
)
def test_spellings_of_one_sign_are_one(kind: IdentityKind, expected: str, spellings: list[str]) -> None:
    """Whatever notation it comes in, by the habits of its kind."""
    assert {check_value(each, kind=kind, home_country="IT") for each in spellings} == {expected}


def test_case_counts_where_it_tells_accounts_apart() -> None:
    """Accounts, devices and visitors are compared as they are."""
    for kind in (ACCOUNT, DEVICE, VISITOR):
        assert check_value("a", kind=kind, home_country=None) != check_value("A", kind=kind, home_country=None)


def test_a_number_without_a_country_is_the_shops() -> None:
    """Read where the shop is; without a shop it is no number."""
    assert check_value("020 7946 0958", kind=PHONE, home_country="GB") == "+442079460958"
    with pytest.raises(Invalid):
        check_value("020 7946 0958", kind=PHONE, home_country=None)


@pytest.mark.parametrize(
    ("kind", "value", "refusal"),
    [
        (EMAIL, "", Invalid),
        (EMAIL, "ada", Invalid),
        (EMAIL, "Ada <ada@example.org>", Invalid),
        (EMAIL, "a@b@example.org", Invalid),
        (EMAIL, "ada@example.org\x00", Invalid),
        (EMAIL, "a" * 10_000 + "@example.org", Invalid),
        (PHONE, "12", Invalid),
        (PHONE, "ada", Invalid),
        (PHONE, "+39 06 69812345\x00" * 100, Invalid),
        (HANDLE, "", Required),
        (HANDLE, " @ ", Required),
        (HANDLE, "ada byron", Invalid),
        (HANDLE, "a\x00", Invalid),
        (HANDLE, "x" * 201, TooLong),
        (HANDLE, "ß" * 200, TooLong),
        (ACCOUNT, "  ", Required),
        (ACCOUNT, "x" * 201, TooLong),
        (ACCOUNT, "a\nb", Invalid),
        (DEVICE, "", Required),
        (DEVICE, "a b", Invalid),
        (DEVICE, "a\u00a0b", Invalid),
        (VISITOR, "x" * 201, TooLong),
        (VISITOR, "\ud800", Invalid),
    ],
)
def test_what_is_no_sign_is_refused(kind: IdentityKind, value: str, refusal: type[Refusal]) -> None:
    """Blank, too long, of another form, or of characters that no database keeps."""
    with pytest.raises(refusal):
        check_value(value, kind=kind, home_country="IT")


def test_the_longest_sign_is_taken() -> None:
    """200 characters of any kind without a form of its own."""
    for kind in (HANDLE, ACCOUNT, DEVICE, VISITOR):
        assert check_value("x" * 200, kind=kind, home_country=None) == "x" * 200


@given(value=st.text(max_size=20), kind=st.sampled_from(IdentityKind))
def test_the_normal_form_is_its_own(value: str, kind: IdentityKind) -> None:
    """Whatever is sent: refused in a typed way, or turned into a spelling that stays as it is when sent back."""
    try:
        found = check_value(value, kind=kind, home_country="IT")
    except Refusal:
        return
    assert check_value(found, kind=kind, home_country="IT") == found


@pytest.mark.parametrize("network", sorted(SOCIAL_NETWORKS))
def test_a_handle_has_a_network(network: str) -> None:
    """In any case, with blanks around it."""
    assert check_namespace(f" {network.upper()} ", kind=HANDLE) == network


@pytest.mark.parametrize(
    ("kind", "namespace", "refusal"),
    [
        (HANDLE, None, Required),
        (HANDLE, " ", Required),
        (HANDLE, "myspace", Invalid),
        (HANDLE, "@instagram", Invalid),
        (HANDLE, "instagram\x00", Invalid),
        (ACCOUNT, "x" * 51, Invalid),
        (ACCOUNT, "-erp", Invalid),
        (ACCOUNT, "an erp", Invalid),
        (ACCOUNT, "erp\x00", Invalid),
        (ACCOUNT, "érp", Invalid),
        (EMAIL, "instagram", Invalid),
        (PHONE, "it", Invalid),
        (DEVICE, "ios", Invalid),
        (VISITOR, "shop", Invalid),
    ],
)
def test_a_wrong_namespace_is_refused(kind: IdentityKind, namespace: str | None, refusal: type[Refusal]) -> None:
    """Unknown, missing where one is needed, given where none belongs."""
    with pytest.raises(refusal):
        check_namespace(namespace, kind=kind)


def test_namespaces_are_compared_without_case() -> None:
    """A system by its name in small letters; the shop's own accounts and other kinds have none."""
    assert check_namespace(" ERP.two-1_x ", kind=ACCOUNT) == "erp.two-1_x"
    assert check_namespace("x" * 50, kind=ACCOUNT) == "x" * 50
    for kind in (ACCOUNT, EMAIL, PHONE, DEVICE, VISITOR):
        assert check_namespace(None, kind=kind) == check_namespace(" ", kind=kind) == ""


@pytest.mark.parametrize(
    "address",
    [
        "noreply@shop.test",
        "no-reply@shop.test",
        "No_Reply@Shop.Test",
        "no.reply@shop.test",
        "noreply+4711@shop.test",
        "do-not-reply@shop.test",
        "do_not_reply@shop.test",
        "donotreply@shop.test",
        "dont-reply@shop.test",
        "nicht-antworten@shop.test",
        "nepasrepondre@shop.test",
        "ne-pas-repondre@shop.test",
        "no-responder@shop.test",
        "non-rispondere@shop.test",
        "mailer-daemon@shop.test",
        "postmaster@shop.test",
        "abuse@shop.test",
        "bounce@shop.test",
        "bounces+ada=example.org@shop.test",
        "invalid@shop.test",
        "unknown@shop.test",
        "nobody@shop.test",
        "none@none.test",
        "null@shop.test",
        "noemail@shop.test",
        "nomail@shop.test",
        "x@marketplace.amazon.de",
        "x@marketplace.amazon.com",
        "x@marketplace.amazon.co.uk",
        "x@marketplace.amazon.com.br",
        "x@members.ebay.com",
        "x@members.ebay.co.uk",
        "x@mail.members.ebay.it",
        "x@Guest.Booking.COM",
        *(f"x@{domain}" for domain in sorted(RELAY_DOMAINS)),
        *(f"x@below.{domain}" for domain in sorted(RELAY_DOMAINS)),
    ],
)
def test_an_address_that_is_nobodys_is_blocked(address: str) -> None:
    """No person reads it, or a marketplace hands it out."""
    assert is_blocked(address, kind=EMAIL)


@pytest.mark.parametrize(
    "address",
    [
        "ada@example.org",
        "reply@shop.test",
        "noreplyson@shop.test",
        "ada.noreply@shop.test",
        "ada+noreply@shop.test",
        "norepl@shop.test",
        "noone@shop.test",
        "inbody@shop.test",
        "abuser@shop.test",
        "bouncer@shop.test",
        "nobody.important@shop.test",
        "info@shop.test",
        "noreply.example.org@shop.test",
        "ada@noreply.example.org",
        "ada@booking.com",
        "ada@etsy.com",
        "ada@amazon.de",
        "ada@ebay.co.uk",
        "ada@myallegromail.pl",
        "ada@allegromail.pl.example.org",
        "ada@email.etsy.com.example.org",
        "ada@notmarketplace.amazon.de",
        "ada@marketplace.amazon.example.org",
        "ada@members.ebay.example.org",
        "ada@xmembers.ebay.com",
    ],
)
def test_an_address_that_looks_like_it_is_not_blocked(address: str) -> None:
    """A person's, whatever words are in it, and whatever domain begins or ends like a marketplace's."""
    assert not is_blocked(address, kind=EMAIL)


def test_the_organisations_own_relays_are_blocked() -> None:
    """The domain and all below it, in any case; not those that only begin or end alike."""
    own = {"Relay.example", "mail.co"}
    for domain in ("relay.example", "RELAY.Example", "de.relay.example", "mail.co"):
        assert is_blocked(f"x@{domain}", kind=EMAIL, relay_domains=own), domain
    for domain in ("myrelay.example", "relay.example.org", "example", "mail.co.uk", "hotmail.co"):
        assert not is_blocked(f"x@{domain}", kind=EMAIL, relay_domains=own), domain
    assert not is_blocked("x@relay.example", kind=EMAIL)


@pytest.mark.parametrize(
    "number",
    [
        *("", " ", "anonymous", "Anonymous", "PRIVATE", "withheld", "unknown", "restricted", "hidden", "0", "+0000"),
        *("266696687", "+266696687", " 7378742833 ", "2562533", "8656696", "86282452253", "464"),
    ],
)
def test_a_withheld_number_is_nobodys(number: str) -> None:
    """The words and the digits that networks send for a caller who hides."""
    assert is_withheld(number)
    assert is_blocked(number, kind=PHONE)


@pytest.mark.parametrize(
    "number", ["+390669812345", "+39266696687", "+4620", "00000", "1000", "unknown caller", "+2666966870"]
)
def test_a_number_that_looks_like_it_is_not(number: str) -> None:
    """Longer or other numbers are somebody's, or none at all."""
    assert not is_withheld(number)
    assert not is_blocked(number, kind=PHONE)


def test_words_of_other_kinds_are_not_blocked() -> None:
    """Who calls themselves so in a network, or an account with such a number, is somebody."""
    for kind in (HANDLE, ACCOUNT, DEVICE, VISITOR):
        for value in ("noreply@shop.test", "anonymous", "266696687", "x@members.ebay.com"):
            assert not is_blocked(value, kind=kind)

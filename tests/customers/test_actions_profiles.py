"""Adding customers and changing what is known of them, once and for all callers."""

from datetime import timedelta
from typing import Any

from domain.base.actors import Permission
from domain.base.repository.events import list_audit_entries, list_events
from tests.conftest import Client, StandingClock
from tests.orders.shop import (
    Input,
    ask_write,
    new_customer,
    nothing_changes,
    read_customer,
    refused,
    search,
    send_order,
    write,
)
from tests.snapshots import snapshot

FULL: dict[str, Any] = {
    "externalId": "k-1",
    "email": "Ada@Example.org",
    "phone": "06 69812345",
    "givenName": " Ada ",
    "familyName": "Byron",
    "locale": "it_it",
    "timeZone": "Europe/Rome",
    "birthDate": "1990-02-28",
    "country": "it",
    "tags": ["VIP", "b2b", "vip "],
}

SHOWN = {
    "externalId": "k-1",
    "email": "Ada@example.org",
    "phone": "+390669812345",
    "givenName": "Ada",
    "familyName": "Byron",
    "locale": "it-IT",
    "timeZone": "Europe/Rome",
    "birthDate": "1990-02-28",
    "country": "IT",
    "tags": ["b2b", "vip"],
    "displayName": "Ada Byron",
    "lifecycleStage": "LEAD",
    "version": 1,
    "createdAt": "2026-11-22T12:00:00Z",
    "updatedAt": "2026-11-22T12:00:00Z",
}

NAMES: list[tuple[dict[str, Any], str]] = [
    ({"givenName": "Ada"}, "Ada"),
    ({"familyName": "Byron", "externalId": "k"}, "Byron"),
    ({"externalId": "k-9", "email": "a@example.org"}, "k-9"),
    ({"email": "b@example.org", "phone": "+390669812345"}, "b@example.org"),
    ({"phone": "+390669812345"}, "+390669812345"),
    ({}, "Customer"),
    ({"givenName": "  "}, "Customer"),
]

REFUSED: list[tuple[dict[str, Any], list[tuple[str, str]]]] = [
    ({"externalId": "known"}, [("TAKEN", "externalId")]),
    ({"externalId": " known "}, [("TAKEN", "externalId")]),
    ({"email": "KNOWN@example.org"}, [("TAKEN", "email")]),
    ({"externalId": "x" * 201}, [("TOO_LONG", "externalId")]),
    ({"email": "nobody"}, [("INVALID", "email")]),
    ({"email": "x" * 600 + "@example.org"}, [("INVALID", "email")]),
    ({"phone": "12"}, [("INVALID", "phone")]),
    ({"phone": "call me"}, [("INVALID", "phone")]),
    ({"givenName": "x" * 201}, [("TOO_LONG", "givenName")]),
    ({"givenName": "x" * 10_000}, [("TOO_LONG", "givenName")]),
    ({"familyName": "a\x00b"}, [("INVALID", "familyName")]),
    ({"familyName": "a\nb"}, [("INVALID", "familyName")]),
    ({"locale": "xx-klingon"}, [("INVALID", "locale")]),
    ({"timeZone": "Mars/Olympus"}, [("INVALID", "timeZone")]),
    ({"birthDate": "1899-12-31"}, [("INVALID", "birthDate")]),
    ({"birthDate": "2026-11-23"}, [("INVALID", "birthDate")]),
    ({"birthDate": "9999-12-31"}, [("INVALID", "birthDate")]),
    ({"country": "ZZ"}, [("INVALID", "country")]),
    ({"tags": ["x"] * 51}, [("TOO_LONG", "tags")]),
    ({"tags": ["x" * 51]}, [("TOO_LONG", "tags")]),
    ({"tags": [" "]}, [("REQUIRED", "tags")]),
    ({"tags": ["a\x00"]}, [("INVALID", "tags")]),
    ({"idempotencyKey": "x" * 201}, [("TOO_LONG", "idempotencyKey")]),
    (
        {"email": "@", "country": "ZZ", "tags": [""], "phone": "1"},
        [("INVALID", "country"), ("INVALID", "email"), ("INVALID", "phone"), ("REQUIRED", "tags")],
    ),
]

STRANGE = ["𝒜da 🎉", "عائشة", "שלום\u200f", "李小龍", "Zoë", "O'Brien; DROP TABLE customers", "%_\\", "\u202eevil"]
"""Names that real people, or those who try the door, have: emoji, right to left, accents, quotes, wildcards."""


async def update(client: Client, customer_id: str, **changes: Any) -> Input:  # noqa: ANN401
    """Change a customer, and return them."""
    return (await write(client, "customerUpdate", {"customerId": customer_id, **changes})).found


async def test_a_customer_is_kept_in_normal_form(client: Client) -> None:
    """Every field comes back in its one spelling; the phone number is read in the customer's country."""
    created = await new_customer(client, **FULL)
    assert {name: created[name] for name in SHOWN} == SHOWN
    assert await read_customer(client, created["id"]) == created
    german = await new_customer(client, phone="030 901820", country="DE")
    assert german["phone"] == "+4930901820"
    nowhere = await new_customer(client, phone="06 698 12345")
    assert nowhere["phone"] == "+390669812345"


async def test_a_customer_is_called_by_what_is_known(client: Client) -> None:
    """Name, else external id, else e-mail, else telephone number, else a plain word."""
    for given, expected in NAMES:
        assert (await new_customer(client, **given))["displayName"] == expected


async def test_strange_names_are_kept_as_they_are(client: Client) -> None:
    """Any script is welcome, and comes back unchanged."""
    for name in STRANGE:
        created = await new_customer(client, givenName=name, tags=[name])
        assert created["givenName"] == name
        assert created["tags"] == [name.lower()]


async def test_a_bad_customer_is_refused_whole(client: Client) -> None:
    """Each fault is named with its place, and no row changes."""
    await new_customer(client, externalId="known", email="known@example.org")
    for wrong, expected in REFUSED:
        assert sorted(await refused(client, "customerCreate", wrong)) == expected, wrong


async def test_what_is_just_allowed_is_taken(client: Client) -> None:
    """The other side of each bound."""
    for given in (
        {"givenName": "é" * 200},
        {"tags": [f"{number:050}" for number in range(50)]},
        {"birthDate": "1900-01-01"},
        {"birthDate": "2026-11-22"},
        {"externalId": "x" * 200},
        {"idempotencyKey": "x" * 200},
        {"phone": None, "email": "", "locale": "", "timeZone": "", "country": "", "tags": None},
    ):
        created = await new_customer(client, **given)
        assert created["version"] == 1


async def test_an_email_typed_at_a_checkout_is_not_taken(client: Client) -> None:
    """An unverified order e-mail is nobody's; a verified one is its customer's, in any case."""
    for number, is_verified in enumerate((False, True)):
        buyer = {"email": f"{number}@example.org", "emailVerified": is_verified}
        await send_order(client, f"o-{number}", customer=buyer)
    assert (await new_customer(client, email="0@example.org"))["email"] == "0@example.org"
    assert await refused(client, "customerCreate", {"email": "1@EXAMPLE.org"}) == [("TAKEN", "email")]


async def test_the_same_key_is_the_same_customer(client: Client, clock: StandingClock) -> None:
    """A second click with the key is answered with the first one's customer, for seven days."""
    given = {"givenName": "Ada", "tags": ["vip"], "idempotencyKey": "key-1"}
    first = await new_customer(client, **given)
    before = await snapshot(client.works, without=["audit_entries"])
    assert await new_customer(client, **given) == first
    clock.advance(timedelta(days=7))
    assert (await new_customer(client, **given))["id"] == first["id"]
    assert await snapshot(client.works, without=["audit_entries", "value_rankings"]) == {
        name: rows for name, rows in before.items() if name != "value_rankings"
    }
    clock.advance(timedelta(microseconds=1))
    assert (await new_customer(client, **given))["id"] != first["id"]


async def test_the_same_key_with_other_input_is_refused(client: Client) -> None:
    """A key stands for one input: anything else under it is refused, also what only differs in null."""
    await new_customer(client, givenName="Ada", idempotencyKey="key-1")
    for other in ({"givenName": "Eve"}, {"givenName": "Ada", "familyName": None}, {"givenName": "Ada", "tags": []}):
        found = await refused(client, "customerCreate", other | {"idempotencyKey": "key-1"})
        assert found == [("IDEMPOTENCY_MISMATCH", "idempotencyKey")]


async def test_keys_of_two_callers_are_two_keys(client: Client) -> None:
    """What one program does under a key is nothing to another program."""
    given = {"givenName": "Ada", "idempotencyKey": "key-1"}
    first = await new_customer(client, **given)
    other = await client.new_key(Permission.CUSTOMERS_WRITE)
    answer = await client.ask(
        "mutation($i: CustomerCreateInput!) { customerCreate(input: $i) { customer { id } } }", {"i": given}, key=other
    )
    assert answer.data["customerCreate"]["customer"]["id"] != first["id"]


async def test_a_refused_write_leaves_its_key_free(client: Client) -> None:
    """Corrected, the same call may come again under its key."""
    assert await refused(client, "customerCreate", {"country": "ZZ", "idempotencyKey": "k"}) == [("INVALID", "country")]
    assert (await new_customer(client, country="IT", idempotencyKey="k"))["country"] == "IT"


async def test_left_out_stays_and_null_empties(client: Client, clock: StandingClock) -> None:
    """An update changes what it names, and moves version and instant on with it; what identifies stays."""
    created = await new_customer(client, **FULL)
    clock.advance(timedelta(minutes=1))
    before = await snapshot(client.works, without=["audit_entries", "value_rankings"])
    profile = {name: FULL[name] for name in ("givenName", "locale", "timeZone", "birthDate", "country", "tags")}
    for same in ({}, profile, {"tags": ["b2b", "vip"], "expectedVersion": 1}):
        assert await update(client, created["id"], **same) | {"value": None} == created | {"value": None}
    assert await snapshot(client.works, without=["audit_entries", "value_rankings"]) == before
    changed = await update(client, created["id"], familyName="King", country="gb", tags=["new"])
    assert [changed[name] for name in ("displayName", "country", "tags")] == ["Ada King", "GB", ["new"]]
    assert (changed["version"], changed["updatedAt"]) == (2, "2026-11-22T12:01:00Z")
    assert (await update(client, created["id"], tags=["newer"]))["version"] == 3
    emptied = await update(
        client,
        created["id"],
        **dict.fromkeys(("givenName", "familyName", "locale", "timeZone", "birthDate", "country", "tags")),
    )
    assert emptied["displayName"] == "k-1"
    assert [emptied[name] for name in ("locale", "timeZone", "birthDate", "country", "tags")] == [None] * 4 + [[]]
    assert (emptied["version"], emptied["email"], emptied["phone"]) == (4, "Ada@example.org", "+390669812345")


async def test_a_changed_name_is_found_and_the_old_one_is_not(client: Client) -> None:
    """Search and order follow the profile at once."""
    created = await new_customer(client, givenName="Ada", familyName="Byron")
    await update(client, created["id"], familyName="King")
    assert await search(client, "king") == {"Ada King"}
    assert await search(client, "byron") == set()


async def test_an_update_decided_on_another_version_is_refused(client: Client) -> None:
    """Who read version 1 does not overwrite what somebody made version 2; they are told what to read."""
    created = await new_customer(client, givenName="Ada")
    await update(client, created["id"], expectedVersion=1, givenName="Eve")
    given = {"customerId": created["id"], "expectedVersion": 1, "givenName": "Bob"}
    async with nothing_changes(client.works):
        (error,) = (await write(client, "customerUpdate", given)).errors
    assert (error["__typename"], error["code"], error["field"], error["currentVersion"]) == (
        "VersionConflict",
        "VERSION_CONFLICT",
        ["expectedVersion"],
        2,
    )
    assert (await update(client, created["id"], expectedVersion=2, givenName="Bob"))["version"] == 3
    unasked = await update(client, created["id"], expectedVersion=None)
    assert unasked["version"] == 3


async def test_a_bad_update_is_refused_whole(client: Client) -> None:
    """Wrong values and unknown ids change nothing: malformed, of another type, of nobody."""
    created = await new_customer(client, **FULL)
    for wrong, expected in REFUSED:
        if wrong.keys() <= {"givenName", "familyName", "locale", "timeZone", "birthDate", "country", "tags"}:
            found = await refused(client, "customerUpdate", {"customerId": created["id"], **wrong})
            assert sorted(found) == expected, wrong
    stores = (await client.ask("{ stores { id } }")).data["stores"]
    missing = created["id"][:-2] + ("AA" if not created["id"].endswith("AA") else "BB")
    for unknown in ("", "?", "ù", "x" * 9_000, stores[0]["id"], missing):
        found = await refused(client, "customerUpdate", {"customerId": unknown, "givenName": "Eve"})
        assert found == [("NOT_FOUND", "customerId")], unknown


async def test_every_write_leaves_its_event_and_its_audit_row(client: Client) -> None:
    """The log says what happened in its order, the audit who did it under which request."""
    created = await new_customer(client, givenName="Ada")
    answer = await ask_write(client, "customerUpdate", {"customerId": created["id"], "givenName": "Eve"})
    async with client.works.database.reading() as session:
        events = [event.type for event in await list_events(session, limit=100)]
        audit = [row for row in await list_audit_entries(session, limit=100) if row.action == "customerUpdate"]
    assert events[-2:] == ["CustomerCreated", "CustomerUpdated"]
    (row,) = audit
    assert (row.actor_kind, row.request_id) == ("APP", answer.headers["x-request-id"])

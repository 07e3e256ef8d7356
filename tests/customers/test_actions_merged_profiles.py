"""What a merged customer shows and how it is changed: what is left out stays, and what was covered comes back."""

from datetime import timedelta
from typing import Any

from tests.conftest import Client, StandingClock
from tests.customers.family_changing import change, define_attributes, merge, unmerge
from tests.orders.shop import Input, new_customer, read_customer, refused, search, send_order, write

ATTRIBUTES = "query($id: ID!) { customer(id: $id) { attributes { key text number choice } } }"

SHOWN = (
    *("givenName", "familyName", "displayName", "country", "locale", "birthDate", "tags"),
    *("version", "createdAt", "updatedAt", "lifecycleStage", "externalId", "email", "phone"),
)

NAMES: list[tuple[Input, list[Input], Input, tuple[str | None, str | None]]] = [
    ({}, [{"givenName": "Ada", "familyName": "Byron"}], {"familyName": "King"}, ("Ada", "King")),
    ({}, [{"givenName": "Ada", "familyName": "Byron"}], {"givenName": "Eva"}, ("Eva", "Byron")),
    ({"familyName": "Byron"}, [{"givenName": "Ada", "familyName": "Byron"}], {"familyName": "King"}, ("Ada", "King")),
    ({"givenName": "Ada"}, [{"givenName": "Eva", "familyName": "King"}], {"givenName": "Eva"}, ("Eva", None)),
    ({}, [{"givenName": "Ada", "familyName": "Byron"}], {"givenName": None}, (None, "Byron")),
    ({}, [{"givenName": "Ada", "familyName": "Byron"}], {"givenName": None, "familyName": None}, (None, None)),
    ({"familyName": "Byron"}, [{"givenName": "Ada"}, {"givenName": "Eva"}], {"familyName": None}, (None, None)),
    ({"givenName": "Ada"}, [{}], {"givenName": None}, (None, None)),
]
"""The survivor, those whom it absorbs, a change, and the given and the family name after it."""


async def update(client: Client, customer_id: str, **changes: Any) -> Input:  # noqa: ANN401
    """Change a customer, and return them as they are read afterwards."""
    found = (await write(client, "customerUpdate", {"customerId": customer_id, **changes})).found
    assert found == await read_customer(client, found["id"])
    return found


async def attributes(client: Client, customer_id: str) -> dict[str, Any]:
    """Return a customer's attributes, each with its value."""
    found = (await client.ask(ATTRIBUTES, {"id": customer_id})).data["customer"]["attributes"]
    return {each["key"]: each["text"] or each["number"] or each["choice"] for each in found}


async def test_the_survivors_words_win_and_gaps_are_filled(client: Client, clock: StandingClock) -> None:
    """The survivor's own word is shown; what it lacks comes from those it absorbed, the first merged first."""
    one = await new_customer(client, givenName="Ada", country="IT", tags=["vip"])
    clock.advance(timedelta(days=1))
    two = await new_customer(client, givenName="ADA", familyName="Byron", country="DE", locale="de-DE", tags=["press"])
    clock.advance(timedelta(days=1))
    three = await new_customer(client, givenName="Eva", familyName="King", locale="it-IT", birthDate="1990-01-01")
    await merge(client, one["id"], two["id"])
    clock.advance(timedelta(days=1))
    await merge(client, one["id"], three["id"])
    merged = await read_customer(client, one["id"])
    assert {name: merged[name] for name in SHOWN} == {name: one[name] for name in SHOWN} | {
        "familyName": "Byron",
        "displayName": "Ada Byron",
        "locale": "de-DE",
        "birthDate": "1990-01-01",
        "tags": ["press", "vip"],
        "version": 3,
        "updatedAt": three["updatedAt"],
    }


async def test_what_is_left_out_of_a_change_stays(client: Client) -> None:
    """Also half of a name that another record said: beside a new other half it would have been shown no longer."""
    for own, absorbed, changes, expected in NAMES:
        one = await new_customer(client, **own)
        merges = [await merge(client, one["id"], (await new_customer(client, **each))["id"]) for each in absorbed]
        changed = await update(client, one["id"], **changes)
        assert (changed["givenName"], changed["familyName"]) == expected, (own, absorbed, changes)
        assert changed["version"] == 2 + len(absorbed)
        again = await update(client, one["id"], **changes)
        assert again == changed
        for each in merges:
            await unmerge(client, each["id"])
        alone = await read_customer(client, one["id"])
        assert (alone["givenName"], alone["familyName"], alone["version"]) == (*expected, 2)


async def test_an_emptied_field_stays_empty_until_the_merge_is_undone(client: Client) -> None:
    """Emptied while another record's word was shown, it is empty; whom it was taken from has it again afterwards."""
    one = await new_customer(client, country="IT")
    other = await new_customer(client, country="DE", locale="de-DE")
    done = await merge(client, one["id"], other["id"])
    emptied = await update(client, one["id"], country=None, locale=None)
    assert (emptied["country"], emptied["locale"]) == (None, None)
    filled = await update(client, one["id"], locale="fr-FR")
    assert (filled["country"], filled["locale"]) == (None, "fr-FR")
    await unmerge(client, done["id"])
    parted = await read_customer(client, one["id"])
    assert (parted["country"], parted["locale"], parted["version"]) == (None, "fr-FR", 3)
    assert await read_customer(client, other["id"]) == other


async def test_an_order_fills_what_was_emptied(client: Client) -> None:
    """As it does for one record alone: the name that the next order of this account brings is shown."""
    one = await new_customer(client, externalId="k-1")
    other = await new_customer(client, givenName="Eva", familyName="King", country="DE")
    done = await merge(client, one["id"], other["id"])
    await update(client, one["id"], givenName=None, familyName=None, country=None)
    buyer = {"externalId": "k-1", "givenName": "Ada", "familyName": "Byron", "country": "IT"}
    await send_order(client, customer=buyer)
    for _ in ("merged", "alone"):
        shown = await read_customer(client, one["id"])
        assert (shown["displayName"], shown["country"]) == ("Ada Byron", "IT")
        await change(client, "customerUnmerge", mergeId=done["id"])


async def test_a_tag_is_taken_off_and_put_on_again(client: Client) -> None:
    """Whoever had it below, and whoever took it off below: the tags that are said are the tags that are shown."""
    ids = [(await new_customer(client, tags=tags))["id"] for tags in (["vip"], ["press"], ["slow"])]
    one, two, three = ids
    first = await merge(client, two, three)
    assert (await update(client, two, tags=["press"]))["tags"] == ["press"]
    second = await merge(client, one, two)
    assert (await update(client, one, tags=["slow", "press"]))["tags"] == ["press", "slow"]
    unchanged = await update(client, one, tags=["press", "slow"])
    assert unchanged["version"] == 5
    assert (await update(client, one, tags=[]))["tags"] == []
    assert (await update(client, one, tags=["slow"]))["tags"] == ["slow"]
    assert await search(client, "slow") == set()
    await unmerge(client, second["id"])
    assert (await read_customer(client, one))["tags"] == ["slow"]
    assert (await read_customer(client, two))["tags"] == ["press"]
    await unmerge(client, first["id"])
    assert (await read_customer(client, two))["tags"] == ["press"]
    assert (await read_customer(client, three))["tags"] == ["slow"]


async def test_an_attribute_is_emptied_and_set_again(client: Client) -> None:
    """As tags: what is said is shown, and whom it was taken from has it again when they are taken apart."""
    await define_attributes(client.works)
    one = (await new_customer(client, attributes=[{"key": "text", "text": "tall"}]))["id"]
    other = (
        await new_customer(client, attributes=[{"key": "text", "text": "short"}, {"key": "number", "number": "2"}])
    )["id"]
    done = await merge(client, one, other)
    assert await attributes(client, one) == {"text": "tall", "number": "2"}
    await update(client, one, attributes=[{"key": "text"}, {"key": "number"}])
    assert await attributes(client, one) == {}
    await update(client, one, attributes=[{"key": "number", "number": "2"}, {"key": "choice", "choice": "gold"}])
    assert await attributes(client, one) == {"number": "2", "choice": "gold"}
    await unmerge(client, done["id"])
    assert await attributes(client, one) == {"number": "2", "choice": "gold"}
    assert await attributes(client, other) == {"text": "short", "number": "2"}


async def test_a_change_is_decided_on_the_version_of_all(client: Client) -> None:
    """The version rises with a merge and with a change of any of them; one that was seen before is refused."""
    one, other = await new_customer(client, externalId="k-1"), await new_customer(client, externalId="k-2")
    done = await merge(client, one["id"], other["id"])
    merged = await read_customer(client, one["id"])
    assert merged["version"] == one["version"] + other["version"]
    stale = {"customerId": one["id"], "country": "IT", "expectedVersion": one["version"]}
    assert await refused(client, "customerUpdate", stale) == [("VERSION_CONFLICT", "expectedVersion")]
    await send_order(client, customer={"externalId": "k-2", "email": "k2@shop.test"})
    stale["expectedVersion"] = merged["version"]
    changed = await send_order(client, "o-2", customer={"externalId": "k-2", "country": "DE"})
    assert changed["customer"]["id"] == one["id"]
    assert await refused(client, "customerUpdate", stale) == [("VERSION_CONFLICT", "expectedVersion")]
    stale["expectedVersion"] = merged["version"] + 1
    assert (await update(client, one["id"], country="IT", expectedVersion=3))["version"] == 4
    await unmerge(client, done["id"])
    versions = [(await read_customer(client, each["id"]))["version"] for each in (one, other)]
    assert versions == [2, 2]


async def test_an_absorbed_id_goes_on_working(client: Client) -> None:
    """Whoever still has it reads and changes the customer it has become; `node` knows it no longer.

    Undone, the change of the profile is the survivor's; the identity and the consent are with the id that they
    came in through.
    """
    one = await new_customer(client, externalId="k-1")
    other = await new_customer(client, externalId="k-2")
    done = await merge(client, one["id"], other["id"])
    assert (await update(client, other["id"], country="IT"))["id"] == one["id"]
    added = await change(client, "customerIdentityAdd", customerId=other["id"], kind="DEVICE", value="d-1")
    assert added.found["customer"]["id"] == one["id"]
    said = {"purpose": "MARKETING", "decision": "REFUSED"}
    recorded = (await change(client, "consentRecord", customerId=other["id"], **said)).found
    assert recorded["customer"] == {
        "id": one["id"],
        "consents": [{"id": recorded["consent"]["id"], "decision": "REFUSED"}],
    }
    query = "query($id: ID!) { customer(id: $id) { id } node(id: $id) { id } nodes(ids: [$id]) { id } }"
    assert (await client.ask(query, {"id": other["id"]})).data == {
        "customer": {"id": one["id"]},
        "node": None,
        "nodes": [None],
    }
    await unmerge(client, done["id"])
    parted = await read_customer(client, other["id"])
    assert (parted["id"], parted["country"], parted["version"]) == (other["id"], None, other["version"] + 1)
    query_of = "query($id: ID!) { customer(id: $id) { identities { value } consents { decision } } }"
    assert (await client.ask(query_of, {"id": other["id"]})).data["customer"] == {
        "identities": [{"value": "k-2"}, {"value": "d-1"}],
        "consents": [{"decision": "REFUSED"}],
    }
    assert (await client.ask(query_of, {"id": one["id"]})).data["customer"] == {
        "identities": [{"value": "k-1"}],
        "consents": [],
    }
    assert (await client.ask(query, {"id": other["id"]})).data["node"] == {"id": other["id"]}


async def test_a_merged_customer_is_unchanged_by_what_is_shown_already(client: Client) -> None:
    """A change to what another record says already is none: no version, no time, no event."""
    one, other = await new_customer(client), await new_customer(client, country="DE", tags=["vip"])
    await merge(client, one["id"], other["id"])
    before = await read_customer(client, one["id"])
    given = {"customerId": one["id"], "country": "DE", "tags": ["vip"], "attributes": []}
    assert (await write(client, "customerUpdate", given)).found == before

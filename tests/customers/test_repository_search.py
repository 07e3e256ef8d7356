"""Finding customers by whatever somebody at a counter is told."""

import pytest

from tests.conftest import Client
from tests.orders.shop import (
    Input,
    add_store,
    customer_ids,
    days_ago,
    new_customer,
    order_input,
    search,
    send_order,
    write,
)

LONG = "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren-Gewissenhaft"


async def test_by_name(client: Client) -> None:
    """The beginning of each word finds it, in any case, with or without accents, in any order."""
    await new_customer(client, givenName="Zoë Ánna", familyName="Müller-Lüdenscheidt")
    await new_customer(client, givenName="Zora", familyName="Straße")
    await new_customer(client, givenName="李小龍")
    zoe, zora = "Zoë Ánna Müller-Lüdenscheidt", "Zora Straße"
    for words, expected in (
        ("zoë", {zoe}),
        ("ZOE", {zoe}),
        ("zo", {zoe, zora}),
        ("anna muller", {zoe}),
        ("müller-l zoe", {zoe}),
        ("  zo   mu ", {zoe}),
        ("zo strasse", {zora}),
        ("STRASSE", {zora}),
        ("李", {"李小龍"}),
        ("oe", set()),
        ("zoe zora", set()),
        ("zoek", {zoe}),
        ("zoeks", set()),
    ):
        assert await search(client, words) == expected, words


async def test_by_email(client: Client) -> None:
    """The beginning of an address in any case, whether typed, verified or of the profile."""
    await new_customer(client, givenName="Ada", email="Ada.Byron@Example.org")
    await send_order(client, "o-1", customer={"email": "bob@example.org", "givenName": "Bob"})
    await send_order(client, "o-2", customer={"email": "eve@example.org", "emailVerified": True, "givenName": "Eve"})
    for words, expected in (
        ("ada.byron@example.org", {"Ada"}),
        ("ADA.B", {"Ada"}),
        ("bob@EXAMPLE.org", {"Bob"}),
        ("eve@", {"Eve"}),
        ("byron@example.org", set()),
        ("ada.byron@example.orgx", set()),
    ):
        assert await search(client, words) == expected, words


async def test_by_phone_in_any_notation(client: Client) -> None:
    """With country code, with 00, as it is dialled at home, with blanks, dots, dashes and brackets."""
    await new_customer(client, givenName="Ada", phone="+39 06 69812345")
    await new_customer(client, givenName="Bob", phone="+44 20 7946 0958")
    await add_store(client.works)
    for words in (
        "+390669812345",
        "+39 06 698 12345",
        "0039 06 69812345",
        "06 69812345",
        "06.698.12345",
        "06/698-12345",
    ):
        assert await search(client, words) == {"Ada"}, words
    for words in (
        "+44 20 7946 0958",
        "+44 (0)20 7946 0958",
        "020 7946 0958",
        "(020) 79460958",
        "2079460958",
        "0044 2079460958",
    ):
        assert await search(client, words) == {"Bob"}, words
    for words in ("+39 06 69812346", "1234", "+1 06 69812345 9"):
        assert await search(client, words) == set(), words


async def test_by_external_id_and_order_number(client: Client) -> None:
    """The beginning of the customer's id, of an order's number or external id; a guest's order finds nobody."""
    await send_order(client, "ext-77", number="R 2026/77", customer={"externalId": "K-12345", "givenName": "Ada"})
    await send_order(client, "guest-1", number="R 2026/78")
    for words in ("k-12345", "K-1", "ext-77", "2026/77", "R 2026/7", "r", "ada 2026/77"):
        assert await search(client, words) == {"Ada"}, words
    for words in ("12345", "guest-1", "2026/78", "77"):
        assert await search(client, words) == set(), words


async def test_an_orders_number_finds_whose_it_is_now(client: Client) -> None:
    """Moved, renumbered or made a guest's, an order is found where it belongs, and nowhere else."""
    await send_order(client, number="N-1", customer={"externalId": "a"})
    await send_order(client, number="N-1", customer={"externalId": "b"})
    assert await search(client, "n-1") == {"b"}
    await send_order(client, number="N-2", customer={"externalId": "b"})
    assert (await search(client, "n-1"), await search(client, "n-2")) == (set(), {"b"})
    await send_order(client, number="N-2")
    assert await search(client, "n-2") == set()


async def test_wildcards_are_plain_characters(client: Client) -> None:
    """What means something to SQL, LIKE or a full-text engine means itself."""
    names = ["100%", "a_b", "a\\b", "o'neil", 'say"hi"', "x*", "(y)", "z:z", "NEAR", "--w", "\U0010ffffq"]
    for name in names:
        await new_customer(client, givenName=name)
    await new_customer(client, givenName="plain")
    for name in names:
        assert await search(client, name) == {name}, name
    for words in ("%", "_", "pl_in", "pl%n", "*", "' OR 1=1 --", "\\", "a%"):
        assert await search(client, words) == set(), words


async def test_a_blank_search_finds_all(client: Client) -> None:
    """Nothing asked, nothing left out; null and an empty filter are the same."""
    for name in ("a", "b"):
        await new_customer(client, givenName=name)
    for words in ("", "  "):
        assert await search(client, words) == {"a", "b"}
    for wanted in (None, {}, {"search": None}):
        assert len(await customer_ids(client, filter=wanted)) == 2


async def test_long_words_are_found_by_their_beginning(client: Client) -> None:
    """A word longer than is kept is still found whole; only the first eight words of a search count."""
    await new_customer(client, givenName=LONG, familyName="a b c d e f g h")
    for words in (LONG, LONG[:20], LONG[:60], "a b c d e f g h unknown"):
        assert len(await search(client, words)) == 1, words
    assert await search(client, "a b c d e f g unknown") == set()


@pytest.mark.parametrize(
    "words", ["x" * 201, "x" * 10_000, "é" * 201, "a\x00b", "a\nb\x07"], ids=["201", "10000", "accents", "NUL", "bell"]
)
async def test_bad_searches_are_refused(client: Client, words: str) -> None:
    """Too long or with control characters: the client is told."""
    query = "query($f: CustomerFilter) { customers(first: 1, filter: $f) { totalCount } }"
    answer = await client.ask(query, {"f": {"search": words}})
    assert (answer.codes, answer.body["data"]) == (["BAD_USER_INPUT"], {"customers": None})


async def test_the_longest_search_is_taken(client: Client) -> None:
    """200 characters are searched for."""
    assert await search(client, "x" * 200) == set()


async def test_filters_narrow_together(client: Client) -> None:
    """Tags (any of them), countries (any), instants (ends left out), stage and search all have to apply."""
    ada = (await new_customer(client, givenName="Ada", country="IT", tags=["VIP", "b2b"]))["id"]
    bob = (await new_customer(client, givenName="Bob", country="DE", tags=["b2b"]))["id"]
    now, before, after = "2026-11-22T12:00:00Z", "2026-11-22T11:59:59.999999Z", "2026-11-22T12:00:00.000001Z"
    cases: list[tuple[Input, set[str]]] = [
        ({"tag": [" vip "]}, {ada}),
        ({"tag": ["b2b"]}, {ada, bob}),
        ({"tag": ["nobody"]}, set()),
        ({"tag": ["vi"]}, set()),
        ({"country": ["de", "FR"]}, {bob}),
        ({"country": ["FR"]}, set()),
        ({"createdAfter": before}, {ada, bob}),
        ({"createdAfter": now}, set()),
        ({"createdBefore": now}, set()),
        ({"createdBefore": after}, {ada, bob}),
        ({"lifecycleStage": ["LEAD"]}, {ada, bob}),
        ({"lifecycleStage": ["ACTIVE", "LAPSED"]}, set()),
        ({"tag": ["b2b"], "country": ["IT"], "search": "a", "lifecycleStage": ["LEAD"]}, {ada}),
        ({"tag": ["b2b"], "country": ["IT"], "search": "b"}, set()),
    ]
    for wanted, expected in cases:
        assert set(await customer_ids(client, filter=wanted)) == expected, wanted
    query = "query($f: CustomerFilter) { customers(first: 1, filter: $f) { totalCount } }"
    for wrong in ({"country": ["ZZ"]}, {"tag": ["a\x00"]}, {"country": ["\x00"]}):
        answer = await client.ask(query, {"f": wrong})
        assert answer.status == 200
        assert answer.codes == ["BAD_USER_INPUT"], wrong


async def test_stages_are_those_of_the_orders(client: Client) -> None:
    """Each stage's filter finds whom the stage's field shows, on both sides of each bound."""
    tick = 1e-9
    stages = {
        "ONBOARDING": [(0.0, 0.0), (90, 90), (90, 0)],
        "ACTIVE": [(90 + tick, 90 + tick), (180, 180), (400, 180)],
        "AT_RISK": [(180 + tick, 180 + tick), (365, 365), (400, 200)],
        "LAPSED": [(365 + tick, 365 + tick), (9_000, 366)],
    }
    number = 0
    expected: dict[str, set[str]] = {"LEAD": {(await new_customer(client))["id"]}}
    for stage, cases in stages.items():
        for first, last in cases:
            number += 1
            buyer = {"externalId": f"k-{number}"}
            for position, days in enumerate((first, last)):
                given = order_input(f"o-{number}-{position}", customer=buyer, placedAt=days_ago(days))
                order = (await write(client, "orderUpsert", given)).found
            expected.setdefault(stage, set()).add(order["customer"]["id"])
    for stage, ids in expected.items():
        assert set(await customer_ids(client, filter={"lifecycleStage": [stage]})) == ids, stage
    nodes = (await client.ask("{ customers(first: 100) { nodes { id lifecycleStage } } }")).data["customers"]["nodes"]
    assert {node["id"]: node["lifecycleStage"] for node in nodes} == {
        each: stage for stage, ids in expected.items() for each in ids
    }

"""Searches for words that very many customers have."""

import pytest

from domain.customers.repository import search
from tests.conftest import Client
from tests.orders.shop import new_customer

SEARCH = "query($s: String!) { customers(first: 10, filter: {search: $s}) { totalCount nodes { displayName } } }"


@pytest.mark.parametrize(("rare", "most"), [(1, 2), (2, 3), (3, 100)])
async def test_frequent_words_find_what_rare_ones_do(
    client: Client, monkeypatch: pytest.MonkeyPatch, rare: int, most: int
) -> None:
    """However early the counting of a word ends, the same customers are found."""
    monkeypatch.setattr(search, "_RARE", rare)
    monkeypatch.setattr(search, "_COUNTED_MAX", most)
    for given, family in [("Maria", "Rossi")] * 4 + [("Maria", "Verdi"), ("Anna", "Rossi")]:
        await new_customer(client, givenName=given, familyName=family)
    for words, count in (("maria", 5), ("rossi", 5), ("maria rossi", 4), ("verdi maria", 1), ("anna verdi", 0)):
        found = (await client.ask(SEARCH, {"s": words})).data["customers"]
        assert (found["totalCount"], len(found["nodes"])) == (count, count), words

"""Reading whole lists through the API, and comparing them with the plain computation."""

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.conftest import Client
from tests.real_data.expected_ranks import Buyer, best_of, ranks_of

FACTS: dict[str, Any] = json.loads((Path(__file__).parent / "facts.json").read_text(encoding="utf-8"))

PERCENTS = (1, 5, 10, 20, 50)

EVERY_CUSTOMER = """query($after: String) {
  customers(first: 100, after: $after, orderBy: {field: LIFETIME_VALUE, direction: DESC}) {
    nodes {
      id externalId displayName country
      orders(first: 1) { totalCount }
      creditNotes(first: 1) { totalCount }
      value {
        orderCount netSpent { amount currencyCode } averageOrder { amount } otherCurrencies { amount }
        firstOrderAt lastOrderAt recencyScore frequencyScore monetaryScore decile
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""

EVERY_ORDER = """query($after: String) {
  orders(first: 100, after: $after) {
    nodes { externalId placedAt total { amount currencyCode } customer { externalId } }
    pageInfo { hasNextPage endCursor }
  }
}"""

CONCENTRATION = """query($from: DateTime, $to: DateTime) {
  valueConcentration(from: $from, to: $to) {
    customerCount total { amount currencyCode } points { percent customerCount share }
  }
}"""


async def read_all(client: Client, query: str, field: str) -> list[dict[str, Any]]:
    """Return every node of a list, page by page."""
    nodes: list[dict[str, Any]] = []
    after = None
    while True:
        page = (await client.ask(query, {"after": after})).data[field]
        nodes += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return nodes
        after = page["pageInfo"]["endCursor"]


def shown_value(value: dict[str, Any]) -> dict[str, Any]:
    """Return a customer's value as the API answers it, with its amounts as numbers."""
    average = value["averageOrder"]
    return value | {
        "netSpent": (Decimal(value["netSpent"]["amount"]), value["netSpent"]["currencyCode"]),
        "averageOrder": None if average is None else Decimal(average["amount"]),
    }


def expected_values(buyers: dict[str, Buyer]) -> dict[str, dict[str, Any]]:
    """Return the value of every customer as the API should answer it."""
    ranks = ranks_of(buyers.values())
    found = {}
    for number, buyer in buyers.items():
        rank = ranks.get(number)
        instants = sorted(order.at for order in buyer.orders)
        found[number] = {
            "orderCount": len(buyer.orders),
            "netSpent": (buyer.net, "GBP"),
            "averageOrder": _mean(buyer.gross, len(buyer.orders)),
            "otherCurrencies": [],
            "firstOrderAt": f"{instants[0]:%Y-%m-%dT%H:%M:%SZ}" if instants else None,
            "lastOrderAt": f"{instants[-1]:%Y-%m-%dT%H:%M:%SZ}" if instants else None,
            "recencyScore": None if rank is None else rank.recency,
            "frequencyScore": None if rank is None else rank.frequency,
            "monetaryScore": None if rank is None else rank.monetary,
            "decile": None if rank is None else rank.decile,
        }
    return found


def expected_concentration(buyers: dict[str, Buyer]) -> dict[str, Any]:
    """Return the shares of the best customers as the API should answer them, in exact fractions until the end."""
    total = sum((buyer.net for buyer in buyers.values()), Decimal(0))
    points = []
    for percent in PERCENTS:
        best = best_of(buyers.values(), percent)
        share = round(Fraction(sum((buyer.net for buyer in best), Decimal(0))) / Fraction(total) * 10**6)
        points.append({"percent": percent, "customerCount": len(best), "share": Decimal(share).scaleb(-6)})
    return {"customerCount": len(buyers), "total": total, "points": points}


def shown_concentration(answer: dict[str, Any]) -> dict[str, Any]:
    """Return what the API answers, with its amounts as numbers."""
    assert answer["total"]["currencyCode"] == "GBP"
    return answer | {
        "total": Decimal(answer["total"]["amount"]),
        "points": [point | {"share": Decimal(point["share"])} for point in answer["points"]],
    }


def _mean(gross: Decimal, count: int) -> Decimal | None:
    """Return the mean to four decimals, ties to even."""
    return Decimal(round(Fraction(gross) / count * 10**4)).scaleb(-4) if count else None

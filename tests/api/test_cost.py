"""What an operation costs, and what a caller may spend."""

from datetime import timedelta
from typing import Any

import pytest
from graphql import OperationDefinitionNode, build_schema, parse

from domain.base.actors import ANONYMOUS, Actor, ActorKind
from domain.base.identifiers import new_id
from schema.base.budgets import Budgets, caller_of
from schema.base.cost import LIST_SIZE, Costs
from schema.root import make_schema
from tests.api.conftest import Serve
from tests.conftest import NOW, Client, StandingClock

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])
SCHEMA = build_schema(make_schema().as_str())


def costs(text: str) -> Costs:
    """Return the costs of a document of one operation."""
    document = parse(text)
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    return Costs(SCHEMA, document, operation)


@pytest.mark.parametrize(
    ("text", "variables", "cost"),
    [
        ("{ __typename }", None, 1),
        ("{ viewer { kind permissions } }", None, 1),
        ('{ customer(id: "a") { id value { orderCount netSpent { amount } } } }', None, 3),
        ("{ customers(first: 50) { totalCount } }", None, 1),
        ("{ customers(first: 50) { nodes { id } pageInfo { hasNextPage } } }", None, 51),
        ("{ customers(first: 50) { edges { cursor node { id } } } }", None, 51),
        ("{ customers(last: 20) { nodes { id value { orderCount } } } }", None, 41),
        ("query($n: Int!) { customers(first: $n) { nodes { id } } }", {"n": 7}, 8),
        ("query($n: Int = 9) { customers(first: $n) { nodes { id } } }", None, 10),
        ("query($n: Int) { customers(first: $n) { nodes { id } } }", {"n": None}, 2),
        ("query($n: Int) { customers(first: $n) { nodes { id } } }", {"n": 10**9}, 101),
        ("query($n: Int) { customers(first: $n) { nodes { id } } }", {"n": -5}, 1),
        ("query($n: Int) { customers(first: $n) { nodes { id } } }", {"n": "ten"}, 2),
        ("{ customers(first: 99999999999999999999) { nodes { id } } }", None, 101),
        ("{ customers(first: 10) { nodes { orders(first: 5) { nodes { total { amount } } } } } }", None, 121),
        ('{ nodes(ids: ["a", "b", "c"]) { id } }', None, 3),
        ("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": ["a"] * 100}, 100),
        ("{ stores { code } }", None, LIST_SIZE),
        ("mutation { customerCreate(input: {}) { customer { id } userErrors { message } } }", None, 11),
        ("mutation { a: storeUpsert(input: {}) { __typename } b: storeUpsert(input: {}) { __typename } }", None, 20),
        ("{ a: viewer { kind } b: viewer { kind } }", None, 2),
        ("{ viewer { ...F } ...G ...G } fragment F on Viewer { kind } fragment G on Query { stores { id } }", None, 6),
        ('{ node(id: "a") { ... on Customer { value { decile } } ... on Order { total { amount } } } }', None, 2),
        ('{ node(id: "a") { ... on Node { id } ... { id } ... @include(if: true) { id } } }', None, 1),
        ("{ __schema { types { name } } }", None, 1_000),
        ('{ __type(name: "Customer") { name } }', None, 100),
    ],
)
def test_a_cost_is_that_of_the_largest_answer(text: str, variables: dict[str, Any] | None, cost: int) -> None:
    """Scalars 0, objects 1, pages their size times their content, mutations 10; nothing is free."""
    assert costs(text).requested(variables) == cost


def test_the_actual_cost_counts_what_came_out() -> None:
    """Objects that are not there cost nothing."""
    found = costs(
        "{ customers(first: 50) { nodes { id value { orderCount } } pageInfo { endCursor } } stores { code } }"
    )
    nodes: list[Any] = [{"id": "a", "value": {"orderCount": 1}}, {"id": "b", "value": None}, None]
    data = {"customers": {"nodes": nodes, "pageInfo": {"endCursor": None}}, "stores": [{"code": "it"}]}
    assert found.actual(data) == 1 + 3 + 1
    assert found.actual({"customers": None, "stores": None}) == 1
    assert found.actual(None) == 1


def test_a_budget_leaks_and_waits() -> None:
    """What is used comes back by and by; over the budget one waits as long as it takes, and no longer."""
    budgets = Budgets(maximum=100, restore_rate=10)
    assert budgets.take("a", 60, now=NOW) == 0
    assert budgets.take("a", 60, now=NOW) == 2
    assert budgets.take("b", 60, now=NOW) == 0
    assert budgets.status("a", now=NOW).currently_available == 40
    assert budgets.take("a", 60, now=NOW + timedelta(seconds=2)) == 0
    budgets.give_back("a", 100, now=NOW + timedelta(seconds=2))
    assert budgets.status("a", now=NOW + timedelta(seconds=2)).currently_available == 100
    assert budgets.take("c", 1_000, now=NOW) == 0  # dearer than the whole: it goes first, and is paid off
    assert budgets.take("c", 1, now=NOW + timedelta(seconds=90)) == 1
    assert budgets.status("c", now=NOW).currently_available == 0
    assert budgets.take("a", 0, now=NOW - timedelta(days=1)) == 0  # a clock that was set back


def test_budgets_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asked longest ago is forgotten."""
    monkeypatch.setattr("schema.base.budgets._BUCKETS_MAX", 3)
    budgets = Budgets(maximum=100, restore_rate=10)
    for caller in "abcde":
        budgets.take(caller, 100, now=NOW)
    assert budgets.status("a", now=NOW).currently_available == 100
    assert budgets.status("e", now=NOW).currently_available == 0


@pytest.mark.parametrize(
    ("first", "second", "is_same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("", "nonsense", False),
    ],
)
def test_whose_budget_it_is(first: str, second: str, *, is_same: bool) -> None:
    """Nobody in particular is known by their network; an actor by themselves, wherever they ask from."""
    assert (caller_of(ANONYMOUS, first) == caller_of(ANONYMOUS, second)) is is_same
    app = Actor(kind=ActorKind.APP, permissions=frozenset(), id=new_id())
    assert caller_of(app, first) == caller_of(app, second)


async def test_an_answer_shows_its_cost(bounded: Client) -> None:
    """What was expected is taken, what was not needed is given back; the caller can ask for what is left."""
    answer = await bounded.ask("{ customers(first: 50) { nodes { id } } rateLimit { currentlyAvailable restoreRate } }")
    assert answer.body["extensions"]["cost"] == {
        "requestedQueryCost": 52,
        "actualQueryCost": 2,
        "throttleStatus": {"maximumAvailable": 20_000, "currentlyAvailable": 19_998, "restoreRate": 1_000},
    }
    assert answer.data["rateLimit"] == {"currentlyAvailable": 19_948, "restoreRate": 1_000}


@SQLITE_ONLY
async def test_a_dear_operation_is_refused(bounded: Client) -> None:
    """The message says what it would cost, what it may, and what to do."""
    query = "query($n: Int!) { customers(first: $n) { nodes { orders(first: 100) { nodes { lines { sku } } } } } }"
    refused = await bounded.ask(query, {"n": 20})
    assert refused.codes == ["QUERY_TOO_COSTLY"]
    assert "12,041; at most 10,000" in refused.body["errors"][0]["message"]
    assert (await bounded.ask(query, {"n": 10})).codes == []


@SQLITE_ONLY
@pytest.mark.parametrize(
    ("accept", "status"), [("application/graphql-response+json", 429), ("application/json", 200), ("*/*", 200)]
)
async def test_over_the_budget_one_waits(
    serve: Serve, client: Client, clock: StandingClock, accept: str, status: int
) -> None:
    """THROTTLED says how long; others go on meanwhile; after the wait it works."""
    http = await serve(cost_budget=100, cost_restore_rate=10)
    headers = {"Authorization": f"Bearer {client.key}", "Accept": accept}
    body = {"query": "{ customers(first: 80) { nodes { id } } }"}
    first = {"query": "mutation { " + " ".join(f"a{n}: {_write(n)} {{ __typename }}" for n in range(9)) + " }"}
    assert "data" in (await http.post("/graphql", json=first, headers=headers)).json()
    refused = await http.post("/graphql", json=body, headers=headers)
    assert refused.status_code == status
    assert refused.headers["retry-after"] == "8"
    (error,) = refused.json()["errors"]
    assert error["extensions"] == {
        "code": "THROTTLED",
        "requestId": refused.headers["x-request-id"],
        "retryAfter": 8,
    }
    assert refused.json()["extensions"]["cost"]["actualQueryCost"] is None
    assert (await http.post("/graphql", json={"query": "{ viewer { kind } }"})).json()["data"]
    clock.advance(timedelta(seconds=8))
    assert "data" in (await http.post("/graphql", json=body, headers=headers)).json()


def _write(number: int) -> str:
    place = 'country: "IT", locale: "it-IT", currencyCode: "EUR", timeZone: "Europe/Rome"'
    return f'storeUpsert(input: {{code: "s{number}", name: "S", {place}}})'


@SQLITE_ONLY
async def test_who_sends_nothing_that_can_be_run_waits(
    serve: Serve, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading is work as well: documents that are refused use up the budget, and are then not even read."""
    http = await serve(cost_budget=5_000, cost_restore_rate=500)
    headers = {"Accept": "application/graphql-response+json"}
    hostile = {"query": "{ viewer { " + "kind " * 5_000 + "} }"}
    statuses = [(await http.post("/graphql", json=hostile, headers=headers)).status_code for _ in range(3)]
    assert statuses == [400, 400, 429]
    monkeypatch.setattr("api.operations.parse", lambda *_, **__: pytest.fail("the document was read"))
    refused = await http.post("/graphql", json=hostile, headers=headers)
    (error,) = refused.json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["retryAfter"]) == ("THROTTLED", 1)
    assert refused.headers["retry-after"] == "1"
    assert (await http.post("/graphql", json=hostile)).status_code == 200  # the old media type
    monkeypatch.undo()
    clock.advance(timedelta(seconds=1))
    assert (await http.post("/graphql", json={"query": "{ viewer { kind } }"}, headers=headers)).status_code == 200


@SQLITE_ONLY
async def test_an_operation_that_never_began_gives_back(bounded: Client) -> None:
    """A variable of a wrong type costs next to nothing."""
    query = "query($n: Int!) { customers(first: 100) { nodes { id } } orders(first: $n) { nodes { id } } }"
    refused = await bounded.ask(query, {"n": "many"})
    assert refused.codes == ["BAD_USER_INPUT"]
    assert "data" not in refused.body
    assert refused.body["extensions"]["cost"]["actualQueryCost"] == 1

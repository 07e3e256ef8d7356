"""Relations: one call for a level of the tree, and each parent's own answer or error."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from domain.orders.repository.orders import list_lines_by_order
from schema.orders.types import documents
from tests.api.shop import sell
from tests.conftest import Client
from tests.statements import hearing

NAMES = ("Ada", "Bea", "Cleo")
DEEP = """
{ customers(first: 100) { nodes { displayName orders(first: 10) { totalCount nodes {
  number store { code } customer { displayName } lines { sku } refunded { amount }
  deliveries { lines { quantity orderLine { externalId } } } creditNotes { number order { number } lines { quantity } }
} } } } }
"""


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements that are read with."""
    found: list[str] = []
    with hearing() as heard:
        yield found
    found.extend(statement for statement, _ in heard)


async def test_the_width_of_the_tree_costs_no_statement(client: Client) -> None:
    """Six orders of three customers are read with as many statements as one order of one."""
    await sell(client, 1, customer="Ada")
    with statements() as narrow:
        await client.ask(DEEP)
    for number in range(2, 7):
        await sell(client, number, customer=NAMES[number % 3])
    with statements() as wide:
        answer = await client.ask(DEEP)
    assert sum(len(each["orders"]["nodes"]) for each in answer.data["customers"]["nodes"]) == 6
    assert len(wide) == len(narrow) > 8


async def test_everybody_gets_their_own(client: Client) -> None:
    """The results stand with their parents, in the parents' order."""
    for number in range(1, 7):
        await sell(client, number, customer=NAMES[number % 3])
    found = (await client.ask(DEEP)).data["customers"]["nodes"]
    for customer in found:
        orders = customer["orders"]
        assert orders["totalCount"] == len(orders["nodes"]) == 2
        for order in orders["nodes"]:
            assert order["customer"]["displayName"] == customer["displayName"]
            assert order["customer"]["displayName"] == NAMES[int(order["number"]) % 3]
            assert [note["number"] for note in order["creditNotes"]] == [f"C{order['number']}"]
            assert order["refunded"] == {"amount": "1.50"}
            assert {piece["orderLine"]["externalId"] for piece in order["deliveries"][0]["lines"]} == {"1", "2"}


async def test_aliases_and_fragments_stay_apart(client: Client) -> None:
    """The same field with other arguments is another list; the same one through a fragment is the same."""
    for number in (1, 2, 3):
        await sell(client, number, customer="Ada")
    query = """
    query($id: ID!) { customer(id: $id) {
      one: orders(first: 1) { ...Numbers } two: orders(first: 2) { ...Numbers }
      last: orders(last: 1) { ...Numbers } ...Again } }
    fragment Again on Customer { one: orders(first: 1) { totalCount } ...Notes }
    fragment Notes on Customer { creditNotes(first: 1) { totalCount nodes { number } } }
    fragment Numbers on OrderConnection { nodes { number } }
    """
    (customer,) = (await client.ask("{ customers(first: 1) { nodes { id } } }")).data["customers"]["nodes"]
    found = (await client.ask(query, {"id": customer["id"]})).data["customer"]
    assert found["one"] == {"nodes": [{"number": "3"}], "totalCount": 3}
    assert [node["number"] for node in found["two"]["nodes"]] == ["3", "2"]
    assert [node["number"] for node in found["last"]["nodes"]] == ["1"]
    assert found["creditNotes"] == {"totalCount": 3, "nodes": [{"number": "C3"}]}


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    """Collect what is logged: a traceback for people takes seconds to draw."""
    with capture_logs() as found:
        yield found


async def fail(*_arguments: object, **_words: object) -> NoReturn:
    """Fail as a bug does."""
    message = "a bug"
    raise RuntimeError(message)


async def test_an_error_is_each_parents_own(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a level fails, each parent's field has the error at its own path, and the rest is answered."""
    for number in (1, 2, 3):
        await sell(client, number, customer="Ada")
    monkeypatch.setattr(documents, "load_customers", fail)
    answer = await client.ask("{ orders(first: 3) { nodes { number customer { id } store { code } } } }")
    nodes = answer.body["data"]["orders"]["nodes"]
    assert [(node["number"], node["customer"], node["store"]["code"]) for node in nodes] == [
        ("3", None, "it"),
        ("2", None, "it"),
        ("1", None, "it"),
    ]
    assert sorted(error["path"] for error in answer.body["errors"]) == [
        ["orders", "nodes", index, "customer"] for index in range(3)
    ]
    assert set(answer.codes) == {"INTERNAL"}


async def test_null_goes_up_to_what_may_be_null(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that must not be null blanks the nearest object above it that may be, and no neighbour."""
    sale = await sell(client, 1, customer="Ada")
    monkeypatch.setattr(documents, "sum_credited_by_order", fail)
    query = "query($id: ID!) { a: order(id: $id) { refunded { amount } } b: order(id: $id) { number } stores { code } }"
    answer = await client.ask(query, {"id": sale.order})
    assert answer.body["data"] == {"a": None, "b": {"number": "1"}, "stores": [{"code": "it"}]}
    assert [error["path"] for error in answer.body["errors"]] == [["a", "refunded"]]


async def test_a_level_that_answers_too_little_is_an_error(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch whose results do not fit its parents never hands somebody another one's."""
    await sell(client, 1, customer="Ada")

    async def nothing(*_arguments: object) -> list[Any]:
        return []

    monkeypatch.setattr(documents, "load_stores", nothing)
    answer = await client.ask("{ orders(first: 1) { nodes { store { code } } } }")
    assert answer.codes == ["INTERNAL"]


async def test_an_aborted_request_leaves_nothing_running(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the client goes away in the middle of a level, its tasks end and its connection comes back."""
    await sell(client, 1, customer="Ada")
    reached, ended = asyncio.Event(), asyncio.Event()

    async def hang(*arguments: Any, **words: Any) -> Any:  # noqa: ANN401
        await list_lines_by_order(*arguments, **words)
        reached.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(documents, "list_lines_by_order", hang)
    before = asyncio.all_tasks()
    request = asyncio.create_task(client.ask("{ orders(first: 1) { nodes { lines { sku } store { code } } } }"))
    await reached.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert ended.is_set()
    assert asyncio.all_tasks() <= before
    assert client.works.database.lanes.busy == 0
    monkeypatch.undo()
    assert (await client.ask("{ orders(first: 1) { nodes { lines { sku } } } }")).data

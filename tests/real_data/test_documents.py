"""The answers in the documents are those of the demo's data."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from api.demo import furnish
from api.demo_conversations import converse
from api.demo_logins import ready_logins
from tests.conftest import Client, StandingClock
from tests.documents import Example, list_examples
from tests.real_data.talking import AS, BEFORE, TALKING, Told, tokens_of


@pytest.fixture
async def demo(mod5: Client, tmp_path: Path) -> Client:
    """Ask the shop of `make demo`, a minute after it started: the orders that it imports, and whom it adds to them."""
    assert await furnish(mod5.works)
    _, logins = await ready_logins(mod5.works, tmp_path)
    await converse(mod5.works, agent_email=logins["AGENT"])
    assert isinstance(mod5.works.clock, StandingClock)
    mod5.works.clock.advance(timedelta(minutes=1))
    return mod5


def answered_examples() -> list[Example]:
    """Return the examples with an answer, those that write last: what a reader asks first is the data as it came."""
    examples = [each for each in list_examples() if not each.place.startswith("docs/guides/")]  # of an empty shop
    examples = [example for example in examples if example.answer is not None and not takes_variables(example)]
    return sorted(examples, key=lambda example: example.query.startswith("mutation"))


def operation_of(example: Example) -> OperationDefinitionNode:
    """Return the operation of an example."""
    (operation,) = parse(example.query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    return operation


def takes_variables(example: Example) -> bool:
    """Tell whether an example depends on what was answered before."""
    return bool(operation_of(example).variable_definitions)


def as_documented(answer: Any, documented: Any) -> Any:  # noqa: ANN401  JSON
    """Return the answer with `…` wherever the document says so: ids and the like differ from run to run."""
    if isinstance(answer, dict) and isinstance(documented, dict):
        return {name: as_documented(value, documented.get(name)) for name, value in answer.items()}
    if isinstance(answer, list) and isinstance(documented, list) and len(answer) == len(documented):
        return [as_documented(*pair) for pair in zip(answer, documented, strict=True)]
    if isinstance(answer, str) and isinstance(documented, str) and "…" in documented:
        pattern = ".+".join(re.escape(part) for part in documented.split("…"))
        return documented if re.fullmatch(pattern, answer) else answer
    return answer


def without_cost(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer without what is told beside it."""
    return {name: value for name, value in answer.items() if name != "extensions"}


def customer_of(told: Told) -> dict[str, Any]:
    """Return who called."""
    customer = told["WhoIsCalling"]["customerByIdentity"]
    assert isinstance(customer, dict)
    return customer


def pair_of(told: Told) -> dict[str, str]:
    """Return the ids of the two whom the first proposal is about."""
    merge = told["Proposals"]["customerMerges"]["nodes"][0]
    return {"survivorId": merge["survivor"]["id"], "absorbedId": merge["absorbed"]["id"]}


VARIABLES: dict[str, Callable[[Told], dict[str, Any]]] = {
    "Preview": pair_of,
    "Merge": lambda told: {"input": pair_of(told) | {"reason": "She said so."}},
    "Note": lambda told: {"input": {"customerId": customer_of(told)["id"], "expectedVersion": 7, "tags": ["calls"]}},
    "Unmerge": lambda told: {"input": {"mergeId": told["Merge"]["customerMerge"]["merge"]["id"]}},
    "Reject": lambda told: {
        "input": {
            "mergeId": told["Proposals"]["customerMerges"]["nodes"][1]["id"],
            "reason": "Two people of one household.",
        }
    },
    "Agree": lambda told: {
        "input": {
            "customerId": told["MayWeWrite"]["customerByIdentity"]["id"],
            "purpose": "MARKETING",
            "channel": "EMAIL",
            "decision": "GRANTED",
        }
    },
    "Describe": lambda told: {
        "input": {
            "customerId": customer_of(told)["id"],
            "expectedVersion": customer_of(told)["version"],
            "attributes": [{"key": "credit_limit", "number": "3000"}, {"key": "next_review"}],
        }
    },
    **TALKING,
}
"""What the operations of the walk take, of what was answered before."""


async def test_documented_answers_are_what_the_demo_answers(demo: Client) -> None:
    """Each example with an answer, asked of what `make demo` serves, is answered in these words."""
    examples = answered_examples()
    assert {example.place.partition(":")[0] for example in examples} >= {"README.md", "CONTRIBUTING.md"}
    for example in examples:
        answer = without_cost((await demo.ask(example.query)).body)
        assert as_documented(answer, example.answer) == example.answer, example.place


async def test_documented_writes_can_be_sent_again(demo: Client) -> None:
    """A documented write that is sent a second time is answered in the same words."""
    writes = [example for example in answered_examples() if example.query.startswith("mutation")]
    assert writes
    for _ in range(2):
        answers = {each.place: without_cost((await demo.ask(each.query)).body) for each in writes}
        assert answers == {example.place: example.answer for example in writes}


async def test_the_walk_of_a_console_is_answered_as_documented(demo: Client, tmp_path: Path) -> None:
    """Sent one after the other, with ids from the answers before, the operations of docs/clients.md do what it says."""
    told: Told = {}
    tokens = await tokens_of(demo, tmp_path)
    for example in list_examples():
        name = operation_of(example).name
        if not example.place.startswith("docs/clients.md") or name is None:
            continue
        if name.value in BEFORE:
            await BEFORE[name.value](demo, tmp_path, told)
        variables = VARIABLES[name.value](told) if takes_variables(example) else None
        answer = await demo.ask(example.query, variables, key=tokens.get(AS.get(name.value, "")))
        assert as_documented(without_cost(answer.body), example.answer) == example.answer, example.place
        told[name.value] = answer.data
    assert told.keys() >= {*VARIABLES, *AS, *BEFORE}


def test_only_what_is_left_open_may_differ() -> None:
    """`…` stands for a text of any length but none, at its place only."""
    assert as_documented({"id": "x", "n": 1}, {"id": "…", "n": 1}) == {"id": "…", "n": 1}
    assert as_documented("merged on 2026-11-22, so", "merged on …, so") == "merged on …, so"
    for answer, documented in (("", "…"), ("merged, so", "merged on …, so"), (None, "…"), (["a", "b"], ["…"])):
        assert as_documented(answer, documented) != documented

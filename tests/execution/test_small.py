"""Plans over a small schema in which resolvers fail, lists hold null where they must not, and types are mixed."""

from collections import Counter
from typing import Any

import pytest
from graphql import build_schema, parse, print_ast
from hypothesis import HealthCheck, given, settings
from hypothesis_graphql import from_schema
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from domain.base.actors import SYSTEM
from domain.base.kept import Kept
from schema.base.context import Context
from schema.base.execution.executor import BreadthFirst
from schema.base.execution.plans import Plans, Roots
from tests.execution.answering import Executor, run
from tests.execution.small import PLANTED, make_small_schema

SCHEMA = make_small_schema()
NESTED = """
  __typename name colour size parts must slow(times: 2) later again: slow(times: 3)
  inside { __typename ... on Stone { weight } ... on Seed { count name } }
  things { name ... on Stone { weight } }
"""
DOCUMENTS = [
    "{ fruits { name } }",
    "{ fruits(start: 1, count: 2) { " + NESTED + " } }",
    "{ fruits(start: 1, count: 9) { name following { name following(first: 1) { name must } } } }",
    "{ fruits(start: 1, count: 9) { name slow } }",
    "{ maybe(number: 4) { name later following { later slow } } }",
    "{ maybe(number: 0) { name } }",
    "{ a: fruits(count: 2) { n: name } b: fruits(start: 5, count: 1) { name must } maybe { name } }",
    "{ fruits(start: 6, count: 4) { name fragile { name } } }",
    "{ fruits(start: 1, count: 4) { name fragile { name } following(first: 1) { fragile { name } } } }",
    "{ fruits(start: 5, count: 3) { name refused { name } } }",
    "{ anything(number: 1) { __typename ... on Named { name } } }",
    """query($no: Boolean!) { fruits { name @skip(if: $no) following { name ...F @include(if: $no) } } }
    fragment F on Fruit { size colour }""",
    "{ fruits { ...A ...B } } fragment A on Fruit { following { name } } fragment B on Fruit { following { size } }",
    "{ __schema { queryType { name } } fruits { __typename } }",
    "mutation { plant(number: 3) { name slow } }",
]


class NoReading(Context):
    """A context from which nothing is read."""

    def __init__(self) -> None:
        """Need no database."""
        super().__init__(_NO_WORKS, actor=SYSTEM, request_id="r")


class _Feed:
    cursor = ""


class _NoWorks:
    feed = _Feed()


_NO_WORKS: Any = _NoWorks()


async def answer(text: str, executor: Executor, variables: dict[str, Any], plans: Plans | None = None) -> bytes:
    """Return the whole answer."""
    return await run(SCHEMA, parse(text), NoReading(), variables, executor=executor, plans=plans)


@pytest.mark.parametrize("text", DOCUMENTS)
async def test_answers_are_those_of_graphql_core(text: str) -> None:
    """The first time, when it is planned, and every other time."""
    plans = Plans.of(parse(text))
    for no in (True, False, True):
        variables = {"no": no} if "$no" in text else {}
        expected = await answer(text, StrawberryGraphQLCoreExecutionContext, variables)
        assert await answer(text, BreadthFirst, variables, plans) == expected


async def test_a_write_that_answers_badly_is_done_once() -> None:
    """What fails below a mutation is answered again; the mutation itself is not run again."""
    PLANTED.clear()
    await answer("mutation { plant(number: 3) { name slow } other: plant(number: 1) { name } }", BreadthFirst, {})
    assert Counter(PLANTED) == {3: 1, 1: 1}


async def test_generated_operations_are_answered_alike() -> None:
    """Whatever is selected, with any numbers."""
    texts: list[str] = []

    @settings(max_examples=150, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(from_schema(build_schema(SCHEMA.as_str()), print_ast=print_ast))
    def draw(text: str) -> None:
        texts.append(text)

    draw()

    for text in texts:
        expected = await answer(text, StrawberryGraphQLCoreExecutionContext, {})
        assert await answer(text, BreadthFirst, {}) == expected, text


async def test_operations_of_one_document_have_plans_of_their_own() -> None:
    """Also where they begin with the same field."""
    text = "query A { fruits { name } } query B { fruits { size colour } }"
    roots: Roots = Kept(1_000)
    for _ in range(2):
        for name in ("A", "B"):
            plans = Plans.of(parse(text), roots, text=text)
            answers = {
                await run(SCHEMA, parse(text), NoReading(), None, executor=each, plans=plans, operation_name=name)
                for each in (BreadthFirst, StrawberryGraphQLCoreExecutionContext)
            }
            assert len(answers) == 1
    assert len(roots) == 2


async def test_a_flood_of_documents_keeps_memory_bounded() -> None:
    """Plans of documents that were not asked for lately are made anew."""
    roots: Roots = Kept(200)
    for number in range(50):
        text = f"{{ fruits(count: 1) {{ a{number}: name following {{ size }} }} }}"
        plans = Plans.of(parse(text), roots, text=text)
        assert b'errors":[]' in await answer(text, BreadthFirst, {}, plans)
        assert roots.weight <= 200
    assert 0 < len(roots) < 6

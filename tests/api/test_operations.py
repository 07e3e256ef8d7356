"""Documents and operations, without any transport: what is prepared, run, rejected."""

from collections.abc import AsyncIterator

import pytest
import strawberry

from api.operations import Operation, Operations, Prepared, Rejected, RequestRefused, read_operation
from api.settings import Settings
from domain.base.actors import ANONYMOUS
from domain.base.work import Works
from schema.base.context import Context
from schema.base.execution.executor import BreadthFirst
from schema.root import make_schema
from tests.conftest import StandingClock

SQLITE_ONLY = pytest.mark.parametrize("kind", ["sqlite"])


@pytest.fixture
def operations() -> Operations:
    """Return what runs operations of the product's schema."""
    return Operations(make_schema(), settings=Settings(_env_file=None), clock=StandingClock())


@pytest.fixture
async def context(works: Works) -> AsyncIterator[Context]:
    """Return the context of a request without a token."""
    context = Context(works, actor=ANONYMOUS, request_id="r-1")
    yield context
    await context.close()


def prepared(operations: Operations, text: str) -> Prepared:
    """Return a document that is prepared."""
    found = operations.prepare(Operation(text), actor=ANONYMOUS)
    assert isinstance(found, Prepared)
    return found


@SQLITE_ONLY
async def test_a_query_is_answered(operations: Operations, context: Context) -> None:
    """An answer is ready for JSON; errors are masked and carry the request's id."""
    query = prepared(operations, "{ viewer { kind } stores { code } }")
    assert query.kind == "query"
    answer = await operations.execute(query, context)
    assert answer["data"] == {"viewer": {"kind": "ANONYMOUS"}, "stores": None}
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED", "requestId": "r-1"}


@SQLITE_ONLY
async def test_a_subscription_gives_answers(context: Context) -> None:
    """Each event is one answer; closing the iterator ends the source."""
    ended = []

    @strawberry.type
    class Query:
        ready: bool = True

    @strawberry.type
    class Subscription:
        @strawberry.subscription
        async def count(self) -> AsyncIterator[int]:
            try:
                for number in range(10):
                    yield number
            finally:
                ended.append(True)

    schema = strawberry.Schema(Query, subscription=Subscription, execution_context_class=BreadthFirst)
    operations = Operations(schema, settings=Settings(_env_file=None), clock=StandingClock())
    subscription = prepared(operations, "subscription { count }")
    assert subscription.kind == "subscription"
    answers = await operations.subscribe(subscription, context)
    assert not isinstance(answers, dict)
    assert [await anext(answers), await anext(answers)] == [{"data": {"count": 0}}, {"data": {"count": 1}}]
    await answers.aclose()
    assert ended == [True]


def test_what_cannot_be_read_is_rejected(operations: Operations) -> None:
    """A document that is no GraphQL, or does not fit, has its reasons and code."""
    for text, code in (("{", "GRAPHQL_PARSE_FAILED"), ("{ nothing }", "GRAPHQL_VALIDATION_FAILED")):
        found = operations.prepare(Operation(text), actor=ANONYMOUS)
        assert isinstance(found, Rejected)
        (error,) = found.answer("r-2")["errors"]
        assert error["extensions"] == {"code": code, "requestId": "r-2"}


@pytest.mark.parametrize("parameters", [None, 5, "x", [], {"variables": []}, {"query": 5}, {"operationName": {}}])
def test_what_is_no_operation_is_refused(parameters: object) -> None:
    """The refusal has a status, a code and a sentence."""
    with pytest.raises(RequestRefused) as raised:
        read_operation(parameters)
    assert raised.value.status == 400
    assert raised.value.answer("r")["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"

"""The guides' examples, each asked of an empty shop with the limits as they come."""

import pytest

from tests.conftest import Client
from tests.documents import Example, list_examples
from tests.real_data.test_documents import as_documented

GUIDES = [each for each in list_examples() if each.place.startswith(("docs/guides/limits", "docs/guides/errors"))]


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("example", [pytest.param(example, id=example.place) for example in GUIDES])
async def test_an_example_is_answered_as_documented(bounded: Client, example: Example) -> None:
    """In these words, with its errors and its cost where the guide shows them."""
    answer = (await bounded.ask(example.query)).body
    assert example.answer is not None
    shown = {name: value for name, value in answer.items() if name != "extensions" or name in example.answer}
    assert as_documented(shown, example.answer) == example.answer

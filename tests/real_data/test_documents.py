"""The answers in the documents are those of the demo's data."""

from tests.conftest import Client
from tests.documents import Example, list_examples


def answered_examples() -> list[Example]:
    """Return the examples with an answer, those that write last: what a reader asks first is the data as it came."""
    examples = [example for example in list_examples() if example.answer is not None]
    return sorted(examples, key=lambda example: example.query.startswith("mutation"))


async def test_documented_answers_are_what_the_demo_answers(mod5: Client) -> None:
    """Each example with an answer, asked of the data that `make demo` imports, is answered in these words."""
    examples = answered_examples()
    assert {example.place.partition(":")[0] for example in examples} >= {"README.md", "CONTRIBUTING.md"}
    answers = {example.place: (await mod5.ask(example.query)).body for example in examples}
    assert answers == {example.place: example.answer for example in examples}


async def test_documented_writes_can_be_sent_again(mod5: Client) -> None:
    """A documented write that is sent a second time is answered in the same words."""
    writes = [example for example in answered_examples() if example.query.startswith("mutation")]
    assert writes
    for _ in range(2):
        answers = {example.place: (await mod5.ask(example.query)).body for example in writes}
        assert answers == {example.place: example.answer for example in writes}

"""The guides' examples, each asked of an empty shop with the limits as they come, and their tables."""

import re

import pytest
from graphql import build_schema

from domain.base.errors import ErrorCode
from domain.base.feed import WAITING_MAX
from domain.files.rules import ATTACHMENTS_MAX, BYTES_A_DAY, BYTES_A_DAY_OF_GUESTS, BYTES_MAX
from domain.identity.rules import VISITORS_FROM_ADDRESS
from domain.interactions.rules.conversations import (
    CLIENT_MESSAGE_ID_LENGTH_MAX,
    SUBJECT_LENGTH_MAX,
    TAG_LENGTH_MAX,
    TAGS_MAX,
    TEXT_LENGTH_MAX,
)
from domain.interactions.rules.words import SEARCH_WORDS_MAX
from schema.base.event_log import PAGE_SIZE_MAX
from schema.interactions.inputs.lists import FILTER_VALUES_MAX
from schema.interactions.queries import FILTERS_MAX
from schema.root import make_schema
from tests.conftest import Client
from tests.documents import ROOT, Example, list_examples
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


MIB = 1_048_576
LIMITS = {
    "A message, a note": f"{TEXT_LENGTH_MAX:,} characters",
    "A subject, a tag, a `clientMessageId`": (
        f"{SUBJECT_LENGTH_MAX}, {TAG_LENGTH_MAX}, {CLIENT_MESSAGE_ID_LENGTH_MAX} characters"
    ),
    "Tags of a conversation": f"{TAGS_MAX}",
    "Files of a message": f"{ATTACHMENTS_MAX}",
    "A file": f"{BYTES_MAX // MIB} MiB",
    "Files of a person in 24 hours": f"{BYTES_A_DAY // MIB} MiB, of a guest {BYTES_A_DAY_OF_GUESTS // MIB} MiB",
    "Guests from one network address in an hour": f"{VISITORS_FROM_ADDRESS.attempts_max}",
    "Values of one kind in a filter": f"{FILTER_VALUES_MAX}",
    "Filters of `conversationCounts`": f"{FILTERS_MAX}",
    "Words that count in a search": f"{SEARCH_WORDS_MAX},",
    "Events that one page of `events` looks at": f"{PAGE_SIZE_MAX}",
    "Answers that wait for a subscriber who does not take them": f"{WAITING_MAX:,}",
}


def rows_of(page: str) -> dict[str, str]:
    """Return the first two cells of each row of a guide's tables."""
    text = (ROOT / "docs" / "guides" / page).read_text(encoding="utf-8")
    return dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|", text, re.MULTILINE))


def test_the_limits_of_a_conversation_are_those_of_the_rules() -> None:
    """Each number in the guide is the one that binds."""
    rows = rows_of("limits.md")
    assert {name: rows[name] for name in LIMITS if not re.match(rf"{LIMITS[name]}(?!\d)", rows[name])} == {}


def test_what_is_refused_in_a_conversation_is_a_code() -> None:
    """Those that a client of the chat meets, and no other words."""
    names = {name.strip("`") for name in rows_of("errors.md")}
    assert {"STALE_CONVERSATION", "CHANNEL_CLOSED", "ATTACHMENT_NOT_READY"} <= names & {*ErrorCode}


def test_the_guide_has_every_subscription() -> None:
    """Whoever looks for a stream finds all there are."""
    subscriptions = build_schema(make_schema().as_str()).subscription_type
    assert subscriptions is not None
    rows = {name.strip("`") for name in rows_of("protocols.md")}
    assert [name for name in subscriptions.fields if name not in rows] == []

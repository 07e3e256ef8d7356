"""The inbox of a shop with a thousand conversations, and with a hundred thousand: ten messages in each."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack
from datetime import timedelta
from functools import partial
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import insert, literal, select, text

from benchmarks.asking import Shop, Variables, asking, milliseconds
from benchmarks.bulk import FORMS, Form, Values, writing
from benchmarks.databases import KINDS, NOW, Place, open_works
from benchmarks.lists import shown_plan
from domain.base.model import Base
from domain.customers.rules.consents import ChannelKind
from domain.identity.model import ApiKey
from domain.interactions.model import Channel, Conversation, ConversationReading, ConversationTerm, Interaction
from domain.interactions.rules.conversations import (
    AuthorKind,
    ConversationStatus,
    DeliveryState,
    InteractionKind,
    Priority,
    WaitingOn,
)

SIZES = (1_000, 10_000, 100_000)
MESSAGES = 10
WORDS = 12
"""By which each conversation is found, of so many that there are:"""

VOCABULARY = 2_000
RARE_EVERY = 997
"""One of so many conversations has a word that no other kind has."""

UNREAD_EVERY = 100
"""All but one of so many were read."""

CHUNK = 10_000
REPETITIONS = 7

_OPEN_EVERY = 20
"""One of so many is at work; the others are done, as in a shop that is some years old."""

_COLUMNS: dict[type[Base], tuple[str, ...]] = {
    Conversation: (
        "id", "number", "channel_id", "assignee_id", "subject", "status", "waiting_on", "priority", "priority_rank",
        "last_seq", "shopper_seq", "customer_message_seq", "staff_message_seq", "last_message_id", "version",
        "created_at", "updated_at", "shopper_version", "shopper_updated_at",
    ),
    Interaction: (
        "id", "conversation_id", "seq", "shopper_seq", "kind", "author_kind", "occurred_at", "text", "delivery",
    ),
    ConversationTerm: ("conversation_id", "term", "is_shown"),
}  # fmt: skip

PAGE = """query($filter: ConversationFilter, $orderBy: ConversationSort) {
  conversations(first: 50, filter: $filter, orderBy: $orderBy) {
    nodes { id number subject status waitingOn priority unreadCount lastMessage { text } updatedAt } } }"""
COUNTS = "query($filters: [ConversationFilter!]!) { conversationCounts(filters: $filters) }"

_FILTERS: dict[str, Variables] = {
    "at work": {"status": ["NEW", "OPEN", "PENDING"]},
    "at work, nobody's": {"status": ["NEW", "OPEN", "PENDING"], "isUnassigned": True},
    "waiting for us": {"waitingOn": ["US"]},
    "unread": {"isUnread": True},
}
ASKED: tuple[tuple[str, str, Variables], ...] = (
    ("the first page", PAGE, {}),
    ("the first page, the most urgent first", PAGE, {"orderBy": {"field": "PRIORITY", "direction": "DESC"}}),
    *((f"the first page of those {name}", PAGE, {"filter": each}) for name, each in _FILTERS.items()),
    ("a rare word", PAGE, {"filter": {"search": "zebra"}}),
    ("the beginning of a rare word", PAGE, {"filter": {"search": "zeb"}}),
    ("a word that one in two hundred has", PAGE, {"filter": {"search": "word1234"}}),
    ("a beginning that half of them have", PAGE, {"filter": {"search": "word7"}}),
    ("two such beginnings", PAGE, {"filter": {"search": "word7 word9"}}),
    *((f"counting those {name}", COUNTS, {"filters": [each]}) for name, each in _FILTERS.items()),
    ("counting all four at once", COUNTS, {"filters": list(_FILTERS.values())}),
)

Tell = Callable[[str], None]


def measure(place: Place, tell: Tell, *, sizes: Sequence[int] = SIZES) -> list[dict[str, Any]]:
    """Return how long each question takes at each size, and how the largest is read."""
    rows: list[dict[str, Any]] = []
    for kind in KINDS:
        with ExitStack() as stack:
            urls = [stack.enter_context(place.migrated(kind)) for _ in sizes]
            for url, size in zip(urls, sizes, strict=True):
                tell(f"inbox, {kind}, {size:,} conversations")
                asyncio.run(_fill(kind, url, size))
            tell(f"inbox, {kind}, asking")
            rows += asyncio.run(_ask(kind, urls, sizes))
    return rows


async def _ask(kind: str, urls: Sequence[str], sizes: Sequence[int]) -> list[dict[str, Any]]:
    rows = []
    async with AsyncExitStack() as stack:
        shops = [await stack.enter_async_context(asking(open_works(url))) for url in urls]
        for shop in shops:
            await _read(shop)
        for name, query, variables in ASKED:
            times = await milliseconds(
                *(partial(shop.ask, query, variables) for shop in shops), repetitions=REPETITIONS
            )
            row: dict[str, Any] = {"database": kind, "asked": name}
            row |= {f"ms_{size}": round(each, 2) for size, each in zip(sizes, times, strict=True)}
            row["ratio"] = round(times[-1] / times[0], 2)
            rows.append(row | {"plan": await _plan(shops[-1], query, variables)})
    return rows


async def _read(shop: Shop) -> None:
    """Let whoever asks have read nearly everything."""
    async with shop.works.database.writing() as session:
        key = (await session.execute(select(ApiKey.id))).scalar_one()
        reading, row = ConversationReading, Conversation
        names = [reading.conversation_id, reading.reader_kind, reading.reader_id, reading.seq, reading.read_at]
        read = select(
            row.id, literal(AuthorKind.APP.value), literal(key, reading.reader_id.type), row.last_seq, row.updated_at
        ).where(row.number % UNREAD_EVERY != 0)
        await session.execute(insert(reading).from_select(names, read))
        await session.execute(text("ANALYZE"))  # what autovacuum does by itself some time later
        await session.commit()


async def _plan(shop: Shop, query: str, variables: Variables) -> str:
    """Return how the database reads it: the indexes, and whether it sorts."""
    with shop.hearing() as heard:
        await shop.ask(query, variables)
    explain = "EXPLAIN QUERY PLAN" if shop.works.database.is_sqlite else "EXPLAIN"
    found: dict[str, None] = {}
    async with shop.works.database.reading() as session:
        connection = await session.connection()
        for statement, parameters in heard:
            if "FROM conversations" in statement:
                told = (await connection.exec_driver_sql(f"{explain} {statement}", parameters)).all()
                found[shown_plan("\n".join(str(each[-1]) for each in told))] = None
    return "; ".join(found)


async def _fill(kind: str, url: str, count: int) -> None:
    async with writing(kind, url, emptied=_COLUMNS) as bulk:
        channel_id = UUID(int=1)
        opened = (bulk.form.key(channel_id), ChannelKind.WEB_CHAT.value, "Chat", True, *[bulk.form.instant(NOW)] * 2)
        await bulk.write(Channel, ("id", "kind", "name", "is_active", "created_at", "updated_at"), [opened])
        for rows in _chunks(FORMS[kind], count):
            for table, columns in _COLUMNS.items():
                await bulk.write(table, columns, rows[table])


def _chunks(form: Form, count: int) -> Iterator[dict[type[Base], list[Values]]]:
    """Yield the rows, the same ones each time."""
    random = Random(7)  # noqa: S311  no secret
    for start in range(0, count, CHUNK):
        rows: dict[type[Base], list[Values]] = defaultdict(list)
        for number in range(start, min(start + CHUNK, count)):
            _add(rows, form, random, number)
        yield rows


def _add(rows: dict[type[Base], list[Values]], form: Form, random: Random, number: int) -> None:
    key, at = form.key(UUID(int=number + 2)), form.instant(NOW - timedelta(minutes=number + 1))
    words = [f"word{random.randrange(VOCABULARY)}" for _ in range(WORDS)]
    if number % RARE_EVERY == 0:
        words[0] = "zebra"
    is_open = number % _OPEN_EVERY == 0
    status = ConversationStatus.OPEN if is_open else ConversationStatus.CLOSED
    waiting_on = WaitingOn.US if is_open and number % 3 == 0 else WaitingOn.NOBODY
    assignee = form.key(UUID(int=1)) if number % 4 else None
    rank = (random.randrange(100) == 0) + 1
    priority = (Priority.LOW, Priority.NORMAL, Priority.HIGH)[rank]
    last = form.key(UUID(int=(number + 1) * MESSAGES + MESSAGES - 1))
    rows[Conversation].append((
        key, number + 1, form.key(UUID(int=1)), assignee, f"About {words[0]}", status.value, waiting_on.value,
        priority.value, rank, MESSAGES, MESSAGES, MESSAGES - 1, MESSAGES, last, 1, at, at, 1, at,
    ))  # fmt: skip
    for seq in range(1, MESSAGES + 1):
        author, delivery = (
            (AuthorKind.CUSTOMER, DeliveryState.RECEIVED) if seq % 2 else (AuthorKind.APP, DeliveryState.SENT)
        )
        interaction = form.key(UUID(int=(number + 1) * MESSAGES + seq - 1))
        rows[Interaction].append((
            interaction, key, seq, seq, InteractionKind.MESSAGE.value, author.value, at, " ".join(words),
            delivery.value,
        ))  # fmt: skip
    rows[ConversationTerm] += [(key, word, True) for word in dict.fromkeys(words)]

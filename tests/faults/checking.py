"""What must hold of a database after a crash: what was acknowledged is there, and nothing is half there."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from domain.base.database import Database, Session
from domain.base.events import Event
from domain.base.model import EventHead, EventRecord
from domain.customers.model import Customer, CustomerTerm, TimelineEntry
from domain.interactions.model import Conversation, ConversationTerm, Interaction
from domain.orders.model import Order, OrderLine
from schema.base.event_log import _KINDS
from schema.base.ids import key_of
from tests.faults.followers import Follower
from tests.faults.shop import Write


async def check_whole(url: str, *, is_settled: bool) -> None:
    """Look for anything half: in the log, in conversations, in orders. `is_settled`: and everything is numbered."""
    database = Database(url, pool_size=2)
    try:
        async with database.reading() as session:
            await _check_log(session, is_settled=is_settled)
            await _check_conversations(session)
            await _check_orders(session)
            if database.is_sqlite:
                assert (await session.execute(text("PRAGMA integrity_check"))).all() == [("ok",)]
                assert (await session.execute(text("PRAGMA foreign_key_check"))).all() == []
    finally:
        await database.dispose()


async def _check_log(session: Session, *, is_settled: bool) -> None:
    """The numbers are 1, 2, 3 … up to the head."""
    head = (await session.execute(select(EventHead.seq))).scalar_one()
    numbered = select(func.count(), func.min(EventRecord.seq), func.max(EventRecord.seq)).where(
        EventRecord.seq.is_not(None)
    )
    assert (await session.execute(numbered)).one() == ((head, 1, head) if head else (0, None, None))
    fresh = select(func.count()).where(EventRecord.seq.is_(None))
    assert not is_settled or (await session.execute(fresh)).scalar_one() == 0


async def _check_conversations(session: Session) -> None:
    """Numbers without a hole on both sides; each interaction told once, each message in the timeline and the search."""
    rows = (await session.execute(select(*Interaction.__table__.c).order_by(Interaction.seq))).all()
    of: dict[UUID, list[Any]] = {}
    for row in rows:
        of.setdefault(row.conversation_id, []).append(row)
    conversations = (await session.execute(select(*Conversation.__table__.c))).all()
    assert {each.id for each in conversations} == set(of)
    for each in conversations:
        inside = of[each.id]
        shown = [row.shopper_seq for row in inside if row.shopper_seq is not None]
        messages = [row for row in inside if row.kind == "MESSAGE"]
        assert [row.seq for row in inside] == list(range(1, each.last_seq + 1))
        assert shown == list(range(1, each.shopper_seq + 1))
        assert messages[-1].id == each.last_message_id
        theirs = [row.seq for row in messages if row.author_kind == "CUSTOMER"]
        ours = [row.seq for row in messages if row.author_kind != "CUSTOMER"]
        assert (max(theirs, default=0), max(ours, default=0)) == (each.customer_message_seq, each.staff_message_seq)
    events = await _subjects(session)
    assert events["ConversationStarted", "conversation_id"] == Counter(each.id for each in conversations)
    told = events["InteractionAdded", "interaction_id"] + events["NoteAdded", "interaction_id"]
    assert told == Counter(row.id for row in rows)
    placed = (await session.scalars(select(TimelineEntry.id).where(TimelineEntry.kind == "MESSAGE"))).all()
    assert Counter(placed) == Counter(row.id for row in rows if row.kind == "MESSAGE")
    terms = await session.execute(
        select(ConversationTerm.conversation_id, ConversationTerm.term).where(ConversationTerm.term.like("w%"))
    )
    said = {(row.conversation_id, row.client_message_id) for row in rows if row.client_message_id}
    assert {(row.conversation_id, row.term) for row in terms if len(row.term) == 33} == said


async def _check_orders(session: Session) -> None:
    """Each with both lines, its event and its place in the timeline; sums are those of the orders."""
    orders = (await session.execute(select(*Order.__table__.c))).all()
    lines = (await session.execute(select(OrderLine.order_id, func.count()).group_by(OrderLine.order_id))).all()
    assert dict(lines) == {order.id: 2 for order in orders}
    events = await _subjects(session)
    assert events["OrderChanged", "order_id"] == Counter(order.id for order in orders)
    placed = (await session.scalars(select(TimelineEntry.id).where(TimelineEntry.kind == "ORDER"))).all()
    assert Counter(placed) == Counter(order.id for order in orders)
    customers = (await session.execute(select(*Customer.__table__.c))).all()
    assert set(events["CustomerCreated", "customer_id"]) == {each.id for each in customers}
    counts, sums = Counter(order.customer_id for order in orders), Counter[UUID | None]()
    for order in orders:
        sums[order.customer_id] += order.total
    for each in customers:
        assert (each.order_count, each.net_spent or 0) == (counts[each.id], sums[each.id])
    named = {each.id for each in customers if each.given_name}
    found = set((await session.scalars(select(CustomerTerm.customer_id).distinct())).all())
    assert named <= found


async def _subjects(session: Session) -> dict[tuple[str, str], Counter[UUID]]:
    """Return how often the events of each kind are about what."""
    found: dict[tuple[str, str], Counter[UUID]] = {}
    for row in (await session.execute(select(EventRecord.type, EventRecord.subjects))).all():
        for name, value in row.subjects.items():
            if value is not None:
                found.setdefault((row.type, name), Counter())[UUID(hex=value)] += 1
    return Found(found)


class Found(dict[tuple[str, str], Counter[UUID]]):
    """Counts nothing of what there is none."""

    def __missing__(self, key: tuple[str, str]) -> Counter[UUID]:
        """Return nothing."""
        return Counter()


async def check_present(url: str, acknowledged: Sequence[Write], sent: Sequence[Write]) -> int:
    """Look for what was acknowledged, and for what nobody sent; return how much is there that nobody was told of."""
    database = Database(url, pool_size=2)
    try:
        async with database.reading() as session:
            interactions = (await session.execute(select(*Interaction.__table__.c))).all()
            orders = (await session.execute(select(Order.external_id, Order.id))).all()
            customers = (await session.execute(select(Customer.given_name, Customer.id))).all()
    finally:
        await database.dispose()
    there = {row.client_message_id: row for row in interactions if row.client_message_id}
    keys = {row.external_id: row.id for row in orders} | {row.given_name: row.id for row in customers if row.given_name}
    for write in acknowledged:
        answer = write.answer or {}
        if write.name in ("messageSend", "noteAdd", "conversationStart"):
            row = there[write.own_id]
            assert row.text == write.input["text"]
            is_start = write.name == "conversationStart"
            kind = {"messageSend": "Message", "noteAdd": "Note"}.get(write.name, "Conversation")
            assert key_of(answer["id"], kind) == (row.conversation_id if is_start else row.id)
            assert is_start or write.is_shoppers or answer["seq"] == row.seq
            assert not write.is_shoppers or is_start or answer["seq"] == row.shopper_seq
        else:
            kind = "Order" if write.name == "orderUpsert" else "Customer"
            assert key_of(answer["id"], kind) == keys[write.own_id]
    known = {write.own_id for write in sent}
    found = {own_id for own_id in (*there, *keys) if own_id.startswith("w")}
    assert found <= known
    return len(found - {write.own_id for write in acknowledged})


async def check_followed(url: str, follower: Follower, *, begin: int) -> None:
    """Compare what somebody was told with the log: everything that is shown, once, in its order."""
    shown = {kind.__name__ for kind in _KINDS}
    database = Database(url, pool_size=2)
    try:
        async with database.reading() as session:
            behind = select(EventRecord.seq, EventRecord.type).where(
                EventRecord.seq > begin, EventRecord.seq <= follower.seq
            )
            logged = (await session.execute(behind)).all()
    finally:
        await database.dispose()
    assert follower.doubles == []
    hidden = {row.seq for row in logged if row.type not in shown}
    missing = {seq for first, last in follower.gaps for seq in range(first, last + 1)}
    assert missing == hidden, (follower.name, {row.seq: row.type for row in logged if row.seq in missing - hidden})
    assert follower.count == len(logged) - len(hidden)


async def find_last_shown(url: str) -> int:
    """Return the number of the newest event that is shown to those who follow everything."""
    shown = [kind.__name__ for kind in _KINDS if kind is not Event]
    database = Database(url, pool_size=2)
    try:
        async with database.reading() as session:
            newest = select(func.max(EventRecord.seq)).where(EventRecord.type.in_(shown))
            return int((await session.execute(newest)).scalar_one() or 0)
    finally:
        await database.dispose()


async def count_fresh(url: str) -> int:
    """Return how many events have no number."""
    database = Database(url, pool_size=2)
    try:
        async with database.reading() as session:
            fresh = select(func.count()).where(EventRecord.seq.is_(None))
            return int((await session.execute(fresh)).scalar_one())
    finally:
        await database.dispose()


async def count_connections(url: str) -> int:
    """Return how many connections others have to a database."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
    database = Database(url, pool_size=1)
    try:
        async with database.reading() as session:
            return 0 if database.is_sqlite else int((await session.execute(text(others))).scalar_one())
    finally:
        await database.dispose()


async def until_left(url: str) -> None:
    """Wait until a database has noticed that its clients are gone: what they began is done by then, or never."""
    for _ in range(200):
        if not await count_connections(url):
            return
        await asyncio.sleep(0.02)
    message = "connections of a killed process are left"
    raise AssertionError(message)

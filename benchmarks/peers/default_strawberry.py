"""A Strawberry app as the manuals show one: its own ASGI app, SQLAlchemy's ORM, a DataLoader for each relation.

Run by uvicorn with `PEERS_DSN`. It writes with the limit's statements.
"""

import json
import os
from collections import defaultdict
from collections.abc import Hashable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import strawberry
import uuid_utils.compat
from sqlalchemy import BigInteger, DateTime, ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, aliased, mapped_column
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.types import Info

from benchmarks.peers.asgi import answer_lifespan
from benchmarks.peers.limit import LOCK_BUYER, WRITE_NOTE

engine = create_async_engine(os.environ.get("PEERS_DSN", "postgresql+asyncpg://"), pool_size=16, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)

LoadKey = tuple[UUID, int]


class Base(DeclarativeBase):
    """The tables as far as they are asked for."""

    type_annotation_map = {datetime: DateTime(timezone=True), int: BigInteger()}  # noqa: RUF012  as SQLAlchemy has it


class CustomerRow(Base):
    """A customer."""

    __tablename__ = "customers"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    external_id: Mapped[str | None]
    given_name: Mapped[str | None]
    family_name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    locale: Mapped[str | None]
    created_at: Mapped[datetime]
    country: Mapped[str | None]


class OrderRow(Base):
    """An order."""

    __tablename__ = "orders"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    number: Mapped[str]
    placed_at: Mapped[datetime]
    state: Mapped[str]
    total: Mapped[int]
    currency_code: Mapped[str]


class OrderLineRow(Base):
    """A line of an order."""

    __tablename__ = "order_lines"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[UUID] = mapped_column(ForeignKey("orders.id"))
    position: Mapped[int]
    sku: Mapped[str]
    title: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[int]


class CreditNoteRow(Base):
    """A credit note."""

    __tablename__ = "credit_notes"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[str]
    customer_id: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    issued_at: Mapped[datetime]
    total: Mapped[int]


class CreditNoteLineRow(Base):
    """A line of a credit note."""

    __tablename__ = "credit_note_lines"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    credit_note_id: Mapped[UUID] = mapped_column(ForeignKey("credit_notes.id"))
    position: Mapped[int]
    sku: Mapped[str]
    title: Mapped[str]
    quantity: Mapped[int]
    unit_price: Mapped[int]


class Loaders:
    """What one request has loaded."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.orders = DataLoader[LoadKey, list[OrderRow]](load_orders)
        self.notes = DataLoader[LoadKey, list[CreditNoteRow]](load_notes)
        self.lines = DataLoader[UUID, list[OrderLineRow]](load_lines)
        self.note_lines = DataLoader[UUID, list[CreditNoteLineRow]](load_note_lines)


async def load_orders(keys: list[LoadKey]) -> list[list[OrderRow]]:
    """Return the newest orders of each customer."""
    return await _load_newest(OrderRow, OrderRow.placed_at, keys)


async def load_notes(keys: list[LoadKey]) -> list[list[CreditNoteRow]]:
    """Return the newest credit notes of each customer."""
    return await _load_newest(CreditNoteRow, CreditNoteRow.issued_at, keys)


async def load_lines(keys: list[UUID]) -> list[list[OrderLineRow]]:
    """Return the lines of each order."""
    return await _load_lines(OrderLineRow, OrderLineRow.order_id, keys)


async def load_note_lines(keys: list[UUID]) -> list[list[CreditNoteLineRow]]:
    """Return the lines of each credit note."""
    return await _load_lines(CreditNoteLineRow, CreditNoteLineRow.credit_note_id, keys)


async def _load_newest(table: Any, at: Any, keys: Sequence[LoadKey]) -> list[list[Any]]:  # noqa: ANN401
    place = func.row_number().over(partition_by=table.customer_id, order_by=[at.desc(), table.id.desc()])
    most = max(first for _, first in keys)
    ranked = select(table, place.label("place")).where(table.customer_id.in_([key for key, _ in keys])).subquery()
    row = aliased(table, ranked)
    statement = select(row).where(ranked.c.place <= most).order_by(ranked.c.place)
    found: dict[UUID, list[Any]] = defaultdict(list)
    async with sessions() as session:
        for each in (await session.scalars(statement)).all():
            found[each.customer_id].append(each)
    return [found[key][:first] for key, first in keys]


async def _load_lines(table: Any, parent: Any, keys: Sequence[UUID]) -> list[list[Any]]:  # noqa: ANN401
    found: dict[Hashable, list[Any]] = defaultdict(list)
    async with sessions() as session:
        statement = select(table).where(parent.in_(keys)).order_by(table.position, table.id)
        for each in (await session.scalars(statement)).all():
            found[getattr(each, parent.key)].append(each)
    return [found[key] for key in keys]


@strawberry.type
class Line:
    """An article of an order or of a credit note."""

    sku: str
    title: str
    quantity: int
    unit_price: int


@strawberry.type
class Order:
    """An order."""

    id: strawberry.ID
    number: str
    placed_at: datetime
    state: str
    total: int
    currency_code: str

    @strawberry.field
    async def lines(self, info: Info[Any, Any]) -> list[Line]:
        """Return its articles."""
        return await info.context["loaders"].lines.load(self.id)


@strawberry.type
class CreditNote:
    """A credit note."""

    id: strawberry.ID
    number: str
    issued_at: datetime
    total: int

    @strawberry.field
    async def lines(self, info: Info[Any, Any]) -> list[Line]:
        """Return its articles."""
        return await info.context["loaders"].note_lines.load(self.id)


@strawberry.type
class Customer:
    """A customer."""

    id: strawberry.ID
    external_id: str | None
    given_name: str | None
    family_name: str | None
    email: str | None
    phone: str | None
    locale: str | None
    created_at: datetime
    country: str | None

    @strawberry.field
    async def orders(self, info: Info[Any, Any], first: int) -> list[Order]:
        """Return the newest orders."""
        return await info.context["loaders"].orders.load((self.id, first))

    @strawberry.field
    async def credit_notes(self, info: Info[Any, Any], first: int) -> list[CreditNote]:
        """Return the newest credit notes."""
        return await info.context["loaders"].notes.load((self.id, first))


@strawberry.type
class Query:
    """What can be read."""

    @strawberry.field
    async def customer(self, id: strawberry.ID) -> Customer | None:  # noqa: A002  as in the schema
        """Return one customer."""
        async with sessions() as session:
            found: Any = await session.get(CustomerRow, UUID(id))
        return found

    @strawberry.field
    async def customers(self, first: int) -> list[Customer]:
        """Return the newest customers."""
        statement = select(CustomerRow).order_by(CustomerRow.created_at.desc(), CustomerRow.id.desc()).limit(first)
        async with sessions() as session:
            found: Any = (await session.scalars(statement)).all()
        return found


@strawberry.input
class LineInput:
    """An article."""

    sku: str
    title: str
    quantity: int
    unit_price: int


@strawberry.input
class CreditNoteInput:
    """A credit note."""

    external_id: str
    order_id: strawberry.ID
    issued_at: datetime
    currency_code: str
    lines: list[LineInput]


@strawberry.type
class Mutation:
    """What can be written."""

    @strawberry.mutation
    async def credit_note_upsert(self, input: CreditNoteInput) -> CreditNote | None:  # noqa: A002  as in the schema
        """Write a credit note."""
        async with sessions() as session:
            written: Any = await _write(session, input)
        return written


async def _write(session: AsyncSession, sent: CreditNoteInput) -> CreditNoteRow:
    (line,) = sent.lines
    key, line_key, audit_key, event_key, request_key = (uuid_utils.compat.uuid7() for _ in range(5))
    order_id, total = UUID(sent.order_id), line.quantity * line.unit_price
    connection = await session.connection()
    buyer: Any = (await connection.exec_driver_sql(LOCK_BUYER, (order_id,))).one()
    customer_id, store_id = buyer
    subjects = {"credit_note_id": key.hex, "order_id": order_id.hex, "customer_id": customer_id.hex}
    await connection.exec_driver_sql(
        WRITE_NOTE,
        (
            key, sent.external_id, customer_id, order_id, sent.issued_at, sent.currency_code, total, datetime.now(UTC),
            line_key, line.sku, line.title, line.quantity, line.unit_price, store_id, audit_key, UUID(int=0),
            request_key.hex, event_key, json.dumps(subjects),
        ),
    )  # fmt: skip
    note = await session.get_one(CreditNoteRow, key)
    await session.commit()
    return note


class App(GraphQL[Any, Any]):
    """The library's own app, with loaders for each request."""

    async def get_context(self, request: Any, response: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return what resolvers are given."""
        return {"request": request, "response": response, "loaders": Loaders()}


_app = App(strawberry.Schema(query=Query, mutation=Mutation))


async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401  ASGI
    """Answer requests; what the server asks when it starts is answered here, as the library does not."""
    if scope["type"] == "lifespan":
        await answer_lifespan(receive, send)
        return
    await _app(scope, receive, send)

"""Small stories for works: they add stores, the only objects that need nothing else."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from domain.base.actors import Actor, ActorKind, Permission
from domain.base.database import Database
from domain.base.identifiers import new_id
from domain.base.model import AuditEntry, EventHead, EventRecord, IdempotencyKey
from domain.base.work import Work
from domain.identity.events import StoreChanged
from domain.identity.model import Store

TABLES = (Store, EventRecord, AuditEntry, IdempotencyKey, EventHead)
APP = Actor(kind=ActorKind.APP, permissions=frozenset({Permission.STORES_WRITE}), id=new_id())
OTHER_APP = Actor(kind=ActorKind.APP, permissions=frozenset({Permission.STORES_WRITE}), id=new_id())


def new_store(work: Work, code: str) -> Store:
    """Return a store that is not yet in the database."""
    return Store(
        code=code,
        name=code,
        country="IT",
        locale="it-IT",
        currency_code="EUR",
        time_zone="Europe/Rome",
        created_at=work.now,
        updated_at=work.now,
    )


def opening(code: str, *, event_count: int = 1) -> Callable[[Work], Awaitable[UUID]]:
    """Return the story of a store that opens."""

    async def story(work: Work) -> UUID:
        store = new_store(work, code)
        work.session.add(store)
        for number in range(event_count):
            work.record(StoreChanged(store_id=new_id() if number else store.id))  # what is said twice is told once
        return store.id

    return story


async def state(database: Database) -> list[Sequence[Any]]:
    """Return every row of the tables that a work of these tests writes."""
    async with database.reading() as session:
        return [
            (await session.execute(select(*table.__table__.c).order_by(*table.__table__.primary_key))).all()
            for table in TABLES
        ]


async def count(database: Database, table: type[Any]) -> int:
    """Return how many rows a table has."""
    async with database.reading() as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()

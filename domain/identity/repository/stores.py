"""Every query about stores."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Text, bindparam, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository.rows import rows_by_id
from domain.base.sight import sight_of
from domain.base.statements import is_of_stores, prepared
from domain.base.work import Organisation
from domain.base.writing import facts_of
from domain.identity.model import Store

DEFAULT_CURRENCY_CODE = "EUR"
"""What sums are shown in before there is any store and where no setting says otherwise."""

_CURRENCY = "currency"

STORES_MAX = 1_000
"""An organisation's stores are a short list, read whole."""


async def list_stores(session: AsyncSession) -> Sequence[Row[Any]]:
    """Return all stores that the session sees, by code."""
    statement = select(*Store.__table__.c).where(is_store_seen(session)).order_by(Store.code).limit(STORES_MAX)
    return (await session.execute(statement)).all()


async def list_stores_by_id(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return the stores by their ids."""
    return await rows_by_id(session, Store, ids, where=(is_store_seen, Store))


def is_store_seen(session: AsyncSession, store: type[Store] = Store) -> ColumnElement[bool]:
    """Say that the session sees a store: a partner agent theirs."""
    sight = sight_of(session)
    return true() if sight.store_ids is None else is_of_stores(session, sight, store.id)


async def find_store_by_code(session: AsyncSession, code: str) -> Store | None:
    """Return the store with this code."""
    return (await session.scalars(select(Store).where(Store.code == code))).one_or_none()


async def find_store(session: AsyncSession, code: str | None) -> Row[Any] | None:
    """Return the store with this code, without one the store that was added first."""

    def build() -> Select[Any]:
        statement = select(*Store.__table__.c).order_by(Store.created_at, Store.id).limit(literal_column("1"))
        return statement if code is None else statement.where(Store.code == bindparam("code", type_=Text()))

    rows = await prepared(session, ("store", code is None), build).rows(session, code=code)
    return rows[0] if rows else None


async def find_default_store(session: AsyncSession, organisation: Organisation) -> Row[Any] | None:
    """Return the store that the settings name, else the one that was added first."""
    return await find_store(session, organisation.default_store_code)


async def get_currency_code(session: AsyncSession, organisation: Organisation) -> str:
    """Return the organisation's currency: its setting, else its default store's, else EUR."""
    if organisation.currency_code is not None:
        return organisation.currency_code
    facts, name = facts_of(session), (_CURRENCY, organisation.default_store_code)
    if name in facts:
        return str(facts[name])
    store = await find_default_store(session, organisation)
    if store is None:
        return DEFAULT_CURRENCY_CODE
    facts[name] = store.currency_code  # a store keeps its currency
    return str(store.currency_code)


async def find_home_country(session: AsyncSession, organisation: Organisation) -> str | None:
    """Return the country in which a telephone number without a country code is read: the default store's."""
    store = await find_default_store(session, organisation)
    return None if store is None else store.country

"""Every query about stores and keys."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository import rows_by_id
from domain.base.sight import sight_of
from domain.base.work import Organisation
from domain.identity.model import ApiKey, Store

DEFAULT_CURRENCY_CODE = "EUR"
"""What sums are shown in before there is any store and where no setting says otherwise."""

API_KEYS_MAX = 10_000

STORES_MAX = 1_000
"""An organisation's stores are a short list, read whole."""


async def list_stores(session: AsyncSession) -> Sequence[Row[Any]]:
    """Return all stores that the session sees, by code."""
    statement = select(*Store.__table__.c).where(is_store_seen(session)).order_by(Store.code).limit(STORES_MAX)
    return (await session.execute(statement)).all()


async def list_stores_by_id(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return the stores by their ids."""
    return await rows_by_id(session, Store, ids, where=is_store_seen(session))


def is_store_seen(session: AsyncSession) -> ColumnElement[bool]:
    """Say that the session sees a store: a partner agent theirs."""
    store_ids = sight_of(session).store_ids
    return true() if store_ids is None else Store.id.in_(sorted(store_ids))


async def find_store_by_code(session: AsyncSession, code: str) -> Store | None:
    """Return the store with this code."""
    return (await session.scalars(select(Store).where(Store.code == code))).one_or_none()


async def find_first_store(session: AsyncSession) -> Store | None:
    """Return the store that was added first."""
    return (await session.scalars(select(Store).order_by(Store.created_at, Store.id).limit(1))).one_or_none()


async def find_api_key_by_hash(session: AsyncSession, secret_hash: str) -> Row[Any] | None:
    """Return the key with this hash."""
    statement = select(*ApiKey.__table__.c).where(ApiKey.secret_hash == secret_hash)
    return (await session.execute(statement)).one_or_none()


async def list_api_keys_by_id(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return keys by their ids."""
    return await rows_by_id(session, ApiKey, ids)


async def set_last_used(session: AsyncSession, api_key_id: UUID, now: datetime) -> None:
    """Note that a key was used."""
    await session.execute(update(ApiKey).where(ApiKey.id == api_key_id).values(last_used_at=now))


async def list_api_keys(session: AsyncSession) -> Sequence[Row[Any]]:
    """Return all keys, the oldest first."""
    return (await session.execute(select(*ApiKey.__table__.c).order_by(ApiKey.id).limit(API_KEYS_MAX))).all()


async def find_api_key_for_update(session: AsyncSession, api_key_id: UUID) -> ApiKey | None:
    """Return the key, locked until the end of the transaction."""
    statement = select(ApiKey).where(ApiKey.id == api_key_id).with_for_update(key_share=True)
    return (await session.scalars(statement)).one_or_none()


async def find_default_store(session: AsyncSession, organisation: Organisation) -> Store | None:
    """Return the store that the settings name, else the one that was added first."""
    code = organisation.default_store_code
    return await (find_first_store(session) if code is None else find_store_by_code(session, code))


async def get_currency_code(session: AsyncSession, organisation: Organisation) -> str:
    """Return the organisation's currency: its setting, else its default store's, else EUR."""
    if organisation.currency_code is not None:
        return organisation.currency_code
    store = await find_default_store(session, organisation)
    return DEFAULT_CURRENCY_CODE if store is None else store.currency_code


async def find_home_country(session: AsyncSession, organisation: Organisation) -> str | None:
    """Return the country in which a telephone number without a country code is read: the default store's."""
    store = await find_default_store(session, organisation)
    return None if store is None else store.country

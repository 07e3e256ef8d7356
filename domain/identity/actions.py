"""What can be done with stores and keys."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.base.actors import Actor, ActorKind, Permission
from domain.base.database import Session
from domain.base.errors import Invalid, InvalidState, NotFound
from domain.base.texts import clean_required
from domain.base.work import Work
from domain.identity import repository, rules
from domain.identity.errors import PermissionNotHeld
from domain.identity.events import ApiKeyCreated, ApiKeyRevoked, StoreChanged
from domain.identity.model import ApiKey, Store

USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """Who comes in with a key, and whether its last use was noted too long ago."""

    actor: Actor
    is_use_news: bool


async def upsert_store(work: Work, *, details: rules.StoreDetails) -> UUID:
    """Add a store, or change the one with this code; what is as it was changes nothing.

    Raises `Refusals`, and `InvalidState` for another currency: the store's orders are in the one it has.
    Records `StoreChanged`.
    """
    work.require(Permission.STORES_WRITE)
    checked = rules.check_store(details)
    store = await repository.find_store_by_code(work.session, checked.code)
    if store is None:
        store = Store(
            code=checked.code,
            name=checked.name,
            country=checked.country,
            locale=checked.locale,
            currency_code=checked.currency_code,
            time_zone=checked.time_zone,
            created_at=work.now,
            updated_at=work.now,
        )
        work.session.add(store)
    elif store.currency_code != checked.currency_code:
        message = f"This store sells in {store.currency_code}; open another store for another currency."
        raise InvalidState(message, field=("currency_code",))
    else:
        named = {name: getattr(checked, name) for name in ("name", "country", "locale", "time_zone")}
        if all(getattr(store, name) == value for name, value in named.items()):
            return store.id
        for name, value in named.items():
            setattr(store, name, value)
        store.updated_at = work.now
    work.record(StoreChanged(store_id=store.id))
    return store.id


async def get_store(work: Work, *, code: str | None) -> Store:
    """Return the store with this code, without one the default store.

    The default store is the one that the settings name, else the one that was added first.
    Raises `NotFound` for an unknown code and `InvalidState` where there is no store yet.
    """
    wanted = work.organisation.default_store_code if code is None else code
    if wanted is None:
        store = await repository.find_first_store(work.session)
    else:
        store = await repository.find_store_by_code(work.session, wanted.strip().lower())
    if store is not None:
        return store
    if code is not None:
        message = "There is no store with this code; the field stores lists them."
        raise NotFound(message, field=("store_code",))
    message = "There is no store yet; add one with storeUpsert."
    if wanted is not None:
        message = f"The settings name the default store {wanted!r}, which there is not; add it with storeUpsert."
    raise InvalidState(message, field=("store_code",))


async def create_api_key(
    work: Work, *, name: str, permissions: Sequence[str], expires_at: datetime | None = None
) -> tuple[UUID, str]:
    """Give a program a key; return its id and its secret, which cannot be shown again.

    Nobody gives away what they have not: a key may do no more than its maker.

    Raises `Invalid`, `Required`, `TooLong`, `PermissionNotHeld`. Records `ApiKeyCreated`.
    """
    work.require(Permission.KEYS_WRITE)
    checked = rules.check_permissions(permissions)
    if missing := [name for name in checked if not work.actor.may(Permission(name))]:
        raise PermissionNotHeld(missing)
    if expires_at is not None and expires_at <= work.now:
        message = "The key would have expired already; choose a later instant."
        raise Invalid(message, field=("expires_at",))
    secret = rules.SECRET_PREFIX + secrets.token_urlsafe(32)
    key = ApiKey(
        name=clean_required(name),
        prefix=secret[: rules.SHOWN_PREFIX_LENGTH],
        secret_hash=rules.hash_secret(secret),
        permissions=checked,
        created_at=work.now,
        expires_at=expires_at,
    )
    work.session.add(key)
    work.record(ApiKeyCreated(api_key_id=key.id))
    return key.id, secret


async def revoke_api_key(work: Work, *, api_key_id: UUID) -> UUID:
    """Let a key open no door any more; a second time changes nothing.

    Raises `NotFound`. Records `ApiKeyRevoked`. Locks the key.
    """
    work.require(Permission.KEYS_WRITE)
    key = await repository.find_api_key_for_update(work.session, api_key_id)
    if key is None:
        message = "There is no API key with this id."
        raise NotFound(message, field=("api_key_id",))
    if key.revoked_at is None:
        key.revoked_at = work.now
        work.record(ApiKeyRevoked(api_key_id=key.id))
    return key.id


async def note_use(work: Work, *, api_key_id: UUID) -> None:
    """Remember that a key was used, for who wonders whether it still is."""
    await repository.set_last_used(work.session, api_key_id, work.now)


async def recognise(session: Session, *, secret: str, now: datetime) -> Recognised | None:
    """Return the actor behind a key's secret, None where it opens no door."""
    if not secret.startswith(rules.SECRET_PREFIX):
        return None
    key = await repository.find_api_key_by_hash(session, rules.hash_secret(secret))
    if key is None or not rules.is_usable(expires_at=key.expires_at, revoked_at=key.revoked_at, now=now):
        return None
    known = {permission.value for permission in Permission}
    permissions = frozenset(Permission(name) for name in key.permissions if name in known)
    is_use_news = key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY
    return Recognised(actor=Actor(kind=ActorKind.APP, permissions=permissions, id=key.id), is_use_news=is_use_news)

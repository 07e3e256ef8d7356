"""What can be done with the keys of programs."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from domain.base.actors import Actor, ActorKind, Permission
from domain.base.database import Session
from domain.base.errors import Invalid, NotFound
from domain.base.texts import clean_required
from domain.base.work import Work
from domain.identity import rules
from domain.identity.errors import PermissionNotHeld
from domain.identity.events import ApiKeyCreated, ApiKeyRevoked
from domain.identity.model import ApiKey
from domain.identity.repository.keys import (
    find_api_key_by_hash,
    find_api_key_for_update,
    list_api_keys_by_id,
    set_last_used,
)

USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """Who comes in with a key, and whether its last use was noted too long ago."""

    actor: Actor
    is_use_news: bool


async def create_api_key(
    work: Work, *, name: str, permissions: Sequence[str], expires_at: datetime | None = None
) -> tuple[UUID, str]:
    """Give a program a key; return its id and its secret, which cannot be shown again.

    Nobody gives away what they have not: a key may do no more than its maker, and one that a key makes ends with it
    at the latest.

    Raises `Invalid`, `Required`, `TooLong`, `PermissionNotHeld`. Records `ApiKeyCreated`.
    """
    work.require(Permission.KEYS_WRITE)
    checked = rules.check_permissions(permissions)
    if missing := [name for name in checked if not work.actor.may(Permission(name))]:
        raise PermissionNotHeld(missing)
    if expires_at is not None and expires_at <= work.now:
        message = "The key would have expired already; choose a later instant."
        raise Invalid(message, field=("expires_at",))
    if work.actor.kind is ActorKind.APP and work.actor.id is not None:
        expires_at = await _within_maker(work, work.actor.id, expires_at)
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


async def _within_maker(work: Work, maker_id: UUID, expires_at: datetime | None) -> datetime | None:
    """Return when a key expires that another key makes: with that one at the latest."""
    maker = (await list_api_keys_by_id(work.session, [maker_id])).get(maker_id)
    latest = None if maker is None else maker.expires_at
    return expires_at if latest is None else min(expires_at or latest, latest)


async def revoke_api_key(work: Work, *, api_key_id: UUID) -> UUID:
    """Let a key open no door any more; a second time changes nothing.

    Raises `NotFound`. Records `ApiKeyRevoked`. Locks the key.
    """
    work.require(Permission.KEYS_WRITE)
    key = await find_api_key_for_update(work.session, api_key_id)
    if key is None:
        message = "There is no API key with this id."
        raise NotFound(message, field=("api_key_id",))
    if key.revoked_at is None:
        key.revoked_at = work.now
        work.record(ApiKeyRevoked(api_key_id=key.id))
    return key.id


async def note_use(work: Work, *, api_key_id: UUID) -> None:
    """Remember that a key was used, for who wonders whether it still is."""
    await set_last_used(work.session, api_key_id, work.now)


async def recognise(session: Session, *, secret: str, now: datetime) -> Recognised | None:
    """Return the actor behind a key's secret, None where it opens no door."""
    if not secret.startswith(rules.SECRET_PREFIX):
        return None
    key = await find_api_key_by_hash(session, rules.hash_secret(secret))
    if key is None or not rules.is_usable(expires_at=key.expires_at, revoked_at=key.revoked_at, now=now):
        return None
    known = {permission.value for permission in Permission}
    permissions = frozenset(Permission(name) for name in key.permissions if name in known)
    is_use_news = key.last_used_at is None or now - key.last_used_at >= USE_NOTED_EVERY
    return Recognised(actor=Actor(kind=ActorKind.APP, permissions=permissions, id=key.id), is_use_news=is_use_news)

"""Sessions: what somebody who signed in holds, prolongs and comes in with."""

import base64
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from domain.base.actors import SYSTEM, Actor, ActorKind, Caller, StaffRole
from domain.base.database import Session
from domain.base.tokens import SECRET_BYTES, Claims, sign
from domain.base.work import Organisation, Work, Works
from domain.identity.actions.revoking import revoke_family
from domain.identity.errors import BadCredentials, SessionOver
from domain.identity.events import SessionCreated
from domain.identity.model import RefreshToken, SessionRecord, SigningKey
from domain.identity.repository.sessions import (
    find_refresh_token,
    find_session,
    find_session_for_update,
    list_signing_secrets,
)
from domain.identity.repository.staff import list_staff_by_id, list_store_ids_by_staff
from domain.identity.rules import (
    ACCESS_LIFETIME,
    REFRESH_GRACE,
    ROLE_PERMISSIONS,
    SessionKind,
    hash_secret,
    is_usable,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """What is handed to one who signed in: shown this once, and kept nowhere."""

    session_id: UUID
    actor: Actor
    access_token: str = field(repr=False)
    access_token_expires_at: datetime
    refresh_token: str = field(repr=False)
    """Empty where the session cannot be prolonged."""


async def open_session(work: Work, *, kind: SessionKind, subject_id: UUID, is_visitor: bool = False) -> SignedIn:
    """Sign in a member of staff or a customer who has proven who they are, or a guest. Records `SessionCreated`."""
    organisation = work.organisation
    lifetime = organisation.staff_session if kind is SessionKind.STAFF else organisation.shopper_session
    record = SessionRecord(
        kind=kind,
        subject_id=subject_id,
        is_visitor=is_visitor,
        created_at=work.now,
        expires_at=work.now + lifetime,
    )
    return await _open(work, record, is_refreshable=True, lifetime=ACCESS_LIFETIME)


async def open_customer_token(work: Work, *, customer_id: UUID, lifetime: timedelta) -> SignedIn:
    """Let a program or a member of staff act as a customer for a while, at most as long as they may come in themselves.

    Records `SessionCreated`.
    """
    record = SessionRecord(
        kind=SessionKind.CUSTOMER,
        subject_id=customer_id,
        api_key_id=work.actor.id if work.actor.kind is ActorKind.APP else None,
        staff_member_id=work.actor.id if work.actor.kind is ActorKind.STAFF else None,
        created_at=work.now,
        expires_at=work.now + lifetime,
    )
    return await _open(work, record, is_refreshable=False, lifetime=lifetime)


async def _open(work: Work, record: SessionRecord, *, is_refreshable: bool, lifetime: timedelta) -> SignedIn:
    work.session.add(record)
    await work.session.flush()
    work.record(SessionCreated(session_id=record.id, subject_id=record.subject_id))
    actor = await find_actor(work.session, session_id=record.id, now=work.now)
    if actor is None:  # a member of staff who is not active any more, since a moment ago
        raise BadCredentials
    return await _hand_over(work, record, actor, is_refreshable=is_refreshable, lifetime=lifetime)


async def _hand_over(
    work: Work, record: SessionRecord, actor: Actor, *, is_refreshable: bool, lifetime: timedelta
) -> SignedIn:
    refresh_token = ""
    if is_refreshable:
        refresh_token = secrets.token_urlsafe(32)
        row = RefreshToken(session_id=record.id, token_hash=hash_secret(refresh_token), issued_at=work.now)
        work.session.add(row)
    # Tokens carry whole seconds.
    expires_at = min(work.now + lifetime, record.expires_at).replace(microsecond=0)
    claims = Claims(subject_id=record.subject_id, session_id=record.id, expires_at=expires_at)
    secret = await _signing_secret(work)
    return SignedIn(
        session_id=record.id,
        actor=actor,
        access_token=sign(claims, secret=secret, issuer=work.organisation.token_issuer, now=work.now),
        access_token_expires_at=expires_at,
        refresh_token=refresh_token,
    )


async def _signing_secret(work: Work) -> bytes:
    """Return what tokens are signed with; where the settings name nothing, made at the first need of it.

    Two processes may both make one: either is known by its id, and the newest signs.
    """
    known = await list_token_secrets(work.session, organisation=work.organisation)
    if known:
        return known[0]
    made = secrets.token_bytes(SECRET_BYTES)
    work.session.add(SigningKey(secret=base64.b64encode(made).decode(), created_at=work.now))
    return made


async def list_token_secrets(session: Session, *, organisation: Organisation) -> list[bytes]:
    """Return what tokens may be signed with, the one that signs first."""
    if organisation.token_key is not None:
        return [organisation.token_key]
    return [base64.b64decode(secret) for secret in await list_signing_secrets(session)]


async def refresh_session(works: Works, *, refresh_token: str, caller: Caller) -> SignedIn:
    """Hand over a new pair of tokens for a refresh token, which works once.

    Within ten seconds it is taken again: on a bad network the first answer got lost. Later somebody else has it
    as well: the whole session is revoked, which is committed before the refusal.

    Raises `SessionOver`. Records `SessionRevoked` for a token that came from two hands. Locks the session.
    """
    token_hash = hash_secret(refresh_token)
    async with works.database.reading() as session:
        known = await find_refresh_token(session, token_hash)
    if known is None:
        raise SessionOver
    found = await works.perform(
        lambda work: _refresh(work, token_hash),
        actor=caller.actor,
        action="sessionRefresh",
        request_id=caller.request_id,
    )
    if isinstance(found, SignedIn):
        return found
    if found is not None:
        reused = found
        await works.perform(
            lambda work: revoke_family(work, session_id=reused),
            actor=SYSTEM,
            action="sessionReuse",
            request_id=caller.request_id,
        )
    raise SessionOver


async def _refresh(work: Work, token_hash: str) -> SignedIn | UUID | None:
    """Return the new pair; the session whose token came from two hands; None for one that is over."""
    token = await find_refresh_token(work.session, token_hash)
    record = None if token is None else await find_session_for_update(work.session, token.session_id)
    # Read again under the lock: who came at the same time may have used it.
    token = await find_refresh_token(work.session, token_hash)
    if token is None or record is None:
        return None
    actor = await find_actor(work.session, session_id=record.id, now=work.now)
    if actor is None:
        return None
    if token.used_at is not None and work.now - token.used_at > REFRESH_GRACE:
        return record.id
    token.used_at = token.used_at or work.now
    if record.kind == SessionKind.CUSTOMER:
        record.expires_at = work.now + work.organisation.shopper_session
    return await _hand_over(work, record, actor, is_refreshable=True, lifetime=ACCESS_LIFETIME)


async def find_actor(session: Session, *, session_id: UUID, now: datetime) -> Actor | None:
    """Return who acts by a session, with what they may do now; None for one that is over.

    A customer is the one of the session: who absorbed them meanwhile, a higher area knows.
    """
    row = await find_session(session, session_id)
    if row is None or not is_usable(expires_at=row.expires_at, revoked_at=row.revoked_at, now=now):
        return None
    if not is_usable(expires_at=row.key_expires_at, revoked_at=row.key_revoked_at, now=now):
        return None
    if row.kind == SessionKind.CUSTOMER:
        if row.is_maker_active is False:
            return None
        return Actor(
            kind=ActorKind.CUSTOMER,
            permissions=frozenset(),
            id=row.subject_id,
            session_id=row.id,
            is_visitor=row.is_visitor,
        )
    member = (await list_staff_by_id(session, [row.subject_id])).get(row.subject_id)
    if member is None or not member.is_active:
        return None
    store_ids = (await list_store_ids_by_staff(session, [member.id]))[member.id]
    role = StaffRole(member.role)
    return Actor(
        kind=ActorKind.STAFF,
        permissions=ROLE_PERMISSIONS[role],
        id=member.id,
        role=role,
        # Left without a store a partner agent sees nobody, where everyone else sees all.
        store_ids=frozenset(store_ids) if store_ids or role is StaffRole.PARTNER_AGENT else None,
        session_id=row.id,
    )

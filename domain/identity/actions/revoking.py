"""Ending sessions."""

from collections.abc import Sequence
from uuid import UUID

from domain.base.actors import ActorKind
from domain.base.work import Work
from domain.identity.errors import NoSession, SessionNotFound
from domain.identity.events import SessionRevoked, SignedOutEverywhere
from domain.identity.model import SessionRecord
from domain.identity.repository.sessions import find_session_for_update, list_live_sessions_for_update
from domain.identity.rules import SessionKind


async def revoke_sessions(work: Work, *, session_id: UUID | None, is_everywhere: bool) -> None:
    """End the caller's own session, the one that is named, or all of theirs.

    A program that mints tokens for customers ends those that it minted, by their ids.

    Raises `NoSession`, `SessionNotFound`. Records `SessionRevoked` for each, `SignedOutEverywhere` for a shopper,
    whose other records have sessions too. Locks the sessions.
    """
    own = None
    if work.actor.session_id is not None:
        own = await find_session_for_update(work.session, work.actor.session_id)
    if is_everywhere:
        if own is None:
            raise NoSession
        await revoke_sessions_of(work, kind=SessionKind(own.kind), subject_id=own.subject_id)
        if own.kind == SessionKind.CUSTOMER:
            work.record(SignedOutEverywhere(customer_id=own.subject_id))
        return
    if session_id is None:
        if own is None:
            raise NoSession
        _revoke(work, own)
        return
    named = await find_session_for_update(work.session, session_id)
    if named is None or not _is_theirs(work, named, own):
        raise SessionNotFound
    _revoke(work, named)


def _is_theirs(work: Work, named: SessionRecord, own: SessionRecord | None) -> bool:
    if work.actor.kind is ActorKind.APP:
        return named.api_key_id is not None and named.api_key_id == work.actor.id
    return own is not None and (named.kind, named.subject_id) == (own.kind, own.subject_id)


async def revoke_sessions_of(work: Work, *, kind: SessionKind, subject_id: UUID, but_for: UUID | None = None) -> None:
    """End every session of a member of staff or a customer, but for one.

    Records `SessionRevoked`. Locks the sessions.
    """
    live = await list_live_sessions_for_update(work.session, kind=kind, subject_ids=[subject_id], now=work.now)
    for each in live:
        if each.id != but_for:
            _revoke(work, each)


async def revoke_visits(work: Work, *, subject_ids: Sequence[UUID]) -> None:
    """End the sessions in which these customers are guests. Records `SessionRevoked`. Locks the sessions."""
    live = await list_live_sessions_for_update(
        work.session, kind=SessionKind.CUSTOMER, subject_ids=subject_ids, now=work.now
    )
    for each in live:
        if each.is_visitor:
            _revoke(work, each)


def _revoke(work: Work, record: SessionRecord) -> None:
    """End a session, unless it is over already."""
    if record.revoked_at is None and record.expires_at > work.now:
        record.revoked_at = work.now
        work.record(SessionRevoked(session_id=record.id, subject_id=record.subject_id))


async def revoke_family(work: Work, *, session_id: UUID) -> None:
    """End a session whose refresh token came from two hands. Records `SessionRevoked`. Locks the session."""
    record = await find_session_for_update(work.session, session_id)
    if record is not None:
        _revoke(work, record)

"""Ending sessions."""

from uuid import UUID

from domain.base.actors import ActorKind
from domain.base.work import Work
from domain.identity.errors import NoSession, SessionNotFound
from domain.identity.events import SessionRevoked
from domain.identity.model import SessionRecord
from domain.identity.repository.sessions import find_session_for_update, list_live_sessions_for_update
from domain.identity.rules import SessionKind


async def revoke_sessions(work: Work, *, session_id: UUID | None, is_everywhere: bool) -> int:
    """End the caller's own session, the one that is named, or all of theirs; return how many ended.

    A program that mints tokens for customers ends those that it minted, by their ids.

    Raises `NoSession`, `SessionNotFound`. Records `SessionRevoked`. Locks the sessions.
    """
    own = None
    if work.actor.session_id is not None:
        own = await find_session_for_update(work.session, work.actor.session_id)
    if is_everywhere:
        if own is None:
            raise NoSession
        return await revoke_sessions_of(work, kind=SessionKind(own.kind), subject_id=own.subject_id)
    if session_id is None:
        if own is None:
            raise NoSession
        return _revoke(work, own)
    named = await find_session_for_update(work.session, session_id)
    if named is None or not _is_theirs(work, named, own):
        raise SessionNotFound
    return _revoke(work, named)


def _is_theirs(work: Work, named: SessionRecord, own: SessionRecord | None) -> bool:
    if work.actor.kind is ActorKind.APP:
        return named.api_key_id is not None and named.api_key_id == work.actor.id
    return own is not None and (named.kind, named.subject_id) == (own.kind, own.subject_id)


async def revoke_sessions_of(work: Work, *, kind: SessionKind, subject_id: UUID, but_for: UUID | None = None) -> int:
    """End every session of a member of staff or a customer, but for one; return how many ended.

    Records `SessionRevoked`. Locks the sessions.
    """
    live = await list_live_sessions_for_update(work.session, kind=kind, subject_id=subject_id, now=work.now)
    return sum(_revoke(work, each) for each in live if each.id != but_for)


def _revoke(work: Work, record: SessionRecord) -> int:
    """End a session; return 1, or 0 where it was over already."""
    if record.revoked_at is not None or record.expires_at <= work.now:
        return 0
    record.revoked_at = work.now
    work.record(SessionRevoked(session_id=record.id, subject_id=record.subject_id))
    return 1


async def revoke_family(work: Work, *, session_id: UUID) -> int:
    """End a session whose refresh token came from two hands. Records `SessionRevoked`. Locks the session."""
    record = await find_session_for_update(work.session, session_id)
    return 0 if record is None else _revoke(work, record)

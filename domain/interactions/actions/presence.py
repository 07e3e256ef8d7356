"""What holds for a moment: who types, who looks at a conversation, which staff are there. Nothing of it is kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from domain.base.actors import Actor, ActorKind, Anyone, Permission
from domain.base.database import Session
from domain.base.errors import Forbidden
from domain.base.signals import Signal, SignalKind, Signals
from domain.interactions.actions.threads import author_of
from domain.interactions.errors import ConversationNotFound
from domain.interactions.repository.interactions import list_conversations_by_id
from domain.interactions.rules.conversations import AuthorKind
from domain.interactions.rules.presence import PRESENCE_LASTS, TYPING_LASTS, Audience, PresenceState, presence_of_value


async def set_typing(
    signals: Signals, *, session: Session, actor: Actor, conversation_id: UUID, is_typing: bool, is_note: bool
) -> None:
    """Signal that the actor writes in a conversation, for six seconds, or that they do no more.

    Raises `Forbidden`, `ConversationNotFound`.
    """
    if actor.customer_id is None and not actor.may(Permission.CONVERSATIONS_WRITE):
        text = f"This needs the permission {Permission.CONVERSATIONS_WRITE}."
        raise Forbidden(text)
    if not await list_conversations_by_id(session, [conversation_id]):
        raise ConversationNotFound
    signal = typing_of(actor, conversation_id=conversation_id)
    if signal is None:
        return
    if is_typing:
        audience = Audience.STAFF if is_note and actor.customer_id is None else Audience.EVERYBODY
        signals.put(signal, audience, lasts=TYPING_LASTS)
    else:
        signals.end(signal)


def set_presence(signals: Signals, *, actor: Actor, presence: PresenceState) -> UUID:
    """Signal whether a member of staff is there: as long as they have a stream open, and thirty seconds; return them.

    Raises `Forbidden` for everybody else.
    """
    signal = presence_of(actor)
    if signal is None:
        text = "Only members of staff are there, or are not: sign in as one."
        raise Forbidden(text)
    if presence is PresenceState.OFFLINE:
        signals.end(signal)
    else:
        signals.put(signal, presence, lasts=PRESENCE_LASTS)
    return signal.subject_id


def keep_present(signals: Signals, *, actor: Actor) -> None:
    """Let a member of staff who has a stream open stay as present as they said."""
    if (signal := presence_of(actor)) is not None:
        signals.renew(signal, lasts=PRESENCE_LASTS)


def presence_now(signals: Signals, *, staff_member_id: UUID) -> PresenceState:
    """Return whether a member of staff is there now."""
    return presence_of_value(signals.find(_presence(staff_member_id)))


def viewers_now(signals: Signals, *, conversation_id: UUID) -> list[UUID]:
    """Return the members of staff who have a conversation open now, who came first before the others."""
    return [signal.author_id for signal, _ in signals.list_about(SignalKind.VIEWING, conversation_id)]


def typing_of(actor: Actor, *, conversation_id: UUID) -> Signal | None:
    """Return the signal that the actor types; None for who is nobody in particular."""
    if actor.id is None:
        return None
    return Signal(SignalKind.TYPING, conversation_id, author_of(actor), actor.id)


def viewing_of(actor: Actor, *, conversation_id: UUID) -> Signal | None:
    """Return the signal that a member of staff looks at a conversation; None for everybody else."""
    if actor.kind is not ActorKind.STAFF or isinstance(actor, Anyone) or actor.id is None:
        return None
    return Signal(SignalKind.VIEWING, conversation_id, AuthorKind.STAFF, actor.id)


@asynccontextmanager
async def viewing(signals: Signals, *, actor: Actor, conversation_id: UUID) -> AsyncIterator[None]:
    """Signal that a member of staff looks at a conversation while the block lasts; nothing of everybody else."""
    signal = viewing_of(actor, conversation_id=conversation_id)
    if signal is None:
        yield
        return
    async with signals.running():
        with signals.held(signal):
            yield


def presence_of(actor: Actor) -> Signal | None:
    """Return the signal that a member of staff is there; None for everybody else."""
    return _presence(actor.id) if actor.kind is ActorKind.STAFF and actor.id is not None else None


def _presence(staff_member_id: UUID) -> Signal:
    return Signal(SignalKind.PRESENCE, staff_member_id, AuthorKind.STAFF, staff_member_id)

"""Who is there, who looks on and who writes: what holds for a moment."""

from uuid import UUID

import strawberry

from domain.interactions.actions.presence import presence_now, viewers_now
from domain.interactions.repository.interactions import count_open_by_assignee
from domain.interactions.rules.presence import PresenceState as PresenceState  # inputs take it from here, described
from schema.base.authors import Author
from schema.base.batched import batched
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.base.errors import UserError
from schema.base.extends import extends
from schema.identity.types.staff import StaffMember, load_staff
from schema.interactions.types.conversations import Conversation

described_enum(
    PresenceState,
    name="PresenceState",
    description="Whether a member of staff is there.",
    values={
        PresenceState.ONLINE: "They take conversations.",
        PresenceState.BUSY: "They are there, and take no more.",
        PresenceState.AWAY: "They are away for a moment.",
        PresenceState.OFFLINE: "They are not there: they said so, or have no stream open.",
    },
)


@strawberry.type(description="Somebody writes in a conversation, or does so no more.")
class TypingState:
    """See the description."""

    conversation: Conversation = shown("The conversation.")
    author: Author = shown("Who writes.")
    is_typing: bool = shown("Whether they do. True holds for six seconds unless it comes again.")


@extends(StaffMember)
@batched(description="Whether they are there now; null for a shopper.", reads=())
async def presence(staff: list[StaffMember], info: Info) -> list[PresenceState | None]:
    """Say who of a level is there."""
    signals = info.context.works.signals
    return [presence_now(signals, staff_member_id=member.key) for member in staff]


@extends(StaffMember)
@batched(description="Conversations that they are at and that are not done; null for a shopper.", reads=())
async def open_conversation_count(staff: list[StaffMember], info: Info) -> list[int | None]:
    """Count what the members of a level are at."""
    async with info.context.reading() as session:
        counts = await count_open_by_assignee(session, [member.key for member in staff])
    return [counts[member.key] for member in staff]


@extends(Conversation)
@batched(
    description=(
        "Other members of staff who follow it at this moment with `conversationEvents`; none for a shopper. "
        "`viewersChanged` tells of changes."
    ),
    reads=(),
)
async def viewers(conversations: list[Conversation], info: Info) -> list[list[StaffMember]]:
    """Say who looks at the conversations of a level."""
    signals, own_id = info.context.works.signals, info.context.actor.id
    seen: dict[UUID, list[UUID]] = {
        each.key: [key for key in viewers_now(signals, conversation_id=each.key) if key != own_id]
        for each in conversations
    }
    wanted = list(dict.fromkeys(key for keys in seen.values() for key in keys))
    staff = dict(zip(wanted, await load_staff(info, wanted), strict=True)) if wanted else {}
    return [[member for key in seen[each.key] if (member := staff[key]) is not None] for each in conversations]


@strawberry.type(description="Nothing but whether it was refused.")
class TypingSetPayload:
    """See the description."""

    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@strawberry.type(description="The member of staff as they are now.")
class PresenceSetPayload:
    """See the description."""

    staff_member: StaffMember | None = shown("Who asked; null where it was refused.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")

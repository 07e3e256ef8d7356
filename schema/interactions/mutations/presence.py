"""Saying what holds for a moment: that one writes, that one is there. Nothing is stored."""

from uuid import UUID

import strawberry

from domain.interactions.actions.presence import set_presence, set_typing
from schema.base.context import Info
from schema.base.descriptions import Input
from schema.base.errors import UserError
from schema.base.writes import attempt
from schema.identity.types.staff import load_staff
from schema.interactions.inputs.presence import PresenceSetInput, TypingSetInput
from schema.interactions.types.presence import PresenceSetPayload, TypingSetPayload


@strawberry.type
class PresenceMutations:
    """Root fields that signal something."""

    @strawberry.mutation(
        description=(
            "Says that whoever asks is writing, for six seconds, or is not any more; nothing is kept. All but shoppers "
            "need `conversations:write`."
        )
    )
    async def typing_set(self, info: Info, input: Input[TypingSetInput]) -> TypingSetPayload | None:  # noqa: A002
        """Say who writes."""
        context = info.context

        async def act() -> list[UserError]:
            async with context.reading() as session:
                await set_typing(
                    context.works.signals,
                    session=session,
                    actor=context.actor,
                    conversation_id=input.key(),
                    is_typing=input.is_typing,
                    is_note=input.is_note,
                )
            return []

        return TypingSetPayload(user_errors=await attempt(info, act))

    @strawberry.mutation(
        description=(
            "Says whether the member of staff who asks is there: as long as they have a stream open, and for thirty "
            "seconds. Say it again after reconnecting."
        )
    )
    async def presence_set(self, info: Info, input: Input[PresenceSetInput]) -> PresenceSetPayload | None:  # noqa: A002
        """Say who is there."""
        context = info.context

        async def act() -> UUID:
            return set_presence(context.works.signals, actor=context.actor, presence=input.presence)

        found = await attempt(info, act)
        if not isinstance(found, UUID):
            return PresenceSetPayload(staff_member=None, user_errors=found)
        (member,) = await load_staff(info, [found])
        return PresenceSetPayload(staff_member=member, user_errors=[])

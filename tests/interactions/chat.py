"""A shop with a chat: a channel, customers, agents, and what they say."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from domain.base.actors import SYSTEM, Actor, ActorKind, StaffRole
from domain.base.identifiers import new_id
from domain.base.work import Work, Works
from domain.customers.rules.consents import ChannelKind
from domain.customers.rules.profiles import CustomerDetails
from domain.identity.model import StaffMember
from domain.identity.rules import ROLE_PERMISSIONS
from domain.interactions.actions.channels import ChannelDetails, upsert_channel
from domain.interactions.actions.conversations import ConversationStart, start_conversation
from domain.interactions.actions.messages import add_note, send_message
from domain.interactions.model import Conversation, Interaction
from domain.interactions.rules.conversations import MessageDetails
from tests.customers.family_changing import add_customers


@dataclass(frozen=True)
class Chat:
    """What is there."""

    works: Works
    channel_id: UUID
    shopper: Actor
    stranger: Actor
    agent: Actor
    colleague: Actor

    async def start(self, text: str = "Hello?", *, by: Actor | None = None, **words: Any) -> UUID:  # noqa: ANN401
        """Begin a conversation, as the shopper if nobody else is named; return its id."""
        own_id = words.pop("client_message_id", None)
        start = ConversationStart(
            channel_id=words.pop("channel_id", self.channel_id),
            message=MessageDetails(text=text, client_message_id=own_id),
            **words,
        )
        return await self.works.perform(
            lambda work: start_conversation(work, start=start), actor=by or self.shopper, action="conversationStart"
        )

    async def say(
        self, conversation_id: UUID, text: str, *, by: Actor, own_id: str | None = None, expected: int | None = None
    ) -> UUID:
        """Send a message; return its id."""
        details = MessageDetails(text=text, client_message_id=own_id)
        return await self.works.perform(
            lambda work: send_message(
                work, conversation_id=conversation_id, details=details, expected_last_seq=expected
            ),
            actor=by,
            action="messageSend",
        )

    async def note(self, conversation_id: UUID, text: str, *, by: Actor, own_id: str | None = None) -> UUID:
        """Add a note; return its id."""
        details = MessageDetails(text=text, client_message_id=own_id)
        return await self.works.perform(
            lambda work: add_note(work, conversation_id=conversation_id, details=details), actor=by, action="noteAdd"
        )

    async def read(self, conversation_id: UUID) -> Any:  # noqa: ANN401  a row
        """Return the conversation as it is stored."""
        async with self.works.database.reading() as session:
            statement = select(*Conversation.__table__.c).where(Conversation.id == conversation_id)
            return (await session.execute(statement)).one()

    async def interactions(self, conversation_id: UUID) -> list[Any]:
        """Return everything that stands in it, in its order."""
        async with self.works.database.reading() as session:
            statement = select(*Interaction.__table__.c).where(Interaction.conversation_id == conversation_id)
            return list((await session.execute(statement.order_by(Interaction.seq))).all())


async def open_chat(works: Works) -> Chat:
    """Return a shop with a chat."""
    details = ChannelDetails(name="Chat", kind=ChannelKind.WEB_CHAT)
    channel_id = await works.perform(
        lambda work: upsert_channel(work, details=details), actor=SYSTEM, action="channelUpsert"
    )
    ids = await add_customers(works, *(CustomerDetails(given_name=name) for name in ("Ada", "Bob")))
    shopper, stranger = [
        Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=key, session_id=new_id()) for key in ids
    ]
    agent, colleague = [await _hire(works, name) for name in ("Carla Rossi", "Dario Bianchi")]
    return Chat(works, channel_id, shopper, stranger, agent, colleague)


async def _hire(works: Works, name: str) -> Actor:
    async def story(work: Work) -> UUID:
        member = StaffMember(
            email=f"{name.split(maxsplit=1)[0].lower()}@example.com",
            email_key=f"{name.split(maxsplit=1)[0].lower()}@example.com",
            name=name,
            role=StaffRole.AGENT,
            password_hash="",
            languages=[],
            skills=[],
            is_active=True,
            created_at=work.now,
            updated_at=work.now,
        )
        work.session.add(member)
        await work.session.flush()
        return member.id

    key = await works.perform(story, actor=SYSTEM, action="staffMemberCreate")
    return Actor(kind=ActorKind.STAFF, permissions=ROLE_PERMISSIONS[StaffRole.AGENT], id=key, role=StaffRole.AGENT)

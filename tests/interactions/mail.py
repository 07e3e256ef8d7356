"""What comes in from outside, in the tests' hands."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select

from domain.base.actors import SYSTEM, Actor, ActorKind, Permission
from domain.base.identifiers import new_id
from domain.base.work import Work, Works
from domain.customers.actions.identities import add_identity, take_identity_away, verify_identity
from domain.customers.rules.consents import ChannelKind
from domain.customers.rules.identities import IdentityKind
from domain.interactions.actions.channels import ChannelDetails, upsert_channel
from domain.interactions.actions.receiving import receive_message, record_delivery, retry_message
from domain.interactions.model import Conversation, Interaction
from domain.interactions.rules.channels import Contact, Received
from domain.interactions.rules.conversations import DeliveryState
from tests.interactions.chat import Chat, open_chat

SERVER = Actor(kind=ActorKind.APP, permissions=frozenset({Permission.CHANNELS_WRITE}), id=new_id())
"""The server of a channel: it brings and takes messages, and may do nothing else."""

ADA = Contact(kind=IdentityKind.EMAIL, value="ada@mail.example", name="Ada L.")
BOB = Contact(kind=IdentityKind.EMAIL, value="bob@mail.example")


@dataclass
class Post:
    """A shop that is written to from outside."""

    chat: Chat
    mail: UUID
    count: int = field(default=0)

    @property
    def works(self) -> Works:
        """Return the doors of the shop."""
        return self.chat.works

    async def receive(
        self,
        text: str = "Where is my parcel?",
        *,
        sign: Contact = ADA,
        channel_id: UUID | None = None,
        external_id: str | None = None,
        by: Actor = SERVER,
        **more: Any,  # noqa: ANN401
    ) -> UUID:
        """Take in a message, by an id that none had before if none is given; return the message."""
        self.count += 1
        received = Received(external_id=external_id or f"m{self.count}", contact=sign, text=text, **more)
        return await self.works.perform(
            lambda work: receive_message(work, channel_id=channel_id or self.mail, received=received),
            actor=by,
            action="messageReceive",
        )

    async def conversation_of(self, message_id: UUID) -> Any:  # noqa: ANN401  a row
        """Return the conversation that a message stands in."""
        return await self.chat.read((await self.message(message_id)).conversation_id)

    async def message(self, message_id: UUID) -> Any:  # noqa: ANN401  a row
        """Return a message as it is stored."""
        async with self.works.database.reading() as session:
            statement = select(*Interaction.__table__.c).where(Interaction.id == message_id)
            return (await session.execute(statement)).one()

    async def conversations(self) -> list[Any]:
        """Return all conversations, as they began."""
        async with self.works.database.reading() as session:
            statement = select(*Conversation.__table__.c).order_by(Conversation.number)
            return list((await session.execute(statement)).all())

    async def deliver(self, message_id: UUID, state: DeliveryState, reason: str | None = None) -> UUID:
        """Report how far a message has come."""
        return await self.works.perform(
            lambda work: record_delivery(work, message_id=message_id, state=state, reason=reason),
            actor=SERVER,
            action="messageDeliveryRecord",
        )

    async def retry(self, message_id: UUID, *, by: Actor | None = None) -> UUID:
        """Let a message be sent again."""
        return await self.works.perform(
            lambda work: retry_message(work, message_id=message_id), actor=by or self.chat.agent, action="messageRetry"
        )


async def open_post(works: Works) -> Post:
    """Return a shop with a chat and a mailbox."""
    return Post(await open_chat(works), await open_door(works, ChannelKind.EMAIL))


async def open_door(
    works: Works, kind: ChannelKind, *, name: str = "Door", store_code: str | None = None, is_active: bool = True
) -> UUID:
    """Open a channel, or change it; return its id."""
    details = ChannelDetails(name=f"{name} {kind}", kind=kind, store_code=store_code, is_active=is_active)
    return await works.perform(lambda work: upsert_channel(work, details=details), actor=SYSTEM, action="channelUpsert")


async def know(
    works: Works, customer: Actor, sign: Contact, *, is_verified: bool = True, is_shared: bool = False
) -> UUID:
    """Let a customer be known by a sign, verified or claimed; return the identity."""
    customer_id = customer.id
    assert customer_id is not None

    async def story(work: Work) -> UUID:
        key = await add_identity(
            work,
            customer_id=customer_id,
            kind=sign.kind,
            namespace=sign.namespace or None,
            value=sign.value,
            is_shared=is_shared,
        )
        if is_verified:
            await work.session.flush()
            await verify_identity(work, identity_id=key)
        return key

    return await works.perform(story, actor=SYSTEM, action="test")


async def lose(works: Works, identity_id: UUID) -> None:
    """Let a customer be known by a sign no longer."""
    await works.perform(lambda work: take_identity_away(work, identity_id=identity_id), actor=SYSTEM, action="test")

"""What the demo's customers have written: some conversations in each state, about what they really ordered.

Every message has an id of its own, so that a start that was interrupted is gone on with, and nothing is said twice.
"""

from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from domain.base.actors import SYSTEM, Actor, ActorKind, StaffRole
from domain.base.database import Session
from domain.base.feed import Place
from domain.base.repository.events import find_head
from domain.base.work import Work, Works
from domain.customers.repository.identities import find_customer_by_identity
from domain.customers.rules.consents import ChannelKind
from domain.customers.rules.identities import IdentityKind
from domain.identity.actions.credentials import find_credentials
from domain.identity.rules import ROLE_PERMISSIONS
from domain.interactions.actions.channels import ChannelDetails, upsert_channel
from domain.interactions.actions.conversations import (
    ConversationChanges,
    ConversationStart,
    assign,
    mark_read,
    set_status,
    start_conversation,
    update_conversation,
)
from domain.interactions.actions.messages import add_note, send_message
from domain.interactions.actions.receiving import receive_message
from domain.interactions.repository.channels import find_channel_by_name, find_received
from domain.interactions.repository.conversations import find_by_client_message_id
from domain.interactions.rules.channels import Contact, Received
from domain.interactions.rules.conversations import AuthorKind, ConversationStatus, MessageDetails, Priority
from domain.orders.repository.orders import find_order_by_external_id
from schema.base.ids import global_id

CHAT = "Web chat"
_EMAIL, _WHATSAPP = "E-mail", "WhatsApp"
_CHANNELS: Mapping[str, ChannelKind] = {
    CHAT: ChannelKind.WEB_CHAT,
    _EMAIL: ChannelKind.EMAIL,
    _WHATSAPP: ChannelKind.WHATSAPP,
}

_CLARA, _HARRIET, _SIGNS, _LIGHTS = "13050", "16700", "17450", "12700"
_CLARAS_PHONE = "+44 20 7946 0018"
_FIRST, _LAST = "demo-1", "demo-last"
"""The ids of Clara's first message, and of the one with which everything was said."""

_LATELY = 100
"""Events that are new to who begins to ask for them."""


class _Talks:
    """The demo's conversations, while they are made."""

    def __init__(self, works: Works, agent: Actor, shoppers: Mapping[str, Actor], channels: Mapping[str, UUID]) -> None:
        self.shoppers = shoppers
        self._works = works
        self._agent = agent
        self._channels = channels
        self._count = 0

    async def start(self, shopper: Actor, subject: str, text: str, *, order: str | None = None) -> UUID:
        """Let a customer begin a conversation."""
        async with self._works.database.reading() as session:
            found = None if order is None else await find_order_by_external_id(session, order)
        start = ConversationStart(
            channel_id=self._channels[CHAT],
            message=self._message(text),
            subject=subject,
            order_id=None if found is None else found.id,
        )
        return await self._do(shopper, "conversationStart", lambda work: start_conversation(work, start=start))

    async def say(self, key: UUID, text: str, *, by: Actor | None = None) -> UUID:
        """Let somebody write: the agent, if it is nobody else."""
        details = self._message(text)
        return await self._do(
            by or self._agent, "messageSend", lambda work: send_message(work, conversation_id=key, details=details)
        )

    async def note(self, key: UUID, text: str) -> UUID:
        """Let the agent note something for colleagues."""
        details = self._message(text)
        return await self._do(self._agent, "noteAdd", lambda work: add_note(work, conversation_id=key, details=details))

    async def take(self, key: UUID, *, tags: tuple[str, ...] = ()) -> UUID:
        """Let the agent take a conversation on."""
        await self._do(
            self._agent,
            "conversationAssign",
            lambda work: assign(work, conversation_id=key, assignee_id=self._agent.id),
        )
        return await self.describe(key, ConversationChanges(tags=tags))

    async def describe(self, key: UUID, changes: ConversationChanges) -> UUID:
        """Let the agent say how urgent it is, or what about."""
        return await self._do(
            self._agent,
            "conversationUpdate",
            lambda work: update_conversation(work, conversation_id=key, changes=changes),
        )

    async def become(self, key: UUID, status: ConversationStatus) -> UUID:
        """Let the agent give it another status."""
        return await self._do(
            self._agent, "conversationStatusSet", lambda work: set_status(work, conversation_id=key, status=status)
        )

    async def read(self, key: UUID, seq: int, *, by: Actor) -> UUID:
        """Let somebody have read it."""
        return await self._do(by, "conversationRead", lambda work: mark_read(work, conversation_id=key, seq=seq))

    async def receive(self, channel: str, external_id: str, contact: Contact, text: str, subject: str | None) -> UUID:
        """Let a message come in through a channel from outside."""
        received = Received(external_id=external_id, contact=contact, text=text, subject=subject)
        channel_id = self._channels[channel]
        return await self._do(
            SYSTEM, "messageReceive", lambda work: receive_message(work, channel_id=channel_id, received=received)
        )

    def _message(self, text: str) -> MessageDetails:
        self._count += 1
        return MessageDetails(text=text, client_message_id=f"demo-{self._count}")

    async def _do(self, actor: Actor, action: str, story: Callable[[Work], Awaitable[UUID]]) -> UUID:
        return await self._works.perform(story, actor=actor, action=action)


async def converse(works: Works, *, agent_email: str) -> None:
    """Let the demo's customers and its agent have talked, once; what became of it since stays as it is."""
    async with works.database.reading() as session:
        last = await find_channel_by_name(session, _WHATSAPP)
        if last is not None and await find_received(session, last.id, _LAST) is not None:
            return
        agent = await find_credentials(session, email_key=agent_email)
        keys = {number: await _find(session, number) for number in (_CLARA, _HARRIET, _SIGNS, _LIGHTS)}
    if agent is None or None in keys.values():  # orders of another shop
        return
    role = StaffRole.AGENT
    actor = Actor(kind=ActorKind.STAFF, permissions=ROLE_PERMISSIONS[role], id=agent.subject_id, role=role)
    shoppers = {number: Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=key) for number, key in keys.items()}
    channels = {name: await _open(works, name, kind) for name, kind in _CHANNELS.items()}
    talks = _Talks(works, actor, shoppers, channels)
    await _cakestand(talks)
    await _bells(talks)
    await _night_lights(talks)
    await _signs(talks)
    await _from_outside(talks)


async def find_places(works: Works, *, agent_email: str) -> dict[str, str]:
    """Return what the explorer's examples name, by the word that stands for it there; nothing where nobody talked."""
    await works.feed.settle()
    async with works.database.reading() as session:
        clara, head = await _find(session, _CLARA), await find_head(session)
        agent = await find_credentials(session, email_key=agent_email)
        whatsapp = await find_channel_by_name(session, _WHATSAPP)
        cakestand = await find_by_client_message_id(
            session, author_kind=AuthorKind.CUSTOMER, author_id=clara, client_message_id=_FIRST
        )
    if agent is None or whatsapp is None or cakestand is None:
        return {}
    return {
        "agent": global_id("StaffMember", agent.subject_id),
        "conversation": global_id("Conversation", cakestand.conversation_id),
        "cursor": Place(head.epoch, max(head.kept_from - 1, head.seq - _LATELY, 0)).cursor,
        "whatsapp": global_id("Channel", whatsapp.id),
    }


async def _find(session: Session, number: str) -> UUID | None:
    return await find_customer_by_identity(session, kind=IdentityKind.EXTERNAL_ACCOUNT, namespace="", value=number)


async def _open(works: Works, name: str, kind: ChannelKind) -> UUID:
    details = ChannelDetails(name=name, kind=kind)
    return await works.perform(lambda work: upsert_channel(work, details=details), actor=SYSTEM, action="channelUpsert")


async def _cakestand(talks: _Talks) -> None:
    """Clara waits for an answer; the agent has left a note for colleagues."""
    clara = talks.shoppers[_CLARA]
    key = await talks.start(
        clara,
        "A cracked cakestand",
        "Good morning! Order 578686 is here, thank you. Sadly the top plate of the Regency cakestand is cracked.",
        order="578686",
    )
    await talks.take(key, tags=("breakage",))
    await talks.say(key, "I am sorry, Clara: that one was packed too tightly. I am looking where the next one is.")
    await talks.note(key, "The second broken cakestand this week. Ask the warehouse about the new cartons.")
    await talks.say(key, "A new one leaves us tomorrow, free of charge. You need not send the old one back.")
    await talks.read(key, 4, by=clara)
    await talks.say(
        key, "How kind. Could it be here before Friday? I have the window to dress for Christmas.", by=clara
    )


async def _bells(talks: _Talks) -> None:
    """Harriet was helped."""
    harriet = talks.shoppers[_HARRIET]
    key = await talks.start(
        harriet,
        "Bicycle bells",
        "Do the 24 chrome bicycle bells of order 579949 come with brackets? My customers ask.",
        order="579949",
    )
    await talks.take(key, tags=("product question",))
    await talks.say(key, "They do, Harriet: bracket and screw are in each box, under the paper.")
    await talks.read(key, 3, by=harriet)
    await talks.say(key, "Found them. Thank you for being so quick!", by=harriet)
    await talks.become(key, ConversationStatus.RESOLVED)


async def _night_lights(talks: _Talks) -> None:
    """The agent has asked something, and waits for the customer."""
    shopper = talks.shoppers[_LIGHTS]
    key = await talks.start(
        shopper,
        "Plugs for France",
        "We sold most of the 48 rabbit night lights in a week. Can the next ones have French plugs?",
        order="580160",
    )
    await talks.take(key, tags=("product question",))
    await talks.say(key, "Wonderful! They run on a battery or a USB plug. Which of the two do your customers ask for?")
    await talks.become(key, ConversationStatus.PENDING)


async def _signs(talks: _Talks) -> None:
    """The best customer waits in the queue."""
    shopper = talks.shoppers[_SIGNS]
    key = await talks.start(
        shopper,
        "Signs missing",
        "Of the 288 Cook With Wine signs in order 580063 only 264 are here. One carton less than on the note.",
        order="580063",
    )
    await talks.describe(key, ConversationChanges(priority=Priority.HIGH, tags=("missing",)))


async def _from_outside(talks: _Talks) -> None:
    """Somebody whom nobody knows writes a mail; Clara, whose number is proven, is recognised by it."""
    await talks.receive(
        _EMAIL,
        "demo-mail-1",
        Contact(kind=IdentityKind.EMAIL, value="buying@lanterna.example", name="Lucia Ferri"),
        "Good morning,\n\nwe keep a small shop in Trieste and saw your paper lanterns at a friend's. Do you deliver to "
        "Italy, and from which quantity?\n\nLucia Ferri",
        "Lanterns for Trieste",
    )
    await talks.receive(
        _WHATSAPP,
        _LAST,
        Contact(kind=IdentityKind.PHONE, value=_CLARAS_PHONE, name="Clara"),
        "Me again, from the shop floor: the cake tins of the order before are lovely. Are there more in pink?",
        None,
    )

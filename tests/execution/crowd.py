"""A shop that grows: so many customers, and one of them with so many of everything that a customer can have."""

from collections.abc import Awaitable, Callable
from dataclasses import MISSING, fields, replace
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import TypeVar
from uuid import UUID

from babel.core import get_global
from babel.localedata import locale_identifiers

from domain.base.actors import EVERY_PERMISSION, SYSTEM, Actor, ActorKind, StaffRole
from domain.base.errors import Refusal, Refusals
from domain.base.events import Event
from domain.base.feed import Place
from domain.base.identifiers import new_id
from domain.base.work import Work, Works
from domain.customers.actions.attributes import upsert_definition
from domain.customers.actions.consents import record_consent
from domain.customers.actions.exports import request_export
from domain.customers.actions.merges import merge_customers
from domain.customers.actions.profiles import create_customer, update_customer
from domain.customers.rules.attributes import (
    AttributeAudience,
    AttributeChange,
    AttributeType,
    DefinitionDetails,
)
from domain.customers.rules.consents import ChannelKind, ConsentDecision, ConsentDetails, ConsentPurpose
from domain.customers.rules.families import FAMILY_SIZE_MAX
from domain.customers.rules.profiles import TAGS_MAX, Buyer, CustomerChanges, CustomerDetails
from domain.files.actions.attachments import create_attachment
from domain.files.repository import get_attachments_for_update
from domain.files.rules import ATTACHMENTS_MAX, FileDetails
from domain.identity.actions.keys import create_api_key
from domain.identity.actions.sessions import open_customer_token
from domain.identity.actions.staff import create_staff_member, update_staff_member
from domain.identity.actions.stores import upsert_store
from domain.identity.rules import LISTED_MAX, StaffChanges, StaffDetails, StoreDetails
from domain.interactions.actions.channels import ChannelDetails, upsert_channel
from domain.interactions.actions.conversations import (
    ConversationChanges,
    ConversationStart,
    mark_read,
    start_conversation,
    update_conversation,
)
from domain.interactions.actions.messages import add_note, send_message
from domain.interactions.rules.conversations import TAGS_MAX as CONVERSATION_TAGS_MAX
from domain.interactions.rules.conversations import MessageDetails
from domain.orders.actions.credit_notes import upsert_credit_notes
from domain.orders.actions.deliveries import record_delivery
from domain.orders.actions.orders import upsert_orders
from domain.orders.rules import CreditNoteDetails, DeliveredLine, DeliveryDetails, LineDetails, OrderDetails
from domain.reactions import REACTIONS
from schema.base.ids import global_id
from tests.conftest import NOW, StandingClock

CURRENCIES = ["EUR", *(code for code in sorted(get_global("all_currencies")) if code[0] not in "EX")]
"""The shop's own, and more than a hundred others."""

LANGUAGES = [language for language in sorted(locale_identifiers()) if len(language) == 2]

STEP, AGES = timedelta(minutes=5), timedelta(days=400)
"""Between what happens; happenings of each kind are next to one another, so that each page has some of all kinds."""

SOME = 20
"""Of so many others the shop knows more than that they bought: writing it takes time."""

_Answer = TypeVar("_Answer")


class Crowd:
    """What is there by now; the first customer and the first member of staff have the most."""

    def __init__(self, works: Works) -> None:
        """Start with nothing."""
        self.works = works
        self.size = 0
        self.customers: list[UUID] = []
        self.exports: list[str] = []
        self._keys: list[UUID] = []
        self._members: list[UUID] = []
        self._conversations: list[UUID] = []
        self._other: UUID | None = None

    @property
    def first_id(self) -> str:
        """Return the id of the customer who has the most."""
        return global_id("Customer", self.customers[0])

    @property
    def other_id(self) -> str:
        """Return the id of somebody with whom they are not one."""
        assert self._other is not None
        return global_id("Customer", self._other)

    @property
    def conversation_id(self) -> str:
        """Return the id of the conversation in which the most was said."""
        return global_id("Conversation", self._conversations[0])

    async def shopper_key(self) -> str:
        """Let the customer who has the most come in, and return what with."""
        signed_in = await self._perform(
            lambda work: open_customer_token(work, customer_id=self.customers[0], lifetime=timedelta(minutes=5))
        )
        return signed_in.access_token

    async def shoppers_export(self) -> str:
        """Return the id of what the same customer asked for themselves."""
        shopper = Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=self.customers[0])
        key = await self.works.perform(
            lambda work: request_export(work, customer_id=None), actor=shopper, action="customerExport"
        )
        return global_id("CustomerExport", key)

    async def grow(self, size: int) -> None:
        """Add what is missing to so many of everything."""
        added = range(self.size, size)
        self.size = size
        for grow in (self._add_stores, self._add_staff, self._define, self._add_customers, self._sell, self._add_twins):
            await self._perform(lambda work, grow=grow: grow(work, added))  # type: ignore[misc]
        for tell in (self._credit, self._deliver, self._ask_consent, self._describe, self._absorb, self._export):
            await self._perform(lambda work, tell=tell: tell(work, added))  # type: ignore[misc]
        for number in added:
            clock = StandingClock()
            clock.advance(-number * STEP)
            works = Works(database=self.works.database, reactions=REACTIONS, clock=clock)
            app = Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION, id=self._keys[number])
            await works.perform(lambda work, number=number: self._talk(work, number), actor=app, action="test")  # type: ignore[misc]
            if number > 0:
                first = Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION, id=self._keys[0])
                await works.perform(self._say_more, actor=first, action="test")
        shopper = Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=self.customers[0])
        for key in self._conversations:
            await self.works.perform(
                lambda work, key=key: mark_read(work, conversation_id=key, seq=1),  # type: ignore[misc]
                actor=shopper,
                action="test",
            )

    async def tell_again(self, kind: type[Event]) -> Place:
        """Record what happened last once more, so much of one kind, and return the place before it.

        What nobody has done in this shop may have happened to those of whom something else is told.
        """
        names = {each.name for each in fields(kind) if each.default is MISSING}
        found = [each for each in await self._logged() if all(getattr(each, name, None) for name in names)]
        told = dict.fromkeys(kind(**{name: getattr(each, name) for name in names}) for each in found)
        end = await self.works.feed.end()

        async def record(work: Work) -> None:
            for event in tuple(told)[-self.size :]:
                work.record(event)

        works = Works(database=self.works.database, reactions={}, clock=self.works.clock)
        await works.perform(record, actor=SYSTEM, action="test")
        await self.works.feed.settle()
        return end

    async def _logged(self) -> list[Event]:
        """Return everything that happened."""
        place = Place((await self.works.feed.end()).epoch, 0)
        found: list[Event] = []
        while page := await self.works.feed.read_after(place):
            found += [each.event for each in page]
            place = page[-1].place
        return found

    async def _perform(self, story: Callable[[Work], Awaitable[_Answer]]) -> _Answer:
        return await self.works.perform(story, actor=SYSTEM, action="test")

    async def _add_stores(self, work: Work, added: range) -> None:
        for number in added:
            store = StoreDetails(
                code=f"s-{number}",
                name=f"Store {number}",
                country="IT",
                locale="it-IT",
                currency_code="EUR",
                time_zone="Europe/Rome",
            )
            await upsert_store(work, details=store)
            key, _ = await create_api_key(work, name=f"Key {number}", permissions=["customers:read"])
            self._keys.append(key)

    async def _add_staff(self, work: Work, added: range) -> None:
        for number in added:
            said = StaffDetails(
                email=f"staff-{number}@shop.example",
                name=f"Staff {number}",
                role=StaffRole.AGENT,
                store_codes=["s-0"],
                languages=["it-IT"],
                skills=["cups"],
            )
            # They never sign in: what is kept of their password is none.
            self._members.append(await create_staff_member(work, details=said, password_hash="none"))
        listed = min(self.size, LISTED_MAX)
        changes = StaffChanges(
            store_codes=[f"s-{number}" for number in range(listed)],
            languages=LANGUAGES[:listed],
            skills=[f"skill {number}" for number in range(listed)],
        )
        await update_staff_member(work, staff_member_id=self._members[0], changes=changes)

    async def _define(self, work: Work, added: range) -> None:
        for number in sorted({0, *added}):
            choices = [f"choice {choice}" for choice in range(self.size if number == 0 else 1)]
            details = DefinitionDetails(
                key=f"a{number}",
                name=f"Attribute {number}",
                description=None,
                type=AttributeType.CHOICE,
                choices=choices,
                audience=AttributeAudience.CUSTOMER,
                is_archived=False,
            )
            await upsert_definition(work, details=details)

    async def _add_customers(self, work: Work, added: range) -> None:
        for number in added:
            details = CustomerDetails(
                external_id=f"k-{number}",
                email=f"ada{number}@example.org",
                given_name="Ada",
                family_name=_word(number),
                tags=["tea"],
                attributes=[AttributeChange(key="a0", choice="choice 0")],
            )
            self.customers.append(await create_customer(work, details=details))
        if self._other is None:
            self._other = await create_customer(work, details=CustomerDetails(external_id="other"))

    async def _add_twins(self, work: Work, added: range) -> None:
        """Add pairs who may be one person: each is proposed for a merge."""
        for number in [each for each in added if each < SOME]:
            one = Buyer(external_id=f"twin-{number}", email=f"twin{number}@example.org", is_email_verified=True)
            other = Buyer(email=one.email, given_name="Bea", family_name=_word(number))
            for name, buyer in (("one", replace(one, given_name="Bea", family_name=_word(number))), ("other", other)):
                _all_taken(await upsert_orders(work, orders=[_order(f"{name}-{number}", buyer, ago=AGES)]))

    async def _sell(self, work: Work, added: range) -> None:
        """One order of each, and of the first customer one in each currency; the first of all has the most lines."""
        lines = [_line(number) for number in range(self.size)]
        first = Buyer(external_id="k-0", email="ada0@example.org")
        orders = [_order("o-0-0", first, lines=lines)]
        for number in added:
            ago = (number + 1) * STEP
            orders.append(_order(f"o-0-{number + 1}", first, currency_code=CURRENCIES[number + 1], ago=ago))
            if number > 0:
                orders.append(_order(f"o-{number}", Buyer(external_id=f"k-{number}"), ago=ago))
        _all_taken(await upsert_orders(work, orders=orders))

    async def _credit(self, work: Work, added: range) -> None:
        lines = [_line(number) for number in range(self.size)]
        notes = []
        for number in sorted({0, *added}):
            notes.append(_note(f"c-0-{number}", "o-0-0", "k-0", lines if number == 0 else lines[:1], ago=number * STEP))
            if number > 0:
                notes.append(_note(f"c-{number}", f"o-{number}", f"k-{number}", lines[:1], ago=number * STEP))
        _all_taken(await upsert_credit_notes(work, notes=notes))

    async def _deliver(self, work: Work, added: range) -> None:
        """One parcel of each order, and of the first order many, of which the first holds all lines."""
        for number in sorted({0, *added}):
            held = range(self.size if number == 0 else 1)
            pieces = [DeliveredLine(quantity=1, order_line_external_id=str(line)) for line in held]
            delivery = DeliveryDetails(external_id=f"d-{number}", carrier="Post", shipped_at=NOW, lines=pieces)
            await record_delivery(work, delivery=delivery, order_external_id="o-0-0")
            if 0 < number < SOME:
                delivery = DeliveryDetails(external_id="d", lines=pieces[:1])
                await record_delivery(work, delivery=delivery, order_external_id=f"o-{number}")

    async def _ask_consent(self, work: Work, added: range) -> None:
        kinds = list(product(ConsentPurpose, ChannelKind))
        for number in added:
            for customer_id in {self.customers[0], self.customers[min(number, SOME)]}:
                purpose, channel = kinds[number % len(kinds)]
                said = ConsentDetails(
                    purpose=purpose, channel=channel, decision=ConsentDecision.GRANTED, decided_at=NOW - number * STEP
                )
                await record_consent(work, customer_id=customer_id, details=said)

    async def _describe(self, work: Work, added: range) -> None:
        changes = CustomerChanges(
            tags=[f"tag {number}" for number in range(min(self.size, TAGS_MAX))],
            attributes=[AttributeChange(key=f"a{number}", choice="choice 0") for number in added],
        )
        await update_customer(work, customer_id=self.customers[0], changes=changes, expected_version=None)

    async def _absorb(self, work: Work, added: range) -> None:
        """Let the first absorb many, by tens that were one before, and some others one each."""
        room = [number for number in added if number + 2 <= FAMILY_SIZE_MAX]
        for start in range(0, len(room), 10):
            # Of no name: whoever is called alike would be proposed for a merge with all others.
            tens = [CustomerDetails(external_id=f"x-0-{number}") for number in room[start : start + 10]]
            head, *others = [await create_customer(work, details=details) for details in tens]
            for other in others:
                await merge_customers(work, survivor_id=head, absorbed_id=other, reason="They said so.")
            await merge_customers(work, survivor_id=self.customers[0], absorbed_id=head, reason="They said so.")
        for number in added:
            if 0 < number < SOME:
                other = await create_customer(work, details=CustomerDetails(external_id=f"x-{number}"))
                await merge_customers(work, survivor_id=self.customers[number], absorbed_id=other, reason=None)

    async def _export(self, work: Work, added: range) -> None:
        for number in added:
            key = await request_export(work, customer_id=self.customers[number])
            self.exports.append(global_id("CustomerExport", key))

    async def _talk(self, work: Work, number: int) -> None:
        """Let a program write to the first customer, and note something on the first conversation."""
        door = ChannelDetails(name=f"Chat {number}", kind=ChannelKind.WEB_CHAT, store_code=f"s-{number}")
        channel_id = await upsert_channel(work, details=door)
        said = MessageDetails(text=f"About {number}")
        files = tuple([await _file(work, place) for place in range(min(number + 1, ATTACHMENTS_MAX))])
        shown = replace(said, attachment_ids=files)
        start = ConversationStart(channel_id=channel_id, message=shown, customer_id=self.customers[0])
        self._conversations.append(await start_conversation(work, start=start))
        first = self._conversations[0]
        for key in {self._conversations[number], first}:
            await add_note(work, conversation_id=key, details=said)
        tags = [f"tag {tag}" for tag in range(min(number + 1, CONVERSATION_TAGS_MAX))]
        await update_conversation(work, conversation_id=first, changes=ConversationChanges(tags=tags))

    async def _say_more(self, work: Work) -> None:
        """Let the first program write in the first conversation."""
        await send_message(work, conversation_id=self._conversations[0], details=MessageDetails(text="About more"))


async def _file(work: Work, place: int) -> UUID:
    """Return a file that is there whole, for all that lists show of it."""
    details = FileDetails(filename=f"{place}.png", content_type="image/png", byte_size=1)
    key = await create_attachment(work, details=details)
    await work.session.flush()
    (await get_attachments_for_update(work.session, [key]))[key].upload_id = new_id()
    await work.session.flush()
    return key


def _word(number: int) -> str:
    """Return a name that is like no other."""
    return "".join(chr(ord("a") + int(digit)) * 3 for digit in f"{number:03}").capitalize()


def _line(number: int) -> LineDetails:
    return LineDetails(
        external_id=str(number), sku=f"cup-{number}", title=f"Cup {number}", quantity=1_000, unit_price=Decimal(1)
    )


def _order(
    external_id: str,
    buyer: Buyer,
    *,
    currency_code: str = "EUR",
    ago: timedelta = timedelta(),
    lines: list[LineDetails] | None = None,
) -> OrderDetails:
    return OrderDetails(
        external_id=external_id,
        placed_at=NOW - ago,
        currency_code=currency_code,
        buyer=buyer,
        lines=lines or [_line(0)],
    )


def _note(
    external_id: str, order: str, customer: str, lines: list[LineDetails], *, ago: timedelta
) -> CreditNoteDetails:
    return CreditNoteDetails(
        external_id=external_id,
        issued_at=NOW - ago,
        currency_code="EUR",
        lines=lines,
        order_external_id=order,
        buyer=Buyer(external_id=customer),
    )


def _all_taken(answers: list[UUID | Refusal | Refusals]) -> None:
    refused = [answer for answer in answers if not isinstance(answer, UUID)]
    assert refused == []

"""A conversation that is locked, and what is added to it in one work: numbers, turns, and who has read how far."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.base.actors import Actor, ActorKind
from domain.base.errors import IdempotencyMismatch, InvalidState
from domain.base.identifiers import new_id
from domain.base.work import Work
from domain.customers.repository.families import list_family
from domain.files.actions.attachments import attach
from domain.files.repository import list_attachments_by_holder
from domain.files.rules import HolderKind
from domain.interactions.events import (
    ConversationArranged,
    ConversationChanged,
    ConversationStarted,
    InteractionAdded,
)
from domain.interactions.repository.conversations import (
    add_conversation,
    add_interactions,
    add_terms,
    change_conversation,
    find_by_client_message_id,
    note_reading_place,
    take_number,
)
from domain.interactions.rules.channels import CONTACT_COLUMNS
from domain.interactions.rules.conversations import (
    AuthorKind,
    ConversationStatus,
    DeliveryState,
    InteractionKind,
    MessageDetails,
    Priority,
    Turn,
    WaitingOn,
    check_change,
    is_shown_to_shoppers,
    shown_status,
    turn_of,
    waiting_on,
)
from domain.interactions.rules.words import words_of

_AUTHORS: Mapping[ActorKind, AuthorKind] = {
    ActorKind.CUSTOMER: AuthorKind.CUSTOMER,
    ActorKind.STAFF: AuthorKind.STAFF,
    ActorKind.APP: AuthorKind.APP,
}


_USED = "This clientMessageId was used for something else; give each message an id of its own."

_SEEN_BY_SHOPPERS = ("shopper_seq", "subject", "waiting_on", "order_id", "customer_id", "assignee_id")
"""What a customer sees of their conversation, beside its status."""


def author_of(actor: Actor) -> AuthorKind:
    """Return as what this actor writes."""
    return _AUTHORS.get(actor.kind, AuthorKind.SYSTEM)


async def sent_before(
    work: Work, *, conversation_id: UUID, message: MessageDetails, kind: InteractionKind
) -> UUID | None:
    """Return what was sent to the conversation under the same id of the client, also where another one followed it.

    Raises `IdempotencyMismatch` where that was another text, or to another conversation.
    """
    known = await find_sent(work, message=message, kind=kind)
    if known is None:
        return None
    if conversation_id not in (known.conversation_id, known.follow_up_of_id):
        raise IdempotencyMismatch(_USED, field=("client_message_id",))
    key: UUID = known.id
    return key


async def find_sent(work: Work, *, message: MessageDetails, kind: InteractionKind) -> Any | None:  # noqa: ANN401  a row
    """Return the interaction that was sent under the same id of the client.

    Raises `IdempotencyMismatch` where that was another text, or a note and no message.
    """
    if message.client_message_id is None or work.actor.id is None:
        return None
    known = await find_by_client_message_id(
        work.session,
        author_kind=author_of(work.actor),
        author_id=work.actor.id,
        client_message_id=message.client_message_id,
    )
    if known is None:
        return None
    if (known.text, known.kind) != (message.text, kind) or not await _has_attached(work, known.id, message):
        raise IdempotencyMismatch(_USED, field=("client_message_id",))
    return known


async def _has_attached(work: Work, interaction_id: UUID, message: MessageDetails) -> bool:
    found = await list_attachments_by_holder(work.session, [interaction_id])
    return tuple(row.id for row in found.get(interaction_id, ())) == message.attachment_ids


async def begin_conversation(work: Work, *, columns: Mapping[str, Any]) -> "Thread":
    """Begin a conversation without anything in it yet. Records `ConversationStarted`."""
    row: dict[str, Any] = dict.fromkeys(
        (
            *("assignee_id", "subject", "last_message_id", "snoozed_until", "resolved_at", "follow_up_of_id"),
            *("order_id", *CONTACT_COLUMNS),
        )
    )
    row |= {
        "id": new_id(),
        "number": await take_number(work.session),
        "priority": Priority.NORMAL,
        "priority_rank": list(Priority).index(Priority.NORMAL),
        "last_seq": 0,
        "shopper_seq": 0,
        "customer_message_seq": 0,
        "staff_message_seq": 0,
        "version": 1,
        "created_at": work.now,
        "updated_at": work.now,
        "shopper_version": 1,
        "shopper_updated_at": work.now,
        **columns,
    }
    work.record(ConversationStarted(conversation_id=row["id"], customer_id=row["customer_id"]))
    return Thread(work, row, is_new=True)


class Thread:
    """A conversation that nobody else changes until the work ends."""

    def __init__(self, work: Work, conversation: Any, *, is_new: bool = False) -> None:  # noqa: ANN401
        """Take a row that is locked, or the columns of one that is new."""
        self._work = work
        self._known: Mapping[str, Any] = conversation if is_new else conversation._mapping  # noqa: SLF001  rows have it
        self._changes: dict[str, Any] = {}
        self._is_new = is_new
        self._is_another = False
        self._added: list[dict[str, Any]] = []
        self._read_seq: int | None = None
        self._attached: dict[UUID, tuple[UUID, ...]] = {}
        self._filenames: list[str] = []

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        """Return a column as it is by now."""
        return self._changes[name] if name in self._changes else self._known[name]

    @property
    def status(self) -> ConversationStatus:
        """Return the status as it is by now."""
        return ConversationStatus(self["status"])

    @property
    def is_another(self) -> bool:
        """Tell whether anything that is known of it changed."""
        return self._is_another

    async def hear(self, message: MessageDetails, **columns: Any) -> UUID:  # noqa: ANN401
        """Take in a message of the customer; return its id. To one that is final it begins another conversation.

        `columns`: what else is known of a message that somebody else brings in: its author, and when they wrote it.
        """
        turn = turn_of(self.status, resolved_at=self["resolved_at"], now=self._work.now)
        if turn is Turn.FOLLOW_UP:
            return await self._follow_up(message, columns)
        if turn is Turn.REOPEN:
            self.become(ConversationStatus.OPEN)
        key = self._say(message, DeliveryState.RECEIVED, **columns)
        if not columns:
            self.note_read(self["last_seq"])  # whoever writes has read
        self._changes["customer_message_seq"] = self["last_seq"]
        if turn is not Turn.STAY:
            self._changes["waiting_on"] = WaitingOn.US
        return key

    def reply(self, message: MessageDetails) -> UUID:
        """Answer the customer; return the message's id. Raises `InvalidState` where the conversation is final."""
        if self.status in (ConversationStatus.CLOSED, ConversationStatus.SPAM):
            text = f"This conversation is {self.status}: start another one with conversationStart."
            raise InvalidState(text, field=("conversation_id",))
        if self.status in (ConversationStatus.NEW, ConversationStatus.SNOOZED, ConversationStatus.RESOLVED):
            self.become(ConversationStatus.OPEN)
        # What leaves through a channel from outside, its server sends.
        key = self._say(message, DeliveryState.SENT if self["contact_value"] is None else DeliveryState.ACCEPTED)
        self.note_read(self["last_seq"])
        self._changes |= {"staff_message_seq": self["last_seq"], "waiting_on": WaitingOn.CUSTOMER}
        return key

    def become(self, status: ConversationStatus, *, until: datetime | None = None) -> None:
        """Give it another status, which stands in it as an interaction. Raises `InvalidState`."""
        before = self.status
        check_change(before=before, after=status)
        self.add(
            InteractionKind.STATUS_CHANGE,
            is_shown=is_shown_to_shoppers(before=before, after=status),
            previous_status=before,
            status=status,
        )
        self.change(
            status=status,
            waiting_on=waiting_on(status, before=WaitingOn(self["waiting_on"])),
            snoozed_until=until,
            resolved_at=self._work.now if status is ConversationStatus.RESOLVED else self["resolved_at"],
        )

    def change(self, **columns: Any) -> None:  # noqa: ANN401
        """Change what is known of it."""
        self._changes |= columns
        self._is_another = True

    def add(self, kind: InteractionKind, *, is_shown: bool, **columns: Any) -> UUID:  # noqa: ANN401
        """Add something with the next number; `is_shown`: to the customer too, who counts on their own."""
        self._changes["last_seq"] = self["last_seq"] + 1
        if is_shown:
            self._changes["shopper_seq"] = self["shopper_seq"] + 1
        row: dict[str, Any] = dict.fromkeys(
            ("text", "client_message_id", "delivery", "edited_at", "previous_status", "status", "failure_reason")
        )
        row |= {
            "id": new_id(),
            "conversation_id": self["id"],
            "seq": self["last_seq"],
            "shopper_seq": self["shopper_seq"] if is_shown else None,
            "kind": kind,
            "author_kind": author_of(self._work.actor),
            "author_id": self._work.actor.id,
            "occurred_at": self._work.now,
            **columns,
        }
        self._added.append(row)
        if kind is not InteractionKind.NOTE:
            self._work.record(
                InteractionAdded(conversation_id=self["id"], interaction_id=row["id"], customer_id=self["customer_id"])
            )
        key: UUID = row["id"]
        return key

    async def close(self) -> None:
        """Write what the conversation is by now, before what stands in it; nothing where another one followed it."""
        if not self._is_new and not self._changes:
            return
        if self._is_new:
            await add_conversation(self._work.session, {**self._known, **self._changes})
        else:
            is_seen = self._is_seen_by_shopper()
            self._changes |= {"version": self["version"] + 1, "updated_at": self._work.now}
            if is_seen:
                self._changes["shopper_version"] = self["shopper_version"] + 1
                self._changes["shopper_updated_at"] = self._work.now
            await change_conversation(self._work.session, self["id"], self._changes)
            if self._is_another:
                event = ConversationChanged if is_seen else ConversationArranged
                self._work.record(event(conversation_id=self["id"], customer_id=self["customer_id"]))
        await add_interactions(self._work.session, self._added)
        await self._attach()
        await self._index()
        if self._read_seq is not None and self._work.actor.id is not None:
            row = {
                "conversation_id": self["id"],
                "reader_kind": author_of(self._work.actor),
                "reader_id": self._work.actor.id,
                "seq": self._read_seq,
                "read_at": self._work.now,
            }
            await note_reading_place(self._work.session, row)

    def _is_seen_by_shopper(self) -> bool:
        """Tell whether the customer sees anything of what is different by now."""
        before = ConversationStatus(self._known["status"])
        is_another_status = shown_status(before, is_shopper=True) != shown_status(self.status, is_shopper=True)
        return is_another_status or any(self[name] != self._known[name] for name in _SEEN_BY_SHOPPERS)

    def _say(self, message: MessageDetails, delivery: DeliveryState, **columns: Any) -> UUID:  # noqa: ANN401
        key = self.add(
            InteractionKind.MESSAGE,
            is_shown=True,
            text=message.text,
            client_message_id=message.client_message_id,
            delivery=delivery,
            **columns,
        )
        self._changes["last_message_id"] = key
        if message.attachment_ids:
            self._attached[key] = message.attachment_ids
        return key

    async def _attach(self) -> None:
        """Attach files to what was said. Raises `AttachmentNotReady`."""
        for key, ids in self._attached.items():
            actor = self._work.actor
            # What a guest sent before they registered is theirs.
            own = await list_family(self._work.session, actor.customer_id) if actor.customer_id else {actor.id}
            self._filenames += await attach(
                self._work, ids=ids, uploader_ids=own, kind=HolderKind.INTERACTION, holder_id=key
            )

    async def _index(self) -> None:
        """Let what was added find the conversation: notes for staff only."""
        shown = [row["text"] for row in self._added if row["kind"] is not InteractionKind.NOTE] + self._filenames
        hidden = [row["text"] for row in self._added if row["kind"] is InteractionKind.NOTE]
        if self._is_new:
            shown.append(str(self["number"]))
        if self._is_new or "subject" in self._changes:
            shown.append(self["subject"])
        await add_terms(self._work.session, self["id"], shown=words_of(*shown), hidden=words_of(*hidden))

    def note_read(self, seq: int) -> None:
        """Keep that the actor has read so far: whoever writes has."""
        self._read_seq = seq

    async def _follow_up(self, message: MessageDetails, said: Mapping[str, Any]) -> UUID:
        """Begin another conversation about the same matter, with this message."""
        names = ("channel_id", "store_id", "customer_id", "subject", "order_id", *CONTACT_COLUMNS)
        columns = {name: self[name] for name in names}
        columns |= {"status": ConversationStatus.NEW, "waiting_on": WaitingOn.US, "follow_up_of_id": self["id"]}
        thread = await begin_conversation(self._work, columns=columns)
        key = await thread.hear(message, **said)
        await thread.close()
        return key

"""What comes in from outside, and what becomes of what goes out. Pure."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.base.errors import Checks, Invalid
from domain.base.texts import clean_optional, clean_required
from domain.customers.rules.consents import ChannelKind
from domain.customers.rules.identities import IdentityKind, check_namespace, check_value
from domain.files.rules import check_attachments
from domain.interactions.rules.conversations import SUBJECT_LENGTH_MAX, DeliveryState, check_text

EXTERNAL_ID_LENGTH_MAX = 200
REASON_LENGTH_MAX = 500

CONTACT_COLUMNS = ("contact_kind", "contact_namespace", "contact_value", "contact_name", "thread_key")
"""Where a conversation keeps to whom replies leave: a follow-up keeps it, nothing else changes it."""

CONTACT_KINDS = {
    ChannelKind.EMAIL: IdentityKind.EMAIL,
    ChannelKind.SMS: IdentityKind.PHONE,
    ChannelKind.WHATSAPP: IdentityKind.PHONE,
}
"""By which sign of theirs the shop can begin to write to a customer on a channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """The sign under which somebody writes on a channel, and what they call themselves there."""

    kind: IdentityKind
    namespace: str = ""
    value: str
    name: str | None = None

    @property
    def columns(self) -> dict[str, str | None]:
        """Return it as a conversation keeps it."""
        return {
            "contact_kind": self.kind,
            "contact_namespace": self.namespace,
            "contact_value": self.value,
            "contact_name": self.name,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message as a channel's server received it."""

    external_id: str
    """The server's own id of it: it comes once, however often it is told."""
    contact: Contact
    text: str
    thread_key: str | None = None
    """By which the server knows the thread; None: whoever writes has one thread on this channel."""
    subject: str | None = None
    occurred_at: datetime | None = None
    attachment_ids: tuple[UUID, ...] = ()


def check_received(received: Received, *, home_country: str | None, now: datetime) -> Received:
    """Return what was received, cleaned; what is dated later than now came now. Raises `Refusals`."""
    checks = Checks()
    said = received.contact
    namespace = checks.take(lambda: check_namespace(said.namespace, kind=said.kind), "from", "namespace")
    value = checks.take(lambda: check_value(said.value, kind=said.kind, home_country=home_country), "from", "value")
    name = checks.take(lambda: clean_optional(said.name), "from", "name")
    external_id = checks.take(
        lambda: clean_required(received.external_id, length_max=EXTERNAL_ID_LENGTH_MAX), "external_id"
    )
    text = checks.take(lambda: check_text(received.text, is_alone=not received.attachment_ids), "text")
    files = checks.take(lambda: check_attachments(received.attachment_ids), "attachment_ids")
    thread_key = checks.take(
        lambda: clean_optional(received.thread_key, length_max=EXTERNAL_ID_LENGTH_MAX), "thread_key"
    )
    subject = checks.take(lambda: clean_optional(received.subject, length_max=SUBJECT_LENGTH_MAX), "subject")
    checks.settle()
    return Received(
        external_id=external_id or "",
        contact=Contact(kind=said.kind, namespace=namespace or "", value=value or "", name=name),
        text=text or "",
        thread_key=thread_key,
        subject=subject,
        occurred_at=now if received.occurred_at is None else min(received.occurred_at, now),
        attachment_ids=files or (),
    )


def forgotten_id(external_id: str) -> str:
    """Return what is kept of a server's id once the message is erased: enough not to take it in again."""
    return hashlib.sha256(external_id.encode()).hexdigest()


def check_delivery(state: DeliveryState, *, reason: str | None) -> str | None:
    """Return why a message failed, cleaned. Raises `Refusals` for what no server reports."""
    checks = Checks()
    if state in (DeliveryState.RECEIVED, DeliveryState.ACCEPTED):
        text = "A message that went out is SENT, DELIVERED, READ or FAILED."
        checks.add(Invalid(text, field=("state",)))
    cleaned = checks.take(lambda: clean_optional(reason, length_max=REASON_LENGTH_MAX), "failure_reason")
    if cleaned is not None and state is not DeliveryState.FAILED:
        text = "Only what is FAILED has a reason: leave failureReason out."
        checks.add(Invalid(text, field=("failure_reason",)))
    checks.settle()
    return cleaned

"""Which conversations, and in which order."""

from collections.abc import Sequence
from uuid import UUID

import strawberry

from domain.base.errors import Invalid
from domain.base.texts import clean
from domain.interactions.repository.lists import ConversationFilter as Wanted
from domain.interactions.rules.words import search_words
from schema.base.descriptions import given, optional, shown
from schema.base.ids import key_of
from schema.base.types import Direction
from schema.customers.types.consents import ChannelKind
from schema.interactions.types.channels import ConversationStatus, Priority, WaitingOn
from schema.interactions.types.lists import SortField

FILTER_VALUES_MAX = 250


@strawberry.input(description="Which conversations; several conditions count together.")
class ConversationFilter:
    """See the description."""

    status: list[ConversationStatus] | None = optional("In one of these, as whoever asks sees them.")
    store_code: list[str] | None = optional("Of channels of these stores.")
    assignee_id: strawberry.ID | None = optional("That this member of staff is at.")
    is_unassigned: bool | None = optional("True: in the queue; false: somebody is at them.")
    channel_kind: list[ChannelKind] | None = optional("That came in through such channels.")
    customer_id: strawberry.ID | None = optional("With this customer, whoever they are merged with.")
    priority: list[Priority] | None = optional("As urgent as one of these.")
    tag: list[str] | None = optional("With one of these tags.")
    waiting_on: list[WaitingOn] | None = optional("Where it is the turn of one of these.")
    search: str | None = optional(
        "With words that begin so, in whatever order: of messages, subjects and notes, and the conversation's number. "
        "At most 8 words count. TOO_LONG."
    )
    is_unread: bool | None = optional("True: with messages that whoever asks has not read; false: without.")

    def wanted(self) -> Wanted:
        """Return the filter as the repository takes it. Raises `Invalid` for a list that is too long."""
        lists = (self.status, self.store_code, self.channel_kind, self.priority, self.tag, self.waiting_on)
        if any(len(given(each) or ()) > FILTER_VALUES_MAX for each in lists):
            message = f"A filter takes at most {FILTER_VALUES_MAX} values of a kind."
            raise Invalid(message)
        assignee, customer, search = given(self.assignee_id), given(self.customer_id), given(self.search)
        return Wanted(
            statuses=_all(self.status),
            store_codes=_all(self.store_code),
            assignee_id=None if assignee is None else key_of(assignee, "StaffMember") or _NOBODY,
            is_unassigned=given(self.is_unassigned),
            channel_kinds=_all(self.channel_kind),
            customer_id=None if customer is None else key_of(customer, "Customer") or _NOBODY,
            priorities=_all(self.priority),
            tags=_all(self.tag),
            waiting_on=_all(self.waiting_on),
            is_unread=given(self.is_unread),
            words=None if search is None else search_words(clean(search)),
        )


_NOBODY = UUID(int=0)
"""Whose id is of another type."""


def _all(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(given(values) or ())


@strawberry.input(description="In which order conversations come.")
class ConversationSort:
    """See the description."""

    field: SortField = shown("By what.")
    direction: Direction = strawberry.field(description="Which end first.", default=Direction.DESC)

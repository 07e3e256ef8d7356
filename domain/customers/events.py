"""What can have happened to a customer."""

from dataclasses import dataclass
from uuid import UUID

from domain.base.events import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerCreated(Event):
    """A customer became known."""

    customer_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerUpdated(Event):
    """What is known of a customer changed."""

    customer_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerErased(Event):
    """All that was known of a customer was erased; recorded for each id under which anything was."""

    customer_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerExportRequested(Event):
    """Somebody who may asked for everything that is stored about a customer."""

    customer_id: UUID
    export_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerMerged(Event):
    """Two customers turned out to be one: `absorbed_id` is found under `customer_id` from now on."""

    customer_id: UUID
    absorbed_id: UUID
    merge_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerUnmerged(Event):
    """A merge was undone: `absorbed_id` is a customer of their own again."""

    customer_id: UUID
    absorbed_id: UUID
    merge_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeProposed(Event):
    """Two customers may be one: a person is asked to decide."""

    customer_id: UUID
    absorbed_id: UUID
    merge_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class MergeRejected(Event):
    """A person decided that two customers are two."""

    customer_id: UUID
    absorbed_id: UUID
    merge_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentChanged(Event):
    """A customer decided what they may be contacted for."""

    customer_id: UUID
    consent_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class AttributeDefined(Event):
    """What is to be known of customers was defined, or defined anew."""

    definition_id: UUID

"""What customers are recognised by, as the API shows it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.customers.repository.identities import list_identities_by_family, list_identities_by_id
from domain.customers.rules.identities import (
    IdentityKind as IdentityKind,  # inputs take it from here, described
)
from domain.customers.rules.identities import IdentityVerification
from schema.base.batched import batched
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.base.extends import extends
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.customers.policies import CUSTOMERS
from schema.customers.types.customers import Customer

described_enum(
    IdentityKind,
    name="IdentityKind",
    description="By what a customer is recognised.",
    values={
        IdentityKind.EMAIL: "An e-mail address, compared without case.",
        IdentityKind.PHONE: "A telephone number, E.164.",
        IdentityKind.SOCIAL_HANDLE: "A name in a social network, compared without case and `@`; needs a namespace.",
        IdentityKind.EXTERNAL_ACCOUNT: "An account in another system; without a namespace the shop's own.",
        IdentityKind.DEVICE: "A device, by the id that an app keeps on it.",
        IdentityKind.VISITOR: "A browser, by the id that the shop's website keeps in it.",
    },
)
described_enum(
    IdentityVerification,
    name="IdentityVerification",
    description="How sure it is that an identity is the customer's. Only a verified one identifies.",
    values={
        IdentityVerification.UNVERIFIED: "Somebody said so: a candidate, no more.",
        IdentityVerification.PENDING: "A code was sent and has not come back yet.",
        IdentityVerification.VERIFIED: "The customer, staff or an app vouched for it.",
        IdentityVerification.REVOKED: "It was theirs and is no longer.",
    },
)


@strawberry.type(description="One sign by which a customer is recognised.")
class CustomerIdentity(Node):
    """See the description."""

    customer_key: strawberry.Private[UUID]
    person_key: strawberry.Private[UUID]  # the customer through whom it was reached: a family is one person
    kind: IdentityKind = shown("What sort of sign.")
    namespace: str | None = shown(
        "For a social handle the network, for an external account the system; null for the shop's own and other kinds."
    )
    value: str = shown("The sign, in the spelling in which it is compared.")
    verification: IdentityVerification = shown("How sure it is.")
    is_shared: bool = shown("Whether several people use it: then nobody is recognised by it.")
    source: str | None = shown("Where it was first seen: PROFILE, ORDER or ADDED.")
    first_seen_at: datetime = shown("When it was first seen.")
    last_seen_at: datetime = shown("When it was last seen or vouched for.")

    @classmethod
    def of(cls, row: Row[Any]) -> "CustomerIdentity":
        """Show a row."""
        return cls(
            customer_key=row.customer_id,
            person_key=getattr(row, "group_id", row.customer_id),
            id=global_id("CustomerIdentity", row.id),
            kind=IdentityKind(row.kind),
            namespace=row.namespace or None,
            value=row.value,
            verification=IdentityVerification(row.verification),
            is_shared=row.is_shared,
            source=row.source,
            first_seen_at=row.first_seen_at,
            last_seen_at=row.last_seen_at,
        )


@extends(Customer)
@batched(description="All they are recognised by, in the order in which it was first seen.", reads=())
async def identities(customers: list[Customer], info: Info) -> list[list[CustomerIdentity]]:
    """Read the identities of a level."""
    async with info.context.reading() as session:
        rows = await list_identities_by_family(session, [customer.key for customer in customers])
    return [[CustomerIdentity.of(row) for row in rows[customer.key]] for customer in customers]


@loads("CustomerIdentity", policy=CUSTOMERS)
async def load_identities(info: Info, ids: Sequence[UUID]) -> list[CustomerIdentity | None]:
    """Read identities by their ids."""
    async with info.context.reading() as session:
        rows = await list_identities_by_id(session, ids)
    return [CustomerIdentity.of(rows[key]) if key in rows else None for key in ids]

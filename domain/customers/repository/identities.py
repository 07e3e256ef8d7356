"""Every query about customers. Reads return plain rows; what will change is loaded as objects, locked."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import (
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository import (
    chunks,
)
from domain.customers.model import (
    CustomerIdentity,
)
from domain.customers.rules.identities import IdentityKind


async def lock_emails(session: AsyncSession, keys: Iterable[str]) -> None:
    """Let nobody else decide whose these addresses are until the end of the transaction.

    The unique indexes keep two of a kind apart, but not an address of a profile and a verified one that come at
    once. SQLite has one writer anyway.
    """
    wanted = sorted(set(keys))
    if wanted and session.get_bind().dialect.name == "postgresql":
        statement = "SELECT pg_advisory_xact_lock(hashtextextended(key, 1)) FROM unnest(CAST(:keys AS text[])) AS key"
        await session.execute(text(statement), {"keys": wanted})


async def list_identities(
    session: AsyncSession, *, kind: IdentityKind, values: Iterable[str]
) -> Sequence[CustomerIdentity]:
    """Return the identities with these values, of all customers."""
    found: list[CustomerIdentity] = []
    for chunk in chunks(values):
        statement = select(CustomerIdentity).where(
            CustomerIdentity.kind == kind, CustomerIdentity.namespace == "", CustomerIdentity.value.in_(chunk)
        )
        found.extend(await session.scalars(statement))
    return found


async def list_identities_by_customer(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[CustomerIdentity]]:
    """Return each customer's identities in the order in which they were first seen."""
    found: dict[UUID, list[CustomerIdentity]] = defaultdict(list)
    for chunk in chunks(ids):
        statement = select(CustomerIdentity).where(CustomerIdentity.customer_id.in_(chunk))
        for identity in await session.scalars(statement.order_by(CustomerIdentity.id)):
            found[identity.customer_id].append(identity)
    return found

"""Every query about the signs by which customers are recognised."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Row, Text, bindparam, cast, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from domain.base.repository.rows import chunks, rows_by_id, rows_by_parent
from domain.base.statements import Selection, among, prepared
from domain.customers.errors import IdentityNotFound
from domain.customers.model import CustomerIdentity, CustomerRecord
from domain.customers.repository.families import rows_by_family
from domain.customers.repository.sight import is_seen
from domain.customers.rules.identities import IdentityKind, IdentityVerification


async def lock_identities(session: AsyncSession, names: Iterable[str]) -> None:
    """Let nobody else decide whose these are until the end of the transaction; e-mail addresses as they are compared.

    The unique indexes keep two of a kind apart, but not an address of a profile and a verified one that come at
    once. SQLite has one writer anyway.
    """

    def build() -> Selection:
        key = func.unnest(bindparam("keys", type_=ARRAY(Text()))).column_valued("key")
        return select(cast(func.pg_advisory_xact_lock(func.hashtextextended(key, 1)), Text()).label("lock"))

    wanted = sorted(set(names))
    if wanted and session.get_bind().dialect.name == "postgresql":
        await prepared(session, ("lock identities",), build).rows(session, keys=wanted)


async def list_identities(
    session: AsyncSession, *, kind: IdentityKind, values: Iterable[str], namespace: str = ""
) -> Sequence[CustomerIdentity]:
    """Return the identities with these values, of all customers."""
    found: list[CustomerIdentity] = []
    for chunk in chunks(values):
        statement = select(CustomerIdentity).where(
            CustomerIdentity.kind == kind, CustomerIdentity.namespace == namespace, CustomerIdentity.value.in_(chunk)
        )
        found.extend(await session.scalars(statement))
    return found


async def find_identities(session: AsyncSession, *, kind: IdentityKind, values: Iterable[str]) -> Sequence[Row[Any]]:
    """Return the identities with these values, of all customers, as plain rows; none of a namespace."""

    def build() -> Selection:
        is_of_kind = CustomerIdentity.kind == bindparam("kind", type_=Text())
        is_meant = is_of_kind & (CustomerIdentity.namespace == "") & among(session, CustomerIdentity.value, "values")
        return select(*CustomerIdentity.__table__.c).where(is_meant)

    wanted = list(dict.fromkeys(values))
    if not wanted:
        return []
    return await prepared(session, ("identities",), build).rows(session, kind=kind.value, values=wanted)


async def find_customer_by_identity(
    session: AsyncSession, *, kind: IdentityKind, namespace: str, value: str
) -> UUID | None:
    """Return the customer who is recognised by this: it is verified as theirs, and nobody shares it."""
    found = await find_record_by_identity(session, kind=kind, namespace=namespace, value=value)
    return None if found is None else found.canonical_id


async def find_record_by_identity(
    session: AsyncSession, *, kind: IdentityKind, namespace: str, value: str
) -> Any | None:  # noqa: ANN401  a row
    """Return the record that is recognised by this, as `id`, and the customer who has it now, as `canonical_id`."""
    shared = aliased(CustomerIdentity)
    is_shared = exists().where(
        shared.kind == kind, shared.namespace == namespace, shared.value == value, shared.is_shared
    )
    statement = (
        select(CustomerRecord.id, CustomerRecord.canonical_id)
        .join(CustomerIdentity, CustomerIdentity.customer_id == CustomerRecord.id)
        .where(
            CustomerIdentity.kind == kind,
            CustomerIdentity.namespace == namespace,
            CustomerIdentity.value == value,
            CustomerIdentity.verification == IdentityVerification.VERIFIED,
            ~is_shared,
        )
    )
    return (await session.execute(statement)).one_or_none()


async def get_identity(session: AsyncSession, identity_id: UUID) -> CustomerIdentity:
    """Return the identity as it is now. Raises `IdentityNotFound`."""
    statement = select(CustomerIdentity).where(CustomerIdentity.id == identity_id)
    identity = (await session.scalars(statement.execution_options(populate_existing=True))).one_or_none()
    if identity is None:
        raise IdentityNotFound
    return identity


async def list_identities_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return identities by their ids."""
    return await rows_by_id(session, CustomerIdentity, ids, where=(is_seen, CustomerIdentity.customer_id))


async def list_identities_by_family(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return the identities of each customer's whole family, in the order in which they were first seen."""
    return await rows_by_family(
        session, CustomerIdentity.customer_id, ids, order_by=(CustomerIdentity.first_seen_at, CustomerIdentity.id)
    )


async def list_identities_by_record(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return each record's identities in the order in which they were first seen."""
    return await rows_by_parent(session, CustomerIdentity.customer_id, ids, order_by=(CustomerIdentity.id,))


async def count_identities(session: AsyncSession, customer_id: UUID) -> int:
    """Return how many identities a record has."""
    statement = select(func.count()).select_from(CustomerIdentity).where(CustomerIdentity.customer_id == customer_id)
    count: int = (await session.execute(statement)).scalar_one()
    return count


async def list_same_identities(session: AsyncSession, ids: Iterable[UUID], *, limit: int) -> Sequence[Row[Any]]:
    """Return the identities of others that are the same as one of these records', for matching.

    Those that somebody shares, and those that more than `limit` others have, are nobody's sign and left out.
    """

    def build() -> Selection:
        own, theirs = aliased(CustomerIdentity), aliased(CustomerIdentity)
        is_same = (theirs.kind == own.kind) & (theirs.namespace == own.namespace) & (theirs.value == own.value)
        return (
            select(own.customer_id.label("own_id"), *(getattr(theirs, c.key) for c in CustomerIdentity.__table__.c))
            .join(theirs, is_same & (theirs.customer_id != own.customer_id))
            .where(among(session, own.customer_id, "ids"), ~_is_nobodys(own))
        )

    statement = prepared(session, ("same identities",), build)
    return await statement.rows(session, ids=list(dict.fromkeys(ids)), limit=limit)


async def list_nobodys_names(session: AsyncSession, ids: Iterable[UUID], *, limit: int) -> set[tuple[str, str, str]]:
    """Return which of these records' identities (kind, namespace, value) are nobody's sign."""

    def build() -> Selection:
        own = aliased(CustomerIdentity)
        is_meant = among(session, own.customer_id, "ids")
        return select(own.kind, own.namespace, own.value).where(is_meant, _is_nobodys(own))

    statement = prepared(session, ("nobodys names",), build)
    rows = await statement.rows(session, ids=list(dict.fromkeys(ids)), limit=limit)
    return {(row.kind, row.namespace, row.value) for row in rows}


def _is_nobodys(own: type[CustomerIdentity]) -> ColumnElement[bool]:
    """Say that somebody shares the same identity, or that more than `limit` others have it."""
    same = (
        CustomerIdentity.kind == own.kind,
        CustomerIdentity.namespace == own.namespace,
        CustomerIdentity.value == own.value,
    )
    holders = select(func.count()).select_from(CustomerIdentity).where(*same).scalar_subquery()
    return or_(exists().where(*same, CustomerIdentity.is_shared), holders > bindparam("limit", type_=Integer()) + 1)


async def remove_identity(session: AsyncSession, identity_id: UUID) -> None:
    """Take the identity away."""
    await session.execute(delete(CustomerIdentity).where(CustomerIdentity.id == identity_id))

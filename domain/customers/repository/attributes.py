"""Every query about custom attributes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.base.repository.rows import chunks, insert_rows, rows_by_id
from domain.customers.model import AttributeDefinition, CustomerAttribute
from domain.customers.repository.families import rows_by_family


async def list_definitions(session: AsyncSession) -> Sequence[Row[Any]]:
    """Return every definition, by key; there are at most a hundred."""
    statement = select(*AttributeDefinition.__table__.c).order_by(AttributeDefinition.key)
    return (await session.execute(statement)).all()


async def list_definitions_by_id(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Row[Any]]:
    """Return definitions by their ids."""
    return await rows_by_id(session, AttributeDefinition, ids)


async def find_definition_for_update(session: AsyncSession, key: str) -> AttributeDefinition | None:
    """Return the definition with this key, locked."""
    statement = select(AttributeDefinition).where(AttributeDefinition.key == key).with_for_update()
    return (await session.scalars(statement)).one_or_none()


async def list_definitions_in_use(session: AsyncSession, keys: Iterable[str]) -> Sequence[Row[Any]]:
    """Return the definitions with these keys; none of them changes until the end of the transaction."""
    statement = (
        select(*AttributeDefinition.__table__.c)
        .where(AttributeDefinition.key.in_(list(keys)))
        .order_by(AttributeDefinition.id)
        .with_for_update(read=True, key_share=True)
    )
    return (await session.execute(statement)).all()


async def count_definitions(session: AsyncSession) -> int:
    """Return how many attributes are defined, while nobody else defines one until the end of the transaction."""
    oldest = select(AttributeDefinition.id).order_by(AttributeDefinition.id).limit(1)
    await session.execute(oldest.with_for_update(key_share=True))
    count: int = (await session.execute(select(func.count()).select_from(AttributeDefinition))).scalar_one()
    return count


async def list_used_choices(session: AsyncSession, definition_id: UUID, choices: Iterable[str]) -> list[str]:
    """Return which of these choices some record has."""
    statement = (
        select(CustomerAttribute.text_value)
        .where(CustomerAttribute.definition_id == definition_id, CustomerAttribute.text_value.in_(list(choices)))
        .distinct()
    )
    return sorted(value for value in await session.scalars(statement) if value is not None)


async def list_attributes_by_customer(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return the values that each customer shows."""
    found = await rows_by_family(
        session, CustomerAttribute.customer_id, ids, order_by=(CustomerAttribute.definition_id,)
    )
    shown: dict[UUID, list[Row[Any]]] = defaultdict(list)
    for key, rows in found.items():
        shown[key] = [
            row
            for row in rows
            if (row.is_shown or row.is_alone) and (row.text_value is not None or row.number_value is not None)
        ]
    return shown


async def list_attribute_rows(session: AsyncSession, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
    """Return every attribute row of these records."""
    statement = select(*CustomerAttribute.__table__.c).where(CustomerAttribute.customer_id.in_(list(ids)))
    return (await session.execute(statement)).all()


async def replace_attributes(session: AsyncSession, ids: Iterable[UUID], rows: Sequence[Mapping[str, Any]]) -> None:
    """Make these the attribute rows of the records."""
    for chunk in chunks(ids):
        await session.execute(delete(CustomerAttribute).where(CustomerAttribute.customer_id.in_(chunk)))
    await insert_rows(session, CustomerAttribute, rows)

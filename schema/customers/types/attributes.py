"""Custom attributes, as the API shows them: typed, never JSON."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.customers.actions.attributes import visible
from domain.customers.repository.attributes import (
    list_attributes_by_customer,
    list_definitions,
    list_definitions_by_id,
)
from domain.customers.rules.attributes import (
    AttributeAudience as AttributeAudience,  # inputs take these from here, described
)
from domain.customers.rules.attributes import AttributeType as AttributeType
from schema.base.batched import batched
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.base.extends import extends
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.customers.policies import STAFF
from schema.customers.types.customers import Customer

described_enum(
    AttributeType,
    name="AttributeType",
    description="What sort of value an attribute has.",
    values={
        AttributeType.TEXT: "A text of at most 500 characters.",
        AttributeType.NUMBER: "A number with at most four decimals.",
        AttributeType.FLAG: "Yes or no.",
        AttributeType.DAY: "A calendar day.",
        AttributeType.CHOICE: "One of the attribute's choices.",
    },
)
described_enum(
    AttributeAudience,
    name="AttributeAudience",
    description="Who may see an attribute.",
    values={
        AttributeAudience.CUSTOMER: "Also the customer.",
        AttributeAudience.STAFF: "Whoever may read customers, but not the customer.",
        AttributeAudience.RESTRICTED: "Only who has the permission `attributes:restricted`.",
    },
)


@strawberry.type(description="What an organisation wants to know of its customers beside what everybody knows.")
class CustomerAttributeDefinition(Node):
    """See the description."""

    key: str = shown("The word by which programs know it.")
    name: str = shown("What people call it.")
    description: str | None = shown("What is meant by it.")
    type: AttributeType = shown("What sort of value it has; it never changes.")
    choices: list[str] = shown("Of which one is the value, for the type CHOICE; empty for others.")
    audience: AttributeAudience = shown("Who may see it.")
    is_archived: bool = shown("Whether it is set no longer; what was set is still shown.")

    @classmethod
    def of(cls, row: Row[Any]) -> "CustomerAttributeDefinition":
        """Show a row."""
        return cls(
            id=global_id("CustomerAttributeDefinition", row.id),
            key=row.key,
            name=row.name,
            description=row.description,
            type=AttributeType(row.type),
            choices=row.choices,
            audience=AttributeAudience(row.audience),
            is_archived=row.is_archived,
        )


@strawberry.type(description="What is known of one attribute of a customer: the value of its type, the others null.")
class CustomerAttribute:
    """See the description."""

    key: str = shown("The word by which programs know the attribute.")
    definition: CustomerAttributeDefinition = shown("How it is defined.")
    text: str | None = shown("The value of a TEXT.")
    number: Decimal | None = shown("The value of a NUMBER.")
    flag: bool | None = shown("The value of a FLAG.")
    day: date | None = shown("The value of a DAY.")
    choice: str | None = shown("The value of a CHOICE.")

    @classmethod
    def of(cls, row: Row[Any], definition: CustomerAttributeDefinition) -> "CustomerAttribute":
        """Show a row."""
        sort, text = definition.type, row.text_value
        return cls(
            key=definition.key,
            definition=definition,
            text=text if sort is AttributeType.TEXT else None,
            number=None if row.number_value is None else Decimal(f"{row.number_value.normalize():f}"),
            flag=text == "true" if sort is AttributeType.FLAG else None,
            day=date.fromisoformat(text) if sort is AttributeType.DAY else None,
            choice=text if sort is AttributeType.CHOICE else None,
        )


@extends(Customer)
@batched(
    description="What is known of the organisation's own attributes, by key; those that the caller may see.", reads=()
)
async def attributes(customers: list[Customer], info: Info) -> list[list[CustomerAttribute]]:
    """Read the attributes of a level."""
    keys = [customer.key for customer in customers]
    async with info.context.reading() as session:
        definitions = await list_definitions(session)
        rows = await list_attributes_by_customer(session, keys)
    seen = {each.id for each in visible(definitions, actor=info.context.actor).values()}
    by_id = {row.id: CustomerAttributeDefinition.of(row) for row in definitions if row.id in seen}
    return [_in_order(rows[key], by_id) for key in keys]


def _in_order(rows: Sequence[Row[Any]], by_id: dict[UUID, CustomerAttributeDefinition]) -> list[CustomerAttribute]:
    found = [CustomerAttribute.of(row, by_id[row.definition_id]) for row in rows if row.definition_id in by_id]
    return sorted(found, key=lambda attribute: attribute.key)


@loads("CustomerAttributeDefinition", policy=STAFF)
async def load_definitions(info: Info, ids: Sequence[UUID]) -> list[CustomerAttributeDefinition | None]:
    """Read definitions by their ids; those that the caller may not see are as good as missing."""
    async with info.context.reading() as session:
        rows = await list_definitions_by_id(session, ids)
    seen = {each.id for each in visible(list(rows.values()), actor=info.context.actor).values()}
    return [CustomerAttributeDefinition.of(rows[key]) if key in seen else None for key in ids]

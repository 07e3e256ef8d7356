"""Defining custom attributes, and setting them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from domain.base.actors import Actor, Permission
from domain.base.errors import Checks, Invalid, TooLong
from domain.base.work import Work
from domain.customers.actions.families import choose_words
from domain.customers.errors import AttributeRestricted, AttributeTypeFixed, AttributeUnknown, ChoiceInUse
from domain.customers.events import AttributeDefined
from domain.customers.model import AttributeDefinition, CustomerRecord
from domain.customers.repository.attributes import (
    count_definitions,
    find_definition_for_update,
    list_attribute_rows,
    list_definitions_in_use,
    list_used_choices,
    replace_attributes,
)
from domain.customers.rules.attributes import (
    DEFINITIONS_MAX,
    AttributeAudience,
    AttributeChange,
    AttributeCondition,
    AttributeType,
    Definition,
    DefinitionDetails,
    StoredCondition,
    StoredValue,
    check_definition,
    is_key,
    stored_condition,
    stored_value,
)


async def upsert_definition(work: Work, *, details: DefinitionDetails) -> UUID:
    """Define an attribute, or change the definition with this key.

    Raises `Refusals`, `TooLong` beyond a hundred, `AttributeRestricted`, `AttributeTypeFixed`, `ChoiceInUse`.
    Records `AttributeDefined`.
    """
    work.require(Permission.ATTRIBUTES_WRITE)
    checked = check_definition(details)
    known = await find_definition_for_update(work.session, checked.key)
    audiences = {checked.audience} if known is None else {checked.audience, known.audience}
    if AttributeAudience.RESTRICTED in audiences and not work.actor.may(Permission.ATTRIBUTES_RESTRICTED):
        raise AttributeRestricted
    values = {name: getattr(checked, name) for name in ("name", "description", "type", "audience", "is_archived")}
    values["choices"] = list(checked.choices)
    if known is None:
        if await count_definitions(work.session) >= DEFINITIONS_MAX:
            message = f"There are {DEFINITIONS_MAX} attributes, which is the most; change one of them."
            raise TooLong(message)
        known = AttributeDefinition(key=checked.key, created_at=work.now, updated_at=work.now, **values)
        work.session.add(known)
    else:
        if known.type != checked.type:
            raise AttributeTypeFixed
        gone = [choice for choice in known.choices if choice not in checked.choices]
        if gone and (used := await list_used_choices(work.session, known.id, gone)):
            raise ChoiceInUse(used)
        if all(getattr(known, name) == value for name, value in values.items()):
            return known.id
        for name, value in values.items():
            setattr(known, name, value)
        known.updated_at = work.now
    work.record(AttributeDefined(definition_id=known.id))
    return known.id


def visible(rows: Sequence[Any], *, actor: Actor) -> dict[str, Definition]:
    """Return, by key, the definitions among the rows that the actor may see; none for who sees people in part only."""
    return {
        row.key: Definition(
            id=row.id,
            key=row.key,
            type=AttributeType(row.type),
            choices=row.choices,
            audience=AttributeAudience(row.audience),
            is_archived=row.is_archived,
        )
        for row in rows
        if not actor.is_masked
        and (row.audience != AttributeAudience.RESTRICTED or actor.may(Permission.ATTRIBUTES_RESTRICTED))
    }


def conditions_of(
    conditions: Sequence[AttributeCondition], *, definitions: dict[str, Definition]
) -> list[StoredCondition]:
    """Return the conditions of a filter on what is stored. Raises `Invalid` for what is unknown or unseen."""
    found = []
    for condition in conditions:
        definition = definitions.get(condition.key)
        if definition is None:
            raise AttributeUnknown(condition.key)
        found.append(stored_condition(condition, definition=definition))
    return found


async def set_attributes(work: Work, *, records: Sequence[CustomerRecord], changes: Sequence[AttributeChange]) -> bool:
    """Let the family, in the order of belief, show these values; return whether it showed others.

    As a tag, a value of an absorbed customer stays theirs; emptied, that is noted on the canonical customer.
    Raises `Refusals`, with the place in the list.
    """
    if not changes:
        return False
    values = await _checked(work, changes)
    rows = await list_attribute_rows(work.session, [record.id for record in records])
    own_id = records[0].id
    own = {
        row.definition_id: StoredValue(text_value=row.text_value, number_value=row.number_value)
        for row in rows
        if row.customer_id == own_id
    }
    others = {row.definition_id for row in rows if row.customer_id != own_id}
    shown = {
        row.definition_id: StoredValue(text_value=row.text_value, number_value=row.number_value)
        for row in rows
        if row.is_shown
    }
    nothing = StoredValue()
    changed = {key: value for key, value in values.items() if value != shown.get(key, nothing)}
    for key, value in changed.items():
        if value == nothing and key not in others:
            own.pop(key, None)
        else:
            own[key] = value
    if changed:
        await replace_attributes(work.session, [own_id], [_row(own_id, key, value) for key, value in own.items()])
        await choose_words(work, records=records)
    return bool(changed)


def _row(customer_id: UUID, definition_id: UUID, value: StoredValue) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "definition_id": definition_id,
        "text_value": value.text_value,
        "number_value": value.number_value,
        "is_shown": value != StoredValue(),
    }


async def _checked(work: Work, changes: Sequence[AttributeChange]) -> dict[UUID, StoredValue]:
    named = {change.key for change in changes if is_key(change.key)}
    definitions = visible(await list_definitions_in_use(work.session, named), actor=work.actor)
    checks = Checks()
    values: dict[UUID, StoredValue] = {}
    for index, change in enumerate(changes):
        definition = definitions.get(change.key)
        if definition is None or definition.is_archived:
            checks.add(AttributeUnknown(change.key).under("attributes", index))
            continue
        if definition.id in values:
            checks.add(Invalid("This attribute is named twice.", field=("attributes", index, "key")))
            continue
        value = checks.take(
            lambda change=change, definition=definition: stored_value(change, definition=definition),  # type: ignore[misc]
            "attributes",
            index,
        )
        values[definition.id] = value or StoredValue()
    checks.settle()
    return values

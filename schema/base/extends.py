"""Adding fields to a type of a lower area, as GraphQL's `extend type` does.

    @extends(Customer)
    @batched(description="Their orders, newest first.")
    async def orders(customers: list[Customer], info: Info, …) -> list[Connection[Order]]: ...

Removing an area's folder removes its fields; no type knows who extends it.
"""

from collections.abc import Callable

from strawberry.types.field import StrawberryField


def extends(extended: type) -> Callable[[StrawberryField], StrawberryField]:
    """Add the field below to `extended`, a type declared with Strawberry."""

    def extend(field: StrawberryField) -> StrawberryField:
        name = field.base_resolver.name if field.base_resolver is not None else ""
        definition = extended.__strawberry_definition__  # type: ignore[attr-defined]
        if any(known.python_name == name for known in definition.fields):
            message = f"{extended.__name__} has a field {name} already"
            raise TypeError(message)
        field.python_name = name
        field.origin = extended
        definition.fields.append(field)
        return field

    return extend

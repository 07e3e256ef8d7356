"""Objects with an id of their own, and how each kind is read by it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import strawberry

from domain.base.errors import Invalid, Refusal
from schema.base.context import Info
from schema.base.descriptions import shown
from schema.base.ids import parse_id
from schema.base.policies import Policy

NODES_MAX = 100

_Load = Callable[[Info, Sequence[UUID]], Awaitable[Sequence[Any]]]
_LOADERS: dict[str, tuple[_Load, Policy]] = {}


@strawberry.interface(description="An object with a global id, readable by `node` and `nodes`.")
class Node:
    """See the description."""

    id: strawberry.ID = shown("The object's global id: opaque, stable, unique over all types.")


def loads(type_name: str, *, policy: Policy) -> Callable[[_Load], _Load]:
    """Declare how objects of a type are read: by keys, aligned to them, None where there is none."""

    def declare(load: _Load) -> _Load:
        _LOADERS[type_name] = (load, policy)
        return load

    return declare


def node_policies() -> dict[str, Policy]:
    """Return who may read objects of each type by their ids."""
    return {type_name: policy for type_name, (_, policy) in _LOADERS.items()}


async def load_node(info: Info, value: str) -> Any:  # noqa: ANN401  a node of any type, or None
    """Return the object with this id, None where there is none. Raises `Invalid`, `Forbidden`."""
    (found,) = await load_nodes(info, [value])
    if isinstance(found, Refusal):
        raise found
    return found


async def load_nodes(info: Info, values: Sequence[str]) -> list[Any]:
    """Return the objects in the order of their ids: None for a missing one, a refusal for a bad id.

    Raises `Invalid` for more than 100 ids.
    """
    if len(values) > NODES_MAX:
        message = f"At most {NODES_MAX} ids at once."
        raise Invalid(message)
    found: list[Any] = [None] * len(values)
    places: dict[str, list[tuple[int, UUID]]] = {}
    for index, value in enumerate(values):
        try:
            type_name, key = parse_id(value)
            if type_name in _LOADERS:
                _LOADERS[type_name][1].check(info.context.actor)
                places.setdefault(type_name, []).append((index, key))
        except Refusal as refusal:
            found[index] = refusal
    loaded = await asyncio.gather(
        *(_LOADERS[type_name][0](info, [key for _, key in wanted]) for type_name, wanted in places.items())
    )
    for wanted, objects in zip(places.values(), loaded, strict=True):
        for (index, _), each in zip(wanted, objects, strict=True):
            found[index] = each
    return found

"""Relations: one call for a whole level of the tree, whatever its width.

    @batched(description="The store that sold it.")
    async def store(orders: list[Order], info: Info) -> list[Store]: ...

The function is given the list of parents and returns the list of results, aligned to it; the field's
type is that of one result. The parents that graphql-core visits one by one are gathered here until
the event loop has nothing else to do (schema/base/gatherer.py), and are then handed over together.
What executes a level is thus the concern of these two files alone.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, get_args

import strawberry
from strawberry.types.field import StrawberryField

from schema.base.context import Info
from schema.base.gatherer import Batch

BATCH_FUNCTION = "sportello.batch"
"""The key of a field's metadata under which an engine finds the function that takes the whole list."""


READS = "sportello.reads"
"""The key of a field's metadata under which the columns stand that the function needs of its parents' rows."""


def batched(*, description: str, reads: tuple[str, ...] | None = None) -> Callable[[Batch], StrawberryField]:
    """Declare a field whose function takes a list of parents.

    `reads`: the columns that it needs of their rows, beside the key, where they show rows; None: all.
    """
    needed = None if reads is None else frozenset(reads)

    def declare(resolve: Batch) -> StrawberryField:
        hints = dict(resolve.__annotations__)  # not evaluated: a parent may be the class that is being made
        (result,) = get_args(hints.pop("return"))
        _parents, info, *arguments = inspect.signature(resolve).parameters.values()

        def gather(self: Any, info: Info, **kwargs: Any) -> Awaitable[Any]:  # noqa: ANN401
            return info.context.gatherer.add(self, info, resolve, kwargs)

        gather.__name__, gather.__doc__, gather.__module__ = resolve.__name__, resolve.__doc__, resolve.__module__
        gather.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            [
                inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD),
                info.replace(annotation=Info),
                *(argument.replace(annotation=hints[argument.name]) for argument in arguments),
            ],
            return_annotation=result,
        )
        gather.__annotations__ = {a.name: hints[a.name] for a in arguments} | {"info": Info, "return": result}
        field: StrawberryField = strawberry.field(
            resolver=gather, description=description, metadata={BATCH_FUNCTION: resolve, READS: needed}
        )
        return field

    return declare

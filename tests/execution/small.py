"""A small schema in which everything can go wrong that can go wrong in a level."""

from collections.abc import Sequence
from enum import Enum
from typing import Annotated, Any, Union

import strawberry
from graphql import GraphQLObjectType

from schema.base.batched import batched
from schema.base.context import Info
from schema.base.execution.executor import BreadthFirst
from schema.base.policies import ANYBODY, POLICY


@strawberry.enum
class Colour(Enum):
    """What a fruit looks like."""

    RED = "red"
    GREEN = "green"


@strawberry.interface
class Named:
    """What has a name."""

    name: str


@strawberry.type
class Stone(Named):
    """What is in some fruits."""

    weight: int


@strawberry.type
class Seed(Named):
    """What is in others."""

    count: int | None


Inside = Annotated[Union[Stone, Seed], strawberry.union("Inside")]  # noqa: UP007


@strawberry.type
class Fruit(Named):
    """A fruit; of some, fields fail."""

    number: strawberry.Private[int]
    colour: Colour
    size: float | None
    parts: list[str | None]
    must: str
    """Null of every fifth, which it must not be."""
    inside: Inside | None
    things: list[Named]

    @strawberry.field
    def slow(self, times: int = 1) -> str:
        """Fail for every third, at once."""
        if self.number % 3 == 0:
            message = f"slow {self.number}"
            raise ValueError(message)
        return self.name * min(times, 3)

    @strawberry.field
    async def later(self) -> str | None:
        """Fail for every fourth, a little later."""
        if self.number % 4 == 0:
            message = f"later {self.number}"
            raise ValueError(message)
        return self.name

    @batched(description="The next ones.")
    async def following(fruits: list["Fruit"], info: Info, first: int = 2) -> list[list["Fruit"]]:  # noqa: N805
        """Return some more."""
        del info
        return [[fruit(each.number + step) for step in range(1, min(first, 3) + 1)] for each in fruits]

    @batched(description="Fails as a whole where the eighth is among them.")
    async def fragile(fruits: list["Fruit"], info: Info) -> list["Fruit | None"]:  # noqa: N805
        """Fail for all of a level."""
        del info
        if any(each.number % 8 == 0 for each in fruits):
            message = "fragile"
            raise ValueError(message)
        return [fruit(each.number) if each.number % 2 else None for each in fruits]

    @batched(description="An error for every sixth.")
    async def refused(fruits: list["Fruit"], info: Info) -> list["Fruit | None"]:  # noqa: N805
        """Return errors as values."""
        del info
        errors: Sequence[Any] = [ValueError("refused") if each.number % 6 == 0 else each for each in fruits]
        return list(errors)


def fruit(number: int) -> Fruit:
    """Return the fruit of a number."""
    inside = (None, Stone(name="stone", weight=number), Seed(name="seed", count=number if number % 2 else None))
    return Fruit(
        number=number,
        name=f"fruit {number}",
        colour=Colour.RED if number % 2 else Colour.GREEN,
        size=None if number % 3 else number / 2,
        parts=["peel", None] if number % 2 else [],
        must=None if number % 5 == 0 else "must",  # type: ignore[arg-type]
        inside=inside[number % 3],
        things=[each for each in inside if each is not None],
    )


@strawberry.type
class Query:
    """Where to begin."""

    @strawberry.field
    async def fruits(self, start: int = 1, count: int = 3) -> list[Fruit]:
        """Return so many from a number on."""
        return [fruit(number) for number in range(start, start + min(count, 10))]

    @strawberry.field
    def maybe(self, number: int = 1) -> Fruit | None:
        """Return one, or none for zero."""
        return fruit(number) if number else None

    @strawberry.field
    def anything(self, number: int = 1) -> list[Inside | None]:
        """Return objects of several types."""
        return [fruit(each).inside for each in range(number, number + 3)]


@strawberry.type
class Mutation:
    """What changes something."""

    @strawberry.mutation
    async def plant(self, number: int) -> Fruit | None:
        """Count how often it was planted."""
        PLANTED.append(number)
        return fruit(number)


PLANTED: list[int] = []


def make_small_schema() -> strawberry.Schema:
    """Return the schema, in which everybody may read everything."""
    return allowing_everybody(strawberry.Schema(query=Query, mutation=Mutation, execution_context_class=BreadthFirst))


def allowing_everybody(schema: strawberry.Schema) -> strawberry.Schema:
    """Return the schema, every field of which everybody may read."""
    for each in schema._schema.type_map.values():
        if isinstance(each, GraphQLObjectType):
            for field in each.fields.values():
                field.extensions[POLICY] = ANYBODY
    return schema

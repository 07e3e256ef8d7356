"""Running plans: level by level, each relation followed once for all objects of a level."""

import asyncio
import inspect
from collections.abc import Sequence
from functools import cached_property
from itertools import chain, repeat
from operator import is_
from typing import Any, Protocol

from graphql import (
    GraphQLAbstractType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.schema.schema_converter import get_arguments
from strawberry.types.info import Info

from schema.base.context import Context
from schema.base.execution.plans import Plan, Relation
from schema.base.execution.projections import Unfit, coercion
from schema.base.policies import masked


class Operation(Protocol):
    """What is known of an operation, whoever asks it."""

    def plan(self, levels: "Levels", relation: Relation, kind: GraphQLObjectType) -> Plan:
        """Return the plan for objects of a type behind a relation."""

    def inform(self, levels: "Levels", relation: Relation) -> GraphQLResolveInfo[Any]:
        """Return what a resolver is told: its place is that of a level, which has many."""


class Told(Info[Context, None]):
    """What Strawberry tells functions, made as far as they ask for it."""

    def __init__(self, levels: "Levels", relation: Relation) -> None:
        """Take what they may ask for."""
        self._levels = levels
        self._relation = relation
        self._field = relation.definition

    @property
    def context(self) -> Context:
        """Return the request."""
        return self._levels.context

    @cached_property
    def _raw_info(self) -> GraphQLResolveInfo[Any]:  # type: ignore[override]
        return self._levels.inform(self._relation)


class Levels:
    """One operation, run by plans; whatever goes wrong raises, and graphql-core says what it was."""

    __slots__ = ("_operation", "context", "variables")

    def __init__(self, operation: Operation, context: Context, variables: VariableValues) -> None:
        """Take what is asked, by whom, and with which values."""
        self._operation = operation
        self.context = context
        self.variables = variables

    def inform(self, relation: Relation) -> GraphQLResolveInfo[Any]:
        """Return what a resolver is told."""
        return self._operation.inform(self, relation)

    async def complete(self, kind: GraphQLOutputType, relation: Relation, values: Sequence[Any]) -> list[Any]:
        """Return what stands in the answer for the values of one field of a level, aligned to them."""
        has_null = any(map(is_, values, repeat(None)))
        if isinstance(kind, GraphQLNonNull):
            if has_null:
                raise Unfit
            return await self._complete_all(kind.of_type, relation, values)
        if not has_null:
            return await self._complete_all(kind, relation, values)
        places = [index for index, value in enumerate(values) if value is not None]
        completed = await self._complete_all(kind, relation, [values[index] for index in places])
        spread: list[Any] = [None] * len(values)
        for index, value in zip(places, completed, strict=True):
            spread[index] = value
        return spread

    async def _complete_all(self, kind: GraphQLOutputType, relation: Relation, values: Sequence[Any]) -> list[Any]:
        """Complete values of which none is null."""
        if isinstance(kind, GraphQLList):
            return await self._lists(kind, relation, values)
        if is_leaf_type(kind):
            shape = coercion(kind)
            return [shape(value) for value in values]
        if is_abstract_type(kind):
            return await self._abstract(kind, relation, values)
        assert isinstance(kind, GraphQLObjectType)  # noqa: S101  there is nothing else
        return await self._objects(self._plan(relation, kind), relation, values)

    def _plan(self, relation: Relation, kind: GraphQLObjectType) -> Plan:
        return relation.plans.get(kind.name) or self._operation.plan(self, relation, kind)

    async def _lists(self, kind: GraphQLList[Any], relation: Relation, values: Sequence[Any]) -> list[Any]:
        if not {list, tuple}.issuperset(map(type, values)) and not all(isinstance(v, list | tuple) for v in values):
            raise Unfit
        completed = await self.complete(kind.of_type, relation, list(chain.from_iterable(values)))
        lists, start = [], 0
        for value in values:
            lists.append(completed[start : start + len(value)])
            start += len(value)
        return lists

    async def _abstract(self, kind: GraphQLAbstractType, relation: Relation, values: Sequence[Any]) -> list[Any]:
        """Complete objects of several types: those of one type together."""
        info = self.inform(relation)
        assert kind.resolve_type is not None  # noqa: S101  Strawberry makes one for each
        places: dict[Any, list[int]] = {}
        for index, value in enumerate(values):
            places.setdefault(kind.resolve_type(value, info, kind), []).append(index)
        completed: list[Any] = [None] * len(values)
        for name, indexes in places.items():
            found = info.schema.get_type(name) if isinstance(name, str) else None
            if not isinstance(found, GraphQLObjectType) or not info.schema.is_sub_type(kind, found):
                raise Unfit
            plan = self._plan(relation, found)
            shaped = await self._objects(plan, relation, [values[index] for index in indexes])
            for index, value in zip(indexes, shaped, strict=True):
                completed[index] = value
        return completed

    async def _objects(self, plan: Plan, relation: Relation, objects: Sequence[Any]) -> list[Any]:
        if not objects:
            return []
        self._check_classes(plan, relation, objects)
        if plan.is_personal:
            self.context.note_people(objects)
        shaped = plan.project(objects)
        for each in plan.relations:
            values = await self._follow(each, objects)
            if each.mask is not None:
                values = [masked(value, each.mask) for value in values]
            for row, value in zip(shaped, await self.complete(each.field.type, each, values), strict=True):
                row[each.key] = value
        return shaped

    def _check_classes(self, plan: Plan, relation: Relation, objects: Sequence[Any]) -> None:
        """Hold that the objects are of the type that the schema says."""
        if plan.known_classes.issuperset(map(type, objects)):
            return
        for each in {each.__class__: each for each in objects}.values():
            is_type_of = plan.kind.is_type_of
            if isinstance(each, Exception) or (is_type_of and not is_type_of(each, self.inform(relation))):
                raise Unfit
            plan.known_classes.add(each.__class__)

    async def _follow(self, relation: Relation, objects: Sequence[Any]) -> Sequence[Any]:
        """Return what the objects of a level lead to."""
        definition = relation.definition
        if definition.is_basic_field:
            return [getattr(each, definition.python_name) for each in objects]
        if relation.batch is None:
            return await self._resolve(relation, objects)
        told = Told(self, relation)
        results = await relation.batch(list(objects), told, **self._given(relation, told))
        if len(results) != len(objects):
            raise Unfit
        return results

    async def begin(self, root: Relation) -> Sequence[Any]:
        """Return the value of a root field, alone in its level."""
        told = Told(self, root)
        resolver = root.definition.base_resolver
        assert resolver is not None  # noqa: S101  no plan begins without
        parents = () if resolver.self_parameter is None else (None,)
        informed = {} if resolver.info_parameter is None else {resolver.info_parameter.name: told}
        function: Any = resolver.wrapped_func
        found = function(*parents, **informed, **self._given(root, told))
        return [await found if inspect.isawaitable(found) else found]

    def _given(self, relation: Relation, told: Told) -> dict[str, Any]:
        """Return the arguments as Strawberry gives them to functions."""
        if relation.arguments is not None:
            if not relation.bindings:
                return relation.arguments
            values = self.variables.coerced
            return relation.arguments | {name: values[each] for name, each in relation.bindings if each in values}
        schema = told.schema
        _, given = get_arguments(
            field=relation.definition,
            source=None,
            info=told,
            kwargs=self._arguments(relation),
            config=schema.config,
            scalar_registry=schema.schema_converter.scalar_registry,
        )
        given.pop("info", None)
        if relation.bindings is not None:
            names = {name for name, _ in relation.bindings}
            relation.arguments = {name: value for name, value in given.items() if name not in names}
        return given

    def _arguments(self, relation: Relation) -> dict[str, Any]:
        return get_argument_values(relation.field, relation.details[0].node, self.variables)

    async def _resolve(self, relation: Relation, objects: Sequence[Any]) -> Sequence[Any]:
        """Ask a function of one object for each of them."""
        resolve, info, arguments = relation.field.resolve, self.inform(relation), self._arguments(relation)
        assert resolve is not None  # noqa: S101  Strawberry makes one for each field
        found = [resolve(each, info, **arguments) for each in objects]
        if not any(inspect.isawaitable(value) for value in found):
            return found
        async with asyncio.TaskGroup() as group:
            return await _each(found, group)


async def _each(found: Sequence[Any], group: asyncio.TaskGroup) -> list[Any]:
    """Return the values and what was promised, all at once; where one fails, nobody goes on."""
    begun = [group.create_task(value) if inspect.iscoroutine(value) else value for value in found]
    return [await value if inspect.isawaitable(value) else value for value in begun]

"""Where graphql-core hands over: queries are run by plans, and so is what stands below the other root fields.

graphql-core stays the reference. Whatever a plan does not cover, and whatever goes wrong while one runs, is run by it:
a query from its start, everything else from the root field's value on. So errors, their paths and what becomes null are
its own. Reading twice changes nothing.
"""

from typing import Any

from graphql import (
    DocumentNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLResolveInfo,
    get_named_type,
    is_introspection_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetailsList, collect_fields
from graphql.execution.executor import CollectedErrors
from graphql.execution.values import VariableValues
from graphql.pyutils import Path, RefMap
from graphql.type.definition import GraphQLResolveInfoHelpers
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from domain.base.actors import Actor
from schema.base.context import Context
from schema.base.execution.levels import Levels
from schema.base.execution.plans import Plan, Planned, Planner, Plans, Relation, Selection, Unplannable


class BreadthFirst(StrawberryGraphQLCoreExecutionContext):
    """Executes queries by plans, and what is below the root fields of everything else."""

    def __init__(self, *args: Any, plans: Plans | None = None, **kwargs: Any) -> None:  # noqa: ANN401  graphql-core's
        """Take what was planned for this operation before."""
        super().__init__(*args, **kwargs)
        self._plans = plans or Plans.of(DocumentNode(definitions=(self.operation, *self.fragment_definitions.values())))
        self._given_back: set[str | int] = set()

    def again(self, context: Context, variables: VariableValues) -> "BreadthFirst":
        """Return what executes the same operation for somebody else, with other variables."""
        fresh = object.__new__(type(self))
        fresh.__dict__.update(self.__dict__)
        fresh.context_value = context
        fresh.variable_values = variables
        fresh.collected_errors = CollectedErrors()
        fresh.pending_incremental_futures, fresh.background_futures = set(), set()
        fresh.async_helpers = GraphQLResolveInfoHelpers(fresh.gather_async_work, fresh.track_async_work)
        fresh._relevant_sub_fields = {}
        fresh._stream_usages = RefMap()
        fresh._given_back = set()
        return fresh

    async def query(self, context: Context, variables: VariableValues) -> dict[str, Any]:
        """Return the data of a query, by plans alone. Whatever goes wrong raises: graphql-core says how to put it."""
        key = self._role_key(context.actor, variables)
        known = self._plans.find(key)
        try:
            if known is None:
                known = self.again(context, variables).query_fields()
                self._plans.keep(key, known)
            return await self._run(known, Levels(self, context, variables))
        except Unplannable:
            self._plans.keep(key, ())  # the next one is not begun in vain
            raise

    async def _run(self, known: Planned, levels: Levels) -> dict[str, Any]:
        if not known:
            raise Unplannable
        data: dict[str, Any] = {}
        for name, root in known:
            if isinstance(root, str):
                data[name] = root
            else:
                (data[name],) = await levels.complete(root.field.type, root, await levels.begin(root))
        return data

    def query_fields(self) -> Planned:
        """Plan the root fields of a query; `__typename` is known already. Raises `Unplannable`."""
        kind = self.schema.query_type
        if kind is None:
            raise Unplannable
        selected = collect_fields(
            self.schema, self.fragments, self.variable_values, kind, self.operation, self.hide_suggestions
        ).grouped_field_set
        found: list[tuple[str, Relation | str]] = []
        for key, details in selected.items():
            name = details[0].node.name.value
            if name == "__typename":
                found.append((key, kind.name))
                continue
            found.append((key, self.planner().root(kind, key, details)))
        return tuple(found)

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: FieldDetailsList,
        info: GraphQLResolveInfo[Any],
        path: Path,
        result: Any,  # noqa: ANN401
        position_context: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Complete the value of a root field by a plan; everything else as graphql-core does."""
        given = (return_type, field_details_list, info, path, result, position_context)
        if path.prev is not None or path.key in self._given_back or result is None or isinstance(result, Exception):
            return super().complete_value(*given)
        named = get_named_type(return_type)
        if is_leaf_type(named) or is_introspection_type(named):
            return super().complete_value(*given)
        return self._by_plan(*given)

    async def _by_plan(self, *given: Any) -> Any:  # noqa: ANN401  what `complete_value` is given
        return_type, details, info, path, result, _ = given
        try:
            root = self._root(info, path, details)
            levels = Levels(self, self.context_value, self.variable_values)
            (completed,) = await levels.complete(return_type, root, [result])
        except Exception as error:  # noqa: BLE001  whatever it is, graphql-core meets it again and says it as it should be
            if isinstance(error, Unplannable):
                self._plans.keep(self._key(info, path), ())
            self._given_back.add(path.key)
            try:
                completed = super().complete_value(*given)
            finally:
                self._given_back.discard(path.key)
            return await completed if self.is_awaitable(completed) else completed
        return completed

    def _root(self, info: GraphQLResolveInfo[Any], path: Path, details: FieldDetailsList) -> Relation:
        """Return the root field as a relation, with the plans that were made for it before."""
        key = self._key(info, path)
        known = self._plans.find(key)
        if known is None:
            known = (("", Relation.root(info, details)),)
            self._plans.keep(key, known)
        if not known:
            raise Unplannable
        return known[0][1]

    def _key(self, info: GraphQLResolveInfo[Any], path: Path) -> tuple[Any, ...]:
        """Return by what plans differ: those whom all policies treat alike share them."""
        return (path.key, info.field_name, *self._role_key(self.context_value.actor, self.variable_values))

    def _role_key(self, actor: Actor, variables: VariableValues) -> tuple[Any, ...]:
        """Return by what plans of the operation differ."""
        name = self.operation.name and self.operation.name.value
        if not self._plans.conditions:
            return (name, actor.powers)
        return (name, actor.powers, *(variables.coerced.get(each) for each in self._plans.conditions))

    def plan(self, levels: Levels, relation: Relation, kind: GraphQLObjectType) -> Plan:
        """Make and keep the plan for objects of a type behind a relation."""
        planner = self.again(levels.context, levels.variables).planner()
        found = relation.plans[kind.name] = planner.plan(kind, planner.select(kind, relation.details))
        return found

    def planner(self) -> Planner:
        """Return what plans are made with."""
        return Planner(self.context_value.actor, self._find, self._select)

    def _select(self, kind: GraphQLObjectType, details: FieldDetailsList) -> Selection:
        return self.collect_subfields(kind, details).grouped_field_set

    def _find(self, parent_type: GraphQLObjectType, name: str) -> GraphQLField | None:
        return self.schema.get_field(parent_type, name)

    def inform(self, levels: Levels, relation: Relation) -> GraphQLResolveInfo[Any]:
        """Return what a resolver is told: its place is that of a level, which has many."""
        nodes = [each.node for each in relation.details]
        place = Path(None, relation.key, relation.parent_type.name)
        whole = self.again(levels.context, levels.variables)
        return whole.build_resolve_info(relation.field, nodes, relation.parent_type, place)

"""Who may read and write what: denied unless a row of a table says otherwise.

Each area has a file `policies.py` with a row for every field of its types and every root field; the schema does
not start with a field without one, nor with a row without a field. What a row allows is decided here, once, in
front of the resolver. Which objects somebody sees at all is decided in the queries (`domain/base/sight.py`).
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    default_field_resolver,
    get_named_type,
    is_introspection_type,
)

from domain.base.actors import Actor, ActorKind, Permission
from domain.base.errors import Forbidden

POLICY = "sportello.policy"
"""The key of a field's extensions under which an engine finds who may see it."""


class Otherwise(StrEnum):
    """What somebody is answered whom a row does not allow."""

    REFUSED = "refused"
    NULL = "null"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One row: which staff and programs, and who else."""

    needs: Permission | None = None
    """The permission without which staff and programs may not; None: whoever reached the object."""
    or_needs: Permission | None = None
    """Another permission that does as well."""
    is_for_anonymous: bool = False
    """Also who did not sign in."""
    is_for_shoppers: bool = False
    """Also shoppers, of what is theirs."""
    is_for_programs: bool = True
    """Programs as staff; False: people only."""
    is_for_partners: bool = True
    """Partner agents as other staff; False: not they."""
    otherwise: Otherwise = Otherwise.REFUSED
    mask: Callable[[str], str] | None = None
    """How the value is shown to who sees personal data in part only."""
    part: Callable[[Any], str] | None = None
    """How the object is shown to them in this field, where its value alone does not tell what to leave out."""
    is_personal: bool = False
    """Whether reading it of many people at once is told to the audit log."""
    is_own: bool = False
    """Whether its value differs between those who may do the same, such as what somebody has read."""

    def allows(self, actor: Actor) -> bool:
        """Tell whether the actor may read or write this."""
        if actor.kind is ActorKind.ANONYMOUS:
            return self.is_for_anonymous
        if actor.kind is ActorKind.CUSTOMER:
            return self.is_for_shoppers
        if actor.kind is ActorKind.APP and not self.is_for_programs:
            return False
        if actor.is_masked and not self.is_for_partners:
            return False
        return self.needs is None or any(actor.may(each) for each in self.permissions)

    def check(self, actor: Actor) -> None:
        """Raise `Forbidden` unless the actor may."""
        if not self.allows(actor):
            named = " or ".join(self.permissions)
            message = f"This needs the permission {named}." if named else "This is not for you."
            raise Forbidden(message)

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """Return the permissions of which staff and programs need one."""
        return tuple(each for each in (self.needs, self.or_needs) if each is not None)

    @property
    def is_plain(self) -> bool:
        """Tell whether there is nothing to decide once the object is reached."""
        return self == ANYBODY


ANYBODY = Policy(is_for_anonymous=True, is_for_shoppers=True)
REACHED = ANYBODY
"""A field of an object: whoever reached the object may read it."""
OWN = Policy(is_for_anonymous=True, is_for_shoppers=True, is_own=True)
"""The same, where each is told something else."""

TEAM_AND_PROGRAMS = Policy()
"""Staff and programs, whatever they may do: each sees what they may see."""

Rows: TypeAlias = Mapping[str, Mapping[str, Policy]]
"""By type, or kind of types (`*Connection`): fields, several in one text, and their policy."""

SHARED: Rows = {
    "*Connection": {"edges nodes pageInfo totalCount": REACHED},
    "*Edge": {"cursor node": REACHED},
    "PageInfo": {"hasNextPage hasPreviousPage startCursor endCursor": REACHED},
    "Money": {"amount currencyCode": REACHED},
    "InputError": {"code message field": REACHED},
    "VersionConflict": {"code message field currentVersion": REACHED},
    "RateLimited": {"code message field retryAt": REACHED},
    "ThrottleStatus": {"maximumAvailable currentlyAvailable restoreRate": REACHED},
    "ResyncRequired": {"reason": REACHED},
    "Query": {"node nodes rateLimit eventCursor": ANYBODY, "events": TEAM_AND_PROGRAMS},
    "Subscription": {"events": TEAM_AND_PROGRAMS},
    "EventPage": {"items endCursor hasNextPage": REACHED},
}


class Policies:
    """All rows of all areas, looked up by type and field."""

    def __init__(self, *areas: Rows) -> None:
        """Take the tables of the areas. Raises `ValueError` for a field with two rows."""
        self._rows: dict[tuple[str, str], Policy] = {}
        for area in (SHARED, *areas):
            for type_name, name, policy in _flat(area):
                if (type_name, name) in self._rows:
                    message = f"{type_name}.{name} has two policies"
                    raise ValueError(message)
                self._rows[type_name, name] = policy

    def of(self, type_name: str, name: str) -> Policy | None:
        """Return the policy of a field, None where there is none."""
        found = self._rows.get((type_name, name))
        for kind in ("Connection", "Edge"):
            if found is None and type_name.endswith(kind):
                found = self._rows.get((f"*{kind}", name))
        return found

    def guard(self, schema: GraphQLSchema, inputs: Rows) -> None:
        """Put every field behind its policy. Raises `ValueError` for a field without one and a row without a field."""
        found = [
            (kind.name, name, field)
            for kind in schema.type_map.values()
            if isinstance(kind, GraphQLObjectType) and not is_introspection_type(kind)
            for name, field in kind.fields.items()
        ]
        missing = [f"{kind}.{name}" for kind, name, _ in found if self.of(kind, name) is None]
        known = {(kind, name) for kind, name, _ in found}
        unknown = [f"{kind}.{name}" for kind, name in self._rows if kind[0] != "*" and (kind, name) not in known]
        unknown += [f"{kind}.{name}" for kind, name, _ in _flat(inputs) if not _has_input(schema, kind, name)]
        if missing or unknown:
            found_wrong = (", ".join(names) or "none" for names in (missing, unknown))
            message = "without a policy: {}; policies of nothing: {}".format(*found_wrong)
            raise ValueError(message)
        restricted = {(kind, name): policy for kind, name, policy in _flat(inputs)}
        for kind, name, field in found:
            policy = self.of(kind, name)
            if policy is not None:
                field.extensions[POLICY] = policy
                _guard(field, policy, is_subscription=schema.subscription_type is not None and kind == "Subscription")
            if kind == "Mutation":
                _guard_input(field, restricted)


def _flat(rows: Rows) -> list[tuple[str, str, Policy]]:
    return [
        (kind, name, policy)
        for kind, fields in rows.items()
        for names, policy in fields.items()
        for name in names.split()
    ]


def _has_input(schema: GraphQLSchema, kind: str, name: str) -> bool:
    return name in getattr(schema.get_type(kind), "fields", {})


def _guard(field: GraphQLField, policy: Policy, *, is_subscription: bool) -> None:
    if policy.is_plain:
        return
    if is_subscription:
        field.subscribe = _guarded(field.subscribe or default_field_resolver, policy)
        return
    field.resolve = _guarded(field.resolve or default_field_resolver, policy)


def _guarded(resolve: Callable[..., Any], policy: Policy) -> Callable[..., Any]:
    """Return the resolver behind its policy."""
    instead: Any = [] if policy.otherwise is Otherwise.EMPTY else None

    def guarded(source: Any, info: Any, **arguments: Any) -> Any:  # noqa: ANN401  graphql-core's own
        actor: Actor = info.context.actor
        if not policy.allows(actor):
            if policy.otherwise is Otherwise.REFUSED:
                policy.check(actor)
            return instead
        value = resolve(source, info, **arguments)
        if policy.part is not None and actor.is_masked:
            return policy.part(source)
        if policy.mask is not None and actor.is_masked:
            return masked(value, policy.mask)
        if policy.is_personal:
            info.context.note_personal(source)
        return value

    return guarded


def masked(value: Any, mask: Callable[[str], str]) -> Any:  # noqa: ANN401
    """Return a text or several, or the promise of them, masked."""
    if inspect.isawaitable(value):
        return _masked_later(value, mask)
    if isinstance(value, list):
        return [masked(each, mask) for each in value]
    return mask(value) if isinstance(value, str) else None


async def _masked_later(value: Awaitable[Any], mask: Callable[[str], str]) -> Any:  # noqa: ANN401
    return masked(await value, mask)


def _guard_input(field: GraphQLField, restricted: Mapping[tuple[str, str], Policy]) -> None:
    """Refuse what an actor may never send, before anything is done."""
    argument = field.args.get("input")
    kind = None if argument is None else get_named_type(argument.type)
    if not isinstance(kind, GraphQLInputObjectType):
        return
    names = {name: policy for (owner, name), policy in restricted.items() if owner == kind.name}
    defaults = {name: kind.fields[name].default_value for name in names}
    if not names:
        return
    resolve = field.resolve or default_field_resolver

    def guarded(source: Any, info: Any, **arguments: Any) -> Any:  # noqa: ANN401
        for name, value in arguments["input"].items():
            if name in names and value != defaults[name]:  # what was left out is there by default
                names[name].check(info.context.actor)
        return resolve(source, info, **arguments)

    field.resolve = guarded

"""The page of who may read and write what: every row of the tables of policies, as each role finds it."""

from collections.abc import Iterator

from graphql import GraphQLObjectType, is_introspection_type

from domain.base.actors import ANONYMOUS, Actor, ActorKind, StaffRole
from domain.base.identifiers import new_id
from domain.identity.rules import ROLE_PERMISSIONS
from schema.base.nodes import node_policies
from schema.base.policies import Otherwise, Policy
from schema.root import INPUTS, POLICIES, make_schema

_INTRODUCTION = """
# Who may read and write what

Denied unless a row says otherwise; the server does not start with a field that has no row. A program with an API
key may what its permissions say. Staff have the permissions of their role; a shopper sees what is theirs, a partner
agent who works for some stores what belongs to these.

`yes`: may. `masked`: personal data in part, such as `a…@….org`. `null`, `empty`: is answered so. `–`: is refused,
with FORBIDDEN, or UNAUTHENTICATED where nobody signed in. `reached`: whoever reached the object.
"""


def roles() -> dict[str, Actor]:
    """Return an actor of each role that the page has a column for."""
    staff = {
        role.value.lower().replace("_", " "): Actor(
            kind=ActorKind.STAFF, permissions=ROLE_PERMISSIONS[role], id=new_id(), role=role
        )
        for role in (
            StaffRole.ANALYST,
            StaffRole.PARTNER_AGENT,
            StaffRole.AGENT,
            StaffRole.SUPERVISOR,
            StaffRole.ADMIN,
        )
    }
    shopper = Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=new_id())
    return {"anonymous": ANONYMOUS, "shopper": shopper, **staff}


def page() -> str:
    """Return the page's text."""
    lines = [_INTRODUCTION.strip(), ""]
    lines += _section("Fields", list(_fields()))
    nodes = [("node", name, policy) for name, policy in sorted(node_policies().items())]
    lines += _section("By `node` and `nodes`: objects of each type", nodes)
    inputs = [(kind, names, policy) for kind, rows in INPUTS.items() for names, policy in rows.items()]
    lines += _section("Fields of inputs; one that is not named is for whoever may send the input", inputs)
    return "\n".join(lines) + "\n"


def _fields() -> Iterator[tuple[str, str, Policy]]:
    """Yield type, fields and policy; fields of a type with the same policy together."""
    types = make_schema()._schema.type_map  # noqa: SLF001  Strawberry has no name of its own for it
    for kind in ("Query", "Mutation", "Subscription", *sorted(set(types) - {"Query", "Mutation", "Subscription"})):
        found = types.get(kind)
        if not isinstance(found, GraphQLObjectType) or is_introspection_type(found):
            continue
        together: dict[Policy, list[str]] = {}
        for name in found.fields:
            if (policy := POLICIES.of(kind, name)) is not None:
                together.setdefault(policy, []).append(name)
        for policy, names in together.items():
            yield kind, " ".join(names), policy


def _section(title: str, rows: list[tuple[str, str, Policy]]) -> list[str]:
    actors = roles()
    head = ["", "", "permission", *actors]
    lines = [f"## {title}", "", f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for kind, names, policy in rows:
        cells = [_cell(policy, actor) for actor in actors.values()]
        fields = " ".join(f"`{name}`" for name in names.split())
        lines.append(f"| {kind} | {fields} | {' or '.join(policy.permissions)} | {' | '.join(cells)} |")
    return [*lines, ""]


def _cell(policy: Policy, actor: Actor) -> str:
    if not policy.allows(actor):
        return {Otherwise.REFUSED: "–"}.get(policy.otherwise, policy.otherwise.value)
    if policy.mask is not None and actor.is_masked:
        return "masked"
    return "reached" if policy.needs is None else "yes"

"""Everything that somebody can ask for, generated from the schema: to compare what they are told before and after."""

import base64
import re
from collections.abc import Mapping
from typing import Any

import orjson
from graphql import GraphQLInterfaceType, GraphQLUnionType, get_named_type, is_composite_type, is_required_argument

from api.requests import written
from domain.base.actors import Actor
from tests.access.shop import TYPES, fields_of, literal
from tests.interactions.test_api import Talk

DEPTH = 2
"""Steps from what is asked for; whatever stands further away is asked for itself."""

ROOMY = "first: 50"

NOT_ASKED = {
    "eventCursor": "a place in the log of the whole shop, which moves with whatever anybody does",
    "events": "for staff and programs",
    "rateLimit": "moves with each question",
}

SEARCHES = ("parcel", "secret", "sec", "shopl", "vip", "urgent", "where", "n", "1")
STATUSES = ("NEW", "OPEN", "PENDING", "SNOOZED", "RESOLVED", "CLOSED", "SPAM")
TURNS = ("CUSTOMER", "US", "THIRD_PARTY", "NOBODY")
CHANGES_OF_PLACE = ("UPDATED_AT", "CREATED_AT")


def everything(type_name: str, depth: int = DEPTH, way: tuple[str, ...] = ()) -> str:
    """Return a selection of every field of a type, and of what those lead to, back to where it came from once."""
    kind = TYPES.type_map[type_name]
    if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
        names = [each.name for each in TYPES.get_possible_types(kind)]
        return "__typename " + " ".join(f"... on {name} {{ {everything(name, depth, way)} }}" for name in names)
    inside = ["__typename"]
    for name, given in fields_of(type_name).items():
        target = get_named_type(given.type)
        step = f"{type_name}.{name}"
        said = [f"{key}: {literal(each.type)}" for key, each in given.args.items() if is_required_argument(each)]
        said += [ROOMY] if "first" in given.args else []
        arguments = f"({', '.join(said)})" if said else ""
        if not is_composite_type(target):
            inside.append(f"{type_name}_{name}: {name}{arguments}")
        elif depth and step not in way:
            below = everything(target.name, depth - 1, (*way, step))
            inside.append(f"{type_name}_{name}: {name}{arguments} {{ {below} }}")
    return " ".join(inside)


def questions(ids: Mapping[str, str]) -> list[str]:
    """Return a query for each root field, with these ids where one is asked for, and for each way to ask for a list."""
    found = []
    for name, given in fields_of("Query").items():
        if name in NOT_ASKED:
            continue
        target = get_named_type(given.type)
        selection = f" {{ {everything(target.name)} }}" if is_composite_type(target) else ""
        is_node = target.name == "Node"
        for type_name, key in ids.items() if is_node else [(target.name, ids.get(target.name, ""))]:
            if is_node:
                selection = f" {{ ... on {type_name} {{ {everything(type_name)} }} }}"
            said = [
                f"{argument}: {_value(each.type, key)}"
                for argument, each in given.args.items()
                if is_required_argument(each)
            ]
            said += [ROOMY] if "first" in given.args else []
            arguments = f"({', '.join(said)})" if said else ""
            found.append(f"{{ {type_name}: {name}{arguments}{selection} }}")
    return found + [_list(each) for each in _arguments(ids)]


def _value(kind: Any, key: str) -> str:  # noqa: ANN401  of an argument
    if get_named_type(kind).name == "ID" and key:
        return f'["{key}"]' if "[" in str(kind) else f'"{key}"'
    return literal(kind)


def _arguments(ids: Mapping[str, str]) -> list[str]:
    """Return arguments of lists of conversations: each filter that there is, each order."""
    filters = [
        *(f'{{search: "{word}"}}' for word in SEARCHES),
        *(f"{{status: [{each}]}}" for each in STATUSES),
        *(f"{{waitingOn: [{each}]}}" for each in TURNS),
        *(f"{{isUnread: {each}}}" for each in ("true", "false")),
        *(f"{{isUnassigned: {each}}}" for each in ("true", "false")),
        '{tag: ["vip"]}',
        "{priority: [URGENT]}",
        f'{{customerId: "{ids["Customer"]}"}}',
    ]
    orders = [f"{{field: {each}}}" for each in (*CHANGES_OF_PLACE, "PRIORITY")]
    return [f"filter: {each}" for each in filters] + [f"orderBy: {each}" for each in orders]


def _list(arguments: str) -> str:
    page = "{ totalCount pageInfo { startCursor endCursor hasNextPage } edges { cursor node { id } } }"
    return f"{{ conversations({ROOMY}, {arguments}) {page} }}"


async def told(talk: Talk, actor: Actor, query: str, variables: Mapping[str, Any] | None = None) -> bytes:
    """Return what somebody is answered, as it would be sent, refusals as well."""
    answer = await talk._shop.ask(query, actor, dict(variables or {}))
    return written(answer.data) + orjson.dumps([[code, path, message] for code, path, message in answer.errors])


async def seen_by(talk: Talk, actor: Actor, ids: Mapping[str, str]) -> dict[str, bytes]:
    """Return every answer that somebody gets, by its question."""
    return {query: await told(talk, actor, query) for query in questions(ids)}


_ID = re.compile(r"[0-9a-f]{32}|[A-Za-z0-9_-]{22,}")


def without_ids(text: str) -> str:
    """Return an answer in which ids, of which no two are the same, are numbered as they come; cursors are opened."""
    numbered: dict[str, int] = {}

    def plain(found: re.Match[str]) -> str:
        try:
            opened = base64.urlsafe_b64decode(found[0] + "=" * (-len(found[0]) % 4))
            if opened.startswith(b"["):  # the cursor of a page
                return _ID.sub(plain, opened.decode())
        except ValueError:
            pass
        return f"<{numbered.setdefault(found[0], len(numbered))}>"

    return _ID.sub(plain, text)

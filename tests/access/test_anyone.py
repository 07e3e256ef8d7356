"""What is shared by all who may do the same depends on nothing else: every field that a stream can reach is read.

A group of equal subscribers is answered once (`api/streams/groups.py`), as anyone of them. So a field that asks who it
is must say so in its area's policies.
"""

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
)

from domain.base.actors import EVERY_PERMISSION, Actor, ActorKind, Anyone, StaffRole
from domain.base.identifiers import new_id
from schema.root import POLICIES
from tests.access.shop import TYPES, open_shop
from tests.conftest import Client
from tests.execution.lists import Lists, nested
from tests.interactions.chat import open_chat

OF_CUSTOMERS = ("customers(first: 100)", "nodes")
"""Their conversations: the list at the root may be filtered by what somebody has read, and is in no stream."""

ASKED = "This depends on who asks"


def reachable() -> set[str]:
    """Return the names of the object types of all that streams can send."""
    assert TYPES.subscription_type is not None
    found: set[str] = set()
    waiting: list[GraphQLNamedType] = [TYPES.subscription_type]
    while waiting:
        kind = waiting.pop()
        if kind.name in found or not is_composite_type(kind):
            continue
        found.add(kind.name)
        if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
            waiting += TYPES.get_possible_types(kind)
        elif isinstance(kind, GraphQLObjectType):
            waiting += [get_named_type(field.type) for field in kind.fields.values()]
    return {name for name in found if isinstance(TYPES.type_map[name], GraphQLObjectType)}


async def test_fields_that_depend_on_who_asks_say_so(client: Client) -> None:
    """And no others: each field of each type, of objects that are there, asked by nobody in particular."""
    chat = await open_chat(client.works)
    conversation = await chat.start()
    await chat.say(conversation, "Yes?", by=chat.agent)
    await chat.note(conversation, "n", by=chat.agent)
    shop = await open_shop(client)
    member = Actor(kind=ActorKind.STAFF, permissions=EVERY_PERMISSION, id=new_id(), role=StaffRole.ADMIN)
    ways, asking, tried = Lists(TYPES, {}), set(), set()
    for name in sorted(reachable()):
        kind, steps = TYPES.type_map[name], ways.path_to(name)
        if steps is None:
            continue
        for field in kind.fields:  # type: ignore[attr-defined]
            step = ways.step(kind, field)
            if step is None:
                continue
            way = (*OF_CUSTOMERS, *steps) if steps[0].startswith("conversations(") else steps
            told = await shop.ask(nested(way, f"{{ {step} }}"), Anyone(member))
            tried.add((name, field))
            if any(message.startswith(ASKED) for _, _, message in told.errors):
                asking.add((name, field))
    declared = {(name, field) for name, field in tried if (policy := POLICIES.of(name, field)) and policy.is_own}
    assert asking == declared
    assert ("Conversation", "unreadCount") in declared
    assert {"Conversation", "Customer", "Order", "Message", "Note"} <= {name for name, _ in tried}


def test_nobody_in_particular_cannot_be_asked_who_it_is() -> None:
    """What they may do is that of all of them; who they are is a mistake to ask for."""
    member = Actor(kind=ActorKind.STAFF, permissions=EVERY_PERMISSION, id=new_id(), role=StaffRole.PARTNER_AGENT)
    anyone = Anyone(member)
    assert (anyone.kind, anyone.permissions, anyone.is_masked) == (member.kind, member.permissions, True)
    assert (anyone.sight, anyone.powers, anyone.customer_id) == (member.sight, member.powers, None)
    assert repr(anyone) == f"Anyone({member.powers!r})"
    for name in ("id", "scope", "session_id"):
        with pytest.raises(AssertionError, match=ASKED):
            getattr(anyone, name)

"""The public schema: what is committed is what is served, and all of it is described."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from graphql import (
    BreakingChange,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    find_breaking_changes,
    get_named_type,
    is_introspection_type,
    is_specified_scalar_type,
)
from graphql.type import GraphQLField, GraphQLNamedType

from schema.root import make_schema

SNAPSHOT = Path(__file__).parent.parent / "schema" / "schema.graphql"
PAGE_ARGUMENTS = {"first": "Int", "after": "String", "last": "Int", "before": "String"}


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    """Return the committed schema."""
    return build_schema(SNAPSHOT.read_text(encoding="utf-8"))


def own_types(schema: GraphQLSchema) -> Iterator[GraphQLNamedType]:
    """Yield the types that are the product's own."""
    for each in schema.type_map.values():
        if not is_introspection_type(each) and not is_specified_scalar_type(each):
            yield each


def fields(schema: GraphQLSchema) -> Iterator[tuple[str, GraphQLField]]:
    """Yield every field of an answer under the name type.field."""
    for each in own_types(schema):
        if isinstance(each, GraphQLObjectType | GraphQLInterfaceType):
            yield from ((f"{each.name}.{name}", field) for name, field in each.fields.items())


def described(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    """Yield everything that a developer can ask the meaning of, with what they are told."""
    yield from ((each.name, each.description) for each in own_types(schema))
    for name, field in fields(schema):
        yield name, field.description
        yield from ((f"{name}({word})", argument.description) for word, argument in field.args.items())
    for each in own_types(schema):
        if isinstance(each, GraphQLInputObjectType):
            yield from ((f"{each.name}.{name}", field.description) for name, field in each.fields.items())
        if isinstance(each, GraphQLEnumType):
            yield from ((f"{each.name}.{name}", value.description) for name, value in each.values.items())


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    """Whoever changes the schema shows it: sportello schema > schema/schema.graphql."""
    assert SNAPSHOT.read_text(encoding="utf-8") == make_schema().as_str() + "\n"


def test_everything_is_described(schema: GraphQLSchema) -> None:
    """Every type, field, argument, input field and enum value says what it is, in a sentence."""
    found = dict(described(schema))
    assert len(found) > 250
    assert [name for name, text in found.items() if not text or not text.strip()] == []
    assert [name for name, text in found.items() if text and not text.rstrip().endswith((".", "`"))] == []


def test_there_is_no_scalar_for_anything(schema: GraphQLSchema) -> None:
    """Custom data have typed definitions: no scalar hides a structure."""
    assert not {"JSON", "JSONObject", "Any", "Object", "Map"} & set(schema.type_map)


def test_every_connection_is_a_list_of_pages(schema: GraphQLSchema) -> None:
    """A field that answers with a connection takes Relay's four words; a connection has what Relay says, and a count.

    The timeline alone has no count, as the contract says, and its items are of many types behind one interface.
    """
    connections = {
        name: field for name, field in fields(schema) if get_named_type(field.type).name.endswith("Connection")
    }
    assert {"Query.customers", "Query.orders", "Customer.orders", "Customer.creditNotes"} <= set(connections)
    for name, field in connections.items():
        found = {word: str(argument.type) for word, argument in field.args.items() if word in PAGE_ARGUMENTS}
        assert found == PAGE_ARGUMENTS, name
    for each in own_types(schema):
        if isinstance(each, GraphQLObjectType) and each.name.endswith("Connection"):
            name = each.name.removesuffix("Connection")
            node = "TimelineItem" if name == "Timeline" else name
            assert {word: str(field.type) for word, field in each.fields.items()} == {
                "edges": f"[{name}Edge!]!",
                "nodes": f"[{node}!]!",
                "pageInfo": "PageInfo!",
                **({} if name == "Timeline" else {"totalCount": "Int!"}),
            }
            edge = schema.type_map[f"{name}Edge"]
            assert isinstance(edge, GraphQLObjectType)
            assert {word: str(field.type) for word, field in edge.fields.items()} == {
                "cursor": "String!",
                "node": f"{node}!",
            }
    assert isinstance(schema.type_map["TimelineItem"], GraphQLInterfaceType)


def test_page_arguments_stand_at_connections_only(schema: GraphQLSchema) -> None:
    """Who sees `first` knows that there are pages; what happened is a page of its own kind."""
    streams = schema.subscription_type.fields if schema.subscription_type is not None else {}
    found = [name for name, field in fields(schema) if set(PAGE_ARGUMENTS) & set(field.args)]
    found = [name for name in found if name not in {f"Subscription.{stream}" for stream in streams}]
    assert [name for name in found if "Connection" not in str(dict(fields(schema))[name].type)] == ["Query.events"]


EPHEMERAL = {"typingChanged", "viewersChanged", "presenceChanged", "typingSet"}
"""What holds for a moment: it stands in no log, so there is nothing to resume, and nothing that was made."""


def test_every_stream_can_be_resumed(schema: GraphQLSchema) -> None:
    """It takes `after`, ends in the news that something was missed, and each event says where to resume."""
    assert schema.subscription_type is not None
    logged = {name: field for name, field in schema.subscription_type.fields.items() if name not in EPHEMERAL}
    for name, field in logged.items():
        assert str(field.args["after"].type) == "Cursor", name
        items = get_named_type(field.type)
        assert isinstance(items, GraphQLUnionType), name
        events = [kind for kind in items.types if kind.name != "ResyncRequired"]
        assert len(events) < len(items.types)
        assert [kind.name for kind in events if "Event" not in {each.name for each in kind.interfaces}] == []


def test_mutations_have_one_shape(schema: GraphQLSchema) -> None:
    """One input, one payload of its own, nullable, with the reasons of a refusal; an object or a reason."""
    assert schema.mutation_type is not None
    for name, field in schema.mutation_type.fields.items():
        own = name[0].upper() + name[1:]
        assert {word: str(argument.type) for word, argument in field.args.items()} == {"input": f"{own}Input!"}
        assert str(field.type) == f"{own}Payload"
        payload = schema.type_map[f"{own}Payload"]
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"
        assert len(payload.fields) > 1 or name in EPHEMERAL
        others = [each.type for word, each in payload.fields.items() if word != "userErrors"]
        assert not any(isinstance(each, GraphQLNonNull) for each in others), name


def test_one_refused_root_field_blanks_no_other(schema: GraphQLSchema) -> None:
    """Root fields may be null, but for those that anybody may ask and the list that is aligned to its ids."""
    assert schema.query_type is not None
    strict = [name for name, field in schema.query_type.fields.items() if isinstance(field.type, GraphQLNonNull)]
    assert strict == ["viewer", "channels", "conversationCounts", "nodes", "eventCursor"]


def test_lists_never_hold_a_hole(schema: GraphQLSchema) -> None:
    """The items of a list are there, but for `nodes`, whose places are those of the ids."""

    def item(field: GraphQLField) -> object:
        bare = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        return bare.of_type if isinstance(bare, GraphQLList) else None

    found = [name for name, field in fields(schema) if item(field) is not None]
    assert [name for name in found if not isinstance(item(dict(fields(schema))[name]), GraphQLNonNull)] == [
        "Query.nodes"
    ]


def test_user_errors_are_one_interface(schema: GraphQLSchema) -> None:
    """Every reason of a refusal has a code, a message and a path."""
    interface = schema.type_map["UserError"]
    assert isinstance(interface, GraphQLInterfaceType)
    assert {name: str(field.type) for name, field in interface.fields.items()} == {
        "code": "UserErrorCode!",
        "message": "String!",
        "field": "[String!]",
    }
    assert {each.name for each in schema.get_implementations(interface).objects} == {
        "InputError",
        "VersionConflict",
        "RateLimited",
        "StaleConversation",
    }


def without(line: str) -> Callable[[str], str]:
    """Return a change that removes the first line that reads so, and the description above it."""
    return lambda text: re.sub(rf'  """[^"]*"""\n  {re.escape(line)}\n', "", text, count=1)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (without("version: Int!"), ".version was removed"),
        (without("LIFETIME_VALUE"), "CustomerSortField.LIFETIME_VALUE was removed"),
        (lambda text: text.replace("  customer(\n", "  buyer(\n"), "Query.customer was removed"),
        (lambda text: text.replace("  givenName: String\n", "  givenName: String!\n"), "givenName"),
    ],
)
def test_a_breaking_change_is_noticed(schema: GraphQLSchema, change: Callable[[str], str], wanted: str) -> None:
    """What a client rests on cannot go without the comparison seeing it; the same schema has no difference."""
    text = SNAPSHOT.read_text(encoding="utf-8")
    assert find_breaking_changes(schema, build_schema(text)) == []
    assert change(text) != text
    found: list[BreakingChange] = find_breaking_changes(schema, build_schema(change(text), assume_valid=True))
    assert wanted in " ".join(each.description for each in found)

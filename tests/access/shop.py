"""A shop in which everything stands twice: what is a shopper's or a store's own, and what is a stranger's."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
    parse,
    validate,
)
from graphql.type import GraphQLInputType

from domain.base.actors import ANONYMOUS, EVERY_PERMISSION, SYSTEM, Actor, ActorKind, StaffRole
from domain.base.identifiers import new_id
from domain.base.work import Works
from domain.identity.actions.keys import create_api_key
from domain.identity.rules import ROLE_PERMISSIONS
from schema.base.context import Context
from schema.base.errors import top_level_code
from schema.base.execution.columns import wanted_columns
from schema.base.execution.plans import Plans
from schema.base.execution.running import execute_by_plans
from schema.base.ids import parse_id
from schema.root import make_schema
from tests.conftest import Client
from tests.identity.staff import add_staff
from tests.orders.shop import UNITED_KINGDOM, add_store, days_ago, line

SCHEMA = make_schema()
TYPES: GraphQLSchema = SCHEMA._schema

ORDER = """mutation($input: OrderUpsertInput!) { orderUpsert(input: $input) {
  userErrors { message } order { id store { id } customer { id } lines { id } } } }"""
DELIVERY = """mutation($input: DeliveryRecordInput!) { deliveryRecord(input: $input) {
  userErrors { message } delivery { id } } }"""
NOTE = """mutation($input: CreditNoteUpsertInput!) { creditNoteUpsert(input: $input) {
  userErrors { message } creditNote { id } } }"""
FURNISH = """mutation($id: ID!) {
  customerUpdate(input: { customerId: $id, familyName: "Rossi", birthDate: "1990-01-02", tags: ["vip"],
    attributes: [{ key: "size", text: "M" }] }) { userErrors { message } }
  customerIdentityAdd(input: { customerId: $id, kind: PHONE, value: "%(phone)s" }) { identity { id } }
  consentRecord(input: { customerId: $id, purpose: SURVEYS, decision: GRANTED, proof: "form" }) { consent { id } }
  customerExport(input: { customerId: $id }) { export { id } }
  customerCreate(input: { givenName: "Absorbed %(name)s" }) { customer { id } } }"""
CHANNEL = """mutation($input: ChannelUpsertInput!) { channelUpsert(input: $input) {
  userErrors { message } channel { id } } }"""
TALK = """mutation($input: ConversationStartInput!) { conversationStart(input: $input) {
  userErrors { message } conversation { id interactions(first: 5) { nodes { id __typename } } } } }"""
RECEIVE = """mutation($input: MessageReceiveInput!) { messageReceive(input: $input) {
  userErrors { message } conversation { id } } }"""
RECOGNISE = """mutation($input: ConversationUpdateInput!) { conversationUpdate(input: $input) {
  userErrors { message } conversation { contact { name } } } }"""
REMARK = """mutation($input: NoteAddInput!) { noteAdd(input: $input) { userErrors { message } note { id } } }"""
ANNOUNCE = """mutation { attachmentCreate(input: {filename: "a.png", contentType: "image/png", byteSize: 1}) {
  attachment { id } uploadUrl } }"""
SAY = "mutation($input: MessageSendInput!) { messageSend(input: $input) { userErrors { message } } }"
MERGE = """mutation($a: ID!, $b: ID!) { customerMerge(input: { survivorId: $a, absorbedId: $b }) {
  userErrors { message } merge { id } } }"""


@dataclass(frozen=True)
class Side:
    """What belongs together: somebody, what they bought in one store, and the ids of all of it by type."""

    ids: dict[str, str]
    external_id: str

    @property
    def customer_key(self) -> Any:  # noqa: ANN401  a UUID
        """Return the customer's key."""
        return parse_id(self.ids["Customer"])[1]


@dataclass
class Shop:
    """The two sides, and what anybody is answered."""

    works: Works
    own: Side
    strange: Side
    roles: dict[str, Actor] = field(default_factory=dict)

    async def ask(self, query: str, actor: Actor, variables: dict[str, Any] | None = None) -> "Told":
        """Execute an operation as somebody, past HTTP and tokens."""
        context = Context(self.works, actor=actor, request_id="test")
        try:
            result = await _by_plans(query, variables, context) or await SCHEMA.execute(
                query, variable_values=variables, context_value=context
            )
        finally:
            await context.close()
        errors = [
            (
                top_level_code(error, actor=actor, is_document_at_fault=error.path is None).value,
                list(error.path or ()),
                error.message,
            )
            for error in result.errors or ()
        ]
        return Told(data=result.data, errors=errors)


async def _by_plans(query: str, variables: dict[str, Any] | None, context: Context) -> Any:  # noqa: ANN401
    """Answer a query as the product does: by plans, as far as they go."""
    try:
        document = parse(query)
    except GraphQLError:
        return None
    if validate(SCHEMA._schema, document):
        return None
    context.wanted, context.is_lone = wanted_columns(SCHEMA._schema, document)
    return await execute_by_plans(
        schema=SCHEMA._schema,
        document=document,
        context_value=context,
        variable_values=variables,
        plans=Plans.of(document),
    )


@dataclass(frozen=True)
class Told:
    """What came back."""

    data: Any
    errors: list[tuple[str, list[str | int], str]]

    @property
    def codes(self) -> list[str]:
        """Return the codes of the errors."""
        return [code for code, _, _ in self.errors]


async def open_shop(client: Client) -> Shop:
    """Make both sides through the API, and an actor of each role."""
    await add_store(client.works, UNITED_KINGDOM)
    await add_staff(client.works, "ada@shop.example")
    await client.ask(
        'mutation { customerAttributeDefinitionUpsert(input: { key: "size", name: "Size", type: TEXT, '
        "audience: CUSTOMER }) { userErrors { message } } }"
    )
    own = await _side(client, "own", store="it", phone="+390669812345")
    strange = await _side(client, "strange", store="uk", phone="+442079460000")
    app_key, _ = await client.works.perform(
        lambda work: create_api_key(work, name="App", permissions=sorted(EVERY_PERMISSION)),
        actor=SYSTEM,
        action="apiKeyCreate",
    )
    return Shop(client.works, own, strange, roles=_roles(own, app_key))


async def _side(client: Client, name: str, *, store: str, phone: str) -> Side:
    order = {
        "externalId": f"{name}-1",
        "placedAt": days_ago(10),
        "storeCode": store,
        "currencyCode": "EUR",
        "customer": {"externalId": name, "givenName": f"Anna{name}", "email": f"{name}@example.com"},
        "lines": [line(), line("plate")],
    }
    sold = (await client.ask(ORDER, {"input": order})).data["orderUpsert"]["order"]
    delivery = {"orderExternalId": f"{name}-1", "externalId": f"{name}-d", "carrier": "C"}
    sent = (await client.ask(DELIVERY, {"input": delivery})).data["deliveryRecord"]["delivery"]
    note = {
        "externalId": f"{name}-c",
        "orderExternalId": f"{name}-1",
        "issuedAt": days_ago(1),
        "currencyCode": "EUR",
        "lines": [line()],
    }
    given = (await client.ask(NOTE, {"input": note})).data["creditNoteUpsert"]["creditNote"]
    customer_id = sold["customer"]["id"]
    known = (await client.ask(FURNISH % {"phone": phone, "name": name}, {"id": customer_id})).data
    absorbed_id = known["customerCreate"]["customer"]["id"]
    merged = (await client.ask(MERGE, {"a": customer_id, "b": absorbed_id})).data["customerMerge"]
    ids = {
        "Customer": customer_id,
        "Absorbed": absorbed_id,
        "Store": sold["store"]["id"],
        "Order": sold["id"],
        "OrderLine": sold["lines"][0]["id"],
        "Delivery": sent["id"],
        "CreditNote": given["id"],
        "CustomerIdentity": known["customerIdentityAdd"]["identity"]["id"],
        "Consent": known["consentRecord"]["consent"]["id"],
        "CustomerMerge": merged["merge"]["id"],
        "CustomerExport": known["customerExport"]["export"]["id"],
        **await _talk(client, name, store=store, customer_id=customer_id, order_id=sold["id"]),
    }
    return Side(ids, f"{name}-1")


async def _talk(client: Client, name: str, *, store: str, customer_id: str, order_id: str) -> dict[str, str]:
    """Let the shop write to a customer, and note something; return the ids of all that stands there by then."""
    door = {"name": f"Chat {name}", "kind": "WEB_CHAT", "storeCode": store}
    channel = (await client.ask(CHANNEL, {"input": door})).data["channelUpsert"]["channel"]
    said = {"channelId": channel["id"], "customerId": customer_id, "orderId": order_id, "text": f"Good day {name}"}
    begun = (await client.ask(TALK, {"input": said})).data["conversationStart"]["conversation"]
    remark = {"conversationId": begun["id"], "text": f"Asks often {name}"}
    note = (await client.ask(REMARK, {"input": remark})).data["noteAdd"]["note"]
    stands = {each["__typename"]: each["id"] for each in begun["interactions"]["nodes"]}
    mailed = await _write_in(client, name, store=store, customer_id=customer_id)
    known = {"Channel": channel["id"], "Conversation": begun["id"], "Note": note["id"], "Mailed": mailed}
    return {**known, **stands, "Attachment": await _attach(client, begun["id"])}


async def _attach(client: Client, conversation_id: str) -> str:
    """Let the shop send a file; return its id."""
    announced = (await client.ask(ANNOUNCE)).data["attachmentCreate"]
    sent = await client.http.put(announced["uploadUrl"], content=b"x")
    assert sent.status_code == 204
    file = announced["attachment"]["id"]
    said = {"conversationId": conversation_id, "text": "See the picture", "attachmentIds": [file]}
    assert (await client.ask(SAY, {"input": said})).data["messageSend"]["userErrors"] == []
    return str(file)


async def _write_in(client: Client, name: str, *, store: str, customer_id: str) -> str:
    """Let a customer write an e-mail; return the conversation's id."""
    door = {"name": f"Mail {name}", "kind": "EMAIL", "storeCode": store}
    channel = (await client.ask(CHANNEL, {"input": door})).data["channelUpsert"]["channel"]
    sign = {"kind": "EMAIL", "value": f"{name}.mail@example.com", "name": f"Anna {name}"}
    mail = {"channelId": channel["id"], "externalId": f"{name}-m", "from": sign, "text": "Good day"}
    begun = (await client.ask(RECEIVE, {"input": mail})).data["messageReceive"]["conversation"]
    whose = {"conversationId": begun["id"], "customerId": customer_id}
    known = (await client.ask(RECOGNISE, {"input": whose})).data["conversationUpdate"]
    assert known["conversation"]["contact"] == {"name": f"Anna {name}"}
    return str(begun["id"])


def _roles(own: Side, app_key: UUID) -> dict[str, Actor]:
    """Return an actor of each role; the shopper and the partner agent are of the own side, the app has a real key."""
    store_key = parse_id(own.ids["Store"])[1]
    staff = {
        role.value: Actor(
            kind=ActorKind.STAFF,
            permissions=ROLE_PERMISSIONS[role],
            id=new_id(),
            role=role,
            store_ids=frozenset({store_key}) if role is StaffRole.PARTNER_AGENT else None,
        )
        for role in StaffRole
    }
    return {
        "ANONYMOUS": ANONYMOUS,
        "SHOPPER": Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=own.customer_key),
        **staff,
        "APP": Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION, id=app_key),
        "APP_WITHOUT": Actor(kind=ActorKind.APP, permissions=frozenset(), id=new_id()),
    }


def fields_of(type_name: str) -> dict[str, GraphQLField]:
    """Return the fields of an object type."""
    found: dict[str, GraphQLField] = getattr(TYPES.type_map[type_name], "fields", {})
    return found


def selected(name: str, given: GraphQLField, values: dict[str, str]) -> str:
    """Return the shortest selection of a field: its required arguments, and of an object its type's name.

    `values` are texts of arguments by name, before what is made up.
    """
    arguments = [
        f"{key}: {values.get(key) or literal(argument.type)}"
        for key, argument in given.args.items()
        if is_required_argument(argument) or key in values
    ]
    if "first" in given.args:
        arguments.append("first: 5")
    inside = f"({', '.join(arguments)})" if arguments else ""
    return f"{name}{inside}{' { __typename }' if is_composite_type(get_named_type(given.type)) else ''}"


def literal(kind: GraphQLInputType, *, only_required: bool = True) -> str:
    """Return some value of this type as a document writes it."""
    if isinstance(kind, GraphQLNonNull):
        return literal(kind.of_type, only_required=only_required)
    if isinstance(kind, GraphQLList):
        return f"[{literal(kind.of_type, only_required=only_required)}]"
    if isinstance(kind, GraphQLEnumType):
        return str(next(iter(kind.values)))
    if isinstance(kind, GraphQLInputObjectType):
        inside = (
            f"{name}: {literal(each.type, only_required=only_required)}"
            for name, each in kind.fields.items()
            if not only_required or is_required_input_field(each)
        )
        return "{" + ", ".join(inside) + "}"
    return _SCALARS[getattr(kind, "name", "")]


_SCALARS = {
    "ID": '"UXVlcnk6AAAAAAAAAAAAAAAAAAAAAA"',
    "String": '"x"',
    "Int": "1",
    "Float": "1.0",
    "Boolean": "true",
    "DateTime": '"2026-11-01T00:00:00Z"',
    "Date": '"2026-11-01"',
    "Decimal": '"1.00"',
    "Duration": '"PT5M"',
    "Cursor": '"x"',
    "EmailAddress": '"x@example.com"',
    "PhoneNumber": '"+390669800000"',
    "Locale": '"it-IT"',
    "CountryCode": '"IT"',
    "CurrencyCode": '"EUR"',
    "TimeZone": '"Europe/Rome"',
    "URL": '"https://example.com/"',
}


def edges_of(type_name: str) -> Iterator[tuple[str, GraphQLField, GraphQLNamedType]]:
    """Yield the fields of a type that lead to other objects."""
    for name, given in fields_of(type_name).items():
        target = get_named_type(given.type)
        if is_composite_type(target):
            yield name, given, target


def ids_in(value: Any) -> Iterator[str]:  # noqa: ANN401  any answer
    """Yield every id in an answer, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "id" and isinstance(inner, str):
                yield inner
            else:
                yield from ids_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from ids_in(inner)


def now_text(at: datetime) -> str:
    """Return an instant as the API writes it."""
    return at.isoformat().removesuffix("+00:00") + "Z"

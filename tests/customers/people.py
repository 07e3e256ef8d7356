"""A person in the tests' hands of whom something is known everywhere, and those who ask about them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from api.background import Background
from domain.base.actors import EVERY_PERMISSION, SYSTEM, Actor, ActorKind, Caller
from domain.base.work import Work, Works
from domain.identity.actions.accounts import add_account
from domain.identity.actions.codes import WantedCode, request_code
from domain.identity.actions.sessions import open_session
from domain.identity.rules import CodePurpose, SessionKind
from domain.jobs import HANDLERS
from schema.base.context import Context
from schema.base.ids import global_id, key_of, parse_id
from schema.root import make_schema
from tests.conftest import Client, StandingClock
from tests.customers.identities import add, merge, verify
from tests.identity.staff import kept_of
from tests.orders.shop import line, new_customer, send_delivery, send_note, send_order

MARKS = ("quixo", "vandersnoot", "669812345", "669812399")
"""What stands in everything that is known of the person, and nowhere else."""

EMAIL = "Quixotia.Vandersnoot@mail.example"
ACCOUNT = "quixo-77"
PASSWORD = "a hat of quixo"  # noqa: S105  it opens nothing
BUYER = {"externalId": ACCOUNT, "email": EMAIL, "emailVerified": True, "givenName": "Quixotia"}

_TELL = """mutation($input: ConsentRecordInput!, $definition: CustomerAttributeDefinitionUpsertInput!) {
  consentRecord(input: $input) { consent { id } userErrors { message } }
  customerAttributeDefinitionUpsert(input: $definition) { definition { id } userErrors { message } }
}"""
_EXPORT = "mutation($id: ID!) { customerExport(input: {customerId: $id}) { export { id } userErrors { message } } }"
_UPDATE = "mutation($input: CustomerUpdateInput!) { customerUpdate(input: $input) { userErrors { message } } }"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The global ids of a person: as they are shown, as they were before, and of what belongs to them."""

    id: str
    absorbed_id: str
    consent_id: str
    identity_id: str
    other_id: str
    """Somebody else, with whom they might be one."""

    @property
    def key(self) -> UUID:
        """Return the key of the customer."""
        return key_in(self.id)


def key_in(customer_id: str) -> UUID:
    """Return the key in a customer's global id."""
    key = key_of(customer_id, "Customer")
    assert key is not None
    return key


def shopper(customer_id: str) -> Actor:
    """Return the customer as one who signed in."""
    return Actor(kind=ActorKind.CUSTOMER, permissions=frozenset(), id=key_in(customer_id))


STAFF = Actor(kind=ActorKind.STAFF, permissions=EVERY_PERMISSION, id=UUID(int=7))


async def add_person(client: Client) -> Person:
    """Let a person become known in every way that there is, with somebody whom they absorbed."""
    customer = await new_customer(
        client,
        givenName="Quixotia",
        familyName="Vandersnoot",
        email=EMAIL,
        phone="+390669812345",
        externalId=ACCOUNT,
        birthDate="1985-03-07",
        country="IT",
        locale="it-IT",
        tags=["quixo fan"],
        idempotencyKey="create quixo",
    )
    key = str(customer["id"])
    definition = {"key": "hat", "name": "Hat", "type": "TEXT"}
    told = {"purpose": "MARKETING", "channel": "EMAIL", "decision": "GRANTED", "idempotencyKey": "box of quixo"}
    told |= {"customerId": key, "source": "quixo's kiosk", "proof": "paper 3 of quixo", "textVersion": "v1"}
    answer = (await client.ask(_TELL, {"input": told, "definition": definition})).data
    attributes = [{"key": "hat", "text": "quixo blue"}]
    changed = await client.ask(_UPDATE, {"input": {"customerId": key, "attributes": attributes}})
    assert changed.data["customerUpdate"]["userErrors"] == []
    await verify(client, await add(client, key, "quixo-device", kind="DEVICE"))
    handle = await add(
        client, key, "@quixo", kind="SOCIAL_HANDLE", namespace="instagram", idempotencyKey="handle quixo"
    )
    guest = await new_customer(client, givenName="Quixotia", familyName="Vandersnoot", phone="+390669812399")
    await merge(client, key, guest["id"])
    twin = await new_customer(client, givenName="Somebody", familyName="Else")
    await add(client, twin["id"], EMAIL, kind="EMAIL")
    await send_order(client, "o-1", customer=BUYER, lines=[line(quantity=2)], shippingCountry="IT")
    await send_delivery(client, carrier="Post", trackingNumber="QUIXO123", trackingUrl="https://post.example/quixo")
    await send_note(client, orderExternalId="o-1")
    await client.ask("{ customers(first: 3) { nodes { value { decile } } } }")
    await sign_up(client.works, key, identity_id=handle["id"])
    return Person(
        id=key,
        absorbed_id=guest["id"],
        consent_id=answer["consentRecord"]["consent"]["id"],
        identity_id=handle["id"],
        other_id=twin["id"],
    )


async def sign_up(works: Works, customer_id: str, *, identity_id: str) -> None:
    """Let a customer have an account, a session, and a code on its way to their address."""
    password_hash = await kept_of(PASSWORD)

    async def story(work: Work) -> None:
        add_account(work, customer_id=key_in(customer_id), email=EMAIL, password_hash=password_hash)
        await open_session(work, kind=SessionKind.CUSTOMER, subject_id=key_in(customer_id))

    await works.perform(story, actor=SYSTEM, action="test")
    code = WantedCode(
        purpose=CodePurpose.IDENTITY,
        address=EMAIL,
        subject_id=parse_id(identity_id)[1],
        details={"given_name": "Quixotia"},
    )
    await request_code(works, wanted=code, action="test", caller=Caller(SYSTEM))


async def add_bystanders(client: Client) -> None:
    """Let others be known in the same ways: a table's statistics are only made anew where there are rows."""
    for number in range(3):
        account = {"externalId": f"other-{number}", "email": f"other{number}@mail.example", "emailVerified": True}
        name = {"givenName": "Other", "familyName": f"Person{number}"}
        order = await send_order(client, f"x-{number}", customer=account | name)
        await send_delivery(client, order=f"x-{number}", carrier="Post", trackingNumber=f"T{number}")
        key = order["customer"]["id"]
        told = {"customerId": key, "purpose": "MARKETING", "decision": "GRANTED", "source": "web", "proof": "click"}
        definition = {"key": "hat", "name": "Hat", "type": "TEXT"}
        await client.ask(_TELL, {"input": told | {"idempotencyKey": f"n{number}"}, "definition": definition})
        change = {"customerId": key, "tags": ["plain"], "attributes": [{"key": "hat", "text": "green"}]}
        assert (await client.ask(_UPDATE, {"input": change})).data["customerUpdate"]["userErrors"] == []
        for place in range(2):  # two who may be one
            await new_customer(client, **name, birthDate="1990-01-01", phone=f"+3906698123{number}{place}")
        await client.ask(_EXPORT, {"id": key})


async def forget_twin(client: Client, person: Person) -> None:
    """Take out of the other one what they have in common with the person: it is theirs, and stays otherwise."""
    query = "mutation($id: ID!) { customerErase(input: {customerId: $id}) { userErrors { message } } }"
    assert (await client.ask(query, {"id": person.other_id})).data["customerErase"]["userErrors"] == []


async def ask_as(works: Works, actor: Actor, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Ask as an actor who came in, whatever the door; return the answer without errors."""
    context = Context(works, actor=actor, request_id="test")
    try:
        result = await make_schema().execute(query, variable_values=dict(variables or {}), context_value=context)
    finally:
        await context.close()
    assert not result.errors, result.errors
    assert result.data is not None
    return result.data


_ERASE = """mutation($id: ID, $password: String) { customerErase(input: {customerId: $id, password: $password}) {
  erasedCustomerId userErrors { code field message } } }"""


async def erase(client: Client, customer_id: str | None) -> dict[str, Any]:
    """Erase a person as staff, and return what is answered."""
    answer: dict[str, Any] = (await client.ask(_ERASE, {"id": customer_id})).data["customerErase"]
    return answer


async def erase_as(
    works: Works, actor: Actor, customer_id: str | None = None, password: str | None = PASSWORD
) -> dict[str, Any]:
    """Erase a person as somebody, and return what is answered."""
    said = {"id": customer_id, "password": password}
    answer: dict[str, Any] = (await ask_as(works, actor, _ERASE, said))["customerErase"]
    return answer


async def run_jobs(works: Works, clock: StandingClock | None = None) -> None:
    """Run what is due by now, and what will be in two minutes where there is a clock to move."""
    background = Background(works, handlers=HANDLERS, poll_s=0.01)
    await background.drain()
    if clock is not None:
        clock.advance(timedelta(minutes=2))
        await background.drain()


def customer_id_of(key: UUID) -> str:
    """Return the global id of a customer."""
    return str(global_id("Customer", key))

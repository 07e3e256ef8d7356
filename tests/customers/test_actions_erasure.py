"""Erasing a person: whole, once, and for good, also when the shop sends again what it knows of them."""

from datetime import timedelta

import pytest

from domain.base.actors import Actor, ActorKind, Permission, StaffRole
from domain.base.repository.events import list_events
from domain.base.repository.jobs import list_jobs
from domain.identity.rules import ROLE_PERMISSIONS
from tests.conftest import Answer, Client, StandingClock
from tests.customers.identities import only_asked
from tests.customers.people import (
    ACCOUNT,
    BUYER,
    EMAIL,
    MARKS,
    PASSWORD,
    Person,
    add_bystanders,
    add_person,
    ask_as,
    erase,
    erase_as,
    key_in,
    shopper,
)
from tests.customers.test_erasure_traces import rows_with
from tests.orders.shop import (
    customer_ids,
    line,
    new_customer,
    nothing_changes,
    read_order,
    read_value,
    send_delivery,
    send_note,
    send_order,
)

NODES = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
LOOK = """query($id: ID!, $other: ID!) {
  customer(id: $id) { id }
  customerByIdentity(kind: EXTERNAL_ACCOUNT, value: "quixo-77") { id }
  customers(first: 9, filter: {search: "vandersnoot"}) { totalCount nodes { id } }
  byNumber: customers(first: 9, filter: {search: "o-1"}) { totalCount nodes { id } }
  orders(first: 9, filter: {customerId: $id}) { totalCount nodes { id } }
  customerMerges(first: 9) { totalCount nodes { id } }
  customerMergePreview(survivorId: $id, absorbedId: $other) { orderCount }
}"""


async def look(client: Client, customer_id: str, other_id: str) -> Answer:
    """Look for a customer in every way in which one is found."""
    return await client.ask(LOOK, {"id": customer_id, "other": other_id})


async def test_who_was_erased_is_nowhere(client: Client) -> None:
    """By whatever id, old ones too, and by whatever they were known, the answer is that of nobody."""
    person = await add_person(client)
    before = set(await customer_ids(client))
    answer = await erase(client, person.id)
    assert answer == {"erasedCustomerId": person.id, "userErrors": []}
    for customer_id in (person.id, person.absorbed_id):
        found = (await look(client, customer_id, person.other_id)).data
        empty = {"totalCount": 0, "nodes": []}
        assert found == {
            "customer": None,
            "customerByIdentity": None,
            "customers": empty,
            "byNumber": empty,
            "orders": empty,
            "customerMerges": empty,
            "customerMergePreview": None,
        }
    ids = [person.id, person.absorbed_id, person.consent_id, person.identity_id]
    assert (await client.ask(NODES, {"ids": ids})).data == {"nodes": [None] * 4}
    assert set(await customer_ids(client)) == before - {person.id}


async def test_the_books_add_up(client: Client) -> None:
    """Orders, sums and credit notes are as they were, without a customer; ranks and shares of others too."""
    await add_bystanders(client)
    person = await add_person(client)
    query = "{ valueConcentration { customerCount total { amount } points { percent customerCount share } } }"
    shares, order = (await client.ask(query)).data, await read_order(client)
    (other, *_) = [each for each in await customer_ids(client) if each not in (person.id, person.other_id)]
    value = await read_value(client, other)
    assert order is not None
    await erase(client, person.id)
    assert (await client.ask(query)).data == shares
    assert await read_value(client, other) == value
    left = await read_order(client)
    assert left is not None
    (delivery,) = left["deliveries"]
    assert (left["customer"], left["contactEmail"]) == (None, None)
    assert (delivery["carrier"], delivery["trackingNumber"], delivery["trackingUrl"]) == ("Post", None, None)
    same = ("number", "total", "shippingTotal", "paid", "refunded", "lines", "creditNotes", "shippingCountry", "state")
    assert {name: left[name] for name in same} == {name: order[name] for name in same}


async def test_a_second_time_changes_nothing(client: Client) -> None:
    """The same answer by each of their ids; one event for each id, and not one more."""
    person = await add_person(client)
    first = await erase(client, person.id)
    async with only_asked(client.works):
        assert await erase(client, person.id) == first
        assert await erase(client, person.absorbed_id) == first
    async with client.works.database.reading() as session:
        events = [event for event in await list_events(session, limit=1_000) if event.type == "CustomerErased"]
        jobs = [job for job in await list_jobs(session, state=None, limit=1_000) if job.kind == "ScrubStorage"]
    assert [event.subjects for event in events] == [
        {"customer_id": key_in(each).hex} for each in (person.id, person.absorbed_id)
    ]
    assert len(jobs) == 2  # soon, and once more


async def test_who_may_erase_whom(client: Client) -> None:
    """Shoppers themselves; staff and programs with the permission anybody; a stranger is like nobody."""
    person = await add_person(client)
    works = client.works
    stranger = await new_customer(client, givenName="Nobody")
    missing = {"erasedCustomerId": None, "userErrors": [NOT_FOUND]}
    assert await erase_as(works, shopper(stranger["id"]), person.id) == missing
    nobody = stranger["id"][:-4] + "AAAA"
    assert await erase_as(works, shopper(stranger["id"]), nobody) == missing
    assert await erase(client, nobody) == missing
    assert [error["code"] for error in (await erase(client, None))["userErrors"]] == ["REQUIRED"]
    query = "mutation($id: ID) { customerErase(input: {customerId: $id}) { userErrors { code } } }"
    for permissions in ([Permission.CUSTOMERS_WRITE], [Permission.CUSTOMERS_READ, Permission.ORDERS_WRITE]):
        key = await client.new_key(*permissions)
        assert (await client.ask(query, {"id": person.id}, key=key)).codes == ["FORBIDDEN"]
        assert (await client.ask(query, {"id": None}, key=key)).codes == ["FORBIDDEN"]
    for role in StaffRole:
        may = Permission.PRIVACY_WRITE in ROLE_PERMISSIONS[role]
        assert may == (role in (StaffRole.ADMIN, StaffRole.SUPERVISOR))
    assert (await erase_as(works, shopper(person.id)))["erasedCustomerId"] == person.id
    assert (await erase_as(works, shopper(person.id)))["erasedCustomerId"] == person.id
    supervisor = Actor(
        kind=ActorKind.STAFF,
        permissions=ROLE_PERMISSIONS[StaffRole.SUPERVISOR],
        id=person.key,
        role=StaffRole.SUPERVISOR,
    )
    assert (await erase_as(works, supervisor, stranger["id"]))["erasedCustomerId"] == stranger["id"]


NOT_FOUND = {"code": "NOT_FOUND", "field": ["customerId"], "message": "There is no customer with this id."}


async def test_a_shopper_is_asked_for_their_password(client: Client, clock: StandingClock) -> None:
    """A device left open erases nobody; who guesses is slowed down, and one without an account has none to give."""
    person = await add_person(client)
    me = shopper(person.id)
    async with only_asked(client.works):
        missing = await erase_as(client.works, me, password=None)
    assert [(each["code"], each["field"]) for each in missing["userErrors"]] == [("REQUIRED", ["password"])]
    codes = [
        each["code"] for _ in range(12) for each in (await erase_as(client.works, me, password="guess"))["userErrors"]
    ]
    assert codes[0] == "BAD_CREDENTIALS"
    assert codes[-1] == "RATE_LIMITED"
    assert (await erase_as(client.works, me))["erasedCustomerId"] is None
    clock.advance(timedelta(hours=1))
    assert (await erase_as(client.works, me))["erasedCustomerId"] == person.id
    without = await new_customer(client, givenName="Nobody")
    answer = await erase_as(client.works, shopper(without["id"]), password=None)
    assert answer["erasedCustomerId"] == without["id"]


async def test_who_was_erased_comes_in_no_more(client: Client) -> None:
    """Neither with the password, nor with a session that was open: those are gone with them."""
    person = await add_person(client)
    query = "mutation($input: SessionCreateInput!) { sessionCreate(input: $input) { session { accessToken } } }"
    given = {"input": {"email": EMAIL, "password": PASSWORD}}
    token = (await client.ask(query, given)).data["sessionCreate"]["session"]["accessToken"]
    mine = "{ orders(first: 1) { nodes { externalId } } }"
    assert (await client.ask(mine, key=token)).data["orders"]["nodes"] == [{"externalId": "o-1"}]
    own = 'mutation { customerErase(input: {password: "a hat of quixo"}) { erasedCustomerId userErrors { code } } }'
    assert (await client.ask(own, key=token)).data["customerErase"]["erasedCustomerId"] == person.id
    assert (await client.ask(query, given)).data["sessionCreate"]["session"] is None
    assert isinstance(client.works.clock, StandingClock)
    client.works.clock.advance(timedelta(seconds=3))
    assert (await client.ask(mine, key=token)).status == 401
    assert [row for row in await rows_with(client.works, ["quixo"]) if "accounts" in row or "codes" in row] == []


async def test_a_shopper_erases_themselves_by_an_old_id(client: Client) -> None:
    """Who was absorbed is the same person, by each of their ids."""
    person = await add_person(client)
    assert (await erase_as(client.works, shopper(person.id), person.absorbed_id))["erasedCustomerId"] == person.id
    me = "query($id: ID!) { customer(id: $id) { id } orders(first: 9) { nodes { id } } }"
    seen = await ask_as(client.works, shopper(person.id), me, {"id": person.id})
    assert seen == {"customer": None, "orders": {"nodes": []}}


WRITES = {
    "customerUpdate": {"givenName": "Quixotia"},
    "customerIdentityAdd": {"kind": "EMAIL", "value": EMAIL},
    "consentRecord": {"purpose": "MARKETING", "decision": "GRANTED"},
}


@pytest.mark.parametrize("field", WRITES)
async def test_nothing_is_written_of_who_was_erased(client: Client, field: str) -> None:
    """A write that names them is refused like one that names nobody."""
    person = await add_person(client)
    await erase(client, person.id)
    kind = field[0].upper() + field[1:]
    query = f"mutation($input: {kind}Input!) {{ {field}(input: $input) {{ userErrors {{ code field }} }} }}"
    for customer_id in (person.id, person.absorbed_id):
        given = {"customerId": customer_id, **WRITES[field]}
        refused = (await client.ask(query, {"input": given})).data[field]["userErrors"]
        assert refused == [{"code": "NOT_FOUND", "field": ["customerId"]}]
    query = """mutation($a: ID!, $b: ID!) {
      customerMerge(input: {survivorId: $a, absorbedId: $b}) { userErrors { code field } } }"""
    merged = (await client.ask(query, {"a": person.other_id, "b": person.id})).data["customerMerge"]
    assert merged["userErrors"] == [{"code": "NOT_FOUND", "field": ["absorbedId"]}]


async def test_what_is_sent_again_brings_nobody_back(client: Client) -> None:
    """The shop goes on sending its order, parcel and credit note: what is new of them is taken over, nobody is."""
    person = await add_person(client)
    await erase(client, person.id)
    before = set(await customer_ids(client))
    again = await send_order(client, "o-1", customer=BUYER, lines=[line(quantity=3)], shippingCountry="IT")
    assert (again["customer"], again["contactEmail"], again["total"]["amount"]) == (None, None, "30.00")
    typed = {"email": EMAIL}
    for customer in (typed, None, {"givenName": "Quixotia", "familyName": "Vandersnoot"}):
        again = await send_order(client, "o-1", customer=customer, lines=[line(quantity=3)], shippingCountry="IT")
        assert (again["customer"], again["contactEmail"]) == (None, None)
    again = await send_delivery(client, trackingNumber="QUIXO123", deliveredAt="2026-11-22T10:00:00Z")
    (delivery,) = again["deliveries"]
    assert (delivery["trackingNumber"], delivery["deliveredAt"]) == (None, "2026-11-22T10:00:00Z")
    note = await send_note(client, orderExternalId="o-1", lines=[line(price="5")])
    assert (note["customer"], note["total"]["amount"]) == (None, "5.00")
    assert set(await customer_ids(client)) == before
    await erase(client, person.other_id)
    assert await rows_with(client.works, MARKS) == []
    shares = (await client.ask("{ valueConcentration { customerCount total { amount } } }")).data
    assert shares["valueConcentration"] == {"customerCount": 1, "total": {"amount": "25.00"}}


async def test_a_credit_note_without_an_order_brings_nobody_back(client: Client) -> None:
    """Known already, it stays whose it was."""
    person = await add_person(client)
    await send_note(client, "c-9", customer=BUYER)
    await erase(client, person.id)
    before = set(await customer_ids(client))
    assert (await send_note(client, "c-9", customer=BUYER, lines=[line(price="3")]))["customer"] is None
    assert set(await customer_ids(client)) == before


async def test_who_comes_back_is_somebody_new(client: Client) -> None:
    """A new order, or a new customer with the same account, knows nothing of before."""
    person = await add_person(client)
    await erase(client, person.id)
    order = await send_order(client, "o-2", customer=BUYER)
    assert order["customer"]["id"] not in (person.id, person.absorbed_id)
    assert order["customer"]["externalId"] == ACCOUNT
    assert (await read_value(client, order["customer"]["id"]))["orderCount"] == 1
    await erase(client, order["customer"]["id"])
    created = await new_customer(client, externalId=ACCOUNT, email=EMAIL.upper(), idempotencyKey="create quixo")
    assert created["id"] not in (person.id, order["customer"]["id"])


async def test_an_undone_merge_is_two_again_before_one_is_erased(client: Client) -> None:
    """Only who is merged now goes with them."""
    person = await add_person(client)
    merges = (await client.ask("{ customerMerges(first: 9, state: [APPLIED]) { nodes { id } } }")).data
    query = "mutation($id: ID!) { customerUnmerge(input: {mergeId: $id}) { absorbed { id } } }"
    (applied,) = merges["customerMerges"]["nodes"]
    await client.ask(query, {"id": applied["id"]})
    await erase(client, person.id)
    left = (await client.ask("query($id: ID!) { customer(id: $id) { familyName } }", {"id": person.absorbed_id})).data
    assert left["customer"] == {"familyName": "Vandersnoot"}


async def test_the_ledger_of_consents_keeps_what_was_decided(client: Client) -> None:
    """Without whom, where and by what proof: the rows are as many as before."""
    person = await add_person(client)
    await erase(client, person.id)
    found = await rows_with(client.works, ["marketing"])
    assert found == ["consents: marketing"]


async def test_boundaries_do_not_name_who_was_erased(client: Client, clock: StandingClock) -> None:
    """Where they stood at one it is computed anew; others' boundaries are left alone."""
    await add_bystanders(client)
    person = await add_person(client)
    clock.advance(timedelta(minutes=2))
    await client.ask("{ customers(first: 9) { nodes { value { decile } } } }")
    assert "value_rankings: quixo" in await rows_with(client.works, ["quixo"])
    await erase(client, person.id)
    assert await rows_with(client.works, ["other-1"]) != []
    assert "value_rankings: quixo" not in await rows_with(client.works, ["quixo"])
    await client.ask("{ customers(first: 9) { nodes { value { decile } } } }")
    nobody = await new_customer(client, givenName="Nobody")
    boundaries = [name for name in await rows_with(client.works, ["other-"]) if name.startswith("value_rankings")]
    await erase(client, nobody["id"])
    assert [n for n in await rows_with(client.works, ["other-"]) if n.startswith("value_rankings")] == boundaries


async def test_a_refused_erasure_leaves_everything(client: Client) -> None:
    """Who may not changes nothing, not even the log."""
    person: Person = await add_person(client)
    key = await client.new_key(Permission.CUSTOMERS_WRITE)
    query = "mutation($id: ID) { customerErase(input: {customerId: $id}) { userErrors { code } } }"
    async with nothing_changes(client.works):
        assert (await client.ask(query, {"id": person.id}, key=key)).codes == ["FORBIDDEN"]

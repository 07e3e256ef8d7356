"""Recognising customers through the API: every kind, every spelling, one look-up, and only who may."""

import re
from typing import Any

import pytest
from sqlalchemy import text

from domain.base.actors import EVERY_PERMISSION, Permission
from domain.base.work import Organisation, Works
from tests.conftest import Client
from tests.customers.identities import (
    EMAIL,
    IDENTITY,
    PHONE,
    add,
    ask_identity,
    change,
    identities,
    merge,
    recognised,
    share,
    unmerge,
    verify,
)
from tests.orders.shop import Input, add_store, new_customer, nothing_changes, read_customer, send_order
from tests.statements import hearing

BY_IDENTITY = """query($kind: IdentityKind!, $value: String!, $namespace: String) {
  customerByIdentity(kind: $kind, value: $value, namespace: $namespace) { id } }"""

SPELLINGS: list[tuple[str, str | None, str, list[str]]] = [
    ("EMAIL", None, "Ada@Example.org", ["ada@example.org", " ADA@EXAMPLE.ORG "]),
    ("PHONE", None, "06 69812345", [PHONE, "+39 06 698 12345", "0039 06/69812345", "06 69812345"]),
    ("SOCIAL_HANDLE", "Instagram", "@Ada", ["ada", "@ADA", " @ada "]),
    ("EXTERNAL_ACCOUNT", "erp", " K 12 ", ["K 12", " K 12 "]),
    ("EXTERNAL_ACCOUNT", None, "K 12", ["K 12"]),
    ("DEVICE", None, "AbC-1", ["AbC-1", " AbC-1 "]),
    ("VISITOR", None, "AbC-1", ["AbC-1"]),
]


async def test_every_kind_recognises_in_every_spelling(client: Client) -> None:
    """Written in one spelling, asked for in another; the same value of another kind is somebody else's."""
    known: dict[tuple[str, str | None], str] = {}
    for kind, namespace, written, _ in SPELLINGS:
        customer = (await new_customer(client))["id"]
        await verify(client, await add(client, customer, written, kind, namespace=namespace))
        known[kind, namespace] = customer
    for kind, namespace, _, spellings in SPELLINGS:
        for value in spellings:
            found = await recognised(client, value, kind, namespace=namespace)
            assert found == known[kind, namespace], (kind, namespace, value)
    for kind, namespace, value in (
        ("SOCIAL_HANDLE", "tiktok", "ada"),
        ("EXTERNAL_ACCOUNT", "erp2", "K 12"),
        ("EXTERNAL_ACCOUNT", None, "k 12"),
        ("DEVICE", None, "abc-1"),
        ("EMAIL", None, "ada@example.com"),
        ("PHONE", None, "+390669812346"),
    ):
        assert await recognised(client, value, kind, namespace=namespace) is None, (kind, value)


async def test_namespaces_are_asked_for_in_any_case(client: Client) -> None:
    """INSTAGRAM is instagram, and an empty namespace is none."""
    customer = (await new_customer(client, externalId="k-1"))["id"]
    await verify(client, await add(client, customer, "ada", "SOCIAL_HANDLE", namespace="INSTAGRAM"))
    assert await recognised(client, "Ada", "SOCIAL_HANDLE", namespace=" Instagram ") == customer
    assert await recognised(client, "k-1", "EXTERNAL_ACCOUNT", namespace="") == customer
    assert await recognised(client, "k-1", "EXTERNAL_ACCOUNT") == customer
    assert [(each["kind"], each["namespace"]) for each in await identities(client, customer)] == [
        ("EXTERNAL_ACCOUNT", None),
        ("SOCIAL_HANDLE", "instagram"),
    ]


async def test_a_number_without_a_country_is_the_first_stores(client: Client) -> None:
    """Whatever stores came later."""
    await add_store(client.works)
    customer = (await new_customer(client))["id"]
    await verify(client, await add(client, customer))
    assert await recognised(client, "06 69812345") == customer


async def test_orders_and_profiles_recognise(client: Client) -> None:
    """What the shop vouches for in an order does, what somebody typed or wrote down does not."""
    order = await send_order(client, customer={"externalId": "k-1", "email": EMAIL, "emailVerified": True})
    await send_order(client, "o-2", customer={"email": "guest@example.org"})
    await new_customer(client, email="profile@example.org", phone=PHONE, externalId="k-2")
    assert await recognised(client, EMAIL, "EMAIL") == order["customer"]["id"]
    assert await recognised(client, "k-1", "EXTERNAL_ACCOUNT") == order["customer"]["id"]
    assert await recognised(client, "k-2", "EXTERNAL_ACCOUNT") not in (None, order["customer"]["id"])
    for value, kind in (("guest@example.org", "EMAIL"), ("profile@example.org", "EMAIL"), (PHONE, "PHONE")):
        assert await recognised(client, value, kind) is None


async def test_what_stands_for_anybody_recognises_nobody(works: Works, client: Client) -> None:
    """Null, also where an address was verified before the shop's settings named its domain as a relay."""
    customer = (await new_customer(client))["id"]
    await verify(client, await add(client, customer, "x@relay.example.org", "EMAIL"))
    assert await recognised(client, "x@relay.example.org", "EMAIL") == customer
    object.__setattr__(works, "organisation", Organisation(relay_domains=frozenset({"example.org"})))
    for value, kind in (
        ("x@relay.example.org", "EMAIL"),
        ("noreply@shop.test", "EMAIL"),
        ("x@members.ebay.co.uk", "EMAIL"),
        ("anonymous", "PHONE"),
        ("+266696687", "PHONE"),
        ("", "PHONE"),
    ):
        assert await recognised(client, value, kind) is None, value


@pytest.mark.parametrize(
    ("sort", "value", "namespace"),
    [
        ("EMAIL", "ada", None),
        ("EMAIL", EMAIL, "work"),
        ("PHONE", "12", None),
        ("PHONE", "x" * 10_000, None),
        ("SOCIAL_HANDLE", "ada", None),
        ("SOCIAL_HANDLE", "ada", "myspace"),
        ("SOCIAL_HANDLE", "a\x00", "x"),
        ("EXTERNAL_ACCOUNT", "", None),
        ("EXTERNAL_ACCOUNT", "k", "an erp"),
        ("DEVICE", "x" * 201, None),
        ("TELEX", "1", None),
    ],
)
async def test_a_wrong_question_is_told_so(client: Client, sort: str, value: str, namespace: str | None) -> None:
    """An unknown kind or namespace, and a value that is none of its kind."""
    answer = await client.ask(BY_IDENTITY, {"kind": sort, "value": value, "namespace": namespace})
    assert answer.codes == ["BAD_USER_INPUT"]
    assert (answer.body.get("data") or {"customerByIdentity": None})["customerByIdentity"] is None


async def test_who_was_absorbed_is_recognised_as_the_one_who_absorbed_them(client: Client) -> None:
    """Through merges of merges, and back."""
    ids = [(await new_customer(client))["id"] for _ in range(3)]
    await verify(client, await add(client, ids[2]))
    first = await merge(client, ids[1], ids[2])
    assert await recognised(client) == ids[1]
    second = await merge(client, ids[0], ids[1])
    assert await recognised(client) == ids[0]
    await unmerge(client, first)
    assert await recognised(client) == ids[2]
    await unmerge(client, second)
    assert await recognised(client) == ids[2]


async def plan_of(works: Works, statement: str, parameters: Any) -> list[str]:  # noqa: ANN401
    """Return the lines of a statement's plan, on PostgreSQL as it is where the tables are large."""
    async with works.database.writing() as session:
        if not works.database.is_sqlite:
            await session.execute(text("SET LOCAL enable_seqscan = off"))
        explain = "EXPLAIN QUERY PLAN" if works.database.is_sqlite else "EXPLAIN"
        connection = await session.connection()
        return [str(row[-1]) for row in (await connection.exec_driver_sql(f"{explain} {statement}", parameters)).all()]


def scans(plan: list[str]) -> list[str]:
    """Return the steps of a plan that read the whole of a customers' table or index."""
    found = [line for line in plan if re.search(r"^SCAN customer|Seq Scan on customer", line)]
    for line, condition in zip(plan, [*plan[1:], ""], strict=True):
        if re.search(r"Index (Only )?Scan (using|on)", line) and "Index Cond" not in condition:
            found.append(line)
    return found


async def test_a_customer_is_recognised_by_one_indexed_look_up(works: Works, client: Client) -> None:
    """One statement about identities, which reads what it asks for and no more."""
    customer = (await new_customer(client))["id"]
    await verify(client, await add(client, customer))
    for number in range(3):
        await new_customer(client, email=f"{number}@example.org")
    with hearing() as heard:
        assert await recognised(client) == customer
    ((statement, parameters),) = [each for each in heard if "customer_identities" in each[0]]
    plan = await plan_of(works, statement, parameters)
    assert scans(plan) == []
    assert any("ix_customer_identities_value" in line or "uq_customer_identities_verified" in line for line in plan)
    assert scans(await plan_of(works, "SELECT * FROM customer_identities WHERE first_seen_at > last_seen_at", ())) != []


async def test_no_write_reads_all_identities(works: Works, client: Client) -> None:
    """Adding, verifying, ordering, proposing: each statement of them finds its customers through an index."""
    customer = (await new_customer(client, givenName="A", familyName="B", birthDate="1990-01-01"))["id"]
    with hearing() as heard:
        await new_customer(client, givenName="A", familyName="B", birthDate="1990-01-01", email=EMAIL, phone=PHONE)
        await verify(client, await add(client, customer))
        await send_order(client, customer={"externalId": "k", "email": EMAIL, "emailVerified": True})
        (email, *_) = await identities(client, customer)
        await share(client, email)
        await change(client, "Remove", identityId=email["id"])
    tables = r"FROM customer_(identities|match_keys|merges|records)\b"
    asked = {statement: parameters for statement, parameters in heard if re.search(tables, statement)}
    assert len(asked) > 10
    for statement, parameters in asked.items():
        if statement.startswith("SELECT"):
            assert scans(await plan_of(works, statement, parameters)) == [], statement


async def test_only_who_may_is_told_who_it_is(client: Client) -> None:
    """customers:read for reading, customers:write for changing; with every other permission neither."""
    customer = (await new_customer(client))["id"]
    identity = await add(client, customer)
    reads = {
        BY_IDENTITY: {"kind": "PHONE", "value": PHONE},
        f"query($id: ID!) {{ node(id: $id) {{ ... on CustomerIdentity {{ {IDENTITY} }} }} }}": {"id": identity["id"]},
        "{ customerMerges(first: 1) { totalCount } }": {},
    }
    blind = await client.new_key(*(EVERY_PERMISSION - {Permission.CUSTOMERS_READ}))
    for query, variables in reads.items():
        answer = await client.ask(query, variables, key=blind)
        assert (answer.codes, list(answer.body["data"].values())) == (["FORBIDDEN"], [None]), query
        assert (await client.ask(query, variables)).codes == []
    writes: dict[str, Input] = {
        "Add": {"customerId": customer, "kind": "DEVICE", "value": "d"},
        "Verify": {"identityId": identity["id"]},
        "Update": {"identityId": identity["id"], "isShared": True},
        "Remove": {"identityId": "?"},
    }
    reader = await client.new_key(*(EVERY_PERMISSION - {Permission.CUSTOMERS_WRITE}))
    async with nothing_changes(client.works):
        for action, given in writes.items():
            answer = await ask_identity(client, action, given, key=reader)
            assert (answer.codes, answer.body["data"]) == (["FORBIDDEN"], {f"customerIdentity{action}": None})
    writer = await client.new_key(Permission.CUSTOMERS_WRITE)
    for action, given in writes.items():
        answer = await ask_identity(client, action, given, key=writer)
        assert (answer.codes, action) == ([], action)


async def test_an_identity_is_read_by_its_id(client: Client) -> None:
    """As the customer shows it, until it is taken away."""
    customer = (await new_customer(client, email=EMAIL, externalId="k-1"))["id"]
    query = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on CustomerIdentity {{ {IDENTITY} }} }} }}"
    known = await identities(client, customer)
    ids = [each["id"] for each in known]
    assert (await client.ask(query, {"ids": ids})).data["nodes"] == known
    await change(client, "Remove", identityId=ids[0])
    assert (await client.ask(query, {"ids": ids})).data["nodes"] == [None, known[1]]
    assert (await read_customer(client, customer))["version"] == 2

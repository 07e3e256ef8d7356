"""Who works here, through the API."""

import asyncio
from typing import Any

import pytest

from domain.base.actors import EVERY_PERMISSION, SYSTEM, Permission, StaffRole
from domain.base.identifiers import new_id
from domain.base.pages import PAGE_SIZE_MAX
from domain.identity.actions.stores import upsert_store
from domain.identity.rules import StoreDetails
from schema.base.ids import global_id
from tests.conftest import Client
from tests.identity.staff import PASSWORD, add_staff, codes, enter
from tests.snapshots import snapshot

FIELDS = "id displayName avatarUrl name email role stores { code } languages skills isActive"
CREATE = f"""
mutation($input: StaffMemberCreateInput!) {{ staffMemberCreate(input: $input) {{
  staffMember {{ {FIELDS} }} userErrors {{ code field message }} }} }}
"""
UPDATE = f"""
mutation($input: StaffMemberUpdateInput!) {{ staffMemberUpdate(input: $input) {{
  staffMember {{ {FIELDS} }} userErrors {{ code field }} }} }}
"""
LIST = """query($first: Int, $after: String) { staffMembers(first: $first, after: $after) {
  totalCount nodes { name stores { code } } pageInfo { hasNextPage endCursor } } }"""
FRANCE = StoreDetails(
    code="fr", name="France", country="FR", locale="fr-FR", currency_code="EUR", time_zone="Europe/Paris"
)


async def create(client: Client, *, key: str | None = None, **said: Any) -> dict[str, Any]:  # noqa: ANN401
    """Add a member of staff; return the payload."""
    values = {"email": "Ada@shop.example", "name": "Ada Byron", "password": PASSWORD, "role": "AGENT", **said}
    payload: dict[str, Any] = (await client.ask(CREATE, {"input": values}, key=key)).data["staffMemberCreate"]
    return payload


async def update(client: Client, who: str, *, key: str | None = None, **said: Any) -> dict[str, Any]:  # noqa: ANN401
    """Change a member of staff; return the payload."""
    values = {"staffMemberId": who, **said}
    payload: dict[str, Any] = (await client.ask(UPDATE, {"input": values}, key=key)).data["staffMemberUpdate"]
    return payload


async def test_a_member_is_added_changed_and_found(client: Client) -> None:
    """What was said is shown; what is left out stays; null empties; the same again changes nothing."""
    await client.works.perform(lambda work: upsert_store(work, details=FRANCE), actor=SYSTEM, action="test")
    made = await create(
        client, storeCodes=["IT", "fr", "it"], languages=["it_IT", "en", "en"], skills=["Tea", "mugs", "tea"]
    )
    assert made["userErrors"] == []
    member = made["staffMember"]
    shown = {
        "id": member["id"],
        "displayName": "Ada",
        "avatarUrl": None,
        "name": "Ada Byron",
        "email": "Ada@shop.example",
        "role": "AGENT",
        "stores": [{"code": "fr"}, {"code": "it"}],
        "languages": ["it-IT", "en"],
        "skills": ["mugs", "tea"],
        "isActive": True,
    }
    assert member == shown
    assert (await update(client, member["id"], name="Ada Lovelace"))["staffMember"] == {**shown, "name": "Ada Lovelace"}
    emptied = (await update(client, member["id"], storeCodes=None, languages=None, skills=[]))["staffMember"]
    assert (emptied["stores"], emptied["languages"], emptied["skills"]) == ([], [], [])
    before = await snapshot(client.works)
    await update(client, member["id"], name="Ada Lovelace", role="AGENT", storeCodes=[], isActive=True)
    after = await snapshot(client.works)
    assert {name for name in after if after[name] != before[name]} == {"audit_entries"}
    found = await client.ask("query($id: ID!) { node(id: $id) { ... on StaffMember { name } } }", {"id": member["id"]})
    assert found.data["node"] == {"name": "Ada Lovelace"}


@pytest.mark.parametrize(
    ("said", "code", "field"),
    [
        ({"email": "nobody"}, "INVALID", ["email"]),
        ({"name": " "}, "REQUIRED", ["name"]),
        ({"name": "x" * 201}, "TOO_LONG", ["name"]),
        ({"password": "eleven char"}, "INVALID", ["password"]),
        ({"password": "x" * 257}, "TOO_LONG", ["password"]),
        ({"storeCodes": ["fr"]}, "NOT_FOUND", ["storeCodes"]),
        ({"storeCodes": ["?"]}, "INVALID", ["storeCodes"]),
        ({"languages": ["xx-XX"]}, "INVALID", ["languages"]),
        ({"languages": ["en"] * 51}, "TOO_LONG", ["languages"]),
        ({"skills": ["x" * 51]}, "TOO_LONG", ["skills"]),
        ({"skills": ["x"] * 51}, "TOO_LONG", ["skills"]),
        ({"email": "BOB@shop.example"}, "TAKEN", ["email"]),
    ],
)
async def test_bad_input_is_refused_and_changes_nothing(
    client: Client, said: dict[str, Any], code: str, field: list[str]
) -> None:
    """Each with its code and field."""
    await add_staff(client.works, "bob@shop.example")
    await client.ask("{ viewer { kind } }")
    before = await snapshot(client.works)
    refused = await create(client, **said)
    assert refused["staffMember"] is None
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [(code, field)]
    assert await snapshot(client.works) == before


async def test_a_repeated_call_adds_one(client: Client) -> None:
    """Ten at once with one key; the password is no part of what is compared, nor kept."""
    made = await asyncio.gather(*(create(client, idempotencyKey="k") for _ in range(10)))
    assert len({each["staffMember"]["id"] for each in made}) == 1
    assert codes(await create(client, idempotencyKey="k", password="another horse battery")) == []
    assert codes(await create(client, idempotencyKey="k", name="Bob")) == ["IDEMPOTENCY_MISMATCH"]
    told = sorted(
        codes(each) for each in await asyncio.gather(*(create(client, email="b@c.example") for _ in range(5)))
    )
    assert told == [[]] + [["TAKEN"]] * 4


async def test_nobody_gives_more_than_they_have(client: Client) -> None:
    """Neither to somebody new nor to somebody who is there; nor does one change who may do more."""
    few = await client.new_key(Permission.STAFF_READ, Permission.STAFF_WRITE, Permission.STORES_READ)
    refused = await create(client, key=few)
    assert [(each["code"], each["field"]) for each in refused["userErrors"]] == [("FORBIDDEN", ["role"])]
    admin = await add_staff(client.works, "ada@shop.example", role=StaffRole.ADMIN)
    await add_staff(client.works, "bob@shop.example", role=StaffRole.ADMIN)
    refused = await update(client, admin, key=few, isActive=False)
    assert refused["userErrors"] == [{"code": "FORBIDDEN", "field": ["staffMemberId"]}]
    analyst = await add_staff(client.works, "cleo@shop.example", role=StaffRole.ANALYST)
    reports = await client.new_key(
        Permission.STAFF_READ, Permission.STAFF_WRITE, Permission.REPORTS_READ, Permission.STORES_READ
    )
    refused = await update(client, analyst, key=reports, role="AGENT")
    assert refused["userErrors"] == [{"code": "FORBIDDEN", "field": ["role"]}]
    assert codes(await update(client, analyst, key=reports, name="Cleo")) == []


async def test_the_last_admin_stays(client: Client) -> None:
    """Also where two are to go at once: one of them stays."""
    admins = [await add_staff(client.works, f"{name}@shop.example", role=StaffRole.ADMIN) for name in "ab"]
    answers = await asyncio.gather(
        update(client, admins[0], role="AGENT"),
        update(client, admins[1], isActive=False),
    )
    assert sorted(codes(answer) for answer in answers) == [[], ["INVALID_STATE"]]
    (last,) = [admin for admin, answer in zip(admins, answers, strict=True) if codes(answer)]
    for change, field in (({"role": "AGENT"}, "role"), ({"isActive": False}, "isActive")):
        refused = await update(client, last, **change)
        assert refused["userErrors"] == [{"code": "INVALID_STATE", "field": [field]}]
    assert codes(await update(client, last, name="Still here")) == []


async def test_what_is_always_there_cannot_be_emptied(client: Client) -> None:
    """Name, role and whether they may sign in; a strange id is nobody."""
    member = await add_staff(client.works, "ada@shop.example")
    for name in ("name", "role", "isActive"):
        refused = await update(client, member, **{name: None})
        assert refused["userErrors"] == [{"code": "REQUIRED", "field": [name]}]
    for said in ({"name": " "}, {"storeCodes": ["?"]}, {"languages": ["?"]}, {"skills": [" "]}):
        refused = await update(client, member, **said)
        assert [each["field"] for each in refused["userErrors"]] == [list(said)]
    for stranger in (global_id("StaffMember", new_id()), global_id("Store", new_id()), "nonsense"):
        refused = await update(client, stranger, name="X")
        assert refused["userErrors"] == [{"code": "NOT_FOUND", "field": ["staffMemberId"]}]


async def test_the_staff_are_listed_page_by_page(client: Client) -> None:
    """In the order in which they came, in few statements whatever their number."""
    for number in range(3):
        await add_staff(client.works, f"a{number}@shop.example", name=f"A{number}", store_codes=("it",))
    seen: list[str] = []
    after = None
    for _ in range(3):
        page = (await client.ask(LIST, {"first": 1, "after": after})).data["staffMembers"]
        assert page["totalCount"] == 3
        assert page["nodes"][0]["stores"] == [{"code": "it"}]
        seen.append(page["nodes"][0]["name"])
        after = page["pageInfo"]["endCursor"]
    assert (seen, page["pageInfo"]["hasNextPage"]) == (["A0", "A1", "A2"], False)
    assert (await client.ask(LIST, {"first": PAGE_SIZE_MAX + 1})).codes == ["BAD_USER_INPUT"]


async def test_only_who_may_sees_and_changes_staff(client: Client) -> None:
    """No other permission does; an agent sees colleagues and changes none; nobody sees nothing."""
    member = await add_staff(client.works, "ada@shop.example")
    reading = await client.new_key(*(EVERY_PERMISSION - {Permission.STAFF_READ}))
    writing = await client.new_key(*(EVERY_PERMISSION - {Permission.STAFF_WRITE}))
    assert (await client.ask(LIST, {"first": 1}, key=reading)).codes == ["FORBIDDEN"]
    assert (await client.ask("query($id: ID!) { node(id: $id) { id } }", {"id": member}, key=reading)).codes == [
        "FORBIDDEN"
    ]
    values = {"email": "b@shop.example", "name": "B", "password": PASSWORD, "role": "ANALYST"}
    agent = (await enter(client, "ada@shop.example"))["accessToken"]
    for key in (writing, agent):
        assert (await client.ask(CREATE, {"input": values}, key=key)).codes == ["FORBIDDEN"]
        assert (await client.ask(UPDATE, {"input": {"staffMemberId": member}}, key=key)).codes == ["FORBIDDEN"]
        assert (await client.ask(LIST, {"first": 1}, key=key)).data["staffMembers"]["totalCount"] == 1

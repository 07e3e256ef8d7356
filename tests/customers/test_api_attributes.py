"""Custom attributes as they are read: over merged customers, by who may see them, as a filter of long lists."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.base.actors import EVERY_PERMISSION, Permission
from tests.conftest import Answer, Client, StandingClock
from tests.customers.test_actions_attributes import (
    ATTRIBUTES,
    LEVEL,
    UPDATE,
    ask_define,
    create,
    define,
    define_five,
    everybody,
    shown,
    update,
    values,
)
from tests.customers.test_actions_consents import merge, unmerge
from tests.customers.test_api_statements import counting
from tests.orders.shop import Input, customer_ids, nothing_changes

SECRET: Input = {"key": "credit_check", "name": "Credit check", "type": "NUMBER", "audience": "RESTRICTED"}
DEFINITIONS = "{ customerAttributeDefinitions { id key audience } }"
FILTERED = """query($f: CustomerFilter, $first: Int, $after: String, $last: Int, $before: String) {
  customers(filter: $f, first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


async def found(client: Client, *conditions: Input, **more: Any) -> list[str]:  # noqa: ANN401
    """Return the customers of whom all of this is so."""
    return await customer_ids(client, filter={"attribute": list(conditions), **more})


async def ask_filtered(client: Client, *conditions: Input, key: str | None = None) -> Answer:
    """Ask for customers by conditions, and return what came back."""
    return await client.ask(FILTERED, {"f": {"attribute": list(conditions)}, "first": 1}, key=key)


async def test_values_over_merged_customers(client: Client, clock: StandingClock) -> None:
    """The survivor's word counts; what it lacks comes from whom it absorbed; each edge taken back, all is as before."""
    await define_five(client)
    ada = (await create(client, {"key": "note", "text": "ada"}, {"key": "level", "choice": "gold"}))["id"]
    bob = (await create(client, {"key": "note", "text": "bob"}, {"key": "shoe_size", "number": 40}))["id"]
    eve = (await create(client, {"key": "shoe_size", "number": 36}, {"key": "since", "day": "2020-01-01"}))["id"]
    before = await everybody(client)
    inner = await merge(client, bob, eve)
    assert await shown(client, bob) == {"note": "bob", "shoe_size": "40", "since": "2020-01-01"}
    middle = await everybody(client)
    clock.advance(timedelta(minutes=1))
    outer = await merge(client, ada, bob)
    assert await shown(client, ada) == {"level": "gold", "note": "ada", "shoe_size": "40", "since": "2020-01-01"}
    query = f"query($i: ID!) {{ customer(id: $i) {{ merges {{ absorbed {{ id {ATTRIBUTES} }} }} }} }}"
    merges = (await client.ask(query, {"i": eve})).data["customer"]["merges"]
    alone = {each["absorbed"]["id"]: values(each["absorbed"]) for each in merges}
    assert alone == {key: values(before[key]) for key in (bob, eve)}
    await unmerge(client, outer)
    assert await everybody(client) == middle
    await unmerge(client, inner)
    assert await everybody(client) == before


async def test_a_value_changed_or_emptied_on_a_merged_customer_is_the_survivors(client: Client) -> None:
    """Those whom it absorbed keep theirs, and show it again unmerged; also under an absorbed id, and twice over."""
    await define_five(client)
    ada = (await create(client, {"key": "note", "text": "ada"}))["id"]
    bob = (await create(client, {"key": "note", "text": "bob"}, {"key": "shoe_size", "number": 40}))["id"]
    eve = (await create(client, {"key": "shoe_size", "number": 36}, {"key": "since", "day": "2020-01-01"}))["id"]
    outer = await merge(client, bob, eve)
    inner = await merge(client, ada, bob)
    changed = await update(client, eve, {"key": "note"}, {"key": "since", "day": "2021-01-01"}, {"key": "shoe_size"})
    assert (changed["id"], values(changed)) == (ada, {"since": "2021-01-01"})
    again = await update(client, ada, {"key": "note"}, {"key": "since", "day": "2021-01-01"}, {"key": "shoe_size"})
    assert again["version"] == changed["version"], "the second click changes nothing"
    same = await update(client, bob, {"key": "shoe_size", "number": "40.0"})
    assert values(same) == {"since": "2021-01-01", "shoe_size": "40"}
    await update(client, ada, {"key": "shoe_size"})
    await unmerge(client, inner)
    assert await shown(client, ada) == {"since": "2021-01-01"}
    assert await shown(client, bob) == {"note": "bob", "shoe_size": "40", "since": "2020-01-01"}
    await update(client, bob, {"key": "since"})
    await unmerge(client, outer)
    assert await shown(client, eve) == {"since": "2020-01-01", "shoe_size": "36"}
    assert await shown(client, bob) == {"note": "bob", "shoe_size": "40"}
    await merge(client, eve, ada)
    assert await shown(client, eve) == {"since": "2020-01-01", "shoe_size": "36"}
    await merge(client, eve, bob)
    assert await shown(client, eve) == {"since": "2020-01-01", "shoe_size": "36"}, "ada said that there is no note"


async def test_changes_of_one_customer_at_once(client: Client) -> None:
    """None is lost, whichever attribute it is about; of one attribute there is one value."""
    await define_five(client)
    ada, bob = await create(client), await create(client, {"key": "shoe_size", "number": 1})
    wanted: list[Input] = [{"key": "shoe_size", "number": number} for number in (2, 3, 4)]
    wanted += [
        {"key": "note", "text": "x"},
        {"key": "wants_paper", "flag": True},
        {"key": "since", "day": "2020-01-01"},
    ]
    await asyncio.gather(merge(client, ada["id"], bob["id"]), *(update(client, ada["id"], each) for each in wanted))
    found = await shown(client, ada["id"])
    assert found.pop("shoe_size") in {"2", "3", "4"}
    assert found == {"note": "x", "since": "2020-01-01", "wants_paper": True}


async def four(client: Client) -> list[str]:
    """Add four customers, the first without any attribute."""
    await define_five(client)
    customers = [
        await create(client),
        await create(
            client,
            {"key": "note", "text": "Zoë"},
            {"key": "shoe_size", "number": -1},
            {"key": "wants_paper", "flag": True},
            {"key": "since", "day": "2020-02-29"},
            {"key": "level", "choice": "gold"},
        ),
        await create(
            client,
            {"key": "note", "text": "zoë"},
            {"key": "shoe_size", "number": "9.5"},
            {"key": "wants_paper", "flag": False},
            {"key": "since", "day": "0999-12-31"},
            {"key": "level", "choice": "silver"},
        ),
        await create(client, {"key": "shoe_size", "number": 10}, {"key": "level", "choice": "gold"}, country="IT"),
    ]
    return [each["id"] for each in customers]


CASES: list[tuple[list[Input], set[int]]] = [
    ([], {0, 1, 2, 3}),
    ([{"key": "note", "text": "Zoë"}], {1}),
    ([{"key": "note", "text": " Zoe\u0308 "}], {1}),
    ([{"key": "note", "text": "Zo"}], set()),
    ([{"key": "note", "text": "%"}], set()),
    ([{"key": "note", "isSet": True}], {1, 2}),
    ([{"key": "note", "isSet": False}], {0, 3}),
    ([{"key": "shoe_size", "numberMin": -1}], {1, 2, 3}),
    ([{"key": "shoe_size", "numberMin": "-0.9999"}], {2, 3}),
    ([{"key": "shoe_size", "numberMax": "9.5"}], {1, 2}),
    ([{"key": "shoe_size", "numberMax": "9.4999"}], {1}),
    ([{"key": "shoe_size", "numberMin": "9.5", "numberMax": "10.0000"}], {2, 3}),
    ([{"key": "shoe_size", "numberMin": 10, "numberMax": 9}], set()),
    ([{"key": "shoe_size", "numberMin": 9}, {"key": "shoe_size", "numberMax": 9.7}], {2}),
    ([{"key": "shoe_size", "isSet": False}], {0}),
    ([{"key": "shoe_size", "isSet": True, "numberMin": 10}], {3}),
    ([{"key": "wants_paper", "flag": True}], {1}),
    ([{"key": "wants_paper", "flag": False}], {2}),
    ([{"key": "wants_paper", "isSet": False}], {0, 3}),
    ([{"key": "since", "dayMin": "2020-02-29"}], {1}),
    ([{"key": "since", "dayMin": "2020-03-01"}], set()),
    ([{"key": "since", "dayMax": "2020-02-28"}], {2}),
    ([{"key": "since", "dayMin": "0999-12-31", "dayMax": "2020-02-29"}], {1, 2}),
    ([{"key": "level", "choice": ["gold"]}], {1, 3}),
    ([{"key": "level", "choice": ["bronze"]}], set()),
    ([{"key": "level", "choice": ["silver", "gold", "gold"]}], {1, 2, 3}),
    ([{"key": "level", "choice": ["gold"]}, {"key": "note", "isSet": False}], {3}),
    ([{"key": "level", "choice": ["gold"]}, {"key": "level", "choice": ["silver"]}], set()),
]


async def test_customers_are_found_by_each_type(client: Client) -> None:
    """Bounds are included; texts are compared whole; all of several conditions hold, with other filters too."""
    ids = await four(client)
    for conditions, expected in CASES:
        assert await found(client, *conditions) == [ids[number] for number in sorted(expected)], conditions
    assert await found(client, {"key": "level", "choice": ["gold"]}, country=["IT"]) == [ids[3]]
    assert await found(client, {"key": "shoe_size", "isSet": False}, country=["IT"]) == []
    await define(client, **LEVEL, isArchived=True)
    assert await found(client, {"key": "level", "choice": ["silver"]}) == [ids[2]], "what is shown is found"
    await update(client, ids[1], {"key": "note"}, {"key": "shoe_size", "number": "10000000000"})
    assert await found(client, {"key": "note", "isSet": True}) == [ids[2]]
    assert await found(client, {"key": "shoe_size", "numberMin": 10**10}) == [ids[1]]
    assert await shown(client, ids[1]) == {
        "level": "gold",
        "shoe_size": "10000000000",
        "since": "2020-02-29",
        "wants_paper": True,
    }


async def test_a_wrong_condition_is_refused(client: Client) -> None:
    """Of another type, of no attribute, out of range: finding nobody would hide the client's mistake."""
    await four(client)
    wrong: list[list[Input]] = [
        [{"key": "nothing", "isSet": True}],
        [{"key": "Note", "text": "x"}],
        [{"key": "a\x00", "text": "x"}],
        [{"key": "note", "numberMin": 1}],
        [{"key": "note", "text": "x", "flag": True}],
        [{"key": "note", "text": "x", "isSet": False}],
        [{"key": "note", "text": " "}],
        [{"key": "note", "text": "x" * 501}],
        [{"key": "shoe_size", "numberMax": "0.00001"}],
        [{"key": "shoe_size", "text": "1"}],
        [{"key": "wants_paper", "text": "true"}],
        [{"key": "since", "numberMin": 2020}],
        [{"key": "level", "text": "gold"}],
        [{"key": "level", "choice": ["iron"]}],
        [{"key": "level", "choice": ["gold"] * 251}],
        [{"key": "note", "isSet": True}] * 251,
        [{"key": "note", "isSet": True}, {"key": "since", "flag": False}],
        [{"key": "shoe_size", "numberMin": "many"}],
        [{"key": "since", "dayMin": "2020-02-30"}],
        [{"text": "x"}],
    ]
    for conditions in wrong:
        answer = await ask_filtered(client, *conditions)
        assert (answer.codes, answer.body.get("data")) in (
            (["BAD_USER_INPUT"], {"customers": None}),
            (["BAD_USER_INPUT"], None),
        ), conditions
    (error,) = (await ask_filtered(client, {"key": "note", "dayMin": "2020-01-01"})).body["errors"]
    assert error["path"] == ["customers"]
    assert error["message"] == "The attribute note is of the type TEXT: ask for that, or isSet alone."


async def test_merged_customers_are_found_by_what_they_show(client: Client) -> None:
    """Not by what the survivor's word hides; emptied counts as not set; unmerged, each is found by their own."""
    nobody, ada, bob, eve = await four(client)
    gold, silver = {"key": "level", "choice": ["gold"]}, {"key": "level", "choice": ["silver"]}
    no_note, small = {"key": "note", "isSet": False}, {"key": "shoe_size", "numberMax": 9}
    before = [await found(client, each) for each in (gold, silver, no_note, small)]
    inner = await merge(client, eve, bob)
    outer = await merge(client, nobody, eve)
    assert await found(client, gold) == [nobody, ada]
    assert await found(client, silver) == []
    assert await found(client, no_note) == []
    assert await found(client, {"key": "note", "text": "zoë"}) == [nobody]
    await update(client, nobody, {"key": "note"}, {"key": "level", "choice": "silver"}, {"key": "shoe_size"})
    assert [await found(client, each) for each in (gold, silver, no_note, small)] == [
        [ada],
        [nobody],
        [nobody],
        [ada],
    ]
    assert await found(client, {"key": "shoe_size", "isSet": False}) == [nobody]
    await unmerge(client, outer)
    await unmerge(client, inner)
    await update(client, nobody, {"key": "level"})
    assert [await found(client, each) for each in (gold, silver, no_note, small)] == before


@pytest.mark.parametrize("size", [1, 3, 100])
async def test_a_filtered_list_is_paged(client: Client, size: int) -> None:
    """From either end, each of whom it is so once, with their number; families stand there once."""
    await define_five(client)
    ids = [
        (await create(client, {"key": "shoe_size", "number": number}, {"key": "wants_paper", "flag": number % 2 == 0}))
        for number in range(15)
    ]
    keys = [each["id"] for each in ids]
    for absorbed in (4, 5):
        await merge(client, keys[2], keys[absorbed])
    wanted = {"attribute": [{"key": "wants_paper", "flag": True}, {"key": "shoe_size", "numberMin": 1}]}
    expected = [keys[number] for number in (2, 6, 8, 10, 12, 14)]
    for is_backward in (False, True):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            asked: Input = {"last": size, "before": cursor} if is_backward else {"first": size, "after": cursor}
            page = (await client.ask(FILTERED, {"f": wanted, **asked})).data["customers"]
            assert page["totalCount"] == len(expected)
            listed = [node["id"] for node in page["nodes"]]
            seen = [*listed, *seen] if is_backward else [*seen, *listed]
            cursor = page["pageInfo"]["startCursor" if is_backward else "endCursor"]
            if not page["pageInfo"]["hasPreviousPage" if is_backward else "hasNextPage"]:
                break
        assert seen == expected


async def test_who_may_not_see_an_attribute_does_not_know_of_it(client: Client) -> None:
    """Not its definition nor its id, not a value; by filter or write it is as unknown as one that is not there."""
    await define_five(client)
    secret = await define(client, **SECRET)
    ada = await create(client, {"key": "credit_check", "number": 7}, {"key": "note", "text": "x"})
    key = await client.new_key(*(EVERY_PERMISSION - {Permission.ATTRIBUTES_RESTRICTED}))
    definitions = (await client.ask(DEFINITIONS, key=key)).data["customerAttributeDefinitions"]
    assert [each["key"] for each in definitions] == ["level", "note", "shoe_size", "since", "wants_paper"]
    node = "query($i: ID!) { node(id: $i) { id } }"
    assert (await client.ask(node, {"i": secret["id"]}, key=key)).data["node"] is None
    assert (await client.ask(node, {"i": secret["id"]})).data["node"] == {"id": secret["id"]}
    query = f"query($i: ID!) {{ customer(id: $i) {{ {ATTRIBUTES} }} }}"
    assert values((await client.ask(query, {"i": ada["id"]}, key=key)).data["customer"]) == {"note": "x"}
    assert values((await client.ask(query, {"i": ada["id"]})).data["customer"]) == {"credit_check": "7", "note": "x"}

    async def told(name: str) -> list[Any]:
        """Return what is answered about an attribute, its name left out."""
        async with nothing_changes(client.works):
            change = {"customerId": ada["id"], "attributes": [{"key": name, "number": 1}]}
            written = await client.ask(UPDATE, {"i": change}, key=key)
            conditions: list[Input] = [{"isSet": True}, {"numberMin": 1}, {"flag": True}]
            asked = [await ask_filtered(client, {"key": name, **each}, key=key) for each in conditions]
        answers: list[Any] = [error for answer in asked for error in answer.body["errors"]]
        for answer in answers:
            del answer["extensions"]["requestId"]
        return [str(each).replace(name, "…") for each in [*answers, *written.data["customerUpdate"]["userErrors"]]]

    assert await told("credit_check") == await told("no_such_thing")
    assert len(await told("credit_check")) == 4


async def test_who_may_not_see_restricted_attributes_defines_none(client: Client) -> None:
    """Neither a new one, nor by making a known one restricted, nor by opening one to be read."""
    await define(client, **SECRET)
    await define(client, **LEVEL)
    key = await client.new_key(*(EVERY_PERMISSION - {Permission.ATTRIBUTES_RESTRICTED}))
    for given in (
        SECRET,
        SECRET | {"audience": "STAFF"},
        SECRET | {"audience": "CUSTOMER", "type": "TEXT"},
        SECRET | {"key": "other"},
        LEVEL | {"audience": "RESTRICTED"},
    ):
        async with nothing_changes(client.works):
            payload = (await ask_define(client, given, key=key)).data["customerAttributeDefinitionUpsert"]
        (error,) = payload["userErrors"]
        assert (payload["definition"], error["code"], error["field"]) == (None, "FORBIDDEN", ["audience"])
    await define(client, **LEVEL | {"audience": "RESTRICTED"})
    await define(client, **SECRET | {"audience": "STAFF"})
    definitions = (await client.ask(DEFINITIONS, key=key)).data["customerAttributeDefinitions"]
    assert [each["key"] for each in definitions] == ["credit_check"]


async def test_the_stranger_defines_sets_and_reads_nothing(client: Client) -> None:
    """Each of the three needs its own permission, which is enough for it, and nothing else gives it."""
    await define_five(client)
    ada = await create(client, {"key": "note", "text": "x"})
    change = {"customerId": ada["id"], "attributes": [{"key": "note", "text": "y"}]}
    attempts: dict[Permission, Callable[[str], Awaitable[Answer]]] = {
        Permission.ATTRIBUTES_WRITE: lambda key: ask_define(client, LEVEL | {"name": "Other"}, key=key),
        Permission.CUSTOMERS_WRITE: lambda key: client.ask(UPDATE, {"i": change}, key=key),
        Permission.CUSTOMERS_READ: lambda key: client.ask(DEFINITIONS, key=key),
    }
    for needed, attempt in attempts.items():
        others, only = await client.new_key(*(EVERY_PERMISSION - {needed})), await client.new_key(needed)
        async with nothing_changes(client.works):
            assert (await attempt(others)).codes == ["FORBIDDEN"], needed
            assert (await attempt("sk_nobody")).codes == ["UNAUTHENTICATED"], needed
        assert (await attempt(only)).codes == [], needed


async def test_attributes_of_many_customers_cost_the_statements_of_one(client: Client) -> None:
    """A level is read at once."""
    await four(client)
    query = f"query($n: Int!) {{ customers(first: $n) {{ nodes {{ {ATTRIBUTES} }} }} }}"
    costs = []
    for size in (1, 4):
        with counting() as statements:
            nodes = (await client.ask(query, {"n": size})).data["customers"]["nodes"]
        costs.append(sum(1 for each in statements if each.lstrip().upper().startswith("SELECT")))
        assert [len(values(node)) for node in nodes] == [0, 5, 5, 2][:size]
    assert costs[0] == costs[1] <= 4

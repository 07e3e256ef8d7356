"""Random histories of customers against a plain model that is told the same: every answer, every few steps."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from domain.base.errors import Refusal, Refusals
from domain.base.work import Work, Works
from domain.customers.actions.attributes import upsert_definition
from domain.customers.model import CustomerIdentity, CustomerMerge, CustomerRecord
from schema.base.ids import global_id
from tests.conftest import Client, StandingClock
from tests.customers.family_chance import ACCOUNTS, COUNTRIES, EMAILS, FAMILY, GIVEN, HANDLES, PHONES, Chance, define
from tests.customers.family_reading import (
    CONCENTRATIONS,
    SORTS,
    read_by_id,
    read_everybody,
    read_lists,
    read_merges,
    read_recognised,
)
from tests.customers.family_words import (
    ATTRIBUTES,
    Answer,
    differences,
    newest,
    page_of,
    profile_of,
    tags_of,
    values_of,
)
from tests.customers.family_writes import Fresh, Model, Refused, Sign
from tests.orders.shop import perform

SEEDS = range(2)
STEPS = 48
COMPARED_EVERY = 6

SEARCHES = [
    [GIVEN[0]],
    [FAMILY[0].lower(), GIVEN[1][:5]],
    [EMAILS[0]],
    ["order-1"],
    ["order-2", GIVEN[2]],
    [ACCOUNTS[3]],
    [HANDLES[0]],
    [EMAILS[1], FAMILY[1]],
]


async def outcome(works: Works, story: Callable[[Work], Awaitable[UUID]]) -> UUID | str:
    """Perform a write; return what it made, or the name of its refusal."""
    try:
        return await perform(works, story)
    except (Refusal, Refusals) as refusal:
        return type(refusal).__name__


async def read_fresh(works: Works, model: Model, answer: UUID) -> Fresh:
    """Return the ids of what the last write made."""
    async with works.database.reading() as session:
        records = (await session.scalars(select(CustomerRecord.id))).all()
        signs: dict[Sign, UUID] = {}
        known = {each.key for each in model.identities}
        for row in await session.scalars(select(CustomerIdentity)):
            if row.id not in known:
                signs[row.customer_id, row.kind, row.namespace, row.value] = row.id
    return Fresh(answer=answer, records=[key for key in records if key not in model.records], identities=signs)


async def read_proposed(works: Works) -> list[UUID]:
    """Return the proposals there are."""
    async with works.database.reading() as session:
        statement = select(CustomerMerge.id).where(CustomerMerge.state == "PROPOSED").order_by(CustomerMerge.id)
        return list(await session.scalars(statement))


async def step(works: Works, clock: StandingClock, chance: Chance, history: list[str]) -> Refused:
    """Let something happen, in the product and in the model: both take it, or both refuse it, which is returned."""
    chance.proposed = await read_proposed(works)
    clock.advance(timedelta(seconds=chance.random.randint(1, 5)))
    model = chance.model
    model.now = clock.now()
    told, story, take = chance.next()
    history.append(told)
    answer = await outcome(works, story)
    if isinstance(answer, UUID):
        assert take(await read_fresh(works, model, answer)) is None
        return None
    assert take(None) == answer
    return answer


def expected_answers(model: Model) -> dict[str, Answer]:
    """Return what is to be shown of everybody."""
    ranks = model.ranks()
    return {
        global_id("Customer", key): {
            **model.answer(model.family(key), now=model.now),
            "ranks": ranks[key],
            "merges": model.merges_of(key, now=model.now),
        }
        for key in model.canonicals
    }


async def compare(client: Client, model: Model) -> None:
    """Hold that every answer is the model's."""
    expected = expected_answers(model)
    found = await read_everybody(client)
    assert not (wrong := differences(found, expected)), "\n".join(wrong)
    await compare_ids(client, model)
    await compare_lists(client, model)
    await compare_merges(client, model)
    concentration = model.concentration()
    assert (await client.ask(CONCENTRATIONS)).data == {"ever": concentration, "since": concentration}


async def compare_ids(client: Client, model: Model) -> None:
    """Hold that each id, absorbed or not, and each sign leads to the canonical customer, and `node` to none other."""
    expected = []
    for key in model.records:
        canonical = model.canonical(key)
        keys = {record.key for record in model.family(canonical)}
        orders = newest(
            (order.placed_at, order.key, "Order") for order in model.orders.values() if order.record in keys
        )
        expected.append(
            {
                "customer": {"id": global_id("Customer", canonical)},
                "node": {"id": global_id("Customer", key)} if key == canonical else None,
                "orders": page_of(orders),
            }
        )
    assert await read_by_id(client, list(model.records)) == expected
    signs = sorted({(each.kind, each.namespace, each.value) for each in model.identities})
    holders = [model.recognised(*sign) for sign in signs]
    assert dict(zip(signs, await read_recognised(client, signs), strict=True)) == dict(
        zip(signs, [None if key is None else global_id("Customer", key) for key in holders], strict=True)
    )


async def compare_lists(client: Client, model: Model) -> None:
    """Hold that lists have whom they are to have, in their order, and nobody who was absorbed."""
    families = {key: model.family(key) for key in model.canonicals}
    asked: list[tuple[Answer, list[UUID]]] = []
    for sort in SORTS:
        in_order = model.in_order(sort)
        asked.append(({"orderBy": {"field": sort}}, in_order))
        asked.append(({"orderBy": {"field": sort, "direction": "DESC"}}, in_order[::-1]))
    wanted = {
        **{" ".join(words): model.found_by(words) for words in SEARCHES},
        **{phone: model.found_by_phone(phone) for phone in PHONES},
    }
    having: list[tuple[Answer, set[UUID]]] = [({"search": words}, found) for words, found in wanted.items()]
    tagged = {key for key, family in families.items() if {"vip", "slow"} & set(tags_of(family))}
    there = {key for key, family in families.items() if profile_of(family)["country"] == COUNTRIES[0]}
    having += [({"tag": ["vip", "slow"]}, tagged), ({"country": COUNTRIES[:1]}, there)]
    for name in ATTRIBUTES:
        known = {key for key, family in families.items() if name in values_of(family)}
        having.append(({"attribute": [{"key": name, "isSet": True}]}, known))
        having.append(({"attribute": [{"key": name, "isSet": False}]}, families.keys() - known))
    by_age = model.in_order("CREATED_AT")
    asked += [({"filter": narrowed}, [key for key in by_age if key in found]) for narrowed, found in having]
    for (arguments, keys), found in zip(asked, await read_lists(client, [each for each, _ in asked]), strict=True):
        assert found == [global_id("Customer", key) for key in keys], arguments


async def compare_merges(client: Client, model: Model) -> None:
    """Hold that the lists of merges have the edges, and that no proposal is about one customer, or an old decision."""
    merges = {global_id("CustomerMerge", key): merge for key, merge in model.merges.items()}
    for state in ("APPLIED", "UNDONE"):
        wanted = {key for key, merge in merges.items() if merge.state == state}
        assert (await read_merges(client, state)).keys() == wanted
    rejected = {global_id("CustomerMerge", key) for key in model.rejected}
    assert (await read_merges(client, "REJECTED")).keys() == rejected
    for merge in (await read_merges(client, "PROPOSED")).values():
        assert merge["survivor"]["id"] != merge["absorbed"]["id"]
        assert merge["id"] not in merges


@pytest.mark.parametrize("seed", SEEDS)
async def test_random_histories_show_what_the_model_shows(client: Client, clock: StandingClock, seed: int) -> None:
    """Whatever happens in whatever order, every answer is what a few loops over all there is would say."""
    works = client.works
    for name in ATTRIBUTES:
        await perform(works, lambda work, name=name: upsert_definition(work, details=define(name)))  # type: ignore[misc]
    clock.advance(timedelta(hours=1))
    chance, history = Chance(seed, Model()), [f"seed {seed}"]
    refusals: set[Refused] = set()
    try:
        for number in range(STEPS):
            refusals.add(await step(works, clock, chance, history))
            if number % COMPARED_EVERY == COMPARED_EVERY - 1:
                clock.advance(timedelta(minutes=2))  # the ranks are renewed
                chance.model.now = clock.now()
                await compare(client, chance.model)
    except BaseException as error:
        error.add_note("\n".join(history))
        raise
    assert {None, "Refusals"} <= refusals

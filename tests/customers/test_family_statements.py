"""A family of ten costs the statements of one: whatever is read of it, and whatever is written."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.base.actors import SYSTEM
from domain.base.work import Work
from domain.customers.actions.consents import record_consent
from domain.customers.actions.identities import add_identity
from domain.customers.actions.profiles import update_customer
from domain.customers.rules.consents import ConsentDecision, ConsentDetails, ConsentPurpose
from domain.customers.rules.identities import IdentityKind
from domain.customers.rules.profiles import Buyer, CustomerChanges, CustomerDetails
from domain.orders.actions.orders import upsert_order, upsert_orders
from domain.orders.rules import LineDetails, OrderDetails
from tests.conftest import NOW, Client
from tests.customers.family_changing import add_customers, define_attributes, id_of, join, part
from tests.customers.family_reading import ALONE, SCORES
from tests.customers.test_api_statements import counting
from tests.orders.shop import perform

SIZES = (1, 2, 10)

SHOWN = f"{ALONE} ranks: value {{ {SCORES} }} merges {{ id }}"
READS = {
    "by id": f"query($id: ID!) {{ customer(id: $id) {{ {SHOWN} }} node(id: $id) {{ id }} }}",
    "by identity": f"query($v: String!) {{ customerByIdentity(kind: EXTERNAL_ACCOUNT, value: $v) {{ {SHOWN} }} }}",
    "search": f"query($v: String!) {{ customers(first: 5, filter: {{search: $v}}) {{ nodes {{ {SHOWN} }} }} }}",
    "orders": "query($id: ID!) { orders(first: 100, filter: {customerId: $id}) { totalCount nodes { id } } }",
}
MERGES = f"query($id: ID!) {{ customer(id: $id) {{ merges {{ id survivor {{ id }} absorbed {{ {ALONE} }} }} }} }}"


async def add_family(client: Client, size: int, *, name: str = "s") -> list[UUID]:
    """Add a customer of so many records with an order, a consent and a tag each; the canonical one is the first."""
    works = client.works
    accounts = [f"{name}{size}-{number}" for number in range(size)]
    keys = await add_customers(works, *(CustomerDetails(external_id=each, tags=[each]) for each in accounts))
    said = ConsentDetails(purpose=ConsentPurpose.MARKETING, channel=None, decision=ConsentDecision.GRANTED)
    for account, key in zip(accounts, keys, strict=True):
        await order(client, account, count=2)
        await perform(works, lambda work, key=key: record_consent(work, customer_id=key, details=said))  # type: ignore[misc]
    for key in keys[1:]:
        await join(works, keys[0], key)
    return keys


async def order(client: Client, account: str, *, count: int) -> None:
    """Send so many orders of one buyer, in one transaction."""
    orders = [details(account, number) for number in range(count)]
    await client.works.perform(lambda work: upsert_orders(work, orders=orders), actor=SYSTEM, action="test")


def details(account: str, number: int) -> OrderDetails:
    """Return an order of a buyer."""
    return OrderDetails(
        external_id=f"{account}-{number}",
        placed_at=NOW - timedelta(days=number),
        currency_code="EUR",
        lines=[LineDetails(sku="cup", title="Cup", quantity=1, unit_price=Decimal(1))],
        buyer=Buyer(external_id=account),
    )


async def read_cost(client: Client, query: str, **variables: Any) -> int:  # noqa: ANN401
    """Return how many statements a question takes."""
    with counting() as statements:
        answer = await client.ask(query, variables)
    assert all(answer.data.values()), answer.data
    return len(statements)


async def write_cost(client: Client, story: Callable[[Work], Awaitable[UUID]]) -> int:
    """Return how many statements a write takes."""
    with counting() as statements:
        await perform(client.works, story)
    return len(statements)


async def test_a_family_of_ten_is_read_with_the_statements_of_one(client: Client) -> None:
    """By id, by identity, by a search, with orders, consents, timeline and all else; from any of its ids."""
    await define_attributes(client.works)
    families = {size: await add_family(client, size) for size in SIZES}
    await client.ask("{ customers(first: 1) { nodes { value { decile } } } }")  # the ranks are computed
    for name, query in READS.items():
        costs = set()
        members = [(size, keys, number) for size, keys in families.items() for number in (0, size - 1)]
        for size, keys, number in members:
            variables = {"v": f"s{size}-{number}"} if "$v" in query else {"id": id_of(keys[number])}
            if name != "by id" or not number:  # an absorbed one is no node
                costs.add(await read_cost(client, query, **variables))
        assert len(costs) == 1, (name, costs)
    costs = {await read_cost(client, MERGES, id=id_of(families[size][0])) for size in (2, 10)}
    assert len(costs) == 1, costs


async def test_a_family_of_ten_is_written_with_the_statements_of_two(client: Client) -> None:
    """A change, a consent, an identity, an order: none of them walks through the records one by one."""
    families = {size: await add_family(client, size) for size in (2, 10)}
    said = ConsentDetails(purpose=ConsentPurpose.SURVEYS, channel=None, decision=ConsentDecision.GRANTED)
    changes = CustomerChanges(country="IT", tags=["vip"])
    stories: dict[str, Callable[[UUID], Callable[[Work], Awaitable[UUID]]]] = {
        "update": lambda key: (
            lambda work: update_customer(work, customer_id=key, changes=changes, expected_version=None)
        ),
        "consent": lambda key: lambda work: record_consent(work, customer_id=key, details=said),
        "identity": lambda key: (
            lambda work: add_identity(
                work, customer_id=key, kind=IdentityKind.DEVICE, namespace=None, value=key.hex, is_shared=False
            )
        ),
    }
    for name, story in stories.items():
        costs = {size: await write_cost(client, story(keys[0])) for size, keys in families.items()}
        assert costs[2] == costs[10], (name, costs)
    costs = {}
    for size in families:
        new = details(f"s{size}-1", 9)
        costs[size] = await write_cost(client, lambda work, new=new: upsert_order(work, order=new))  # type: ignore[misc]
    assert costs[2] == costs[10], costs


async def test_a_merge_costs_the_same_however_much_they_have(client: Client) -> None:
    """Merging two and taking them apart: with two orders each and with thirty, two records each and five."""
    for small_size, large_size in ((1, 1), (2, 5)):
        small = [(await add_family(client, small_size, name=name))[0] for name in "ab"]
        large = [(await add_family(client, large_size, name=name))[0] for name in "cd"]
        for name in "cd":
            await order(client, f"{name}{large_size}-0", count=30)
        assert await merge_costs(client, *small) == await merge_costs(client, *large)


async def merge_costs(client: Client, survivor: UUID, absorbed: UUID) -> tuple[int, int]:
    """Return how many statements a merge and its end take."""
    with counting() as statements:
        merge_id = await join(client.works, survivor, absorbed)
    merged = len(statements)
    with counting() as statements:
        await part(client.works, merge_id)
    return merged, len(statements)

"""Merging and unmerging as clients do, and past the API."""

from typing import Any
from uuid import UUID

from domain.base.work import Work, Works
from domain.customers.actions.attributes import upsert_definition
from domain.customers.actions.merges import merge_customers, unmerge_customers
from domain.customers.actions.profiles import create_customer
from domain.customers.rules.profiles import CustomerDetails
from schema.base.ids import global_id, parse_id
from tests.conftest import Client
from tests.customers.family_chance import define
from tests.customers.family_words import ATTRIBUTES
from tests.orders.shop import Input, Written, perform

MERGE = "id state reason unmergeReason proposedAt mergedAt unmergedAt survivor { id } absorbed { id }"

_SELECTIONS = {
    "customerMerge": ("merge", f"merge {{ {MERGE} }} customer {{ id version }}"),
    "customerUnmerge": ("survivor", "survivor { id version } absorbed { id version }"),
    "customerMergeReject": ("merge", "merge { id state reason rejectedAt }"),
    "customerIdentityAdd": ("identity", "identity { id value } customer { id }"),
    "customerUpdate": ("customer", "customer { id displayName givenName familyName country version tags }"),
    "consentRecord": ("consent", "consent { id } customer { id consents { id decision } }"),
}


async def change(client: Client, field: str, **given: Any) -> Written:  # noqa: ANN401
    """Send a write; what is found is its whole payload."""
    result, selection = _SELECTIONS[field]
    kind = f"{field[0].upper()}{field[1:]}Input"
    query = f"""mutation($input: {kind}!) {{ {field}(input: $input) {{ {selection}
      userErrors {{ code message field }} }} }}"""
    payload = (await client.ask(query, {"input": given})).data[field]
    return Written(result=payload if payload[result] is not None else None, errors=payload["userErrors"])


async def merge(client: Client, survivor_id: str, absorbed_id: str, **more: Any) -> Input:  # noqa: ANN401
    """Let one customer absorb another, and return the merge."""
    written = await change(client, "customerMerge", survivorId=survivor_id, absorbedId=absorbed_id, **more)
    found: Input = written.found["merge"]
    return found


async def unmerge(client: Client, merge_id: str, **more: Any) -> Input:  # noqa: ANN401
    """Take a merge back, and return the payload."""
    return (await change(client, "customerUnmerge", mergeId=merge_id, **more)).found


async def join(works: Works, survivor: UUID, absorbed: UUID) -> UUID:
    """Let one customer absorb another, past the API."""
    return await perform(
        works, lambda work: merge_customers(work, survivor_id=survivor, absorbed_id=absorbed, reason=None)
    )


async def part(works: Works, merge_id: UUID) -> UUID:
    """Take a merge back, past the API."""
    return await perform(works, lambda work: unmerge_customers(work, merge_id=merge_id, reason=None))


async def add_customers(works: Works, *details: CustomerDetails) -> list[UUID]:
    """Add customers, past the API."""
    return [
        await perform(works, lambda work, each=each: create_customer(work, details=each))  # type: ignore[misc]
        for each in details
    ]


async def add_family(works: Works, *, size: int) -> UUID:
    """Add a customer of so many records, in one transaction; return it."""

    async def story(work: Work) -> UUID:
        first = await create_customer(work, details=CustomerDetails())
        for _ in range(size - 1):
            other = await create_customer(work, details=CustomerDetails())
            await merge_customers(work, survivor_id=first, absorbed_id=other, reason=None)
        return first

    return await perform(works, story)


async def define_attributes(works: Works) -> None:
    """Define an attribute of each sort."""
    for name in ATTRIBUTES:
        await perform(works, lambda work, name=name: upsert_definition(work, details=define(name)))  # type: ignore[misc]


def id_of(key: UUID) -> str:
    """Return a customer's id as clients know it."""
    return global_id("Customer", key)


def key_in(value: str) -> UUID:
    """Return the key in an id as clients know it."""
    return parse_id(value)[1]

"""Merges, as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.customers.repository.families import list_canonical_ids, list_families
from domain.customers.repository.identities import list_identities_by_family
from domain.customers.repository.merges import list_applied_merges_by_family, list_merges_by_id
from domain.customers.rules.families import (
    MergeState as MergeState,  # queries take it from here, described
)
from domain.customers.rules.families import blockers
from domain.customers.rules.matching import Signal, told
from schema.base.batched import batched
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.base.errors import UserError, user_errors
from schema.base.extends import extends
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.customers.policies import TEAM
from schema.customers.types.customers import Customer, load_as_themselves, load_customers
from schema.customers.types.identities import CustomerIdentity

described_enum(
    MergeState,
    name="CustomerMergeState",
    description="What became of a merge.",
    values={
        MergeState.PROPOSED: "The two may be one: it waits for a person's decision.",
        MergeState.APPLIED: "The two are shown as one.",
        MergeState.REJECTED: "A person decided that they are two; proposed again on new verified evidence only.",
        MergeState.UNDONE: "They were one for a while and are two again; if they were proposed, they are so again.",
    },
)
described_enum(
    Signal,
    name="MergeSignal",
    description="One sort of evidence that two customers are one person, or are not.",
    values={
        Signal.VERIFIED_ON_BOTH: "The same identity is proven for both.",
        Signal.VERIFIED_ON_ONE: "The same identity is verified for one and claimed by the other.",
        Signal.SAME_IDENTITY: "Both have the same identity, not verified.",
        Signal.SAME_MAILBOX: "Their e-mail addresses reach the same mailbox.",
        Signal.SAME_NAME: "They have the same name.",
        Signal.SIMILAR_NAME: "Their names differ by one letter, or by a part that one has more.",
        Signal.SAME_BIRTH_DATE: "They were born on the same day.",
        Signal.SAME_COUNTRY: "They are in the same country.",
        Signal.OTHER_NAME: "Against it: their names differ.",
        Signal.OTHER_BIRTH_DATE: "Against it: they were born on different days.",
    },
)


@strawberry.type(
    description="That one customer absorbed, or may absorb, another. It rewrites nothing, so undoing it is exact."
)
class CustomerMerge(Node):
    """See the description."""

    survivor_key: strawberry.Private[UUID]
    absorbed_key: strawberry.Private[UUID]
    state: MergeState = shown("What became of it.")
    score: Decimal | None = shown("How probable it is that they are one person, 0 to 1; null where a person decided.")
    signals: list[Signal] = shown("The sorts of evidence at the time of the proposal.")
    evidence: list[str] = shown("The evidence at the time of the proposal, in sentences.")
    reason: str | None = shown("Why a person merged or rejected, in their words.")
    unmerge_reason: str | None = shown("Why a person undid it, in their words.")
    proposed_at: datetime | None = shown("When it was proposed; null where it never was.")
    merged_at: datetime | None = shown("When it was applied; null where it never was.")
    rejected_at: datetime | None = shown("When it was rejected; null where it never was.")
    unmerged_at: datetime | None = shown("When it was undone; null where it never was.")

    @classmethod
    def of(cls, row: Row[Any]) -> "CustomerMerge":
        """Show a row."""
        evidence = [(Signal(signal), detail) for signal, detail in row.evidence]
        return cls(
            survivor_key=row.survivor_id,
            absorbed_key=row.absorbed_id,
            id=global_id("CustomerMerge", row.id),
            state=MergeState(row.state),
            score=row.score,
            signals=[signal for signal, _ in evidence],
            evidence=told(evidence),
            reason=row.reason,
            unmerge_reason=row.unmerge_reason,
            proposed_at=row.proposed_at,
            merged_at=row.merged_at,
            rejected_at=row.rejected_at,
            unmerged_at=row.unmerged_at,
        )

    @batched(description="Who has both, or would: where they were absorbed themselves, the one who absorbed them.")
    async def survivor(merges: list["CustomerMerge"], info: Info) -> list[Customer]:  # noqa: N805
        """Read the survivors of a level."""
        found = await load_customers(info, [merge.survivor_key for merge in merges])
        return [customer for customer in found if customer is not None]

    @batched(description="Who was absorbed, or would be, as themselves: what is known of them alone.")
    async def absorbed(merges: list["CustomerMerge"], info: Info) -> list[Customer]:  # noqa: N805
        """Read the absorbed of a level."""
        return await load_as_themselves(info, [merge.absorbed_key for merge in merges])


@strawberry.type(description="What a merge would do, before anyone commits to it.")
class CustomerMergePreview:
    """See the description."""

    keys: strawberry.Private[Sequence[UUID]]  # the customers that the two are now, once each
    survivor: Customer = shown("Who would have both.")
    absorbed: Customer = shown("Who would be absorbed.")
    blockers: list[UserError] = shown("Why they cannot be merged; empty where they can.")
    identities: list[CustomerIdentity] = shown("All that the one customer would be recognised by.")


@extends(Customer)
@batched(description="The merges that made them what they are, in the order in which they were applied.", reads=())
async def merges(customers: list[Customer], info: Info) -> list[list[CustomerMerge]]:
    """Read the merges of a level."""
    async with info.context.reading() as session:
        rows = await list_applied_merges_by_family(session, [customer.key for customer in customers])
    return [[CustomerMerge.of(row) for row in rows[customer.key]] for customer in customers]


@loads("CustomerMerge", policy=TEAM)
async def load_merges(info: Info, ids: Sequence[UUID]) -> list[CustomerMerge | None]:
    """Read merges by their ids."""
    async with info.context.reading() as session:
        rows = await list_merges_by_id(session, ids)
    return [CustomerMerge.of(rows[key]) if key in rows else None for key in ids]


async def preview_merge(info: Info, survivor_key: UUID, absorbed_key: UUID) -> CustomerMergePreview | None:
    """Look at what a merge would do; None where one of the two does not exist."""
    keys = [survivor_key, absorbed_key]
    async with info.context.reading() as session:
        canonical = await list_canonical_ids(session, keys)
        families = await list_families(session, keys)
        rows = await list_identities_by_family(session, set(canonical.values()))
    if survivor_key not in canonical or absorbed_key not in canonical:
        return None
    found = blockers(
        families[canonical[survivor_key]],
        absorbed=families[canonical[absorbed_key]],
        survivor_id=survivor_key,
        absorbed_id=absorbed_key,
    )
    survivor, absorbed = await load_as_themselves(info, keys)
    roots = list(dict.fromkeys(canonical[key] for key in keys))
    known = sorted((row for key in roots for row in rows[key]), key=lambda row: (row.first_seen_at, row.id))
    return CustomerMergePreview(
        keys=roots,
        survivor=survivor,
        absorbed=absorbed,
        blockers=[error for blocker in found for error in user_errors(blocker)],
        identities=[CustomerIdentity.of(row) for row in known],
    )

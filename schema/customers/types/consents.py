"""Consents, as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row
from strawberry import UNSET

from domain.base.database import Session
from domain.base.pages import check_page
from domain.customers.model import Consent as ConsentRow
from domain.customers.repository.consents import (
    list_consent_history,
    list_consents_by_family,
    list_consents_by_id,
)
from domain.customers.repository.families import count_by_family
from domain.customers.repository.merges import list_applied_merges_by_family
from domain.customers.rules.consents import (
    ChannelKind as ChannelKind,  # inputs take these from here, described
)
from domain.customers.rules.consents import ConsentDecision as ConsentDecision
from domain.customers.rules.consents import ConsentPurpose as ConsentPurpose
from domain.customers.rules.consents import Decided, Merged, counting_consents
from schema.base.batched import batched
from schema.base.connections import Connection, Total, connect
from schema.base.context import Info
from schema.base.descriptions import After, Before, First, Last, described_enum, given, shown
from schema.base.extends import extends
from schema.base.ids import global_id
from schema.customers.policies import CUSTOMERS
from schema.customers.types.customers import Customer
from schema.customers.types.timeline import TimelineItem, shown_in_timeline

described_enum(
    ConsentPurpose,
    name="ConsentPurpose",
    description="What a customer may be contacted for, or their data used for.",
    values={
        ConsentPurpose.SERVICE: "Messages about what they bought or asked.",
        ConsentPurpose.MARKETING: "Offers and news.",
        ConsentPurpose.PROFILING: "Conclusions about them, for what suits this person.",
        ConsentPurpose.SURVEYS: "Questions about how satisfied they are.",
        ConsentPurpose.CONTESTS: "Contests and prize draws.",
    },
)
described_enum(
    ConsentDecision,
    name="ConsentDecision",
    description="What the customer said.",
    values={
        ConsentDecision.GRANTED: "Yes.",
        ConsentDecision.REFUSED: "No.",
        ConsentDecision.WITHDRAWN: "No longer, after a yes.",
    },
)
described_enum(
    ChannelKind,
    name="ChannelKind",
    description="Over what the shop and its customers talk.",
    values={
        ChannelKind.WEB_CHAT: "The chat of a website or app.",
        ChannelKind.EMAIL: "E-mail.",
        ChannelKind.PHONE: "Telephone calls.",
        ChannelKind.SMS: "Text messages of the telephone network.",
        ChannelKind.WHATSAPP: "WhatsApp.",
        ChannelKind.SOCIAL: "Messages in a social network.",
        ChannelKind.VIDEO: "Video calls.",
        ChannelKind.FORM: "A form of a website.",
        ChannelKind.IN_STORE: "At the counter of a shop.",
        ChannelKind.CUSTOM: "Another one, which the organisation connected itself.",
    },
)


@strawberry.type(description="One decision of a customer on what they may be contacted for.")
class Consent(TimelineItem):
    """See the description."""

    customer_key: strawberry.Private[UUID]
    purpose: ConsentPurpose = shown("What for.")
    channel: ChannelKind | None = shown("Over what; null: over every channel that has no decision of its own.")
    decision: ConsentDecision = shown("What they said.")
    text_version: str | None = shown("Which wording they were shown.")
    source: str | None = shown("Where they said it: a form, a call, a counter.")
    proof: str | None = shown("Where the proof is kept, or what it is.")
    reason: str | None = shown(
        "Why this one counts where merged customers had decided differently; null where nobody had."
    )
    decided_at: datetime = shown("When they said it.")
    recorded_at: datetime = shown("When it was recorded here.")

    @classmethod
    def of(cls, row: Row[Any], reason: str | None = None) -> "Consent":
        """Show a row."""
        where = "" if row.channel is None else f" over {row.channel}"
        return cls(
            customer_key=row.customer_id,
            id=global_id("Consent", row.id),
            purpose=ConsentPurpose(row.purpose),
            channel=None if row.channel is None else ChannelKind(row.channel),
            decision=ConsentDecision(row.decision),
            text_version=row.text_version,
            source=row.source,
            proof=row.proof,
            reason=reason,
            decided_at=row.decided_at,
            recorded_at=row.recorded_at,
            occurred_at=row.decided_at,
            summary=f"{row.purpose}{where}: {row.decision}",
        )


@extends(Customer)
@batched(
    description=(
        "The decision that counts for each purpose and channel: the latest one. Where customers were merged who had "
        "decided apart, the stricter one, until they decide again; `reason` says so. A no over every channel is then "
        "stricter than a yes over one of them, which is left out."
    ),
    reads=(),
)
async def consents(customers: list[Customer], info: Info) -> list[list[Consent]]:
    """Read the ledgers of a level, and what counts of them."""
    keys = [customer.key for customer in customers]
    async with info.context.reading() as session:
        ledgers = await list_consents_by_family(session, keys)
        applied = await list_applied_merges_by_family(session, keys)
    return [_counting(ledgers[key], applied[key]) for key in keys]


def _counting(ledger: Sequence[Row[Any]], applied: Sequence[Row[Any]]) -> list[Consent]:
    rows = {row.id: row for row in ledger}
    decisions = [
        Decided(
            id=row.id,
            customer_id=row.customer_id,
            purpose=row.purpose,
            channel=row.channel,
            decision=row.decision,
            decided_at=row.decided_at,
        )
        for row in ledger
    ]
    merged = [
        Merged(survivor_id=row.survivor_id, absorbed_id=row.absorbed_id, merged_at=row.merged_at) for row in applied
    ]
    counting = counting_consents(decisions, merges=merged)
    in_order = sorted(counting.items(), key=lambda item: (item[0][0], item[0][1] or ""))
    return [Consent.of(rows[found.id], found.reason) for _, found in in_order]


@extends(Customer)
@batched(
    description="Every decision that they ever made, the newest first: nothing is taken out of this ledger.", reads=()
)
async def consent_history(
    customers: list[Customer],
    info: Info,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> list[Connection[Consent]]:
    """Read a page of the ledger for each customer of a level."""
    keys = [customer.key for customer in customers]
    page = check_page(first=given(first), after=given(after), last=given(last), before=given(before))
    async with info.context.reading() as session:
        pages = await list_consent_history(session, keys, page=page)
    return [connect(page, Consent.of, total=Total(_count, key)) for key, page in zip(keys, pages, strict=True)]


async def _count(session: Session, keys: Sequence[UUID | None]) -> list[int]:
    counts = await count_by_family(session, ConsentRow.customer_id, [key for key in keys if key is not None])
    return [counts[key] if key is not None else 0 for key in keys]


@shown_in_timeline(
    "CONSENT",
    type_name="Consent",
    description="A decision on what they may be contacted for.",
    policy=CUSTOMERS,
)
async def load_consents(info: Info, ids: Sequence[UUID]) -> list[Consent | None]:
    """Read decisions by their ids."""
    async with info.context.reading() as session:
        rows = await list_consents_by_id(session, ids)
    return [Consent.of(rows[key]) if key in rows else None for key in ids]

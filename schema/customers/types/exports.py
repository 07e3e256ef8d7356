"""Exports of what is stored about a person, as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry
from sqlalchemy import Row

from domain.base.addresses import new_address
from domain.customers.repository.exports import list_exports_by_id
from domain.customers.rules.privacy import ADDRESS_VALID, EXPORT_KEPT, ExportState, address_until, export_state
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.base.errors import UserError
from schema.base.ids import global_id
from schema.base.nodes import Node, loads
from schema.base.scalars import URL
from schema.customers.policies import OWNER

EXPORTS_PATH = "/exports/"
_ADDRESS_MINUTES = int(ADDRESS_VALID.total_seconds() // 60)
_KEPT_HOURS = int(EXPORT_KEPT.total_seconds() // 3_600)

described_enum(
    ExportState,
    name="CustomerExportState",
    description="How far an export has come.",
    values={
        ExportState.PENDING: "It is being written: ask again in a moment.",
        ExportState.READY: f"It can be had under `url`, for {_KEPT_HOURS} hours.",
        ExportState.EXPIRED: "It was kept for long enough; ask for another one.",
        ExportState.FAILED: "It could not be written; it is tried again for two days.",
    },
)


@strawberry.type(
    description=(
        "Everything that is stored about a person, as a JSON file. It can be read by who asked for it and with "
        "`privacy:write`, and is gone once the person is erased."
    )
)
class CustomerExport(Node):
    """See the description."""

    state: ExportState = shown("How far it has come.")
    url: URL | None = shown(
        f"Where the file is, for {_ADDRESS_MINUTES} minutes; whoever has the address has the file. Asked for again "
        "there is another address. Null where it is not READY."
    )
    requested_at: datetime = shown("When it was asked for.")
    ready_at: datetime | None = shown("When it was written; null where it was not yet.")

    @classmethod
    def of(cls, row: Row[Any], *, now: datetime, public_url: str) -> "CustomerExport":
        """Show a row, as of `now`."""
        state = export_state(row.state, expires_at=row.expires_at, now=now)
        address = None
        if state is ExportState.READY:
            until = address_until(now=now, expires_at=row.expires_at)
            address = new_address(row.id, secret=row.secret, expires_at=until)
        return cls(
            id=global_id("CustomerExport", row.id),
            state=state,
            url=None if address is None else URL(f"{public_url}{EXPORTS_PATH}{address}"),
            requested_at=row.requested_at,
            ready_at=row.ready_at,
        )


@strawberry.type(description="Who was erased, or why they were not.")
class CustomerErasePayload:
    """See the description."""

    erased_customer_id: strawberry.ID | None = shown(
        "The customer of whom nothing is left to see; null where it was refused."
    )
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@strawberry.type(description="The export that was asked for, or why there is none.")
class CustomerExportPayload:
    """See the description."""

    export: CustomerExport | None = shown("The export, ready after a while; null where it was refused.")
    user_errors: list[UserError] = shown("Why it was refused; empty where it was not.")


@loads("CustomerExport", policy=OWNER)
async def load_exports(info: Info, ids: Sequence[UUID]) -> list[CustomerExport | None]:
    """Read exports by their ids; those of others are as good as missing."""
    context = info.context
    async with context.reading() as session:
        rows = await list_exports_by_id(session, ids, actor=context.actor)
    public_url = context.works.organisation.public_url
    return [
        CustomerExport.of(rows[key], now=context.now, public_url=public_url) if key in rows else None for key in ids
    ]

"""What customers brought, and where that places each of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.base.work import Work
from domain.customers.repository.spending import (
    RANKINGS,
    count_ranked_customers,
    find_ranking_for_update,
    list_keys_at_ranks,
    recount_net_spent,
    store_ranking,
    write_spendings,
)
from domain.customers.rules.families import spent_of
from domain.customers.rules.ranking import DECILES, QUINTILES, group_ends
from domain.identity.repository.stores import get_currency_code

RANKING_AGE_MAX = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a customer's orders and credit notes in one currency come to, as the orders' area counted it."""

    customer_id: UUID
    currency_code: str
    order_count: int
    ordered: Decimal
    credited: Decimal
    first_order_at: datetime | None
    last_order_at: datetime | None

    @classmethod
    def none(cls, customer_id: UUID, currency_code: str) -> "Spending":
        """Return the spending of somebody who never ordered in this currency."""
        return cls(
            customer_id=customer_id,
            currency_code=currency_code,
            order_count=0,
            ordered=Decimal(0),
            credited=Decimal(0),
            first_order_at=None,
            last_order_at=None,
        )

    @property
    def net(self) -> Decimal:
        """Orders less credit notes."""
        return self.ordered - self.credited

    def plus(self, row: Any) -> "Spending":  # noqa: ANN401  a row of any select
        """Return the spending with what a row says of the same currency beside it."""
        return replace(
            self,
            order_count=self.order_count + row.order_count,
            ordered=self.ordered + row.ordered,
            credited=self.credited + row.credited,
            first_order_at=self.first_order_at or row.first_order_at,
            last_order_at=self.last_order_at or row.last_order_at,
        )


_COLUMNS = tuple(Spending.__dataclass_fields__)


async def set_spendings(
    work: Work, *, customer_ids: Collection[UUID], spendings: Sequence[Spending], known: Sequence[Any]
) -> None:
    """Replace what is known of the records' spending. Their families are locked by the caller.

    `known` is what `known_spendings` selects for them.
    """
    families: dict[UUID, list[Spending]] = {row.canonical_id: [] for row in known}
    canonical_ids = {row.customer_id: row.canonical_id for row in known}
    counted = {(each.customer_id, each.currency_code) for each in spendings}
    gone: list[tuple[UUID, str]] = []
    for row in known:
        if row.currency_code is None:
            continue
        if row.customer_id not in customer_ids:
            families[row.canonical_id].append(Spending.none(row.customer_id, row.currency_code).plus(row))
        elif (row.customer_id, row.currency_code) not in counted:
            gone.append((row.customer_id, row.currency_code))
    for spending in spendings:
        families[canonical_ids[spending.customer_id]].append(spending)
    currency_code = await get_currency_code(work.session, work.organisation)
    await write_spendings(
        work.session,
        [{name: getattr(each, name) for name in _COLUMNS} | {"net": each.net} for each in spendings],
        gone=gone,
        shown=[
            {"id": canonical_id, **spent_of(family, currency_code=currency_code)}
            for canonical_id, family in families.items()
        ],
    )


async def refresh_ranking(work: Work, *, is_forced: bool = False) -> None:
    """Compute where the fifths and tenths of the customers with an order begin, unless that is fresh."""
    currency_code = await get_currency_code(work.session, work.organisation)
    known = await find_ranking_for_update(work.session)
    if known is not None and not is_forced and is_fresh(known, currency_code=currency_code, now=work.now):
        return
    if known is None or known.currency_code != currency_code:
        await recount_net_spent(work.session, currency_code)
    count = await count_ranked_customers(work.session)
    fifths = group_ends(customer_count=count, group_count=QUINTILES)
    tenths = group_ends(customer_count=count, group_count=DECILES)
    boundaries = {
        name: await list_keys_at_ranks(work.session, name, tenths if name == "decile" else fifths) for name in RANKINGS
    }
    await store_ranking(
        work.session, as_of=work.now, currency_code=currency_code, customer_count=count, boundaries=boundaries
    )


def is_fresh(ranking: Any, *, currency_code: str, now: datetime) -> bool:  # noqa: ANN401  a row of any select
    """Tell whether stored boundaries may still be shown."""
    return bool(ranking.currency_code == currency_code and now - ranking.as_of < RANKING_AGE_MAX)

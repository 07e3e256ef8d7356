"""Which rows somebody sees: the first fence, in every query; on PostgreSQL row-level security is the second one."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

SIGHT_CUSTOMER, SIGHT_STORES = "sight_customer", "sight_stores"
"""The parameters of statements by which the first fence stands."""

_KEY = "sight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A shopper sees what is theirs, a partner agent what belongs to their stores, everyone else all there is."""

    customer_id: UUID | None = None
    """The shopper; None for everyone else."""
    store_ids: frozenset[UUID] | None = None
    """A partner agent's stores; None: every store."""

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is hidden."""
        return self.customer_id is None and self.store_ids is None

    @property
    def kind(self) -> str:
        """Return in which way it is narrowed: statements differ by this, and only by this."""
        return "" if self.is_whole else "shopper" if self.customer_id is not None else "stores"

    @property
    def parameters(self) -> dict[str, Any]:
        """Return what statements compare with."""
        return {SIGHT_CUSTOMER: self.customer_id, SIGHT_STORES: sorted(self.store_ids or ())}

    @property
    def settings(self) -> Iterator[tuple[str, str]]:
        """Return what row-level security reads: the settings of a transaction on PostgreSQL, with their values."""
        yield "sportello.customer_id", "" if self.customer_id is None else str(self.customer_id)
        yield "sportello.store_ids", ",".join(sorted(str(each) for each in self.store_ids or ()))


WHOLE = Sight()


def look(session: AsyncSession, sight: Sight) -> None:
    """Let the session see this much."""
    session.info[_KEY] = sight


def sight_of(session: AsyncSession) -> Sight:
    """Return how much the session sees: everything where nobody narrowed it."""
    found: Sight = session.info.get(_KEY, WHOLE)
    return found

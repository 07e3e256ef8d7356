"""Following what happens to a customer, as it happens."""

from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from uuid import UUID

from domain.base.audience import Topics
from domain.base.events import Event
from domain.base.feed import Committed, Listener
from domain.base.following import Following
from domain.base.work import Works
from domain.customers.errors import CustomerNotFound
from domain.customers.events import CustomerMerged, CustomerUnmerged
from domain.customers.repository.families import list_families

_CUSTOMERS = ("customer_id", "previous_customer_id", "absorbed_id")
"""The names under which events of every area say which customers they are about."""

_MERGES = (CustomerMerged, CustomerUnmerged)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What happened to a customer, and the records that they are at that moment."""

    committed: Committed
    family: frozenset[UUID]


async def follow_customer(
    works: Works, *, following: Following, customer_id: UUID, kinds: Collection[type[Event]]
) -> AsyncGenerator[Told, None]:
    """Yield the events of these kinds that are about the customer, whoever they are merged with meanwhile.

    Nothing is held while the next event is waited for.

    Raises `CustomerNotFound`, `ResyncNeeded` where something was missed, `CaughtUp` where only that was asked for.
    """
    family = _Family(customer_id, frozenset({*kinds, *_MERGES}))
    async with following.listen(family.wants) as listener:
        family.listener = listener
        await family.read(works)
        while True:
            committed = await listener.take()
            if isinstance(committed.event, _MERGES):
                await family.read(works)
            if type(committed.event) in kinds and family.has(committed.event):
                yield Told(committed=committed, family=family.ids)


class _Family:
    """The records behind one customer, as far as a listener knows them.

    What happens to others need not wait for this listener. But from a merge on, until the family is read anew, nobody
    knows who belongs to it: so long everything is wanted, and looked at when it is taken.
    """

    def __init__(self, customer_id: UUID, kinds: frozenset[type[Event]]) -> None:
        """Begin without knowing anybody."""
        self.ids: frozenset[UUID] = frozenset({customer_id})
        self.listener: Listener | None = None
        """Who looks at no others than these, while it is known who they are."""
        self._customer_id = customer_id
        self._kinds = kinds
        self._changes = 1
        """How many merges were seen that the family was not read after; the first reading counts as one."""

    def wants(self, event: Event) -> bool:
        """Tell whether the event is, or may turn out to be, about the customer."""
        if type(event) not in self._kinds or not (self._changes or self.has(event)):
            return False
        if isinstance(event, _MERGES):
            self._changes += 1
            self._turn()
        return True

    def has(self, event: Event) -> bool:
        """Tell whether the event is about one of the records."""
        return any(getattr(event, name, None) in self.ids for name in _CUSTOMERS)

    async def read(self, works: Works) -> None:
        """Read who belongs to the family now. Raises `CustomerNotFound`."""
        async with works.database.reading() as session:
            families = await list_families(session, [self._customer_id])
        if not any(record.erased_at is None for records in families.values() for record in records):
            raise CustomerNotFound
        self.ids = frozenset(record.id for records in families.values() for record in records)
        self._changes -= 1
        self._turn()

    def _turn(self) -> None:
        """Let the listener look at these records, or at everything."""
        topics: Topics | None = None if self._changes else {*self.ids, *_MERGES}
        if self.listener is not None:
            self.listener.turn_to(topics)

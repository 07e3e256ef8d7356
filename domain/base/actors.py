"""Who acts, and what they may do."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class ActorKind(StrEnum):
    """What sort of actor it is."""

    ANONYMOUS = "ANONYMOUS"
    CUSTOMER = "CUSTOMER"
    STAFF = "STAFF"
    APP = "APP"
    SYSTEM = "SYSTEM"
    """The product itself: the command line and background work. Never comes in through the API."""


class Permission(StrEnum):
    """What an actor may be allowed; the words are the ones that an API key is created with."""

    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    ATTRIBUTES_WRITE = "attributes:write"
    ATTRIBUTES_RESTRICTED = "attributes:restricted"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    REPORTS_READ = "reports:read"
    STORES_READ = "stores:read"
    STORES_WRITE = "stores:write"
    KEYS_WRITE = "keys:write"


EVERY_PERMISSION = frozenset(Permission)


@dataclass(frozen=True, slots=True)
class Actor:
    """One who asks or acts. `id` is the key, member or customer behind it; None for the others."""

    kind: ActorKind
    permissions: frozenset[Permission]
    id: UUID | None = None

    @property
    def scope(self) -> str:
        """Return the name under which this actor's idempotency keys are kept apart."""
        return f"{self.kind}:{self.id or ''}"

    def may(self, permission: Permission) -> bool:
        """Tell whether the actor has the permission."""
        return permission in self.permissions


ANONYMOUS = Actor(kind=ActorKind.ANONYMOUS, permissions=frozenset())
SYSTEM = Actor(kind=ActorKind.SYSTEM, permissions=EVERY_PERMISSION)

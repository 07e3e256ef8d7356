"""Who acts, and what they may do."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn
from uuid import UUID

from domain.base.sight import Sight


class ActorKind(StrEnum):
    """What sort of actor it is."""

    ANONYMOUS = "ANONYMOUS"
    CUSTOMER = "CUSTOMER"
    STAFF = "STAFF"
    APP = "APP"
    SYSTEM = "SYSTEM"
    """The product itself: the command line and background work. Never comes in through the API."""


class StaffRole(StrEnum):
    """What a member of staff is there for; `domain/identity/rules.py` says what each may do."""

    ADMIN = "ADMIN"
    SUPERVISOR = "SUPERVISOR"
    AGENT = "AGENT"
    PARTNER_AGENT = "PARTNER_AGENT"
    """Works for an outsourced care team: sees personal data masked, and their stores only."""
    ANALYST = "ANALYST"
    """Sees sums, nobody in particular."""


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
    STAFF_READ = "staff:read"
    STAFF_WRITE = "staff:write"
    TOKENS_WRITE = "tokens:write"
    """Mint tokens with which a storefront acts as one shopper."""
    PRIVACY_WRITE = "privacy:write"
    """Erase and export what is known of a person."""
    CONVERSATIONS_READ = "conversations:read"
    CONVERSATIONS_WRITE = "conversations:write"
    CHANNELS_WRITE = "channels:write"
    """Bring in what customers wrote elsewhere, and say what became of what was sent to them."""


EVERY_PERMISSION = frozenset(Permission)


@dataclass(frozen=True, slots=True)
class Actor:
    """One who asks or acts. `id` is the key, member or customer behind it; None for the others."""

    kind: ActorKind
    permissions: frozenset[Permission]
    id: UUID | None = None
    role: StaffRole | None = None
    """Of staff only."""
    store_ids: frozenset[UUID] | None = None
    """The stores of which they see anything; None: all."""
    session_id: UUID | None = None
    """The session that they signed in with; None for API keys and for tokens of an outside issuer."""
    is_visitor: bool = False
    """A guest, who has proven nothing of who they are."""
    scope: str = field(init=False, repr=False, compare=False)
    """The name under which this actor's idempotency keys are kept apart."""
    powers: str = field(init=False, repr=False, compare=False)
    """Whoever has the same are shown the same of what they see."""

    def __post_init__(self) -> None:
        """Make what is asked for in each request."""
        names = sorted(permission.value for permission in self.permissions)
        object.__setattr__(self, "scope", f"{self.kind}:{self.id or ''}")
        object.__setattr__(self, "powers", " ".join((self.kind, *names, *(["masked"] if self.is_masked else []))))

    @property
    def customer_id(self) -> UUID | None:
        """Return the customer who asks for themselves; None for everyone else."""
        return self.id if self.kind is ActorKind.CUSTOMER else None

    @property
    def sight(self) -> Sight:
        """Return which rows this actor sees."""
        return Sight(customer_id=self.customer_id, store_ids=self.store_ids)

    @property
    def is_masked(self) -> bool:
        """Tell whether personal data are shown to this actor in part only."""
        return self.role is StaffRole.PARTNER_AGENT

    def may(self, permission: Permission) -> bool:
        """Tell whether the actor has the permission."""
        return permission in self.permissions


class Anyone(Actor):
    """One of many who are shown the same. Which of them it is may not be asked: the answer is for all of them."""

    __slots__ = ()

    def __init__(self, actor: Actor) -> None:
        """Take one of them, who is no shopper: shoppers are shown what is theirs."""
        for name in ("kind", "permissions", "role", "store_ids", "is_visitor", "powers"):
            object.__setattr__(self, name, getattr(actor, name))

    def __repr__(self) -> str:
        """Say what they may do."""
        return f"Anyone({self.powers!r})"

    def _refuse(self) -> NoReturn:
        message = "This depends on who asks: declare it in its area's policies (`is_own`)."
        raise AssertionError(message)

    id = property(_refuse)
    session_id = property(_refuse)
    scope = property(_refuse)


ANONYMOUS = Actor(kind=ActorKind.ANONYMOUS, permissions=frozenset())
SYSTEM = Actor(kind=ActorKind.SYSTEM, permissions=EVERY_PERMISSION)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, from where and in which request: for actions that take several transactions."""

    actor: Actor
    address: str | None = None
    """The network address that they come from; None where nobody knows."""
    request_id: str | None = None

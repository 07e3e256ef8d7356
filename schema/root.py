"""The whole schema: every area's root fields in one place."""

from functools import cache

import strawberry
from graphql import GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from domain.base.feed import find_end
from schema.base.budgets import ThrottleStatus
from schema.base.context import Info
from schema.base.descriptions import GlobalId, GlobalIds
from schema.base.errors import InputError, RateLimitedError, VersionConflictError
from schema.base.event_log import declare_event_log
from schema.base.execution.executor import BreadthFirst
from schema.base.nodes import Node, load_node, load_nodes
from schema.base.policies import Policies
from schema.base.scalars import SCALARS, Cursor, Duration
from schema.customers import policies as customers
from schema.customers.mutations.customers import CustomerMutations
from schema.customers.mutations.privacy import PrivacyMutations
from schema.customers.mutations.shoppers import ShopperMutations
from schema.customers.queries import CustomerQueries
from schema.customers.subscriptions import CustomerSubscriptions, declare_customer_stream
from schema.customers.types.timeline import declare_timeline
from schema.files import policies as files
from schema.files.mutations import FileMutations
from schema.identity import policies as identity
from schema.identity.mutations.sessions import SessionMutations
from schema.identity.mutations.shop import ShopMutations
from schema.identity.mutations.staff import StaffMutations
from schema.identity.queries import IdentityQueries
from schema.interactions import policies as interactions
from schema.interactions.mutations.channels import ChannelMutations
from schema.interactions.mutations.conversations import InteractionMutations
from schema.interactions.mutations.presence import PresenceMutations
from schema.interactions.queries import InteractionQueries
from schema.interactions.subscriptions import InteractionSubscriptions, SignalSubscriptions
from schema.interactions.types.conversations import Bot, StatusChange
from schema.interactions.types.payloads import StaleConversationError
from schema.orders import policies as orders
from schema.orders.mutations import OrderMutations
from schema.orders.queries import OrderQueries
from schema.orders.types import stream as stream  # its items are declared by being read


@strawberry.type(description="Everything that can be read. Reading changes nothing.")
class Query(IdentityQueries, CustomerQueries, OrderQueries, InteractionQueries):
    """See the description."""

    @strawberry.field(description="The object with this global id; null where there is none.")
    async def node(self, info: Info, id: GlobalId) -> Node | None:  # noqa: A002
        """Read one object of any type."""
        node: Node | None = await load_node(info, id)
        return node

    @strawberry.field(
        description="The objects with these global ids, in their order, at most 100; null for a missing one."
    )
    async def nodes(self, info: Info, ids: GlobalIds) -> list[Node | None]:
        """Read objects of any type."""
        return await load_nodes(info, ids)

    @strawberry.field(
        description=(
            "A position at or before everything that this same request returns: subscribe with `after` set to it and "
            "nothing is missed."
        )
    )
    async def event_cursor(self, info: Info) -> Cursor:
        """Return where to begin to follow."""
        async with info.context.reading() as session:
            return Cursor((await find_end(session)).cursor)

    @strawberry.field(description="What the caller may still ask now, this request counted.")
    def rate_limit(self, info: Info) -> ThrottleStatus | None:
        """Show the caller's budget."""
        return None if info.context.throttle_status is None else info.context.throttle_status()


@strawberry.type(
    description=(
        "Everything that can be written. Each field is one transaction; they run in the order in which they stand. "
        "A refused write says why in `userErrors` and changes nothing."
    )
)
class Mutation(
    ShopMutations,
    StaffMutations,
    SessionMutations,
    FileMutations,
    ShopperMutations,
    PrivacyMutations,
    CustomerMutations,
    OrderMutations,
    InteractionMutations,
    ChannelMutations,
    PresenceMutations,
):
    """See the description."""


declare_customer_stream()  # every area has said by now what it puts into streams


@strawberry.type(
    description=(
        "Everything that can be followed, live. Events come in the order in which they were committed, each with the "
        "cursor to resume from. Over WebSocket (graphql-transport-ws), server-sent events and Apollo's multipart "
        "protocol."
    )
)
class Subscription(CustomerSubscriptions, InteractionSubscriptions, SignalSubscriptions):
    """See the description."""


declare_event_log(Query, Subscription)

AREAS = (identity.POLICIES, files.POLICIES, customers.POLICIES, orders.POLICIES, interactions.POLICIES)
POLICIES = Policies(*AREAS)
INPUTS = {**customers.INPUTS}


class Schema(strawberry.Schema):
    """The schema; its errors are logged by the endpoint, which knows whose they are."""

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Leave logging to the endpoint: a client's typing error is no error of the server."""


@cache
def make_schema() -> strawberry.Schema:
    """Return the schema: made once, as nothing changes it."""
    declare_timeline()  # every area has said by now what it puts into timelines
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[
            InputError,
            VersionConflictError,
            RateLimitedError,
            StaleConversationError,
            Bot,
            StatusChange,
            Cursor,
            Duration,
        ],
        config=StrawberryConfig(scalar_map=SCALARS),
        execution_context_class=BreadthFirst,
    )
    POLICIES.guard(schema._schema, INPUTS)  # noqa: SLF001  Strawberry has no name of its own for it
    return schema

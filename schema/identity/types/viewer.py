"""Who is asking, as the API shows it."""

import strawberry

from domain.base.actors import ActorKind
from schema.base.descriptions import described_enum, shown

described_enum(
    ActorKind,
    name="ActorKind",
    description="What sort of caller it is.",
    values={
        ActorKind.ANONYMOUS: "Nobody in particular: no token was sent.",
        ActorKind.CUSTOMER: "A shopper, for themselves.",
        ActorKind.STAFF: "A member of staff.",
        ActorKind.APP: "A program, with an API key.",
        ActorKind.SYSTEM: "The product itself. Never comes in from outside.",
    },
)


@strawberry.type(description="Who is asking, and what they may do.")
class Viewer:
    """See the description."""

    kind: ActorKind = shown("What sort of caller it is.")
    permissions: list[str] = shown("What the caller may do, in alphabetical order.")

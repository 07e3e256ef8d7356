"""Who is asking, as the API shows it."""

import strawberry

from domain.base.actors import Actor, ActorKind
from schema.base.context import Info
from schema.base.descriptions import described_enum, shown
from schema.identity.types.staff import StaffMember, load_staff

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

    actor: strawberry.Private[Actor]
    kind: ActorKind = shown("What sort of caller it is.")
    permissions: list[str] = shown("What the caller may do, in alphabetical order.")

    @classmethod
    def of(cls, actor: Actor) -> "Viewer":
        """Show an actor."""
        return cls(actor=actor, kind=actor.kind, permissions=sorted(actor.permissions))

    @strawberry.field(description="The member of staff who asks; null for everyone else.")
    async def staff_member(self, info: Info) -> StaffMember | None:
        """Read the member."""
        member_id = self.actor.id if self.actor.kind is ActorKind.STAFF else None
        return None if member_id is None else (await load_staff(info, [member_id]))[0]

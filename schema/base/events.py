"""What every stream of events sends: committed facts, and the news that some were missed."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from typing import Annotated, Any, TypeAlias

import strawberry

from domain.base.feed import ResyncNeeded, ResyncReason
from schema.base.context import Info
from schema.base.descriptions import described_enum, given, shown
from schema.base.scalars import Cursor

described_enum(
    ResyncReason,
    name="ResyncReason",
    description="Why a client must read everything anew.",
    values={
        ResyncReason.CURSOR_EXPIRED: "Not everything after the cursor is kept any more.",
        ResyncReason.FELL_BEHIND: "More happened than this client took in time.",
        ResyncReason.RESTORED: "The database was restored from a backup: what the client knows may not have happened.",
    },
)

AfterCursor: TypeAlias = Annotated[
    Cursor | None,
    strawberry.argument(
        description="Resume behind this cursor: what was committed since comes first. Left out, only what is to come."
    ),
]


def begin_after(info: Info, after: str | None) -> None:
    """Let a stream begin behind this cursor, None: with what is to come. Raises `Invalid` for what is none.

    What a client names when it comes back by itself (`Last-Event-ID`) is newer than what it first asked for.
    """
    info.context.following.begin(info.context.resumes_after or given(after))


@strawberry.interface(name="Event", description="A committed fact. `cursor` is where to resume.")
class StreamEvent:
    """See the description."""

    cursor: Cursor = shown("The place of this event: send it as `after` to resume behind it.")
    occurred_at: datetime = shown("When it was committed.")


@strawberry.type(
    description=(
        "The cursor is too old, or this client fell behind. The stream ends with it: query again, then subscribe after "
        "the new `eventCursor`."
    )
)
class ResyncRequired:
    """See the description."""

    reason: ResyncReason = shown("Why.")


async def until_resync(info: Info, items: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    """Yield the items of a stream; end where the listener missed something."""
    try:
        async with aclosing(items):
            async for item in items:
                yield item
    except ResyncNeeded as needed:
        info.context.following.is_over = True
        yield ResyncRequired(reason=needed.reason)

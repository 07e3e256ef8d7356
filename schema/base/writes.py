"""One root mutation field is one transaction: the bridge from its input to an action."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import orjson
import strawberry
from strawberry import UNSET

from domain.base.errors import Forbidden, Refusal, Refusals
from domain.base.work import Once, Work
from schema.base.context import Info
from schema.base.errors import UserError, user_errors

_Answer = TypeVar("_Answer")


async def write(
    info: Info,
    action: str,
    story: Callable[[Work], Awaitable[UUID]],
    *,
    once: Once | None = None,
    passing: type[Refusal] | None = None,
) -> UUID | list[UserError]:
    """Perform the action; return the id of what it made, or why it was refused.

    A refusal that is `passing` is raised: whoever asked shows it in a way of its own.

    Raises `Forbidden` where this actor may never do this, whatever the value: an error of its own kind, no refusal.
    """
    try:
        return await info.context.perform(story, action=action, once=once)
    except Forbidden as forbidden:
        if not forbidden.field:
            raise
        return user_errors(forbidden)
    except (Refusal, Refusals) as refused:
        if passing is not None and isinstance(refused, passing):
            raise
        return user_errors(refused)


async def attempt(info: Info, act: Callable[[], Awaitable[_Answer]]) -> _Answer | list[UserError]:
    """Let an action run that takes several transactions; return what it answers, or why it was refused.

    Raises `Forbidden` where this actor may never do this.
    """
    await info.context.close_reading()
    try:
        return await act()
    except Forbidden:
        raise
    except (Refusal, Refusals) as refused:
        return user_errors(refused)


def once_for(action: str, write_input: object, idempotency_key: str | None) -> Once | None:
    """Return what makes the write happen once, None without a key.

    The hash covers the action and every field that was given, so that the same key for anything else
    is noticed.
    """
    if idempotency_key is None or idempotency_key is UNSET:
        return None
    fields = strawberry.asdict(write_input)
    canonical = orjson.dumps([action, _without_unset(fields)], default=str, option=orjson.OPT_SORT_KEYS)
    return Once(key=idempotency_key, input_hash=hashlib.sha256(canonical).hexdigest())


def _without_unset(value: Any) -> Any:  # noqa: ANN401  any input's structure
    if isinstance(value, dict):
        return {key: _without_unset(item) for key, item in value.items() if item is not UNSET}
    if isinstance(value, list | tuple):
        return [_without_unset(item) for item in value]
    return value

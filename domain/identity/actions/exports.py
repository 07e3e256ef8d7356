"""What is told of how a person comes in."""

from collections.abc import Sequence
from uuid import UUID

from domain.base.database import Session
from domain.base.exports import Told, told
from domain.identity.repository.accounts import list_accounts
from domain.identity.repository.sessions import list_customer_sessions


async def tell_accounts(session: Session, ids: Sequence[UUID]) -> dict[str, list[Told]]:
    """Tell with what they sign in, the password's hash apart, and when they did."""
    return {
        "accounts": [told(row, without=["password_hash"]) for row in await list_accounts(session, ids)],
        "sessions": [told(row) for row in await list_customer_sessions(session, ids)],
    }

"""Asking a shopper for their password again, before what nobody else may do with their token."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from domain.base.actors import Caller
from domain.base.errors import Required
from domain.base.passwords import compare_password
from domain.base.work import Works
from domain.identity.actions.throttles import Counted, by_address, count, forget
from domain.identity.errors import BadCredentials
from domain.identity.repository.accounts import list_accounts
from domain.identity.rules import SIGN_INS_OF_ACCOUNT, SIGN_INS_OF_ADDRESS


async def confirm_shopper(works: Works, *, customer_ids: Sequence[UUID], password: str | None, caller: Caller) -> None:
    """Hold that whoever acts as these customers knows a password of theirs; who has no account has none to know.

    An attempt counts as one of signing in, and is counted before it is looked at.

    Raises `Required`, `TooManyAttempts`, `BadCredentials`.
    """
    async with works.database.reading() as session:
        accounts = await list_accounts(session, customer_ids)
    if not accounts:
        return
    if password is None:
        message = "This needs your password as well: send it with the rest."
        raise Required(message, field=("password",))
    own = [Counted("signInOfAccount", account.email_key, SIGN_INS_OF_ACCOUNT) for account in accounts]
    others = by_address(caller, sort="signInOfAddress", limit=SIGN_INS_OF_ADDRESS)
    await count(works, attempts=[*own, *others])
    right = [
        counted
        for account, counted in zip(accounts, own, strict=True)
        if (await compare_password(password, with_hash=account.password_hash)).is_right
    ]
    if not right:
        message = "This is not your password."
        raise BadCredentials(message, field=("password",))
    forgotten = partial(forget, account=right[0], others=others)
    await works.perform(forgotten, actor=caller.actor, action="passwordConfirm", request_id=caller.request_id)

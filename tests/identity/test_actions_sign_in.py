"""What happens between two steps of signing in, and what no door lets through."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from uuid import UUID

import pytest

from domain.base import passwords
from domain.base.actors import ANONYMOUS, EVERY_PERMISSION, SYSTEM, Actor, ActorKind, Caller, StaffRole
from domain.base.errors import Forbidden
from domain.base.identifiers import new_id
from domain.base.passwords import hash_password
from domain.base.work import Work, Works
from domain.customers.actions.verification import send_identity_code, verify_by_code
from domain.identity.actions.credentials import find_credentials, get_holder, set_password
from domain.identity.actions.one_time import confirm_totp, enrol_totp
from domain.identity.actions.passwords import request_password_reset, reset_password
from domain.identity.actions.sessions import find_actor, open_session, refresh_session
from domain.identity.actions.signing_in import sign_in
from domain.identity.actions.staff import update_staff_member
from domain.identity.errors import BadCredentials, CodeInvalid, SessionOver, StaffMemberNotFound
from domain.identity.repository.sessions import remove_customer_sessions
from domain.identity.rules import SessionKind, StaffChanges
from schema.base.ids import parse_id
from tests.identity.mails import Mailbox
from tests.identity.staff import PASSWORD, add_staff

NOBODY = Caller(ANONYMOUS, address="192.0.2.1")
EMAIL = "ada@shop.example"


async def perform(works: Works, story: Callable[[Work], Awaitable[object]]) -> None:
    """Perform a story as the product itself."""
    await works.perform(story, actor=SYSTEM, action="test")


async def enter(works: Works) -> None:
    """Sign in as the member of staff."""
    await sign_in(works, email=EMAIL, password=PASSWORD, otp=None, caller=NOBODY)


async def deactivate(works: Works, key: UUID) -> None:
    """Let the member not sign in any more."""
    changes = StaffChanges(is_active=False)
    await perform(works, lambda work: update_staff_member(work, staff_member_id=key, changes=changes))


async def change_password(works: Works, password_hash: str) -> None:
    """Give the member another password."""

    async def story(work: Work) -> None:
        credentials = await find_credentials(work.session, email_key=EMAIL)
        assert credentials is not None
        holder = await get_holder(work, credentials=credentials)
        assert holder is not None
        set_password(work, holder=holder, password_hash=password_hash)

    await perform(works, story)


@pytest.mark.parametrize("is_gone", [True, False])
async def test_what_changes_while_a_password_is_compared_counts(
    works: Works, monkeypatch: pytest.MonkeyPatch, *, is_gone: bool
) -> None:
    """Deactivated meanwhile, or with another password: nobody is signed in."""
    key = parse_id(await add_staff(works, EMAIL))[1]
    other = await hash_password("another horse battery")
    compare = passwords.compare_password

    async def meanwhile(password: str, *, with_hash: str | None) -> passwords.Comparison:
        await (deactivate(works, key) if is_gone else change_password(works, other))
        return await compare(password, with_hash=with_hash)

    with monkeypatch.context() as patch:
        patch.setattr("domain.identity.actions.signing_in.compare_password", meanwhile)
        with pytest.raises(BadCredentials):
            await enter(works)


async def test_who_is_not_active_gets_no_session(works: Works) -> None:
    """Neither by a reset that was begun before, nor by whoever opens one for them."""
    key = parse_id(await add_staff(works, EMAIL))[1]
    mailbox = Mailbox(works)
    await request_password_reset(works, email=EMAIL, caller=NOBODY)
    code = await mailbox.code()
    await deactivate(works, key)
    with pytest.raises(CodeInvalid):
        await reset_password(
            works, email=EMAIL, code=code, new_password="another horse battery", otp=None, caller=NOBODY
        )
    for subject_id in (key, new_id()):
        with pytest.raises(BadCredentials):
            await perform(works, partial(open_session, kind=SessionKind.STAFF, subject_id=subject_id))


async def test_a_session_that_goes_while_it_is_refreshed_is_over(works: Works, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token was there a moment ago."""
    opened = await works.perform(
        lambda work: open_session(work, kind=SessionKind.CUSTOMER, subject_id=UUID(int=7)), actor=SYSTEM, action="test"
    )
    perform_any = Works.perform

    async def meanwhile(self: Works, story: Callable[[Work], Awaitable[object]], **more: object) -> object:
        async def forget(work: Work) -> None:
            await remove_customer_sessions(work.session, [UUID(int=7)])

        await perform_any(self, forget, actor=SYSTEM, action="test")
        return await perform_any(self, story, **more)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Works, "perform", meanwhile)
        with pytest.raises(SessionOver):
            await refresh_session(works, refresh_token=opened.refresh_token, caller=NOBODY)
    async with works.database.reading() as session:
        assert await find_actor(session, session_id=opened.session_id, now=works.clock.now()) is None


async def test_devices_are_for_staff(works: Works) -> None:
    """Whoever asks past the API's own fence: a program, a shopper, a member who is gone."""
    app = Actor(kind=ActorKind.APP, permissions=EVERY_PERMISSION, id=new_id())
    gone = Actor(kind=ActorKind.STAFF, permissions=EVERY_PERMISSION, id=new_id(), role=StaffRole.ADMIN)
    for actor in (app, replace(app, kind=ActorKind.CUSTOMER), ANONYMOUS):
        with pytest.raises(Forbidden):
            await enrol_totp(works, password=PASSWORD, caller=Caller(actor))
    with pytest.raises(BadCredentials):
        await enrol_totp(works, password=PASSWORD, caller=Caller(gone))
    with pytest.raises(StaffMemberNotFound):
        await works.perform(lambda work: confirm_totp(work, otp="123456"), actor=gone, action="test")


async def test_codes_are_not_sent_for_who_may_not(works: Works) -> None:
    """Also past the API's own fence."""
    for step in (
        send_identity_code(works, identity_id=new_id(), caller=NOBODY),
        verify_by_code(works, identity_id=new_id(), code="1", password=None, caller=NOBODY),
    ):
        with pytest.raises(Forbidden):
            await step

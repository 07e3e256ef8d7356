"""Codes that prove an address: asked for, sent by mail, brought back.

What is asked for is kept whether or not the address is known, and looks the same from outside. Only when the mail is
sent, in the background, it is found out what it comes to; the code is made then, and stands nowhere but in the mail.
A mail that must be sent again gets another code.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from secrets import compare_digest
from typing import Any
from uuid import UUID

from domain.base.actors import Caller
from domain.base.contacts import email_key
from domain.base.jobs import Job, enqueue
from domain.base.passwords import hash_password
from domain.base.work import Work, Works
from domain.identity.actions.credentials import find_credentials
from domain.identity.actions.throttles import Counted, by_address, count
from domain.identity.model import MailedCode
from domain.identity.repository.codes import find_code_for_update, list_live_codes_for_update, remove_codes
from domain.identity.repository.stores import find_default_store
from domain.identity.rules import (
    CODE_DIGITS,
    CODE_LIFETIME,
    MAILS_FROM_ADDRESS,
    MAILS_TO_ADDRESS,
    CodePurpose,
    hash_code,
)

MAIL_LIFETIME = timedelta(hours=1)
"""A mail that could not be sent for so long is not sent any more: nobody waits for it."""

_FALLBACK_LOCALE = "en"


@dataclass(frozen=True, kw_only=True)
class SendMail(Job):
    """Send the mail that was asked for. The job names it, and holds neither address nor code."""

    mailed_code_id: UUID


class MailKind(StrEnum):
    """What a mail says."""

    REGISTRATION = "REGISTRATION"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    PASSWORD_RESET = "PASSWORD_RESET"  # noqa: S105  a sort of mail
    IDENTITY = "IDENTITY"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it is to be written."""

    kind: MailKind
    address: str
    locale: str
    code: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedCode:
    """What is asked for."""

    purpose: CodePurpose
    address: str
    locale: str | None = None
    subject_id: UUID | None = None
    details: Mapping[str, Any] = field(default_factory=dict, repr=False)
    password: str | None = field(default=None, repr=False)
    """Checked already, kept as its hash among the details."""


async def request_code(works: Works, *, wanted: WantedCode, action: str, caller: Caller) -> UUID:
    """Ask for a mail with a code. Raises `TooManyAttempts`: nobody's mailbox is flooded."""
    key = email_key(wanted.address)
    to_address = Counted("mailsToAddress", key, MAILS_TO_ADDRESS)
    await count(works, attempts=[to_address, *by_address(caller, sort="mailsFromAddress", limit=MAILS_FROM_ADDRESS)])

    details = dict(wanted.details)
    if wanted.password is not None:  # once it is counted: a hash is a core's work that nobody may ask for without end
        details["password_hash"] = await hash_password(wanted.password)

    async def story(work: Work) -> UUID:
        store = await find_default_store(work.session, work.organisation)
        row = MailedCode(
            purpose=wanted.purpose,
            address=wanted.address,
            address_key=key,
            locale=wanted.locale or (store.locale if store is not None else _FALLBACK_LOCALE),
            subject_id=wanted.subject_id,
            details=details,
            created_at=work.now,
            expires_at=work.now + MAIL_LIFETIME,
        )
        work.session.add(row)
        enqueue(work, job=SendMail(mailed_code_id=row.id))
        return row.id

    return await works.perform(story, actor=caller.actor, action=action, request_id=caller.request_id)


async def prepare_mail(work: Work, *, mailed_code_id: UUID) -> Mail | None:
    """Return the mail to send, with a code that is made now; None where there is nothing to send, or no more.

    Whoever is known already is told so instead of getting a code to register with; to whom nobody knows no mail goes
    about their password. Locks what was asked for.
    """
    row = await find_code_for_update(work.session, mailed_code_id)
    if row is None or row.expires_at <= work.now:
        return None
    known = await find_credentials(work.session, email_key=row.address_key)
    if row.purpose == CodePurpose.REGISTRATION and known is not None:
        return Mail(MailKind.ALREADY_REGISTERED, row.address, row.locale)
    if row.purpose == CodePurpose.PASSWORD_RESET and known is None:
        return None
    code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
    row.code_hash = hash_code(code, salt=row.id.hex)
    row.expires_at = work.now + CODE_LIFETIME
    locale = row.locale if known is None or known.locale is None else known.locale
    return Mail(MailKind(row.purpose), row.address, locale, code)


async def match_code(
    work: Work, *, purpose: CodePurpose, address_key: str, code: str, subject_id: UUID | None = None
) -> MailedCode | None:
    """Return what the code was sent for, None for a wrong one, which counts: the caller commits before it refuses.

    Any of the codes that were sent lately will do, each for what it was sent for. Locks them all.
    """
    rows = await list_live_codes_for_update(
        work.session, purpose=purpose, address_key=address_key, subject_id=subject_id, now=work.now
    )
    digits = "".join(code.split())
    for row in rows:
        if compare_digest(row.code_hash or "", hash_code(digits, salt=row.id.hex)):
            return row
    for row in rows:
        row.attempt_count += 1
    return None


async def spend_codes(work: Work, *, row: MailedCode) -> None:
    """Let a code, and every other one that was sent for the same, count no more."""
    await remove_codes(
        work.session,
        address_key=row.address_key,
        purpose=CodePurpose(row.purpose),
        subject_id=row.subject_id,
    )

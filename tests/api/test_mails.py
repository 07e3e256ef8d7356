"""Mails against a real SMTP server: taken, refused for now, refused for good, dropped, away; and as files."""

import asyncio
import email
import re
import traceback
from collections.abc import AsyncIterator
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP, Envelope
from sqlalchemy import text

from api.app import new_background
from api.mails import TEXTS, MailNotSent, MailServer, Postman, written_mail
from api.settings import Settings
from domain.base.actors import ANONYMOUS, Caller
from domain.base.errors import InvalidState
from domain.base.identifiers import new_id
from domain.base.work import Works
from domain.customers.actions.registration import Registration, register
from domain.identity.actions.codes import Mail, MailKind, SendMail

ADDRESS = "ada@example.org"


class Inbox:
    """What an SMTP server does with the mails that come."""

    def __init__(self) -> None:
        """Start empty, taking everything."""
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"
        self.recipient_answer = "250 OK"
        self.drops = False

    async def handle_RCPT(self, server: SMTP, _session: Any, envelope: Envelope, address: str, _options: Any) -> str:  # noqa: ANN401, N802
        """Take or refuse a recipient."""
        if self.drops:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        if self.recipient_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, _server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: ANN401, N802
        """Take or refuse a mail."""
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = email.message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.mails.append(message)
        return self.answer


@pytest.fixture
def inbox() -> Inbox:
    """Return an empty inbox."""
    return Inbox()


@pytest.fixture
async def server(inbox: Inbox) -> AsyncIterator[MailServer]:
    """Run an SMTP server on this machine."""
    loop = asyncio.get_running_loop()
    running = await loop.create_server(lambda: SMTP(inbox, loop=loop, enable_SMTPUTF8=True), "127.0.0.1", 0)
    port = running.sockets[0].getsockname()[1]
    yield MailServer(host="127.0.0.1", port=port, security="none")
    running.close()
    await running.wait_closed()


async def ask_for_mail(works: Works, address: str = ADDRESS, *, locale: str = "it-IT") -> SendMail:
    """Let somebody register; return the job of the mail."""
    said = Registration(email=address, password="correct horse", locale=locale)
    await register(works, registration=said, caller=Caller(ANONYMOUS))
    async with works.database.reading() as session:
        key = (await session.execute(text("SELECT id FROM mailed_codes ORDER BY id DESC LIMIT 1"))).scalar_one()
    return SendMail(mailed_code_id=UUID(str(key)))


async def test_a_mail_goes_out_in_the_readers_language(works: Works, inbox: Inbox, server: MailServer) -> None:
    """The background sends it: plain text, with the code, from whom the settings say."""
    await ask_for_mail(works)
    settings = Settings(
        _env_file=None,
        smtp_host=server.host,
        smtp_port=server.port,
        smtp_tls="none",
        mail_from="Negozio <n@shop.example>",
    )
    await new_background(settings, works).drain()
    (mail,) = inbox.mails
    assert (mail["To"], mail["From"]) == (ADDRESS, "Negozio <n@shop.example>")
    assert mail["Subject"] == "Conferma il tuo indirizzo e-mail"
    assert mail["Date"].datetime == works.clock.now()
    assert mail["Message-ID"].endswith("@shop.example>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert re.match(r"Il tuo codice è \d{8}\s", mail.get_content())


@pytest.mark.parametrize("answer", [f"451 later, {ADDRESS}", f"554 no, {ADDRESS}"])
async def test_a_server_that_takes_no_mail_is_tried_again(
    works: Works, inbox: Inbox, server: MailServer, answer: str
) -> None:
    """The job fails and comes again; the second mail has another code, and the first one was never seen."""
    job = await ask_for_mail(works)
    postman = Postman(sender="a@shop.example", server=server)
    inbox.answer = answer
    with pytest.raises(MailNotSent, match=answer[:3]) as raised:
        await postman.send(works, job)
    assert ADDRESS not in "".join(traceback.format_exception(raised.value))
    inbox.answer = "250 OK"
    await postman.send(works, job)
    await postman.send(works, job)
    first, second = (re.findall(r"\d{8}", mail.get_content()) for mail in inbox.mails)
    assert first != second


async def test_a_mailbox_that_is_refused_for_good_is_not_tried_again(
    works: Works, inbox: Inbox, server: MailServer
) -> None:
    """A reply of 500 and more ends it; one below does not."""
    job = await ask_for_mail(works)
    postman = Postman(sender="a@shop.example", server=server)
    inbox.recipient_answer = "550 nobody here"
    await postman.send(works, job)
    inbox.recipient_answer = "450 busy"
    with pytest.raises(MailNotSent, match="450"):
        await postman.send(works, job)
    assert inbox.mails == []


async def test_a_connection_that_drops_or_is_refused_fails(works: Works, inbox: Inbox, server: MailServer) -> None:
    """The mail is not lost: the job is tried again."""
    job = await ask_for_mail(works)
    inbox.drops = True
    with pytest.raises(MailNotSent):
        await Postman(sender="a@shop.example", server=server).send(works, job)
    inbox.drops = False
    away = MailServer(host="127.0.0.1", port=1, security="none")
    with pytest.raises(MailNotSent):
        await Postman(sender="a@shop.example", server=away).send(works, job)
    await Postman(sender="a@shop.example", server=server).send(works, job)
    assert len(inbox.mails) == 1


async def test_mails_are_files_where_a_folder_is_set(works: Works, tmp_path: Path) -> None:
    """Whole, and for this user only."""
    job = await ask_for_mail(works, "zoë@example.org", locale="es")
    await Postman(sender="a@shop.example", folder=tmp_path / "mails").send(works, job)
    (path,) = (tmp_path / "mails").iterdir()
    assert path.stat().st_mode & 0o077 == 0
    mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["To"] == "zoë@example.org"
    assert mail["Subject"] == "Confirma tu correo electrónico"


async def test_without_a_way_out_mails_wait(works: Works) -> None:
    """The job says what to set, and no code is made."""
    job = await ask_for_mail(works)
    with pytest.raises(InvalidState, match="SPORTELLO_SMTP_HOST"):
        await Postman(sender="a@shop.example").send(works, job)
    async with works.database.reading() as session:
        assert (await session.execute(text("SELECT code_hash FROM mailed_codes"))).scalar_one() is None


async def test_a_mail_that_is_not_wanted_any_more_is_none(works: Works, tmp_path: Path) -> None:
    """What was asked for is gone: nothing is sent."""
    await Postman(sender="a@shop.example", folder=tmp_path / "mails").send(works, SendMail(mailed_code_id=new_id()))
    assert not (tmp_path / "mails").exists()


@pytest.mark.parametrize("kind", list(MailKind))
def test_every_mail_has_its_words(kind: MailKind) -> None:
    """In three languages, with the code where there is one; any other language is answered in English."""
    assert set(TEXTS[kind]) == {"en", "it", "es"}
    for locale in ("en-GB", "it", "es-AR", "de-DE"):
        mail = written_mail(Mail(kind, ADDRESS, locale, "12345678"), sender="a@shop.example")
        assert ("12345678" in mail.get_content()) == (kind is not MailKind.ALREADY_REGISTERED)
        assert mail["Subject"] == TEXTS[kind].get(locale[:2], TEXTS[kind]["en"]).subject

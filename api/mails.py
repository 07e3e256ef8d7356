"""Mails: written in the reader's language, handed to any SMTP server, or put into a folder to be looked at."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Literal

import aiosmtplib
import structlog

from domain.base.actors import SYSTEM
from domain.base.errors import InvalidState
from domain.base.work import Works
from domain.identity.actions.codes import Mail, MailKind, SendMail, prepare_mail

_log = structlog.get_logger(__name__)

SEND_TIMEOUT_S = 20.0
_PERMANENT = 500
"""Replies of an SMTP server from here on are final: RFC 5321, section 4.2.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mails are handed to."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    user: str | None = None
    password: str | None = field(default=None, repr=False)


class MailNotSent(Exception):  # noqa: N818  reads as what it is
    """A mail did not go out this time. What the server said is left out: it often quotes the address."""


class Postman:
    """Sends the mails that were asked for, each outside of any transaction."""

    def __init__(self, *, sender: str, server: MailServer | None = None, folder: Path | None = None) -> None:
        """Take from whom mails are and where they go: to the server, else into the folder."""
        self._sender = sender
        self._server = server
        self._folder = folder

    async def send(self, works: Works, job: SendMail) -> None:
        """Send one mail. What fails is tried again, with another code; a mailbox that is refused for good is not."""
        if self._server is None and self._folder is None:
            # Before the code is made: the mail waits until it can be sent.
            message = "No mail goes out: set SPORTELLO_SMTP_HOST, or SPORTELLO_MAIL_FOLDER to have mails as files."
            raise InvalidState(message)
        mail = await works.perform(
            lambda work: prepare_mail(work, mailed_code_id=job.mailed_code_id), actor=SYSTEM, action="mailPrepare"
        )
        if mail is None:
            return
        written = written_mail(mail, sender=self._sender)
        written["Date"] = format_datetime(works.clock.now())
        if self._server is not None:
            await self._hand_over(self._server, written)
        elif self._folder is not None:
            await asyncio.to_thread(_put, self._folder / f"{job.mailed_code_id.hex}.eml", written)

    async def _hand_over(self, server: MailServer, written: EmailMessage) -> None:
        try:
            await aiosmtplib.send(
                written,
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=server.password,
                use_tls=server.security == "tls",
                start_tls=server.security == "starttls",
                timeout=SEND_TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            code = refused.recipients[0].code
            if code < _PERMANENT:
                raise MailNotSent(type(refused).__name__, code) from None
            _log.warning("a mailbox was refused for good", code=code)
        except (aiosmtplib.SMTPException, OSError) as error:
            raise MailNotSent(type(error).__name__, getattr(error, "code", None)) from None


def _put(path: Path, written: EmailMessage) -> None:
    """Write a mail into the folder, whole or not at all; only this user may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_bytes(written.as_bytes())
    draft.replace(path)


@dataclass(frozen=True, slots=True)
class Text:
    """What a mail says in one language; `{code}` is where the code stands."""

    subject: str
    body: str


def written_mail(mail: Mail, *, sender: str) -> EmailMessage:
    """Return the mail in the reader's language, English where we have no words in it."""
    text = TEXTS[mail.kind].get(mail.locale.partition("-")[0], TEXTS[mail.kind]["en"])
    message = EmailMessage(policy=SMTP_POLICY)
    message["From"], message["To"], message["Subject"] = sender, mail.address, text.subject
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text.body.format(code=mail.code))
    return message


TEXTS: Mapping[MailKind, Mapping[str, Text]] = {
    MailKind.REGISTRATION: {
        "en": Text(
            "Confirm your e-mail address",
            "Your code is {code}\n\nEnter it within 15 minutes to finish your registration.\n"
            "If you did not register, do nothing: without the code no account is made.\n",
        ),
        "it": Text(
            "Conferma il tuo indirizzo e-mail",
            "Il tuo codice è {code}\n\nInseriscilo entro 15 minuti per completare la registrazione.\n"
            "Se non ti sei registrato tu, non fare nulla: senza il codice non viene creato alcun account.\n",
        ),
        "es": Text(
            "Confirma tu correo electrónico",
            "Tu código es {code}\n\nIntrodúcelo en 15 minutos para terminar tu registro.\n"
            "Si no te has registrado, no hagas nada: sin el código no se crea ninguna cuenta.\n",
        ),
    },
    MailKind.ALREADY_REGISTERED: {
        "en": Text(
            "You have an account already",
            "Somebody tried to register with this address, which has an account already.\n\n"
            "If it was you, sign in, or ask for a new password.\nIf it was not, there is nothing to do.\n",
        ),
        "it": Text(
            "Hai già un account",
            "Qualcuno ha provato a registrarsi con questo indirizzo, che ha già un account.\n\n"
            "Se eri tu, accedi oppure chiedi una nuova password.\nSe non eri tu, non devi fare nulla.\n",
        ),
        "es": Text(
            "Ya tienes una cuenta",
            "Alguien ha intentado registrarse con esta dirección, que ya tiene una cuenta.\n\n"
            "Si has sido tú, inicia sesión o pide una contraseña nueva.\nSi no, no tienes que hacer nada.\n",
        ),
    },
    MailKind.PASSWORD_RESET: {
        "en": Text(
            "Your code for a new password",
            "Your code is {code}\n\nEnter it within 15 minutes to choose a new password.\n"
            "If you did not ask for it, do nothing: your password stays as it is.\n",
        ),
        "it": Text(
            "Il tuo codice per una nuova password",
            "Il tuo codice è {code}\n\nInseriscilo entro 15 minuti per scegliere una nuova password.\n"
            "Se non l'hai chiesto tu, non fare nulla: la tua password resta com'è.\n",
        ),
        "es": Text(
            "Tu código para una contraseña nueva",
            "Tu código es {code}\n\nIntrodúcelo en 15 minutos para elegir una contraseña nueva.\n"
            "Si no lo has pedido, no hagas nada: tu contraseña sigue siendo la misma.\n",
        ),
    },
    MailKind.IDENTITY: {
        "en": Text(
            "Confirm your e-mail address",
            "Your code is {code}\n\nIt confirms within 15 minutes that this address is yours.\n"
            "If you did not ask for it, tell it to nobody and do nothing.\n",
        ),
        "it": Text(
            "Conferma il tuo indirizzo e-mail",
            "Il tuo codice è {code}\n\nConferma entro 15 minuti che questo indirizzo è tuo.\n"
            "Se non l'hai chiesto tu, non comunicarlo a nessuno e non fare nulla.\n",
        ),
        "es": Text(
            "Confirma tu correo electrónico",
            "Tu código es {code}\n\nConfirma en 15 minutos que esta dirección es tuya.\n"
            "Si no lo has pedido, no se lo digas a nadie y no hagas nada.\n",
        ),
    },
}

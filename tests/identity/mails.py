"""A mailbox in which tests find what would have been sent."""

from api.background import Background
from domain.base.actors import SYSTEM
from domain.base.work import Works
from domain.identity.actions.codes import Mail, SendMail, prepare_mail
from domain.jobs import HANDLERS


class Mailbox:
    """Takes the mails that were asked for."""

    def __init__(self, works: Works) -> None:
        """Start empty."""
        self._works = works
        self.mails: list[Mail] = []

    async def take(self, works: Works, job: SendMail) -> None:
        """Prepare a mail as the postman does."""
        mail = await works.perform(
            lambda work: prepare_mail(work, mailed_code_id=job.mailed_code_id), actor=SYSTEM, action="mailPrepare"
        )
        if mail is not None:
            self.mails.append(mail)

    async def empty(self) -> list[Mail]:
        """Send what is due, and return it."""
        self.mails = []
        await Background(self._works, handlers={**HANDLERS, SendMail: self.take}).drain()
        return self.mails

    async def code(self) -> str:
        """Send what is due, which is one mail with a code; return the code."""
        (mail,) = await self.empty()
        assert mail.code
        return mail.code

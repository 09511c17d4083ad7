"""E-mail by SMTP. What matters is the end of DATA: before it nothing was taken, after it everything may be."""

import asyncio
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import aiosmtplib
import msgspec

from services.notify.channels import Accepted, Destination, Letter, NotTaken, Refused, Unknown


class SmtpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The mail server. `start_tls` None upgrades when the server offers it."""

    host: str
    port: int = 25
    sender: str = "mot-cua@localhost"
    username: str = ""
    password: str = ""
    start_tls: bool | None = None
    timeout_seconds: float = 10


class EmailChannel:
    """Sends letters by SMTP, one connection a letter (mail servers drop idle ones; a city sends a few a second)."""

    name = "email"

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, letter: Letter, destination: Destination) -> Accepted:
        """See Channel.send. The Message-ID is the letter's id, so a receiver can recognise a repetition."""
        message = self._compose(letter, destination.address)
        smtp = await self._open(destination.address)
        try:
            try:
                await smtp.data(message.as_bytes())
            except aiosmtplib.SMTPDataError as error:
                self._refuse(error.code)
            except (aiosmtplib.SMTPException, TimeoutError, OSError) as error:
                raise Unknown("no-answer-after-data") from error
        finally:
            smtp.close()
        return Accepted(provider_id=str(letter.id))

    async def _open(self, address: str) -> aiosmtplib.SMTP:
        """A connection with sender and recipient accepted; everything that fails here has sent nothing."""
        settings = self._settings
        smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            timeout=settings.timeout_seconds,
            start_tls=settings.start_tls,
        )
        try:
            await smtp.connect()
            if settings.username:
                await smtp.login(settings.username, settings.password)
            await smtp.mail(settings.sender)
            await smtp.rcpt(address)
        except aiosmtplib.SMTPResponseException as error:
            smtp.close()
            self._refuse(error.code)
        except (aiosmtplib.SMTPException, TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            smtp.close()
            raise NotTaken("cannot-reach-server") from error
        return smtp

    @staticmethod
    def _refuse(code: int) -> None:
        """5xx is for ever, 4xx for now (RFC 5321 4.2.1); either way the server has not taken the letter."""
        if 500 <= code < 600:
            raise Refused(f"smtp-{code}")
        raise NotTaken(f"smtp-{code}")

    def _compose(self, letter: Letter, address: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._settings.sender
        message["To"] = address
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        domain = self._settings.sender.rsplit("@", 1)[-1]
        message["Message-ID"] = f"<{letter.id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.body)
        return message

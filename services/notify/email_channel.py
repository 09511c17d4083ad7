"""E-mail by SMTP. What matters is the end of DATA: before it nothing was taken, after it everything may be."""

import asyncio
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import aiosmtplib
import msgspec

from services.notify.channels import Accepted, Begin, Destination, Letter, NotTaken, Refused, Unknown

# One bare mailbox of RFC 5321 without quoting: nothing that could end an address on a command line or begin a second,
# nor what a header would read as an encoded word (RFC 2047).
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAILBOX = re.compile(rf"(?!.*=\?)(?=[^@]{{1,64}}@.{{1,253}}\Z){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")
# Seven bits: we do not ask whether the server takes eight (RFC 6152).
_POLICY = SMTP.clone(cte_type="7bit")


class SmtpSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The mail server. `start_tls` None upgrades when the server offers it.

    `timeout_seconds` bounds everything up to DATA, and once more DATA with its answer.
    """

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

    async def send(self, letter: Letter, destination: Destination, begin: Begin) -> Accepted:
        """See Channel.send. The Message-ID is the letter's id, so a receiver can recognise a repetition."""
        address = destination.address.strip()
        if not _MAILBOX.fullmatch(address):
            raise Refused("address-not-usable")
        content = self._compose(letter, address)
        smtp = aiosmtplib.SMTP(
            hostname=self._settings.host,
            port=self._settings.port,
            timeout=self._settings.timeout_seconds,
            start_tls=self._settings.start_tls,
        )
        try:
            await self._open(smtp, address)
            await begin()
            await self._data(smtp, content)
        finally:
            smtp.close()
        return Accepted(provider_id=str(letter.id))

    async def _open(self, smtp: aiosmtplib.SMTP, address: str) -> None:
        """Have sender and recipient accepted; everything that fails here has sent nothing.

        Only the answer to RCPT speaks of this recipient. A server that refuses the greeting, the password or the
        sender, even for ever (5xx), refuses us: the letter waits until somebody has put that right.
        """
        settings = self._settings
        try:
            async with asyncio.timeout(settings.timeout_seconds):
                await smtp.connect()
                if settings.username:
                    await smtp.login(settings.username, settings.password)
                await smtp.mail(settings.sender)
                await smtp.rcpt(address)
        except aiosmtplib.SMTPRecipientRefused as error:
            raise _refusal(error.code) from error
        except aiosmtplib.SMTPResponseException as error:
            raise NotTaken(f"smtp-{error.code}") from error
        except (aiosmtplib.SMTPException, OSError, asyncio.IncompleteReadError) as error:
            raise NotTaken("cannot-reach-server") from error

    async def _data(self, smtp: aiosmtplib.SMTP, content: bytes) -> None:
        """Hand over the letter. A clear answer is believed; without one the server may have taken it."""
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                await smtp.data(content)
        except aiosmtplib.SMTPDataError as error:
            raise _refusal(error.code) from error
        except (aiosmtplib.SMTPException, OSError, asyncio.IncompleteReadError) as error:
            raise Unknown("no-answer-after-data") from error

    def _compose(self, letter: Letter, address: str) -> bytes:
        message = EmailMessage(policy=_POLICY)
        message["From"] = self._settings.sender
        message["To"] = address
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        domain = self._settings.sender.rsplit("@", 1)[-1]
        message["Message-ID"] = f"<{letter.id}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.body)
        return message.as_bytes()


def _refusal(code: int) -> NotTaken | Refused:
    """5xx is for ever, 4xx for now (RFC 5321 4.2.1); either way the server has not taken the letter."""
    return Refused(f"smtp-{code}") if 500 <= code < 600 else NotTaken(f"smtp-{code}")

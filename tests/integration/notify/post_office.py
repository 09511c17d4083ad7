"""A mail server with manners as each test orders them: it takes, refuses, hangs up or falls silent.

Its refusals name the recipient, as those of real servers do.
"""

import asyncio
import email
import email.policy
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec

GOOD = "good"
HANG_UP_AFTER_DATA, SILENT_AFTER_DATA = "hang-up-after-data", "silent-after-data"
SILENT_AT_GREETING = "silent-at-greeting"
# Besides, a place (greeting, sender, recipient, data) and a code, such as "data-451", orders a refusal there.
_LINES_MAX = 10_000


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One message whose content the server has received in full."""

    recipient: str
    message_id: str
    subject: str
    body: str
    content: bytes


class PostOffice:
    """An SMTP server on a free port. `manners` decides from the recipient; `mails` is what it holds."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.visits = 0
        self.manners: Callable[[str], str] = lambda _recipient: GOOD
        self.hold = asyncio.Event()
        """Cleared, the server waits before it answers to the end of DATA."""
        self.hold.set()
        self.received = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._visitors: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._visit, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for visitor in self._visitors:
            visitor.cancel()
        await asyncio.gather(*self._visitors, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._visitors.add(task)
        task.add_done_callback(self._visitors.discard)
        self.visits += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""

        async def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())
            await writer.drain()

        if self.manners("") == SILENT_AT_GREETING:
            await asyncio.sleep(3600)
        greeting = _refusal(self.manners(""), "greeting", recipient)
        await say(greeting or "220 post office")
        if greeting:
            return
        for _ in range(_LINES_MAX):
            line = (await reader.readline()).decode().strip()
            verb = line[:4].upper()
            if not line or verb == "QUIT":
                return
            if verb == "MAIL":
                await say(_refusal(self.manners(""), "sender", recipient) or "250 ok")
            elif verb == "RCPT":
                recipient = line.partition("<")[2].partition(">")[0]
                await say(_refusal(self.manners(recipient), "recipient", recipient) or "250 ok")
            elif verb == "DATA":
                await say("354 go on")
                if not await self._data(reader, recipient, say):
                    return
            else:
                await say("250 ok")

    async def _data(self, reader: asyncio.StreamReader, recipient: str, say: Callable[[str], object]) -> bool:
        content = await reader.readuntil(b"\r\n.\r\n")
        manners = self.manners(recipient)
        refusal = _refusal(manners, "data", recipient)
        if not refusal:
            message = email.message_from_bytes(content, policy=email.policy.default)
            body = message.get_body()
            self.mails.append(
                Mail(
                    recipient=recipient,
                    message_id=message["Message-ID"].strip("<>").partition("@")[0],
                    subject=str(message["Subject"]),
                    body=body.get_content() if body else "",
                    content=content,
                )
            )
        self.received.set()
        await self.hold.wait()
        if manners == HANG_UP_AFTER_DATA:
            return False
        if manners == SILENT_AFTER_DATA:
            await asyncio.sleep(3600)
        await say(refusal or "250 taken")  # type: ignore[misc]
        return True


def _refusal(manners: str, place: str, recipient: str) -> str:
    kind, _, code = manners.partition("-")
    return f"{code} <{recipient}>: no {recipient} here" if kind == place and code.isdigit() else ""

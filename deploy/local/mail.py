"""A mail server for the city in a box: takes every message and lays it into a folder, so that you can read it."""

from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiosmtpd.controller import Controller

from deploy.local.ports import LOOPBACK, free_port


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Store one message under its Message-ID; the same message twice is one file."""
        content: bytes = envelope.content
        header = next((line for line in content.splitlines() if line.lower().startswith(b"message-id:")), b"")
        name = header.partition(b":")[2].strip(b" <>").partition(b"@")[0].decode("ascii", "replace")
        (self._folder / f"{name or 'message'}.eml").write_bytes(content)
        return "250 OK"


class MailFolder:
    """The server; `async with` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        self._controller = Controller(_Folder(folder), hostname=LOOPBACK, port=self.port)

    async def __aenter__(self) -> Self:
        self._controller.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()

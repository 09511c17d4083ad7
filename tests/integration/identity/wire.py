"""The wire between the portal and identity, which loses or spoils answers."""

import asyncio
from collections.abc import Callable
from typing import Self

import httpx

from tests.integration.identity.conftest import House

HANGS_UP = b""
FAILS = b"HTTP/1.1 500 -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Wire:
    """Identity on a port of its own: it does all it is asked, and `instead` of its answer something else may come."""

    url: str

    def __init__(self, house: House) -> None:
        self._house = house
        # The paths asked for so far, and what comes instead of the answer to the next: None for the answer itself.
        self.asked: list[str] = []
        self.instead: Callable[[str], bytes | None] = lambda _path: None

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Close the port."""
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        parts = (line.partition(": ") for line in head[1:] if line)
        headers = httpx.Headers([(name, value) for name, _, value in parts])
        content = await reader.readexactly(int(headers.get("content-length", "0")))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(self._house.app), base_url="http://identity"
        ) as identity:
            answer = await identity.request(method, path, headers=headers, content=content)
        instead = self.instead(path)
        self.asked.append(path)
        writer.write(_raw(answer) if instead is None else instead)
        writer.close()


def _raw(answer: httpx.Response) -> bytes:
    size = len(answer.content)
    head = f"HTTP/1.1 {answer.status_code} -\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    return head.encode() + answer.content

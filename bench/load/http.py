"""HTTP/1.1 with keep-alive and nothing else, so that the load costs a fraction of what it measures."""

import asyncio
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

RESPONSE_SECONDS_MAX = 60.0


class Answer:
    """Status and body of one response."""

    __slots__ = ("body", "status")

    def __init__(self, status: int, body: bytes) -> None:
        self.status = status
        self.body = body


class BadAnswer(Exception):
    """A service refused what the bench asked of it."""


class _Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._waiting: asyncio.Future[Answer] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits is told."""
        self._transport = None
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_exception(exc or ConnectionResetError("closed by the server"))

    @property
    def usable(self) -> bool:
        """Whether another request may be sent."""
        return self._transport is not None and not self._transport.is_closing()

    async def send(self, request: bytes) -> Answer:
        """One exchange."""
        assert self._transport is not None
        self._waiting = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        async with asyncio.timeout(RESPONSE_SECONDS_MAX):
            return await self._waiting

    def data_received(self, data: bytes) -> None:
        """Complete the answer when all of it is here; ours always say how long they are."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return
        answer = Answer(int(head[9:12]), bytes(self._buffer[end + 4 : end + 4 + length]))
        del self._buffer[: end + 4 + length]
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(answer)

    def close(self) -> None:
        """Close it."""
        if self._transport is not None:
            self._transport.close()


class Client:
    """Keep-alive connections to one service; as many as there are requests at once, `connections_max` at most."""

    def __init__(self, url: str, *, connections_max: int = 128) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._free: list[_Connection] = []
        self._room = asyncio.Semaphore(connections_max)
        self.requests = 0

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """POST JSON."""
        return await self._exchange("POST", path, body, headers)

    async def get(self, path: str, headers: Mapping[str, str]) -> Answer:
        """GET."""
        return await self._exchange("GET", path, b"", headers)

    async def _exchange(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{lines}\r\n"
        )
        self.requests += 1
        async with self._room:
            connection = await self._take()
            answer = await connection.send(head.encode("ascii") + body)
            self._free.append(connection)
        return answer

    async def _take(self) -> _Connection:
        while self._free:
            connection = self._free.pop()
            if connection.usable:
                return connection
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(_Connection, self._host, self._port)
        return made

    def close(self) -> None:
        """Close what is open."""
        for connection in self._free:
            connection.close()


def expect(answer: Answer, *statuses: int) -> bytes:
    """The body, if the status is one of these. Raises BadAnswer with the problem's text otherwise."""
    if answer.status not in statuses:
        raise BadAnswer(f"{answer.status}: {answer.body[:600].decode(errors='replace')}")
    return answer.body

"""A NATS client of nothing but the protocol: as little Python between socket and probe as there can be."""

import asyncio
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import msgspec

Deliver = Callable[[bytes, bytes, bytes, bytes], None]


class Bare(asyncio.Protocol):
    """One connection; every message goes to its subscription's callback as (subject, reply, headers, payload)."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._subscribers: dict[bytes, Deliver] = {}
        self._transport: asyncio.Transport | None = None
        self._up: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(cls, url: str) -> "Bare":
        """Connect and wait for the first PONG."""
        parts = urlsplit(url)
        loop = asyncio.get_running_loop()
        _, client = await loop.create_connection(cls, parts.hostname, parts.port)
        options = {
            "verbose": False,
            "pedantic": False,
            "headers": True,
            "no_responders": True,
            "lang": "bench",
        }
        options |= {"user": parts.username, "pass": parts.password}
        client.write(b"CONNECT " + msgspec.json.encode(options) + b"\r\nPING\r\n")
        async with asyncio.timeout(10):
            await client._up
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # uvloop's transports are no asyncio.Transport, though they are all that it asks for.
        self._transport = cast(asyncio.Transport, transport)

    def write(self, data: bytes) -> None:
        """Send bytes of the protocol."""
        assert self._transport is not None
        self._transport.write(data)

    def subscribe(self, number: int, subject: str, deliver: Deliver) -> None:
        """Subscribe under `number`."""
        self._subscribers[b"%d" % number] = deliver
        self.write(f"SUB {subject} {number}\r\n".encode())

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Cut messages out of the stream of bytes."""
        buffer = self._buffer
        buffer += data
        place = 0
        while (end := buffer.find(b"\r\n", place)) >= 0:
            line = bytes(buffer[place:end])
            if line[:4] in {b"HMSG", b"MSG "}:
                after = self._message(line.split(b" "), end + 2)
                if after < 0:
                    break
                place = after
                continue
            place = end + 2
            if line == b"PING":
                self.write(b"PONG\r\n")
            elif line == b"PONG" and not self._up.done():
                self._up.set_result(None)
            elif line[:4] == b"-ERR":
                raise ConnectionError(line.decode())
        del buffer[:place]

    def _message(self, words: list[bytes], start: int) -> int:
        size = int(words[-1])
        end = start + size
        if len(self._buffer) < end + 2:
            return -1
        if words[0] == b"HMSG":
            middle = start + int(words[-2])
            reply = words[3] if len(words) == 6 else b""
            header, payload = bytes(self._buffer[start:middle]), bytes(self._buffer[middle:end])
        else:
            reply = words[3] if len(words) == 5 else b""
            header, payload = b"", bytes(self._buffer[start:end])
        self._subscribers[words[2]](words[1], reply, header, payload)
        return end + 2

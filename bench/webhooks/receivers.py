"""All receivers in one cheap process: `python -m bench.webhooks.receivers <answering> <hanging> <failing>`.

Each endpoint has an address of its own on loopback (127.1.0.n), so each has connections of its own. Told to end by a
line on stdin it writes what arrived to stdout: event id, monotonic nanoseconds.
"""

import asyncio
import sys
import time
from typing import cast

import msgspec
import uvloop

_TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
_FAILED = b"HTTP/1.1 500 Error\r\ncontent-length: 0\r\n\r\n"
ARRIVED: list[tuple[str, int]] = []


class Receiver(asyncio.Protocol):
    """One connection: requests with a Content-Length, one after another."""

    def __init__(self, answer: bytes | None) -> None:
        self._answer = answer
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        """Note and answer every request that is complete."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or b"0")
            if len(self._buffer) < end + 4 + length:
                return
            self._buffer = self._buffer[end + 4 + length :]
            if self._answer is not None and self._transport is not None:
                if self._answer is _TAKEN:
                    event_id = head.partition(b"webhook-id: ")[2].partition(b"\r\n")[0].decode()
                    ARRIVED.append((event_id, time.monotonic_ns()))
                self._transport.write(self._answer)


async def main(counts: list[int], port: int) -> None:
    """Listen on an address an endpoint until told to end."""
    loop = asyncio.get_running_loop()
    answers = [
        answer for count, answer in zip(counts, (_TAKEN, None, _FAILED), strict=True) for _ in range(count)
    ]
    for number, answer in enumerate(answers):
        await loop.create_server(lambda answer=answer: Receiver(answer), f"127.1.0.{number + 1}", port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline() == b"arrived\n":
        sys.stdout.write(msgspec.json.encode(ARRIVED).decode() + "\n")
        sys.stdout.flush()
        ARRIVED.clear()


if __name__ == "__main__":
    uvloop.run(main([int(each) for each in sys.argv[2:]], int(sys.argv[1])))

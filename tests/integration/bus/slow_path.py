"""A way to a real server on which its answers can be held up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

CHUNK_BYTES = 64 * 1024


class SlowPath:
    """Passes everything on; once told to, it lets only so many bytes of the server through and keeps the rest."""

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url)
        self._left: int | None = None
        self._free = asyncio.Event()
        self._free.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    def hold_after(self, count: int) -> None:
        """Let `count` more bytes of the server's answers through, then none."""
        self._left = count

    def release(self) -> None:
        """Let everything through again, what was kept first."""
        self._left = None
        self._free.set()

    @property
    def holding(self) -> bool:
        """Whether answers are being kept."""
        return not self._free.is_set()

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one client."""
        there, back = await asyncio.open_connection(self._server.hostname, self._server.port)
        for source, target, slowly in ((reader, back, False), (there, writer, True)):
            task = asyncio.create_task(self._pass(source, target, slowly=slowly))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, slowly: bool
    ) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK_BYTES):
                if slowly and self._left is not None:
                    now, data = data[: self._left], data[self._left :]
                    self._left -= len(now)
                    target.write(now)
                    await target.drain()
                    if data:
                        self._free.clear()
                        await self._free.wait()
                target.write(data)
                await target.drain()
        target.close()

    def end(self) -> None:
        """Cut every connection."""
        for task in self._tasks:
            task.cancel()


@asynccontextmanager
async def slow_path(url: str) -> AsyncIterator[SlowPath]:
    """A slow path to the server of `url`; its own `url` leads over it."""
    path = SlowPath(url)
    listener = await asyncio.start_server(path.meet, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    server = urlsplit(url)
    path.url = server._replace(netloc=f"{server.netloc.rpartition(':')[0]}:{port}").geturl()
    try:
        yield path
    finally:
        path.release()
        path.end()
        listener.close()

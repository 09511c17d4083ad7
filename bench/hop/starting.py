"""How a contestant's process is told what to do: settings in the environment, "go" and the end over stdin."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable

import uvloop


class Start:
    """Where the servers are, and the two words between contestant and referee."""

    def __init__(self) -> None:
        self.dsn = os.environ["BENCH_DSN"]
        self.nats_url = os.environ["BENCH_NATS_URL"]
        self.workers = int(os.environ.get("BENCH_WORKERS", "1"))
        self._lines: asyncio.StreamReader | None = None
        # Standard output is the referee's; whatever a library prints goes to the log with the errors.
        self._words = os.dup(1)
        os.dup2(2, 1)

    async def ready(self) -> None:
        """Say that everything is prepared and wait for "go"."""
        loop = asyncio.get_running_loop()
        self._lines = asyncio.StreamReader()
        lines = self._lines
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        os.write(self._words, b"ready\n")
        await self._lines.readline()

    async def over(self) -> None:
        """Wait until the referee has seen enough (or has gone)."""
        if self._lines is not None:
            await self._lines.readline()


def contest(main: Callable[[Start], Awaitable[None]]) -> None:
    """Run a contestant on uvloop, as our services are run."""
    uvloop.run(_run(main))


async def _run(main: Callable[[Start], Awaitable[None]]) -> None:
    await main(Start())

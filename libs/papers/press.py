"""The press of the one-stop shop's papers: prints in processes of its own, so that the event loop serves on."""

import asyncio
from datetime import date
from pathlib import Path

import msgspec

from libs.papers.papers import Paper
from libs.printing.workers import START_SECONDS_MAX, WorkerPool

# A slip takes tens of milliseconds, a register of thousands of rows some seconds.
JOB_SECONDS_MAX = 20.0
WAITING_MAX = 32
# Who stands at the counter waits no longer.
WAIT_SECONDS_MAX = 30.0


class TooManyWaiting(Exception):
    """More papers wait to be printed than the press takes on, or for too long; try again shortly."""


class _Order(msgspec.Struct, frozen=True, kw_only=True):
    form: str
    paper: Paper
    on: date


class FormPress:
    """Prints papers of the catalogue in `count` processes, each one paper at a time."""

    def __init__(self, catalogue: Path, *, count: int = 1, waiting_max: int = WAITING_MAX) -> None:
        """The processes start with the first paper. `waiting_max` papers may wait besides those being printed."""
        self._pool = WorkerPool(_start_worker, (catalogue,), count)
        self._free = asyncio.Semaphore(count)
        self._room = count + waiting_max
        self._inside = 0

    async def begin(self) -> None:
        """Start a process before the first paper is wanted: nobody waits for it at a counter. Raises WorkersLost."""
        await self._pool.run(_stand_by, None, START_SECONDS_MAX)

    async def render(self, form: str, data: Paper, on_date: date) -> bytes:
        """The PDF of the paper in the version in force on its date.

        Raises TooManyWaiting, WorkersLost when a worker died or took too long (both: try again), or CannotPrint for
        data that give no paper.
        """
        if self._inside >= self._room:
            raise TooManyWaiting
        self._inside += 1
        try:
            # Waiting does not count against the paper's own time: a worker is not hanging because others were before.
            await self._turn()
            try:
                order = _Order(form=form, paper=data, on=on_date)
                return await self._pool.run(_print, order, START_SECONDS_MAX + JOB_SECONDS_MAX)
            finally:
                self._free.release()
        finally:
            self._inside -= 1

    async def _turn(self) -> None:
        try:
            async with asyncio.timeout(WAIT_SECONDS_MAX):
                await self._free.acquire()
        except TimeoutError:
            raise TooManyWaiting from None

    def close(self) -> None:
        """End the processes; what they print is finished first."""
        self._pool.close()


def _start_worker(catalogue: Path) -> None:
    # In the workers only: typst and pyHanko take memory that the service itself has no use for.
    from libs.papers.printer import start_worker  # noqa: PLC0415

    start_worker(catalogue)


def _stand_by(_: None) -> None:
    """The worker has started."""


def _print(order: _Order) -> bytes:
    from libs.papers.printer import print_in_worker  # noqa: PLC0415 - as above

    return print_in_worker(order.form, order.paper, order.on)

"""Processes that print: kept alive, renewed when one dies or hangs, gone when the process that started them is gone."""

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from typing import Any, TypeVar

from libs.telemetry.logs import log

# A worker loads fonts and keys in about a second; others wait before us.
START_SECONDS_MAX = 30.0

_T = TypeVar("_T")
_R = TypeVar("_R")


class CannotPrint(Exception):
    """A job gives no paper, whatever is tried; the message is the error's type, for its text may hold values."""


class WorkersLost(Exception):
    """A worker died or hung while it had this work; it may be tried again."""


class WorkerPool:
    """Does work in `count` processes of their own."""

    def __init__(self, start: Callable[..., None], arguments: tuple[Any, ...], count: int) -> None:
        """`start(*arguments)` prepares each process; what is heavy it imports itself, not with its module."""
        self.count = count
        self._start = start
        self._arguments = arguments
        self._pool = self._new_pool()

    async def run(self, work: Callable[[_T], _R], given: _T, deadline_seconds: float) -> _R:
        """What `work(given)` returns in one of the processes. Raises WorkersLost, or what `work` raises."""
        pool = self._pool
        try:
            async with asyncio.timeout(deadline_seconds):
                return await asyncio.get_running_loop().run_in_executor(pool, work, given)
        except BrokenProcessPool:
            self._renew(pool)
            raise WorkersLost from None
        except TimeoutError:
            self._renew(pool)
            raise WorkersLost from None

    def close(self) -> None:
        """End the workers; what they print is finished first."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _renew(self, broken: ProcessPoolExecutor) -> None:
        """Replace a pool that cannot go on; the first who notices does it."""
        if self._pool is not broken:
            return
        self._pool = self._new_pool()
        log.error("press-workers-renewed", count=self.count)
        # A hanging worker would never end by itself, and the pool has no word for that.
        for process in list((broken._processes or {}).values()):  # noqa: SLF001
            process.kill()
        broken.shutdown(wait=False, cancel_futures=True)

    def _new_pool(self) -> ProcessPoolExecutor:
        # spawn, not fork: a forked child would share the parent's sockets to NATS and PostgreSQL.
        return ProcessPoolExecutor(
            self.count,
            mp_context=get_context("spawn"),
            initializer=_begin,
            initargs=(self._start, self._arguments),
        )


def _begin(start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    # Ctrl-C reaches the whole group of processes; what is being printed is finished all the same.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    start(*arguments)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for jobs for ever."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)

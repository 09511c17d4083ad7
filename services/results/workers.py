"""The worker processes that print: kept alive, renewed when one dies or hangs, gone when this process is gone."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from libs.telemetry.logs import log
from services.results.jobs import Job, Printed
from services.results.signing_keys import SigningKeys, check_keys

# A worker loads fonts and keys in about a second and prints a document in tens of milliseconds; others wait before us.
START_SECONDS_MAX = 30.0
JOB_SECONDS_MAX = 2.0


class WorkersLost(Exception):
    """A worker died or hung while it had these jobs; they may be tried again."""


class Workers:
    """Prints jobs in `count` processes of their own."""

    def __init__(self, templates: Path, signing: SigningKeys, count: int) -> None:
        """Raises ValueError, or OSError, when a signing key cannot be used."""
        check_keys(signing)
        self.count = count
        self._arguments = (str(templates), signing)
        self._pool = self._new_pool()

    async def print(self, jobs: Sequence[Job]) -> list[Printed]:
        """Print the jobs in one worker, in order. Raises WorkersLost, or CannotPrint for a job that gives no paper."""
        pool = self._pool
        deadline_seconds = START_SECONDS_MAX + JOB_SECONDS_MAX * len(jobs)
        try:
            async with asyncio.timeout(deadline_seconds):
                return await asyncio.get_running_loop().run_in_executor(pool, _print_all, list(jobs))
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
            self.count, mp_context=get_context("spawn"), initializer=_start_worker, initargs=self._arguments
        )


def _start_worker(templates: str, signing: SigningKeys) -> None:
    # In the workers only: typst and pyHanko take 16 MiB that the service itself has no use for.
    from services.results.printing import start_worker  # noqa: PLC0415

    start_worker(templates, signing)


def _print_all(jobs: list[Job]) -> list[Printed]:
    from services.results.printing import print_all  # noqa: PLC0415 - as above

    return print_all(jobs)

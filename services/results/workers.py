"""The worker processes that print and sign results."""

from collections.abc import Sequence
from pathlib import Path

from libs.printing.workers import START_SECONDS_MAX, WorkerPool
from services.results.jobs import Job, Printed
from services.results.signing_keys import SigningKeys, check_keys

# A worker prints a document in tens of milliseconds; others wait before us.
JOB_SECONDS_MAX = 2.0


class Workers:
    """Prints jobs in `count` processes of their own."""

    def __init__(self, templates: Path, signing: SigningKeys, count: int) -> None:
        """Raises ValueError, or OSError, when a signing key cannot be used."""
        check_keys(signing)
        self.count = count
        self._pool = WorkerPool(_start_worker, (templates, signing), count)

    async def print(self, jobs: Sequence[Job]) -> list[Printed]:
        """Print the jobs in one worker, in order. Raises WorkersLost, or CannotPrint for a job that gives no paper."""
        deadline_seconds = START_SECONDS_MAX + JOB_SECONDS_MAX * len(jobs)
        return await self._pool.run(_print_all, list(jobs), deadline_seconds)

    def close(self) -> None:
        """End the workers; what they print is finished first."""
        self._pool.close()


def _start_worker(templates: Path, signing: SigningKeys) -> None:
    # In the workers only: typst and pyHanko take 16 MiB that the service itself has no use for.
    from services.results.printing import prepare  # noqa: PLC0415

    prepare(templates, signing)


def _print_all(jobs: list[Job]) -> list[Printed]:
    from services.results.printing import print_all  # noqa: PLC0415 - as above

    return print_all(jobs)

"""Background work: at once again while there is some, patient with a database that is away, never with a bug."""

import asyncio

import asyncpg
import pytest

from libs.process.repeating import repeat

LONG = 3600.0


class Work:
    """Gives out the outcomes ordered, one per turn, and tells to stop after the last."""

    def __init__(self, *outcomes: int | Exception) -> None:
        self.stop = asyncio.Event()
        self.left = list(outcomes)

    async def turn(self) -> int:
        """One turn."""
        outcome = self.left.pop(0)
        if not self.left:
            self.stop.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


@pytest.mark.timeout(10)
async def test_turns_follow_at_once_while_there_is_work() -> None:
    """A backlog is not worked off at one batch per pause."""
    work = Work(3, 2, 1, 0)
    await repeat(work.turn, work.stop, name="work", pause_seconds=LONG)
    assert work.left == []


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "away",
    [
        ConnectionRefusedError(),
        asyncpg.CannotConnectNowError("starting up"),
        asyncpg.DeadlockDetectedError(""),
    ],
)
async def test_a_database_in_the_way_costs_the_short_wait(away: Exception) -> None:
    """The pause may be an hour; a database that is back after a second is used after a second."""
    work = Work(away, 0)
    await repeat(work.turn, work.stop, name="work", pause_seconds=LONG, retry_seconds=0.01)
    assert work.left == []


async def test_a_mistake_ends_the_work() -> None:
    """What waiting cannot mend is raised; the process ends and is seen."""
    work = Work(ValueError("a mistake"), 0)
    with pytest.raises(ValueError, match="a mistake"):
        await repeat(work.turn, work.stop, name="work", pause_seconds=LONG)
    assert work.left == [0]


@pytest.mark.timeout(10)
async def test_nothing_is_begun_after_the_word_to_stop() -> None:
    """A service that drains starts no batch."""
    work = Work(1)
    work.stop.set()
    await repeat(work.turn, work.stop, name="work", pause_seconds=LONG)
    assert work.left == [1]


@pytest.mark.timeout(10)
async def test_the_word_to_stop_ends_the_pause() -> None:
    """A service ends within its grace period, not after the pause."""
    stop, begun = asyncio.Event(), asyncio.Event()

    async def turn() -> int:
        begun.set()
        return 0

    running = asyncio.create_task(repeat(turn, stop, name="work", pause_seconds=LONG))
    await begun.wait()
    stop.set()
    await running

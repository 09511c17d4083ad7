"""What goes wrong when: the short round of every test run, and a long one drawn from a seed."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator, Sequence

from tests.faults.faults import Faults, all_faults

# A consumer frozen longer than this has lost its messages to another (libs.bus.topology.ACK_WAIT_SECONDS).
ACK_WAIT_SECONDS = 30


async def short(faults: Faults) -> None:
    """Some of everything in about a minute: each process and server killed, one frozen past ack_wait, NATS away."""
    await faults.add_replica("routing")
    await asyncio.sleep(4)
    frozen = asyncio.create_task(faults.freeze("routing", ACK_WAIT_SECONDS + 3))
    await faults.kill("intake")
    await asyncio.sleep(2)
    await faults.flip_bit()
    await faults.kill("results")
    await asyncio.sleep(2)
    await faults.kill("notify")
    await asyncio.sleep(3)
    await faults.kill("postgres")
    await asyncio.sleep(5)
    await faults.repeat_messages()
    await faults.kill("keeper")
    await faults.take_nats_away(18)
    await asyncio.sleep(3)
    await faults.kill("nats")
    await frozen
    await faults.kill("routing")
    await asyncio.sleep(2)
    await faults.lose_store()
    await faults.kill("results")
    await asyncio.sleep(4)


async def long(faults: Faults, *, seed: int, minutes: float, away_seconds: float = 180) -> None:
    """Faults one after the other and sometimes two at once, for some minutes; NATS away for three, once.

    It goes on until every kind of fault has happened.
    """
    rng = random.Random(seed)  # noqa: S311 - a seed must repeat the round
    possible = all_faults(faults, freeze_seconds=ACK_WAIT_SECONDS * 1.5, away_seconds=away_seconds)
    end = time.monotonic() + minutes * 60
    await faults.add_replica("routing")
    await faults.add_replica("notify")
    await asyncio.sleep(10)
    behind: set[asyncio.Task[None]] = set()
    for name in drawn(tuple(possible), rng, lambda: time.monotonic() < end):
        # Two faults of the same server at once are one fault; a frozen or killed process may meet any other.
        if name.startswith(("freeze", "kill")) and not name.endswith(("nats", "postgres")):
            task = asyncio.ensure_future(possible[name]())
            behind.add(task)
            task.add_done_callback(behind.discard)
        else:
            await possible[name]()
        await asyncio.sleep(rng.uniform(2, 12))
    if behind:
        await asyncio.wait(behind)


def drawn(possible: Sequence[str], rng: random.Random, going_on: Callable[[], bool]) -> Iterator[str]:
    """Names of faults while `going_on`, and in any case each of them once; NATS is away not more than once."""
    once = list(possible)
    rng.shuffle(once)
    # Processes die more often than anything else happens.
    names = [name for name in possible if name != "nats away"]
    names += 2 * [name for name in names if name.startswith("kill")]
    while going_on() or once:
        yield once.pop() if once and rng.random() < 0.5 else rng.choice(names)

"""Machine time: what a dossier waits for us, at one and at twenty births a second."""

import asyncio
import time
from collections.abc import Sequence

from bench.figures import Section, at_most, console, percentile
from bench.pipeline.town import NO_DOCUMENTS, Town, closed, town

# (births a second, seconds)
PACES = ((1.0, 45.0), (20.0, 20.0))


async def run(paces: Sequence[tuple[float, float]] = PACES) -> Section:
    """Measure the waits of dossiers that come at an even pace."""
    rows: list[tuple[str, ...]] = []
    aims = []
    raw: dict[str, list[float]] = {}
    async with town(NO_DOCUMENTS, seed=3000, gather_seconds=0.0) as found:
        for pace, seconds in paces:
            waits = await paced(found, pace, seconds)
            console.print(
                f"  {pace:g} births/s: p50 {percentile(waits, 0.5):.0f} ms, p99 {percentile(waits, 0.99):.0f} ms"
            )
            rows.append(_row(f"{pace:g} births/s", waits))
            aims.append(at_most(f"p99 at {pace:g} births/s", percentile(waits, 0.99), 250, unit=" ms"))
            raw[f"{pace:g}"] = waits
    return Section(
        title="Machine time of a dossier",
        columns=("pace", "dossiers", "p50 ms", "p90 ms", "p99 ms", "longest ms"),
        rows=tuple(rows),
        aims=tuple(aims),
        settings=(
            "From sending the declaration to hearing that the dossier is closed, with agencies and desk that act at once;"
            " their own reaction (under a millisecond each) is included. Without documents, gathering nothing.",
            "Six services' transactions and five publications follow one another on the way: declaration, acceptance and"
            " first step, registration, the two parallel steps, issue and arrival, hand-over and closing.",
        ),
        raw=raw,
    )


async def paced(found: Town, pace: float, seconds: float) -> list[float]:
    """Declare at an even pace whatever comes of it; the waits in milliseconds."""
    taken = found.take(int(pace * seconds))
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def one(number: int) -> float:
        await asyncio.sleep(began + number / pace - loop.time())
        sent = time.perf_counter()
        return (await closed(await found.actor.declare(taken[number])) - sent) * 1000

    return list(await asyncio.gather(*(one(number) for number in range(len(taken)))))


def _row(name: str, waits: Sequence[float]) -> tuple[str, ...]:
    shares = [percentile(waits, share) for share in (0.5, 0.9, 0.99)]
    return (name, str(len(waits)), *(f"{value:,.0f}" for value in shares), f"{max(waits):,.0f}")

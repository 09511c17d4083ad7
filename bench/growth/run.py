"""Throughput with many dossiers stored against few, memory, and what a disk that is always forced costs."""

from bench.figures import Aim, Section, at_least, at_most, console, ratio, spread
from bench.growth.fill import fill
from bench.hop.referee import Contestant, Round, play
from bench.hop.run import NAIVE_MANY, OURS
from bench.load.rig import rig
from bench.machine import machine

ROUNDS = 5
STORED, COPIES = 1_000, 999
# Of inbox, outbox, answers and reads every tenth copy: the rows of the last hundred thousand dossiers.
LEDGER_SHARE = 10
BIRTHS, AT_ONCE = 800, 400
HOP_EVENTS, HOP_SECONDS_MAX = 20_000, 4.0
MEMORY_BIRTHS, MEMORY_AT_ONCE, MEMORY_STEP = 100_000, 600, 10_000
MIB_MAX = 120


async def growth(rounds: int = ROUNDS) -> Section:
    """The pipeline in a city with a million dossiers and in one with a thousand, round by round."""
    few: list[float] = []
    many: list[float] = []
    async with rig(documents=False, gather_seconds=0.05) as large:
        await large.many(STORED, AT_ONCE)
        added = await fill(large.city, COPIES, ledger_share=LEDGER_SHARE)
        console.print(f"  {added:,} rows filled in")
        async with rig(documents=False, gather_seconds=0.05) as small:
            await small.many(STORED, AT_ONCE)
            # Both once more: caches as after a while of work.
            await large.many(BIRTHS, AT_ONCE)
            for number in range(rounds):
                few.append((await small.many(BIRTHS, AT_ONCE)).rate)
                many.append((await large.many(BIRTHS, AT_ONCE)).rate)
                console.print(f"  round {number + 1}: few {few[-1]:,.1f}, many {many[-1]:,.1f} births/s")
    share = ratio(many, few)
    return Section(
        title="Growth: a million dossiers stored",
        columns=("stored", "births closed/s"),
        rows=(
            ("1,000 dossiers", spread(few).text(1)),
            ("1,000,000 dossiers", spread(many).text(1)),
            ("share", share.text(2)),
        ),
        aims=(at_least("throughput with 1,000,000 of that with 1,000", share.median, 0.9),),
        settings=(
            (
                f"{rounds} alternating rounds of {BIRTHS} births, without documents. {STORED:,} dossiers went through"
                f" the pipeline; every table was then filled with {COPIES} copies of their rows: {added:,} rows. Of"
                " the ledgers (inbox, outbox, answers, reads) every tenth copy, as when older ones are put away."
            ),
        ),
        raw={"few": few, "many": many},
    )


async def memory(births: int = MEMORY_BIRTHS) -> Section:
    """Resident memory of each service while dossiers go through."""
    rows: list[tuple[str, ...]] = []
    aims: list[Aim] = []
    async with rig(documents=False, gather_seconds=0.05) as ready:
        seen = {0: ready.resident_mib()}
        for done in range(MEMORY_STEP, births + 1, MEMORY_STEP):
            await ready.many(MEMORY_STEP, MEMORY_AT_ONCE)
            seen[done] = ready.resident_mib()
            console.print(f"  {done:,}: {', '.join(f'{k} {v:.0f}' for k, v in seen[done].items())}")
    points = sorted({0, min(seen, key=lambda done: abs(done - births // 2)), max(seen)})
    for name in seen[0]:
        rows.append((name, *(f"{seen[point][name]:.0f}" for point in points)))
        aims.append(at_most(f"{name}, MiB", seen[points[-1]][name], MIB_MAX))
    return Section(
        title="Memory of each service",
        columns=("MiB resident", *(f"after {point:,} dossiers" for point in points)),
        rows=tuple(rows),
        aims=tuple(aims),
        settings=(
            "Without documents; the press's workers, where there are some, are processes of their own.",
        ),
        raw={str(done): list(found.values()) for done, found in seen.items()},
    )


async def forced(rounds: int = ROUNDS) -> Section:
    """One hop with the store forced to disk every two minutes and at every write, with batches and without."""
    found: dict[tuple[str, str], list[Round]] = {}
    async with machine() as lazy, machine(sync_interval="always") as always:
        for number in range(rounds):
            for contestant in (OURS, NAIVE_MANY):
                for name, servers in (("2m", lazy), ("always", always)):
                    played = await play(servers, contestant, events=HOP_EVENTS, seconds_max=HOP_SECONDS_MAX)
                    found.setdefault((contestant.name, name), []).append(played)
                    console.print(
                        f"  round {number + 1}: {contestant.name}, {name}: {played.rate:,.0f} events/s"
                    )
    rows = [_cost(found, contestant) for contestant in (OURS, NAIVE_MANY)]
    return Section(
        title="A store forced to disk at every write (`sync_interval: always`)",
        columns=("one hop", "events/s, 2m", "events/s, always", "share that is left"),
        rows=tuple(rows),
        settings=(
            (
                f"{rounds} alternating rounds on two servers. Our relay publishes what has gathered as one atomic"
                " batch, which the server forces to disk once; a message published by itself is forced by itself."
            ),
        ),
        raw={f"{key[0]} {key[1]}": [each.rate for each in runs] for key, runs in found.items()},
    )


def _cost(found: dict[tuple[str, str], list[Round]], contestant: Contestant) -> tuple[str, ...]:
    lazy = [each.rate for each in found[contestant.name, "2m"]]
    always = [each.rate for each in found[contestant.name, "always"]]
    return (contestant.name, spread(lazy).text(), spread(always).text(), ratio(always, lazy).text(2))

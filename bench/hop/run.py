"""The figure: every contestant in turn, round after round."""

from bench.figures import Section, at_least, console, ratio, spread
from bench.hop.referee import Contestant, Round, play
from bench.machine import SYNC_INTERVAL, machine

EVENTS = 20_000
SECONDS_MAX = 4.0
ROUNDS = 5

OURS = Contestant(name="our library", module="bench.hop.ours")
PROBE = Contestant(name="probe (a)", module="bench.hop.probe")
NAIVE = Contestant(name="naive, 1 worker (b)", module="bench.hop.naive")
NAIVE_MANY = Contestant(name="naive, 8 workers", module="bench.hop.naive", workers=8)
FASTSTREAM = Contestant(name="FastStream (c)", module="bench.hop.rival_faststream")
FASTSTREAM_MANY = Contestant(name="FastStream, max_workers=8", module="bench.hop.rival_faststream", workers=8)
DBOS = Contestant(
    name="DBOS, 16 at once (d)", module="bench.hop.rival_dbos", workers=16, owner=True, inbox=False
)
ALL = (OURS, PROBE, NAIVE, NAIVE_MANY, FASTSTREAM, FASTSTREAM_MANY, DBOS)


async def run(rounds: int = ROUNDS, events: int = EVENTS) -> Section:
    """Measure one hop."""
    async with machine() as shared:
        found: dict[str, list[Round]] = {each.name: [] for each in ALL}
        for number in range(rounds):
            # Another first one each time: nobody always runs on the server as it was just started.
            order = ALL[number % len(ALL) :] + ALL[: number % len(ALL)]
            for contestant in order:
                played = await play(shared, contestant, events=events, seconds_max=SECONDS_MAX)
                found[contestant.name].append(played)
                console.print(f"  round {number + 1}: {contestant.name}: {played.rate:,.0f} events/s")
    return section(found, events)


def section(found: dict[str, list[Round]], events: int) -> Section:
    """The rounds as a table with the aims of issue 2, section 5."""
    rates = {name: [played.rate for played in rounds] for name, rounds in found.items()}
    ours = rates[OURS.name]
    rows = []
    for name, rounds in found.items():
        rows.append(
            (
                name,
                spread(rates[name]).text(),
                "1" if name == OURS.name else ratio(ours, rates[name]).text(2),
                f"{spread([each.python_us for each in rounds]).median:,.0f}",
                f"{spread([each.postgres_us for each in rounds]).median:,.0f}",
                f"{spread([each.nats_us for each in rounds]).median:,.0f}",
            )
        )
    return Section(
        title="One hop: consume → inbox, state, outbox → publish → ack",
        columns=(
            "contestant",
            "events/s",
            "ours is … times that",
            "Python µs/event",
            "PostgreSQL µs/event",
            "NATS µs/event",
        ),
        rows=tuple(rows),
        aims=(
            at_least("of the probe", ratio(ours, rates[PROBE.name]).median, 0.6),
            at_least("times naive", ratio(ours, rates[NAIVE.name]).median, 8, digits=1),
            at_least("times naive with 8 workers", ratio(ours, rates[NAIVE_MANY.name]).median, 8, digits=1),
            at_least("times FastStream", ratio(ours, rates[FASTSTREAM.name]).median, 8, digits=1),
            at_least(
                "times FastStream with max_workers=8",
                ratio(ours, rates[FASTSTREAM_MANY.name]).median,
                8,
                digits=1,
            ),
            at_least("times DBOS", ratio(ours, rates[DBOS.name]).median, 30, digits=1),
        ),
        settings=_settings(events, len(found[OURS.name])),
        raw={name: [each.rate for each in rounds] for name, rounds in found.items()},
    )


def _settings(events: int, rounds: int) -> tuple[str, ...]:
    taken = (
        f"{events:,} events of 1 KiB in the stream for everyone, four to a dossier; one event of 1 KiB said for"
        f" each. A round ends when all are published and acked, or after {SECONDS_MAX:g} s: then what is done by"
        " then counts."
    )
    servers = (
        f"{rounds} alternating rounds; ratios are taken within a round. PostgreSQL 18 with fsync and"
        f" synchronous_commit on; nats-server with file storage, sync_interval {SYNC_INTERVAL} (its default)."
        " uvloop for everyone."
    )
    less = (
        "Naive, FastStream and DBOS do less: no sequence, position or mark, no second publish after a crash."
    )
    return taken, servers, less

"""Births closed per second, with and without documents, beside the probe of one hop on servers of the same settings."""

from collections.abc import Sequence

from bench.figures import Section, at_least, console, ratio, spread
from bench.hop.referee import play
from bench.hop.run import PROBE
from bench.machine import Machine, machine
from bench.pipeline.town import NO_DOCUMENTS, Run, Town, town

ROUNDS = 5
BIRTHS, IN_FLIGHT = 1500, 600
BIRTHS_PRINTED, IN_FLIGHT_PRINTED = 150, 60
PROBE_EVENTS = 20_000
OURS = ("intake", "routing", "results", "notify", "keeper", "postgres", "nats")


async def run(rounds: int = ROUNDS) -> Section:
    """Measure the whole pipeline."""
    plain: list[Run] = []
    printed: list[Run] = []
    probe: list[float] = []
    async with machine(sync_interval="always") as shared:
        async with town(NO_DOCUMENTS, seed=1000) as found:
            for number in range(rounds):
                plain.append(await _run(found, BIRTHS, IN_FLIGHT, f"round {number + 1}, no documents"))
                probe.append(await _probe(shared))
            memory = found.resident_mib()
        async with town({}, seed=2000) as found:
            for number in range(rounds):
                printed.append(
                    await _run(found, BIRTHS_PRINTED, IN_FLIGHT_PRINTED, f"round {number + 1}, with PDFs")
                )
    return _section(plain, printed, probe, memory)


async def _run(found: Town, births: int, in_flight: int, what: str) -> Run:
    found.make(births)
    done = await found.run(births, in_flight=in_flight)
    console.print(f"  {what}: {done.rate:,.1f} births/s, {done.event_rate:,.0f} events/s")
    return done


async def _probe(shared: Machine) -> float:
    played = await play(shared, PROBE, events=PROBE_EVENTS, seconds_max=10)
    console.print(f"  probe: {played.rate:,.0f} events/s")
    return played.rate


def _section(
    plain: Sequence[Run], printed: Sequence[Run], probe: Sequence[float], memory: dict[str, float]
) -> Section:
    share = ratio([each.event_rate for each in plain], probe)
    rates, rates_printed = ([each.rate for each in runs] for runs in (plain, printed))
    rows = [
        ("births closed/s", spread(rates).text(), spread(rates_printed).text(1)),
        ("events said/s", *(spread([each.event_rate for each in runs]).text() for runs in (plain, printed))),
        ("share of the probe's event rate", share.text(2), ""),
    ]
    totals = [[sum(each.cpu_per_thousand.values()) for each in runs] for runs in (plain, printed)]
    rows.append(("CPU seconds per 1,000 dossiers, all", *(spread(each).text(1) for each in totals)))
    for name in OURS:
        cells = (
            spread([each.cpu_per_thousand.get(name, 0.0) for each in runs]).text(1)
            for runs in (plain, printed)
        )
        rows.append((f"… {name}", *cells))
    mib = ", ".join(f"{name} {value:.0f}" for name, value in memory.items())
    return Section(
        title="The whole pipeline: hospital birth over HTTP to closed dossier",
        columns=("", "without documents", "PDFs rendered and signed"),
        rows=tuple(rows),
        aims=(
            at_least("births closed/s without documents", spread(rates).median, 200, digits=0),
            at_least("births closed/s with PDFs", spread(rates_printed).median, 20, digits=1),
            at_least("of the probe's event rate", share.median, 0.5),
        ),
        settings=(
            f"{len(plain)} rounds of {BIRTHS:,} births with {IN_FLIGHT} under way, and of {BIRTHS_PRINTED} with"
            f" {IN_FLIGHT_PRINTED}; the rate is that of the middle eight tenths of the closings. 19 events a birth;"
            " the four services receive 55.",
            "Each birth is one POST; agencies complete steps in batches, the hospital's desk takes papers in in batches"
            " and hands over dossier by dossier, each as soon as it hears of it. That load shares the two cores.",
            "The city as it is started for everyone: four services, keeper, PostgreSQL with fsync on, nats-server with"
            " sync_interval always; the probe's servers have the same settings, and it runs between the rounds.",
            f"Memory after {len(plain) * BIRTHS:,} births, MiB: {mib}.",
        ),
        raw={"births/s": rates, "births/s printed": rates_printed, "probe": list(probe), "mib": memory},
    )

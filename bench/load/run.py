"""The whole pipeline: births over HTTP to closed dossiers with instant agencies; how fast, how dear, how soon."""

from collections.abc import Sequence

from bench.figures import Aim, Section, at_least, at_most, console, percentile, ratio, spread
from bench.hop.referee import play
from bench.hop.run import PROBE
from bench.load.rig import POSTS_AT_ONCE, Rig, Round, rig
from bench.machine import Machine, machine

ROUNDS = 5
BIRTHS, AT_ONCE = 1500, 600
BIRTHS_PRINTED, AT_ONCE_PRINTED = 120, 60
PROBE_EVENTS = 20_000
# (births a second, births)
PACES = ((1.0, 45), (20.0, 400))
PROCESSES = (
    "intake",
    "routing",
    "results",
    "notify",
    "gateway",
    "portal",
    "keeper",
    "PostgreSQL",
    "NATS",
    "NATS of partners",
)


async def pipeline(rounds: int = ROUNDS) -> Section:
    """Closed births a second, without and with documents and messages, beside the probe; the CPU by process."""
    plain: list[Round] = []
    probe: list[float] = []
    async with machine(sync_interval="always") as shared:
        async with rig(documents=False, gather_seconds=0.05) as ready:
            for _ in range(rounds):
                plain.append(await _round(ready, BIRTHS, AT_ONCE, "without documents"))
                probe.append(await _probe(shared))
        async with rig(documents=False, gather_seconds=0.05, told=True) as ready:
            told = [await _round(ready, BIRTHS, AT_ONCE, "every message sent") for _ in range(rounds)]
        async with rig(documents=True, gather_seconds=0.05) as ready:
            printed = [
                await _round(ready, BIRTHS_PRINTED, AT_ONCE_PRINTED, "with PDFs") for _ in range(rounds)
            ]
    return _section(plain, told, printed, probe)


async def _round(ready: Rig, births: int, at_once: int, what: str) -> Round:
    found = await ready.many(births, at_once)
    console.print(f"  {what}: {found.rate:,.1f} births/s, {found.event_rate:,.0f} events/s")
    return found


async def _probe(shared: Machine) -> float:
    played = await play(shared, PROBE, events=PROBE_EVENTS, seconds_max=10)
    console.print(f"  probe: {played.rate:,.0f} events/s")
    return played.rate


def _section(
    plain: Sequence[Round], told: Sequence[Round], printed: Sequence[Round], probe: Sequence[float]
) -> Section:
    ways = (plain, told, printed)
    share = ratio([each.event_rate for each in plain], probe)
    totals = [spread([sum(each.cpu_per_thousand.values()) for each in runs]).text(1) for runs in ways]
    rows = [
        ("births closed/s", *(spread([each.rate for each in runs]).text(1) for runs in ways)),
        ("events said/s", *(spread([each.event_rate for each in runs]).text() for runs in ways)),
        ("share of the probe's events/s", share.text(2), "", ""),
        ("CPU seconds per 1,000 dossiers", *totals),
    ]
    for name in PROCESSES:
        cells = [spread([each.cpu_per_thousand.get(name, 0.0) for each in runs]).text(1) for runs in ways]
        rows.append((f"… of {name}", *cells))
    return Section(
        title="The whole pipeline: hospital birth over HTTP to closed dossier, instant agencies",
        columns=("", "without documents", "… and every message sent at once", "PDFs rendered and signed"),
        rows=tuple(rows),
        aims=(
            at_least(
                "closed births/s without documents",
                spread([each.rate for each in plain]).median,
                200,
                digits=1,
            ),
            at_least(
                "closed births/s with documents", spread([each.rate for each in printed]).median, 20, digits=1
            ),
            at_least("of the probe's events/s", share.median, 0.5),
        ),
        settings=_settings(len(plain)),
        raw={
            "births/s": [each.rate for each in plain],
            "births/s with messages": [each.rate for each in told],
            "births/s with documents": [each.rate for each in printed],
            "probe": list(probe),
        },
    )


def _settings(rounds: int) -> tuple[str, ...]:
    load = (
        f"{rounds} rounds of {BIRTHS:,} births with {AT_ONCE} under way, and of {BIRTHS_PRINTED} with"
        f" {AT_ONCE_PRINTED}; the rate is that of the middle eight tenths of the closings. Births are declared one a"
        f" request, {POSTS_AT_ONCE} at once; the agencies' systems complete steps and the desk takes papers in by the"
        " batch, twenty times a second; papers are handed over dossier by dossier. All over the public API."
    )
    shape = (
        "Three steps and three results a birth, two of them paper handed over at the hospital: 19 events said and 55"
        " received a birth, and each of the 19 is recorded in the feed of other systems. Two partners have streams on"
        " NATS that nobody reads here; they are full after some 1,500 births. The bench's own CPU shares the two cores"
        " and is not in the table. Four messages a birth are planned and joined and wait for their time, as at night;"
        " where they are sent at once, the desk's goes to its inbox, and the applicants' end as failed,"
        " for a birth from a form names no address."
    )
    servers = (
        "PostgreSQL with fsync on, nats-server with sync_interval always, as every city has them. The probe of one hop"
        " ran between the rounds on servers with the same settings."
    )
    return load, shape, servers


async def latency(paces: Sequence[tuple[float, int]] = PACES) -> Section:
    """From the declaration to the closed dossier when agencies need no time: what remains are waits of ours."""
    rows: list[tuple[str, ...]] = []
    aims: list[Aim] = []
    raw: dict[str, list[float]] = {}
    async with rig(documents=False, gather_seconds=0.0) as ready:
        for per_second, count in paces:
            lives = await ready.paced(count, per_second)
            await ready.closed(lives)
            whole = [(life.closed.result() - life.sent) * 1000 for life in lives]
            shares = [percentile(whole, share) for share in (0.5, 0.9, 0.99)]
            rows.append((f"{per_second:g} births/s", str(count), *(f"{each:.0f}" for each in shares)))
            aims.append(at_most(f"p99 at {per_second:g} births/s", shares[-1], 250, unit=" ms"))
            raw[f"{per_second:g}"] = whole
    return Section(
        title="Machine time: declaration to closed dossier when nobody needs time",
        columns=("load", "dossiers", "p50 ms", "p90 ms", "p99 ms"),
        rows=tuple(rows),
        aims=tuple(aims),
        settings=(
            "Without documents; agencies and desk act as soon as they hear. The bench's own turns are in it.",
        ),
        raw=raw,
    )

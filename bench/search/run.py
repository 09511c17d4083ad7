"""How long officers wait for a search, by what they type, with many dossiers stored."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import asyncpg
import httpx

from bench.figures import Aim, Section, at_most, console, percentile
from bench.machine import Machine, machine
from bench.search.fill import ONE_IN_SMALL, SMALL_FACILITY, Born, fill
from libs.catalogue import Catalogue
from libs.catalogue.folding import fold
from libs.database.lines import lines_of
from libs.http.auth import TokenSigner
from libs.http.public_keys import JWKS_NAME, make_key
from libs.storage.archive import Archive
from libs.telemetry.logs import configure_logs
from services.intake.__main__ import app_of, bus_of
from services.intake.office import Office
from services.intake.reception import Desk
from services.intake.search_feeding import SearchFeeder
from services.intake.settings import Settings

DOSSIERS = 1_000_000
ROUNDS = 100
SAMPLES = 400
SERVER_MS_MAX = 50.0
# The greatest reader there is: every birth of the city comes to its desk.
AGENCY = "social-insurance-nga-bay-2025"
# One of the least: what others have is walked past.
SMALL = f"hospital-{SMALL_FACILITY}"

Typed = Callable[[Born], str]
# As whom and for what to search; says how many hits there were.
Ask = Callable[[str, str], Awaitable[int]]
KINDS: Mapping[str, Typed] = {
    "whole code": lambda b: b.dossier.code,
    "end of a code": lambda b: b.dossier.code.split("-", 1)[1],
    "identity number": lambda b: b.declaration.mother.document.number,
    "telephone": lambda b: b.declaration.mother.contact.phone,
    "whole name with accents": lambda b: b.declaration.mother.name,
    "whole name without": lambda b: fold(b.declaration.mother.name),
    "name being typed": lambda b: fold(b.declaration.mother.name)[:-2],
    "surname and given name": lambda b: _ends(b.declaration.mother.name),
    "given name": lambda b: fold(b.declaration.mother.name.split()[-1]),
    "`nguyen`": lambda _: "nguyen",
    "`nguyen thi`": lambda _: "nguyen thi",
    "two letters": lambda b: fold(b.declaration.mother.name)[:2],
    "letters no name begins with": lambda _: "wq",
    "mistyped name": lambda b: _mistyped(fold(b.declaration.mother.name)),
    "words of nobody": lambda _: "xyzzy qwerty",
    "common words nobody has together": lambda _: "nguyen tran le pham ho",
}
OF_THE_SMALL: Mapping[str, Typed] = {
    f"{kind}, small hospital": KINDS[kind]
    for kind in ("whole name without", "surname and given name", "`nguyen thi`", "mistyped name")
}


def _ends(name: str) -> str:
    words = fold(name).split()
    return f"{words[0]} {words[-1]}"


def _mistyped(name: str) -> str:
    """Two letters of the longest word change places."""
    words = name.split()
    longest = max(words, key=len)
    words[words.index(longest)] = longest[:-2] + longest[-1] + longest[-2]
    return " ".join(words)


async def run(dossiers: int = DOSSIERS, rounds: int = ROUNDS) -> Section:
    """Fill, index, then ask in the process, one officer after the other."""
    configure_logs("intake", "WARNING")
    chosen = random.Random(7)
    own = range(0, dossiers, ONE_IN_SMALL)
    many, few = (chosen.sample(each, min(len(each), SAMPLES)) for each in (range(dossiers), own))
    async with machine() as servers:
        dsn = await servers.database("intake", lines_of("intake"))
        kept = await fill(servers.admin_dsn(dsn), dossiers, {*many, *few})
        console.print(f"  {dossiers:,} dossiers stored")
        office, ask, close = await _opened(servers, dsn)
        try:
            began = time.monotonic()
            await SearchFeeder(office.bus.pool).rebuild()
            rate = dossiers / (time.monotonic() - began)
            console.print(f"  indexed at {rate:,.0f} dossiers/s")
            await _analysed(servers.admin_dsn(dsn))
            samples = [each for each in kept if each.dossier.facility != SMALL_FACILITY]
            chosen.shuffle(samples)
            of_the_small = [each for each in kept if each.dossier.facility == SMALL_FACILITY]
            times = await _timed(ask, AGENCY, KINDS, samples, rounds)
            times |= await _timed(ask, SMALL, OF_THE_SMALL, of_the_small, rounds)
        finally:
            await close()
    return _section(times, dossiers, rounds, rate)


async def _opened(servers: Machine, dsn: str) -> tuple[Office, Ask, Callable[[], Awaitable[None]]]:
    folder = Path(servers.folder) / "keys"
    folder.mkdir()
    make_key("identity", folder)
    settings = Settings(
        database_url=dsn,
        nats_url="nats://nowhere.invalid:4222",
        public_keys=str(folder / JWKS_NAME),
        public_url="https://example.vn",
        storage_url=f"file://{servers.folder}/archive",
    )
    bus = bus_of(settings)
    await bus.start()
    office = Office(
        bus, Desk(catalogue=Catalogue.load("catalogue")), Archive(settings.storage_url), settings.public_url
    )
    http = httpx.AsyncClient(
        transport=httpx.ASGITransport(app_of(settings, bus, office)), base_url="http://intake", timeout=30
    )
    signer = TokenSigner.from_file("identity", folder / "identity.pem")
    roles = {AGENCY: ("social_insurance", ""), SMALL: ("hospital", SMALL_FACILITY)}
    tokens = {
        agency: signer.token(
            "intake",
            subject="officer",
            kind="officer",
            agency=agency,
            roles=[role],
            facility=facility,
            ttl_seconds=3600,
        )
        for agency, (role, facility) in roles.items()
    }

    async def ask(agency: str, typed: str) -> int:
        headers = {"Authorization": f"Bearer {tokens[agency]}"}
        answer = await http.get("/search", params={"q": typed}, headers=headers)
        answer.raise_for_status()
        return len(answer.json()["hits"])

    async def close() -> None:
        await http.aclose()
        await bus.close()

    return office, ask, close


async def _analysed(admin_dsn: str) -> None:
    connection = await asyncpg.connect(admin_dsn, timeout=10, command_timeout=600)
    try:
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close(timeout=10)


async def _timed(
    ask: Ask, agency: str, kinds: Mapping[str, Typed], samples: Sequence[Born], rounds: int
) -> dict[str, list[tuple[float, int]]]:
    times: dict[str, list[tuple[float, int]]] = {kind: [] for kind in kinds}
    for warm in range(2):
        count = rounds if warm else 5
        for number in range(count):
            born_ = samples[(number + warm * 50) % len(samples)]
            for kind, typed in kinds.items():
                began = time.perf_counter()
                hits = await ask(agency, typed(born_))
                if warm:
                    times[kind].append(((time.perf_counter() - began) * 1000, hits))
                await asyncio.sleep(0)
    return times


def _section(
    times: Mapping[str, Sequence[tuple[float, int]]], dossiers: int, rounds: int, rate: float
) -> Section:
    rows, aims = [], []
    for kind, found in times.items():
        spent = [ms for ms, _ in found]
        half, most = percentile(spent, 0.5), percentile(spent, 0.95)
        hits = sorted(count for _, count in found)[len(found) // 2]
        rows.append((kind, f"{half:.1f}", f"{most:.1f}", f"{max(spent):.1f}", str(hits)))
        aims.append(at_most(f"{kind}: p95, ms", most, SERVER_MS_MAX, digits=1))
    worst: Aim = max(aims, key=lambda aim: float(aim.found.replace(",", "")))
    return Section(
        title=f"Search: {dossiers:,} dossiers stored",
        columns=("what is typed", "p50, ms", "p95, ms", "greatest, ms", "hits (median)"),
        rows=tuple(rows),
        aims=(worst,),
        settings=(
            (
                f"{rounds} searches of each kind, mixed, by an officer who may see every dossier of the city, and by a"
                f" hospital that may see one in {ONE_IN_SMALL:,}; the whole request in the process: token, search, the"
                " files of the hits, the rows of the reads committed. The index was made by `search rebuild` at"
                f" {rate:,.0f} dossiers a second."
            ),
        ),
        raw={kind: [ms for ms, _ in found] for kind, found in times.items()},
    )

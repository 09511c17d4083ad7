"""Canary people go through the city, on good ways and bad ones; afterwards everything written is searched for them.

They may stand where the law of the project puts them: the file in intake, a step's outcome in routing, the hand-over
and the documents in results, the answers given to those who asked. Nowhere else.
"""

import base64
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import asyncpg
import pytest
import pytest_asyncio

from deploy.local.city import City
from libs.contracts.catalogue import PRODUCERS, SERVICES
from tests.faults.dump import TESTER, read_messages
from tests.fixtures.city import FAST
from tests.pipeline.canaries import (
    CANARIES,
    SpanReceiver,
    seen_in,
    seen_in_files,
    seen_in_tables,
)
from tests.pipeline.town import Town, until
from tests.pipeline.ways import Traces, bad_inputs, bad_messages, forced_errors, good_way, strangers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

# Where people's data lives: its owner's tables. Everything else must be free of it.
OWNED = {
    # The index of searches is made of the file, and lives and dies with it.
    "intake": {"public.file", "public.upload", "public.search_dossier"},
    "routing": {"public.outcome", "public.case_log"},
    "results": {"public.handover", "public.custody_log"},
    "notify": set(),
    "gateway": set(),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traces(scratch: Path) -> AsyncIterator[Traces]:
    """A city through which the canaries have gone; it is still running."""
    folder = Path(tempfile.mkdtemp(prefix="canaries-", dir=scratch))
    folder.chmod(0o755)
    with SpanReceiver() as spans:
        settings = {**FAST, "*": {**FAST["*"], "OTLP_ENDPOINT": spans.endpoint, "LOG_LEVEL": "DEBUG"}}
        async with City(folder, extra=settings) as city, Town(city) as town:
            written = Traces(city, town, spans)
            dossier = await good_way(town)
            await bad_inputs(written, dossier)
            await forced_errors(written)
            await bad_messages(city)
            await strangers(written, dossier)
            yield written


# -- what was written --------------------------------------------------------------------------------------------


async def test_the_search_finds_what_is_there(traces: Traces) -> None:
    """The canaries did arrive: the same search finds them in their owners' tables."""
    owned = await seen_in_tables(traces.city, "intake", without=())
    assert {"mother", "father", "phone", "e-mail", "address"} <= owned["intake.public.file"]
    assert {"registered child", "card number"} <= (await seen_in_tables(traces.city, "routing", without=()))[
        "routing.public.outcome"
    ]


async def test_every_spelling_is_found() -> None:
    """A canary is found as text, in capitals, without accents, escaped for JSON or a URL, in hex and in base64."""
    name = CANARIES["mother"]
    written = (
        name.encode(),
        name.upper().encode(),
        b"che khuynh xuyen hoang",
        json.dumps({"name": name}).encode(),
        f"/people?name={quote(name)}".encode(),
        f"\\x{name.encode().hex()}".encode(),
        base64.b64encode(b"before " + name.encode() + b" after"),
    )
    for content in written:
        assert "mother" in seen_in(content), content
    assert seen_in(b"nobody") == set()


async def test_logs_name_nobody(traces: Traces) -> None:
    """No canary stands in a log of a service, of NATS or of PostgreSQL."""
    logs = [*traces.city.folder.glob("logs/*"), *traces.city.folder.glob("*/server.log*")]
    assert len(logs) >= len(SERVICES) + 2
    assert seen_in_files(logs) == {}


async def test_streams_name_nobody(traces: Traces) -> None:
    """No canary stands in a subject, header or payload of an event, nor anywhere in NATS's files.

    Two messages of the tester do hold some; the files are searched after their lines are known.
    """
    for service in PRODUCERS:
        for message in await read_messages(traces.city, service):
            headers = message.headers or {}
            if TESTER not in headers:
                whole = f"{message.subject} {headers}".encode() + message.data
                assert seen_in(whole) == set(), message.subject
    assert traces.city.nats is not None
    store = traces.city.nats.store_dir
    files = [file for file in store.rglob("*") if file.is_file() and "INTAKE" not in file.parts]
    assert len(files) > 3
    assert seen_in_files(files) == {}


async def test_tables_of_others_name_nobody(traces: Traces) -> None:
    """Outside the owners' tables no row of any database holds a canary: outbox, inbox, dead letters, read logs, …"""
    found: dict[str, set[str]] = {}
    for service in SERVICES:
        # The tester's own two messages are kept as they came, for an operator to judge.
        without = OWNED[service] | {"bus.dead_letter"}
        found |= await seen_in_tables(traces.city, service, without=without)
    assert found == {}


async def test_dead_letters_name_nobody_in_their_texts(traces: Traces) -> None:
    """Of a dead letter only the stored message itself may hold what somebody sent; reason, code and ids do not."""
    connection = await asyncpg.connect(traces.city.dsn("routing", "migrator"), timeout=10)
    try:
        rows = await connection.fetch(
            "SELECT reason, code, source, subject, event_id, resolution FROM bus.dead_letter"
        )
    finally:
        await connection.close()
    assert len(rows) >= 2
    assert seen_in(str([dict(row) for row in rows]).encode()) == set()


async def test_spans_name_nobody(traces: Traces) -> None:
    """No canary stands in a span."""

    async def sent() -> bool | None:
        return len(traces.spans.bodies) >= len(SERVICES) or None

    await until(sent)
    for body in traces.spans.bodies:
        assert seen_in(body) == set()


async def test_consumers_link_to_the_requests_that_caused_what_they_hear(traces: Traces) -> None:
    """From a batch that routing processed the links lead back to the declaration of a birth at intake."""

    async def led_back() -> bool | None:
        spans = traces.spans.received()
        by_id = {each.span_id: each for each in spans}
        for each in spans:
            if each.name == "process batch" and each.service == "routing":
                caused = [by_id[link] for link in each.links if link in by_id]
                caused += [by_id[link] for one in caused for link in one.links if link in by_id]
                if any(one.name == "POST /births" and one.service == "intake" for one in caused):
                    return True
        return None

    await until(led_back)
    published = [each for each in traces.spans.received() if each.name == "publish batch"]
    assert any(each.links for each in published)


async def test_answers_to_others_name_nobody(traces: Traces) -> None:
    """Problems never repeat a value, and what strangers, operators, desks' lists and the public see names nobody."""
    for what, answer in traces.answers:
        assert seen_in(answer) == set(), what

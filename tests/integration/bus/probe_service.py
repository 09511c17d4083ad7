"""A service for tests of the consumer: it writes down every event it applied, in the order in which it did."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from nats.aio.client import Client

from libs.bus import jetstream, topology
from libs.bus.connection import connect
from libs.bus.consumer import Change, Consumer, ConsumerSettings, Decision, Handler, Received, Rejected
from libs.bus.ids import new_id
from libs.contracts.catalogue import sources_of
from libs.contracts.cloudevents import encode_data, encode_headers
from libs.contracts.event import Envelope, Event
from libs.contracts.intake import DossierCorrected, DossierSupplemented
from libs.contracts.results import ResultRejected
from libs.contracts.routing import StepStarted
from libs.database import open_pool
from tests.fixtures.database import ServiceDatabase

TABLES = """
CREATE SCHEMA probe;
CREATE TABLE probe.dossier (dossier_id uuid PRIMARY KEY, applied bytea NOT NULL);
CREATE TABLE probe.effect (source text, dossier_id uuid, sequence bigint, at bigint GENERATED ALWAYS AS IDENTITY);
"""
# Waits are short here; what they wait for is checked by conditions with deadlines.
QUICK = ConsumerSettings(
    # One more than a service has: what holds with batches in flight together holds without.
    lanes=2,
    hold_seconds=0.2,
    hold_retry_seconds=0.02,
    gap_alarm_seconds=1.0,
    gap_nak_seconds_max=0.5,
    failure_nak_seconds=0.05,
    failure_nak_seconds_max=0.2,
    refused_nak_seconds=0.2,
    failures_max=5,
)


class Dossier(msgspec.Struct, frozen=True):
    """The events applied so far, as `source:sequence`."""

    applied: tuple[str, ...] = ()


class Context:
    """What a test can turn on and off while the consumer runs."""

    def __init__(self) -> None:
        self.failing: set[str] = set()
        self.handled = 0
        self.exits = False


def on_event(state: Dossier | None, received: Received[Any], context: Context) -> Decision[Dossier]:
    """Note the event; a correction's reason may ask for a rejection or a failure."""
    context.handled += 1
    event, envelope = received.event, received.envelope
    if isinstance(event, DossierCorrected):
        if event.reason == "exit" and context.exits:
            os._exit(9)
        if event.reason == "reject":
            raise Rejected("no-such-case")
        if event.reason in context.failing:
            raise KeyError("Nguyễn Văn Bí Mật 079123456789")
    before = state or Dossier()
    after = Dossier((*before.applied, f"{envelope.source}:{envelope.sequence}"))
    said = StepStarted(step="probe", agency="probe", started_at=received.now)
    return Decision(state=after, events=(said,))


HANDLERS: dict[type[Event], Handler] = {
    DossierCorrected: on_event,
    DossierSupplemented: on_event,
    ResultRejected: on_event,
}


async def load(connection: Any, dossier_ids: Sequence[UUID]) -> dict[UUID, Dossier]:
    """Lock and read the dossiers."""
    rows = await connection.fetch(
        "SELECT dossier_id, applied FROM probe.dossier WHERE dossier_id = ANY($1::uuid[]) "
        "ORDER BY dossier_id FOR UPDATE",
        dossier_ids,
    )
    return {row[0]: msgspec.json.decode(row[1], type=Dossier) for row in rows}


async def save(connection: Any, changes: Sequence[Change[Dossier]]) -> None:
    """Write the dossiers, and one effect for each event applied."""
    await connection.execute(
        "INSERT INTO probe.dossier SELECT * FROM unnest($1::uuid[], $2::bytea[]) "
        "ON CONFLICT (dossier_id) DO UPDATE SET applied = excluded.applied",
        [change.dossier_id for change in changes],
        [msgspec.json.encode(change.after) for change in changes],
    )
    effects = [
        (change.dossier_id, each.split(":"))
        for change in changes
        for each in change.after.applied[len(change.before.applied) if change.before else 0 :]
    ]
    await connection.execute(
        "INSERT INTO probe.effect (dossier_id, source, sequence) "
        "SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])",
        [effect[0] for effect in effects],
        [effect[1][0] for effect in effects],
        [int(effect[1][1]) for effect in effects],
    )


async def shorten_ack_wait(client: Client, service: str, seconds: float) -> None:
    """Let the server give a service again what it did not settle, sooner than the 30 s of the law."""
    for producer in sources_of(service):
        stream, durable = topology.stream_of(producer), topology.durable_of(service, producer)
        found = await jetstream.consumer_info(client, stream, durable)
        config = {**found.config, "ack_wait": int(seconds * 1e9)}
        await jetstream.write_consumer(client, stream, config, action="update")


class Producer:
    """Publishes events as intake's or results' relay would, and also as it would not."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.sequences: dict[tuple[str, UUID], int] = {}

    def envelope(self, dossier_id: UUID, event: Event, sequence: int | None = None) -> Envelope:
        """The next envelope of the dossier, or the one with `sequence`."""
        source = event.SUBJECT.split(".")[0]
        if sequence is None:
            sequence = self.sequences.get((source, dossier_id), 0) + 1
            self.sequences[source, dossier_id] = sequence
        return Envelope(
            id=new_id(),
            source=source,
            type=event.SUBJECT,
            dossier_id=dossier_id,
            time=datetime.now(UTC),
            sequence=sequence,
            causation_id=new_id(),
            traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        )

    async def publish(
        self, envelope: Envelope, payload: bytes, *, message_id: str | None = None, **headers: str
    ) -> None:
        """Put one message into the stream and wait for its ack; `headers` replace or add."""
        found = encode_headers(envelope, message_id=message_id) | {
            "ce-" + name: value for name, value in headers.items()
        }
        answer = await self.client.request(envelope.type, payload, headers=found, timeout=5)
        assert b'"seq"' in answer.data, answer.data

    async def say(self, dossier_id: UUID, event: Event, sequence: int | None = None) -> Envelope:
        """Publish `event` as the dossier's next."""
        envelope = self.envelope(dossier_id, event, sequence)
        await self.publish(envelope, encode_data(event))
        return envelope


class Probe:
    """A database, a producer and as many consumers of it as a test starts."""

    def __init__(
        self, database: ServiceDatabase, url: str, client: Client, pool: "asyncpg.Pool[Any]"
    ) -> None:
        self.database = database
        self.url = url
        self.client = client
        self.pool = pool
        self.producer = Producer(client)
        self.context = Context()
        self.woken = 0

    @asynccontextmanager
    async def consumer(self, settings: ConsumerSettings = QUICK, **options: Any) -> AsyncIterator[Consumer]:
        """A consumer of its own connection and pool, running until the end of the block; then it is drained."""
        client = await connect(self.url, name="routing", on_closed=lambda: None)
        pool = await open_pool(self.database.app_dsn, application_name="probe", size_max=4)
        stop = asyncio.Event()
        consumer = Consumer(
            service="routing",
            pool=pool,
            client=client,
            handlers=options.pop("handlers", HANDLERS),
            load=options.pop("load", load),
            save=options.pop("save", save),
            context=self.context,
            wake=self._wake,
            settings=settings,
            **options,
        )
        running = asyncio.create_task(consumer.run(stop))
        try:
            yield consumer
        finally:
            stop.set()
            try:
                async with asyncio.timeout(30):
                    await running
            finally:
                await client.close()
                await pool.close()

    @contextmanager
    def process(self) -> Iterator["subprocess.Popen[bytes]"]:
        """A consumer in a process of its own, to be stopped, frozen and killed; killed at the end of the block."""
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.bus.probe_process", self.database.app_dsn, self.url]
        )
        try:
            yield child
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(10)

    async def ack_wait(self, seconds: float) -> None:
        """Let the server redeliver sooner than the 30 s of the law."""
        await shorten_ack_wait(self.client, "routing", seconds)

    def _wake(self) -> None:
        self.woken += 1

    async def effects(self) -> list[tuple[str, UUID, int]]:
        """Every effect, in the order in which they happened."""
        rows = await self.pool.fetch("SELECT source, dossier_id, sequence FROM probe.effect ORDER BY at")
        return [(row[0], row[1], row[2]) for row in rows]

    async def count(self, table: str, where: str = "true") -> int:
        """Rows of a table."""
        return int(await self.pool.fetchval(f"SELECT count(*) FROM {table} WHERE {where}"))

    async def has(self, table: str, rows: int, where: str = "true", seconds: float = 15) -> None:
        """Wait until the table has so many rows."""

        async def enough() -> bool:
            return await self.count(table, where) == rows

        await until(enough, seconds, f"{rows} rows in {table} where {where}")

    async def unsettled(self) -> int:
        """Messages delivered and not settled, over both durables."""
        infos = [
            await self.client.jetstream().consumer_info(stream, f"routing-{stream.lower()}")
            for stream in ("INTAKE", "RESULTS")
        ]
        return sum((info.num_ack_pending or 0) + (info.num_pending or 0) for info in infos)

    async def settled(self, seconds: float = 15) -> None:
        """Wait until the server has nothing left to deliver and no ack to wait for."""

        async def nothing_left() -> bool:
            return await self.unsettled() == 0

        await until(nothing_left, seconds, "everything settled")


async def until(condition: Callable[[], Awaitable[bool] | bool], seconds: float, what: str) -> None:
    """Wait for a condition; fail with `what` when it does not come true in time."""
    end = time.monotonic() + seconds
    while True:
        met = condition()
        if not isinstance(met, bool):
            met = await met
        if met:
            return
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.02)


async def open_probe(database: ServiceDatabase, url: str) -> Probe:
    """Tables, streams and durables for a probe."""
    owner = await asyncpg.connect(database.migrator_dsn)
    await owner.execute(TABLES)
    await owner.close()
    client = await connect(url, name="test", on_closed=lambda: None)
    await topology.reconcile(client)
    pool = await open_pool(database.app_dsn, application_name="test", size_max=2)
    return Probe(database, url, client, pool)


def supplemented(request: int = 1) -> DossierSupplemented:
    """An event without tricks."""
    return DossierSupplemented(
        request=request, components=("birth-certificate",), complete=True, supplemented_at=datetime.now(UTC)
    )


def corrected(reason: str) -> DossierCorrected:
    """An event whose reason steers the probe's handler."""
    return DossierCorrected(fields=("address",), reason=reason, corrected_at=datetime.now(UTC))


def in_order(effects: Sequence[tuple[str, UUID, int]]) -> bool:
    """Whether every dossier's events took effect as 1, 2, 3 …, each once."""
    reached: dict[tuple[str, UUID], int] = {}
    for source, dossier_id, sequence in effects:
        if sequence != reached.get((source, dossier_id), 0) + 1:
            return False
        reached[source, dossier_id] = sequence
    return True

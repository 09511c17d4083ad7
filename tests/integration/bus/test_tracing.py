"""A trace crosses the bus as links: from what a consumer does to what caused it."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from deploy.local.nats_server import NatsServer
from libs.bus.ids import new_id
from libs.bus.outbox import Outgoing, emit
from libs.telemetry import traces
from libs.telemetry.traces import span
from tests.fixtures.database import DatabaseFactory
from tests.integration.bus.probe_service import open_probe, supplemented
from tests.integration.bus.relay_rig import all_published, relaying, session


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Tracing on, into memory."""
    exporter = InMemorySpanExporter()
    traces.configure_traces("intake", version="1", endpoint=None, exporter=exporter)
    yield exporter
    traces.stop_traces()


async def test_a_batch_links_to_the_requests_that_caused_it(
    database: DatabaseFactory, nats_server: NatsServer, spans: InMemorySpanExporter
) -> None:
    """Publishing and processing link to the span in which the event was said; what a handler says keeps its cause."""
    dsn = (await database("intake")).app_dsn
    probe = await open_probe(await database("routing"), nats_server.url)
    async with session(dsn) as connection, relaying(dsn, nats_server.url):
        with span("POST /supplements", kind="server"):
            cause = traces.current_traceparent()
            async with connection.transaction():
                await emit(connection, "intake", [Outgoing(dossier_id=new_id(), event=supplemented())])
        await all_published(connection)
        async with probe.consumer():
            await probe.has("bus.outbox", 1)
        said = await probe.pool.fetchval("SELECT traceparent FROM bus.outbox")
    await probe.client.close()
    await probe.pool.close()
    traces.stop_traces()
    assert said == cause
    found = {each.name: each for each in spans.get_finished_spans()}
    assert _links(found["publish batch"]) == [cause]
    assert _links(found["process batch"]) == [cause]
    assert found["publish batch"].parent is None


async def test_without_tracing_nothing_is_noted(database: DatabaseFactory) -> None:
    """Outside of a span, and with tracing off, an event has no traceparent."""
    async with session((await database("intake")).app_dsn) as connection, connection.transaction():
        with span("POST /supplements", kind="server"):
            (said,) = await emit(connection, "intake", [Outgoing(dossier_id=new_id(), event=supplemented())])
    assert said.traceparent is None


def _links(found: ReadableSpan) -> list[str]:
    return [
        f"00-{link.context.trace_id:032x}-{link.context.span_id:016x}-{int(link.context.trace_flags):02x}"
        for link in found.links
    ]

"""Spans of our own making: HTTP requests, publishing, receiving a batch, processing. Off without an OTLP endpoint.

    configure_traces("intake", version="0.1.0", endpoint=settings.otlp_endpoint)
    with span("process routing", kind="consumer", attributes={...}, links=[envelope.traceparent]):
        …
    await emit(conn, "intake", outgoing)        # in a span: its traceparent goes with the events

A span never continues a trace that came from outside: it *links* to it (messaging conventions; a caller must not
decide what we sample). Attributes are an allow-list; exceptions leave their type only.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from libs.telemetry.names import SPAN_ATTRIBUTES
from libs.telemetry.scrubbing import looks_personal

Value = str | int | float | bool
Kind = Literal["server", "client", "producer", "consumer", "internal"]

_KINDS: Mapping[Kind, SpanKind] = {
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
}
# W3C Trace Context, level 1: version 00, ids in lower-case hexadecimal and not all zero.
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})", re.ASCII)
# A batch of 256 messages links to each of them; more would be cut by the SDK anyway.
LINKS_MAX = 128
EXPORT_TIMEOUT_SECONDS = 5.0


class _Tracing:
    """The tracer of this process, or none while tracing is off."""

    tracer: trace.Tracer | None = None
    provider: TracerProvider | None = None


def configure_traces(
    service: str,
    *,
    version: str,
    endpoint: str | None,
    sampled_ratio: float = 1.0,
    exporter: SpanExporter | None = None,
) -> None:
    """Start exporting spans to `endpoint` (OTLP over HTTP, e.g. http://collector:4318/v1/traces); nothing without one.

    `sampled_ratio` of the traces that begin here is kept. `exporter` replaces the OTLP one (tests).
    """
    if exporter is None and not endpoint:
        return
    resource = Resource({"service.name": service, "service.version": version, "service.namespace": "mot-cua"})
    provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(sampled_ratio)), resource=resource)
    out = exporter or OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_TIMEOUT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(out))
    _Tracing.provider = provider
    _Tracing.tracer = provider.get_tracer("mot-cua")


def stop_traces() -> None:
    """Send what is left (at most the export timeout) and switch tracing off."""
    provider, _Tracing.provider, _Tracing.tracer = _Tracing.provider, None, None
    if provider is not None:
        provider.shutdown()


def tracing() -> bool:
    """Whether spans are made; lets a hot path skip building their attributes."""
    return _Tracing.tracer is not None


@contextmanager
def span(
    name: str,
    *,
    kind: Kind = "internal",
    attributes: Mapping[str, Value] | None = None,
    links: Sequence[str | None] = (),
) -> Iterator[trace.Span]:
    """A span around the block, linked to the traceparents in `links`; a no-op while tracing is off.

    `name` is constant or made of constants (a subject, a route template). An exception marks the span with its
    type and passes on.
    """
    tracer = _Tracing.tracer
    if tracer is None:
        yield trace.INVALID_SPAN
        return
    with tracer.start_as_current_span(
        name,
        kind=_KINDS[kind],
        attributes=_allowed(attributes or {}),
        links=[link for link in map(link_to, links[:LINKS_MAX]) if link is not None],
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield current
        except BaseException as error:
            current.set_status(Status(StatusCode.ERROR))
            current.set_attribute("error.type", type(error).__name__)
            raise


def annotate(current: trace.Span, attributes: Mapping[str, Value]) -> None:
    """Add what became known during the span; attributes that are not on the allow-list are left out."""
    if current.is_recording():
        current.set_attributes(_allowed(attributes))


def current_traceparent() -> str | None:
    """The W3C traceparent of the span we are in, to be stored with an event or sent along; None outside of one."""
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def valid_traceparent(text: str | None) -> str | None:
    """`text` when it is a traceparent of version 00, else None: nothing else a caller writes there is kept."""
    return text if text is not None and _TRACEPARENT.fullmatch(text) else None


def link_to(traceparent: str | None) -> Link | None:
    """A link to the span that `traceparent` names, None when it names none."""
    found = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    return Link(SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags)))


def _allowed(attributes: Mapping[str, Value]) -> dict[str, Value]:
    return {
        name: value
        for name, value in attributes.items()
        if name in SPAN_ATTRIBUTES and not (isinstance(value, str) and looks_personal(value))
    }

"""Spans: off by default, linked to what came from outside, attributes on an allow-list."""

from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from libs.telemetry import traces

CANARY = "NGUYỄN THỊ KÍN 093201000123"
OUTSIDE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Tracing on, into memory."""
    exporter = InMemorySpanExporter()
    traces.configure_traces("intake", version="1", endpoint=None, exporter=exporter)
    yield exporter
    traces.stop_traces()


def test_tracing_is_off_without_an_endpoint() -> None:
    """No endpoint: no spans, no traceparent, no cost beyond a call."""
    traces.configure_traces("intake", version="1", endpoint=None)
    with traces.span("process intake", links=[OUTSIDE]) as current:
        traces.annotate(current, {"http.route": "/a"})
        assert not traces.tracing()
        assert traces.current_traceparent() is None


def test_span_links_to_the_outside_and_starts_its_own_trace(spans: InMemorySpanExporter) -> None:
    """The caller's trace is a link, never our parent; the traceparent we give on is our own."""
    with traces.span("process intake.dossier-accepted.v1", kind="consumer", links=[OUTSIDE, "junk", None]):
        own = traces.current_traceparent()
    assert own is not None
    assert traces.valid_traceparent(own) == own
    traces.stop_traces()
    (done,) = spans.get_finished_spans()
    assert done.kind is SpanKind.CONSUMER
    assert done.parent is None
    assert [f"{link.context.trace_id:032x}" for link in done.links] == [OUTSIDE[3:35]]
    assert own[3:35] != OUTSIDE[3:35]


def test_attributes_are_an_allow_list(spans: InMemorySpanExporter) -> None:
    """Unknown attributes and values with a person's number never reach the exporter."""
    with traces.span(
        "GET", attributes={"url.full": CANARY, "http.route": "/a/{id}", "url.template": CANARY}
    ) as current:
        traces.annotate(current, {"db.statement": CANARY, "http.response.status_code": 200})
    traces.stop_traces()
    (done,) = spans.get_finished_spans()
    assert dict(done.attributes or {}) == {"http.route": "/a/{id}", "http.response.status_code": 200}


def test_exception_leaves_its_type(spans: InMemorySpanExporter) -> None:
    """A failed span has no event with message or stack."""
    with pytest.raises(ValueError, match="KÍN"), traces.span("process routing"):
        raise ValueError(CANARY)
    traces.stop_traces()
    (done,) = spans.get_finished_spans()
    assert done.status.status_code is StatusCode.ERROR
    assert done.status.description is None
    assert not done.events
    assert dict(done.attributes or {}) == {"error.type": "ValueError"}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        CANARY,
        OUTSIDE.upper(),
        OUTSIDE + "x",
        OUTSIDE.replace("00f067aa0ba902b7", "0" * 16),
        "01" + OUTSIDE[2:],
    ],
)
def test_what_is_no_traceparent_is_not_kept(text: str | None) -> None:
    """Only version 00 with ids that are not zero."""
    assert traces.valid_traceparent(text) is None
    assert traces.link_to(text) is None

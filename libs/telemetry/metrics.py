"""Metrics of the process, all declared in `names.METRICS`; `/metrics` shows them in Prometheus' text format.

from libs.telemetry.metrics import counter, gauge, histogram
PUBLISHED = counter("bus_published_total")
PUBLISHED.inc(256)
"""

from typing import cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from libs.telemetry.names import METRICS

PREFIX = "mot_cua_"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Seconds. Acceptance aims at a p99 of 250 ms (issue 2, section 5); documents take tens of milliseconds.
SECONDS_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
# The largest batch is 256 messages (blueprint 5).
COUNT_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)
_made: dict[str, MetricWrapperBase] = {}


def counter(name: str) -> Counter:
    """The counter `name`. Raises KeyError when names.METRICS does not have it, TypeError when it is another kind."""
    return cast(Counter, _get(name, "counter"))


def gauge(name: str) -> Gauge:
    """The gauge `name`; raises as `counter` does."""
    return cast(Gauge, _get(name, "gauge"))


def histogram(name: str) -> Histogram:
    """The histogram `name` (in seconds when the name ends so, else counts); raises as `counter` does."""
    return cast(Histogram, _get(name, "histogram"))


def exposition() -> bytes:
    """Every metric in Prometheus' text format."""
    return generate_latest(REGISTRY)


def _get(name: str, kind: str) -> MetricWrapperBase:
    metric = METRICS[name]
    if metric.kind != kind:
        raise TypeError(f"{name} is a {metric.kind}")
    if name not in _made:
        _made[name] = _make(name)
    return _made[name]


def _make(name: str) -> MetricWrapperBase:
    metric = METRICS[name]
    full = PREFIX + name
    if metric.kind == "counter":
        return Counter(full, metric.meaning, metric.labels, registry=REGISTRY)
    if metric.kind == "gauge":
        return Gauge(full, metric.meaning, metric.labels, registry=REGISTRY)
    buckets = SECONDS_BUCKETS if name.endswith("_seconds") else COUNT_BUCKETS
    return Histogram(full, metric.meaning, metric.labels, registry=REGISTRY, buckets=buckets)

"""Metrics are declared before they are counted."""

import pytest

from libs.telemetry import metrics
from libs.telemetry.names import METRICS


def test_every_declared_metric_can_be_made() -> None:
    """The registry is consistent, and each metric is shown with its meaning."""
    makers = {"counter": metrics.counter, "gauge": metrics.gauge, "histogram": metrics.histogram}
    for name, metric in METRICS.items():
        assert makers[metric.kind](name) is makers[metric.kind](name)
    shown = metrics.exposition().decode()
    for name, metric in METRICS.items():
        assert f"# HELP mot_cua_{name} {metric.meaning}" in shown


def test_undeclared_metric_is_an_error() -> None:
    """A name that is not in the registry cannot be counted, nor one of another kind."""
    with pytest.raises(KeyError):
        metrics.counter("births_by_mother_total")
    with pytest.raises(TypeError):
        metrics.gauge("bus_published_total")


def test_labels_have_few_values() -> None:
    """No label is an id."""
    allowed = {
        "channel",
        "consumer",
        "document",
        "method",
        "name",
        "outcome",
        "reason",
        "route",
        "state",
        "status",
        "target",
    }
    assert {label for metric in METRICS.values() for label in metric.labels} <= allowed

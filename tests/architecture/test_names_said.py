"""What is logged, measured and traced is in the registry (libs/telemetry/names.py)."""

import ast
from collections.abc import Iterator
from pathlib import Path

from libs.telemetry.names import FIELDS, METRICS, SPAN_ATTRIBUTES
from tests.architecture.sources import calls, modules

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
LOGGERS = {"log", "logger", "_log", "_logger"}
KINDS = {"counter", "gauge", "histogram"}


def log_calls(path: Path) -> Iterator[ast.Call]:
    """Calls of our loggers."""
    for call in calls(path):
        match call.func:
            case ast.Attribute(value=ast.Name(id=name), attr=level) if name in LOGGERS and level in LEVELS:
                yield call


def metric_calls(path: Path) -> Iterator[tuple[int, str, str]]:
    """Line, kind and name of every metric a module asks for."""
    for call in calls(path):
        match call:
            case ast.Call(
                func=ast.Name(id=kind) | ast.Attribute(attr=kind), args=[ast.Constant(value=str(name))]
            ) if kind in KINDS:
                yield call.lineno, kind, name


def test_log_fields_are_registered() -> None:
    """The allow-list drops an unknown field silently at run time: the line then lacks what somebody needs at night."""
    found = [
        f"{path}:{call.lineno} {keyword.arg}"
        for path in modules("libs", "services")
        for call in log_calls(path)
        for keyword in call.keywords
        if keyword.arg not in FIELDS and keyword.arg != "exc_info"
    ]
    assert found == []


def test_log_events_are_fixed_names() -> None:
    """An event name made at run time cannot be searched for, and may carry a value; the logger omits such a one."""
    found = [
        f"{path}:{call.lineno}"
        for path in modules("libs", "services")
        for call in log_calls(path)
        if not (call.args and isinstance(call.args[0], ast.Constant)) or len(call.args) > 1
    ]
    assert found == []


def test_metrics_are_registered_and_used() -> None:
    """A metric nobody raises shows a zero that means nothing; one nobody declared fails when the process starts."""
    used = set()
    for path in modules("libs", "services"):
        for line, kind, name in metric_calls(path):
            assert name in METRICS, f"{path}:{line} {name}"
            assert METRICS[name].kind == kind, f"{path}:{line} {name}"
            used.add(name)
    assert set(METRICS) - used == set()


def test_span_attributes_are_registered() -> None:
    """A span goes to another system: what it may say is decided in one place."""
    found = [
        f"{path}:{key.lineno} {key.value!r}"
        for path in modules("libs", "services")
        for call in calls(path)
        for keyword in call.keywords
        if keyword.arg == "attributes" and isinstance(keyword.value, ast.Dict)
        for key in keyword.value.keys
        if isinstance(key, ast.Constant) and key.value not in SPAN_ATTRIBUTES
    ]
    assert found == []

"""What the code says is what the registry knows: every log call and metric in the tree."""

import ast
from collections.abc import Iterator
from pathlib import Path

from libs.telemetry.logs import _is_event_name
from libs.telemetry.names import FIELDS, METRICS
from libs.telemetry.scrubbing import ROOT

FOLDERS = ("libs", "services", "deploy")
SAY = {"debug", "info", "warning", "error", "critical", "exception"}
MAKERS = {"counter", "gauge", "histogram"}


def calls() -> Iterator[tuple[Path, ast.Call]]:
    """Every call in our code."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(), str(path))):
                if isinstance(node, ast.Call):
                    yield path.relative_to(ROOT), node


def log_calls() -> Iterator[tuple[str, ast.Call]]:
    """The calls of `log` with the place where they stand."""
    for path, call in calls():
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr in SAY
            and ast.unparse(call.func.value) == "log"
        ):
            yield f"{path}:{call.lineno}", call


def test_every_logged_field_is_registered() -> None:
    """A field that the allow-list would drop at run time is found here, before it is missed in the night."""
    unknown = [
        f"{place} {keyword.arg}"
        for place, call in log_calls()
        for keyword in call.keywords
        if keyword.arg is not None and keyword.arg not in {*FIELDS, "exc_info"}
    ]
    assert unknown == []


def test_every_event_is_a_constant() -> None:
    """What happened is written out, in kebab-case: one can search for it."""
    wrong = [
        place
        for place, call in log_calls()
        if len(call.args) != 1
        or not isinstance(call.args[0], ast.Constant)
        or not _is_event_name(call.args[0].value)
    ]
    assert wrong == []


def test_every_metric_is_registered() -> None:
    """A metric made in the code is declared with its meaning."""
    made = {
        call.args[0].value
        for _, call in calls()
        if isinstance(call.func, ast.Name) and call.func.id in MAKERS and call.args
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }
    assert made <= set(METRICS)
    assert "http_requests_total" in made

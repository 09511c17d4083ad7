"""Log lines: one JSON object a line on standard output, with only the fields that `names.FIELDS` allows.

    from libs.telemetry.logs import log
    log.info("stream-refilled", stream="INTAKE", rows=120, ms=88)
    log.error("batch-failed", consumer="routing-intake", exc_info=error)      # type and places, never the message

The event is a constant in kebab-case. Unknown fields are dropped and counted; so are values that look like a
person's number. Lines of libraries (uvicorn, asyncpg, nats, asyncio) pass through the same gate: of theirs only
the constant text is kept, since their arguments may hold anything.
"""

import datetime as dt
import functools
import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, BinaryIO, Final, cast
from uuid import UUID

import msgspec
import structlog
from structlog.contextvars import bind_contextvars, merge_contextvars, reset_contextvars

from libs.telemetry import metrics
from libs.telemetry.names import FIELDS
from libs.telemetry.scrubbing import ROOT, looks_personal, printable, scrub

__all__ = ["bind_contextvars", "configure_logs", "log", "reset_contextvars", "scrub"]

_EVENT_NAME = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_EVENT_LENGTH_MAX = 64
_LIST_LENGTH_MAX = 20
_DROPPED: Final = metrics.counter("log_fields_dropped_total")
_OMITTED = "text-omitted"

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def configure_logs(service: str, level: str = "INFO", *, stream: BinaryIO | None = None) -> None:
    """Send every log line of this process, also those of libraries, through the allow-list to `stream`.

    `level` is DEBUG, INFO, WARNING or ERROR; raises ValueError on another. Call once, first thing in __main__.
    """
    weight = logging.getLevelNamesMapping().get(level.upper())
    if weight is None:
        raise ValueError("LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR")
    _configure(service, weight, lambda: stream or sys.stdout.buffer)
    # What libraries say below a warning is their own course of work, once or twice per request.
    logging.basicConfig(level=max(weight, logging.WARNING), handlers=[_LibraryHandler()], force=True)
    logging.captureWarnings(capture=True)


def _configure(service: str, weight: int, stream: Callable[[], BinaryIO]) -> None:
    structlog.configure(
        processors=[merge_contextvars, _level, _Gate(service)],
        wrapper_class=structlog.make_filtering_bound_logger(weight),
        logger_factory=lambda *_names: structlog.BytesLogger(stream()),
        # Tests reconfigure; binding anew costs a microsecond.
        cache_logger_on_first_use=False,
    )


def _level(_logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    line["level"] = "error" if method == "exception" else method
    return line


class _Gate:
    """The last processor: picks the allowed fields and encodes the line."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._encode = msgspec.json.Encoder(enc_hook=_unknown_type).encode

    def __call__(self, _logger: object, _method: str, line: MutableMapping[str, Any]) -> bytes:
        now = dt.datetime.now(dt.UTC)
        kept: dict[str, Any] = {"time": now, "level": line.pop("level", "info"), "service": self._service}
        event = line.pop("event", "")
        kept["event"] = event if isinstance(event, str) and _is_event_name(event) else _OMITTED
        error = _exception(line.pop("exc_info", None))
        if error is not None:
            kept |= scrub(error)
        _admit(kept, line)
        return self._encode(kept)


def _admit(kept: dict[str, Any], line: Mapping[str, Any]) -> None:
    """Copy the allowed fields of `line` into `kept`, and say how many were left out."""
    dropped = unsafe = 0
    for name, value in line.items():
        if name not in FIELDS:
            dropped += 1
            continue
        plain = _plain(value)
        if plain is _UNSAFE:
            unsafe += 1
        else:
            kept[name] = plain
    if dropped:
        kept["dropped_fields"] = dropped
        _DROPPED.labels(reason="unknown").inc(dropped)
    if unsafe:
        kept["unsafe_fields"] = unsafe
        _DROPPED.labels(reason="unsafe").inc(unsafe)


_UNSAFE: Final = object()


def _plain(value: object) -> object:
    """`value` as it may be written, or _UNSAFE. Objects other than plain ones are unsafe: who knows their repr."""
    if isinstance(value, bool | float | UUID | dt.datetime) or value is None:
        return value
    if isinstance(value, int):
        return _UNSAFE if looks_personal(str(value)) else value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list | tuple | set | frozenset):
        items = [_plain(item) for item in list(value)[:_LIST_LENGTH_MAX]]
        return _UNSAFE if any(item is _UNSAFE for item in items) else items
    return _UNSAFE


# Most texts are the same few constants (methods, routes, states); looking at them again is a third of a line's cost.
@functools.lru_cache(maxsize=2048)
def _text(value: str) -> object:
    return _UNSAFE if looks_personal(value) else printable(value)


@functools.lru_cache(maxsize=512)
def _is_event_name(event: str) -> bool:
    return (
        len(event) <= _EVENT_LENGTH_MAX
        and _EVENT_NAME.fullmatch(event) is not None
        and not looks_personal(event)
    )


def _exception(exc_info: object) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return cast(BaseException | None, exc_info[1])
    return sys.exc_info()[1] if exc_info else None


def _unknown_type(_value: object) -> object:
    return "?"


class _LibraryHandler(logging.Handler):
    """Lines of libraries: logger, weight, place, and the scrubbed exception.

    Their text is not kept: arguments hold values, f-strings hold values, and asyncio's "exception was never
    retrieved" holds the repr of the exception. The place in the source says which text it was.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Pass `record` on as a line of ours."""
        try:
            method = record.levelname.lower() if record.levelno in _WEIGHTS else "info"
            getattr(log, method)(
                "library-log",
                logger=record.name,
                where=f"{_short(record.pathname)}:{record.lineno}",
                **({"exc_info": record.exc_info} if record.exc_info else {}),
            )
        except Exception:  # noqa: BLE001 - a log line must never break the work it tells of
            _DROPPED.labels(reason="failed").inc()


_WEIGHTS = {logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL}


def _short(path: str) -> str:
    """The path inside its package: site-packages/nats/aio/client.py → nats/aio/client.py."""
    for mark in ("/site-packages/", f"{ROOT}/", "/lib/"):
        if mark in path:
            return path.rsplit(mark, 1)[1]
    return path.rsplit("/", 1)[-1]


# A program that says something before it configures its logs (a command, a test) passes the same gate.
_configure("unconfigured", logging.INFO, lambda: sys.stderr.buffer)

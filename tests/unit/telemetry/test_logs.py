"""Log lines carry what the allow-list names, and nothing else however hard one tries."""

import asyncio
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.telemetry.logs import bind_contextvars, configure_logs, log, reset_contextvars
from libs.telemetry.names import FIELDS
from libs.telemetry.scrubbing import ROOT, looks_personal, scrub

CANARY = "NGUYỄN THỊ KÍN"
DOSSIER = UUID("01933333-4444-7555-8666-123456789012")


@pytest.fixture
def stream() -> Iterator[io.BytesIO]:
    """Where the lines of a test go."""
    stream = io.BytesIO()
    configure_logs("routing", "DEBUG", stream=stream)
    yield stream
    configure_logs("routing", "ERROR")


def lines(stream: io.BytesIO) -> list[dict[str, Any]]:
    """The lines written so far."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_allowed_fields_are_written(stream: io.BytesIO) -> None:
    """Service, level, time and the fields asked for; ids keep their digits."""
    log.warning("stream-refilled", rows=3, dossier_id=DOSSIER, ms=1.5, checks=["a"], frames=["a:1"])
    (line,) = lines(stream)
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "warning",
        "service": "routing",
        "event": "stream-refilled",
        "rows": 3,
        "dossier_id": str(DOSSIER),
        "ms": 1.5,
        "frames": ["a:1"],
        "dropped_fields": 1,
    }


def test_unknown_fields_are_dropped_and_counted(stream: io.BytesIO) -> None:
    """A field nobody has registered is left out, whatever it holds."""
    log.info("case-opened", mother_name=CANARY, phone="0912345678", rows=1)
    (line,) = lines(stream)
    assert line["dropped_fields"] == 2
    assert CANARY not in stream.getvalue().decode()


@pytest.mark.parametrize(
    "value",
    [
        "093201000123",
        "số 0912 345 678",
        "+84-912-345-678",
        "GB 0123456789",
        "123.456.789",
        912345678,
        ["a", "0912345678"],
        ValueError(CANARY),
        {"name": CANARY},
        CANARY.encode(),
    ],
)
def test_values_that_may_be_a_person_are_dropped(stream: io.BytesIO, value: object) -> None:
    """An allowed field with a person's number, or with an object of unknown text, is left out."""
    log.info("case-opened", reason=value)
    (line,) = lines(stream)
    assert "reason" not in line
    assert line["unsafe_fields"] == 1


@pytest.mark.parametrize("event", ["", f"born {CANARY}", "093201000123", "a" * 65, "Case Opened", "a\nb", 7])
def test_event_is_a_constant_in_kebab_case(stream: io.BytesIO, event: Any) -> None:
    """Text put together at run time is no event."""
    log.info(event)
    assert lines(stream)[0]["event"] == "text-omitted"


def test_value_cannot_forge_a_line(stream: io.BytesIO) -> None:
    """Line breaks and terminal codes become blanks."""
    log.info("case-opened", reason='a\r\n{"level":"error"}\x1b[31m\u2028')
    assert stream.getvalue().count(b"\n") == 1
    assert lines(stream)[0]["reason"] == 'a  {"level":"error"} [31m '


def test_exception_leaves_type_place_and_code(stream: io.BytesIO) -> None:
    """Neither message nor detail nor causes' messages are written."""
    error = asyncpg.UniqueViolationError(f"duplicate key {CANARY}")
    error.detail = f"Key (cccd)=({CANARY}) already exists."
    try:
        try:
            raise KeyError(CANARY)
        except KeyError:
            raise error from None
    except asyncpg.UniqueViolationError:
        log.exception("batch-failed")
    (line,) = lines(stream)
    assert (line["level"], line["error_type"], line["sqlstate"]) == ("error", "UniqueViolationError", "23505")
    assert line["frames"][0].startswith("tests/unit/telemetry/test_logs.py:")
    assert CANARY not in stream.getvalue().decode()


def test_chain_of_causes_is_named() -> None:
    """The types of the causes say more than the last one alone."""
    outer = ValueError(CANARY)
    outer.__cause__ = KeyError(CANARY)
    assert scrub(outer)["error_type"] == "ValueError < KeyError"


def test_libraries_pass_the_same_gate(stream: io.BytesIO) -> None:
    """Of a library's line the logger, weight and place are kept; not its text nor its arguments."""
    logger = logging.getLogger("nats.aio.client")
    logger.warning("cannot publish %s", CANARY)
    logger.error(f"payload {CANARY}")
    logger.info("below a warning")
    first, second = lines(stream)
    assert (first["event"], first["logger"], first["level"]) == ("library-log", "nats.aio.client", "warning")
    assert first["where"].startswith("tests/unit/telemetry/test_logs.py:")
    assert second["level"] == "error"
    assert CANARY not in stream.getvalue().decode()


async def test_forgotten_task_does_not_print_its_exception(stream: io.BytesIO) -> None:
    """asyncio's own report of an exception nobody looked at holds its repr; we write its type."""
    context = {"message": f"Task exception was never retrieved {CANARY}", "exception": ValueError(CANARY)}
    asyncio.get_running_loop().call_exception_handler(context)
    (line,) = lines(stream)
    assert (line["logger"], line["error_type"]) == ("asyncio", "ValueError")
    assert CANARY not in stream.getvalue().decode()


def test_bound_fields_pass_the_gate_too(stream: io.BytesIO) -> None:
    """Context variables are fields like others."""
    tokens = bind_contextvars(request_id=str(DOSSIER), mother=CANARY)
    log.info("a")
    reset_contextvars(**tokens)
    log.info("b")
    first, second = lines(stream)
    assert (first["request_id"], first["dropped_fields"]) == (str(DOSSIER), 1)
    assert "request_id" not in second


def test_unconfigured_program_passes_the_gate() -> None:
    """Before configure_logs, lines go to standard error with the allow-list in force."""
    program = (
        "from libs.telemetry.logs import log; log.info('case-opened', mother='Kin', reason='0912345678')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=30, cwd=ROOT
    )
    line = json.loads(done.stderr)
    assert (line["event"], line["dropped_fields"], line["unsafe_fields"], done.stdout) == (
        "case-opened",
        1,
        1,
        b"",
    )


def test_level_is_checked() -> None:
    """A level that does not exist is one clear error at the start."""
    with pytest.raises(ValueError, match="LOG_LEVEL"):
        configure_logs("routing", "LOUD")


@given(
    number=st.from_regex(r"0[0-9]{9}|0[0-9]{11}|[0-9]{9}", fullmatch=True),
    around=st.tuples(st.text(max_size=20), st.text(max_size=20)),
    blank=st.sampled_from(["", " ", ".", "-"]),
    group=st.integers(1, 4),
)
def test_every_persons_number_is_seen(number: str, around: tuple[str, str], blank: str, group: int) -> None:
    """Telephone, citizen and old identity numbers are found in any text and any grouping."""
    grouped = blank.join(number[start : start + group] for start in range(0, len(number), group))
    text = f"{around[0]}{grouped}{around[1]}"
    assert looks_personal(text) or len(text) in (16, 32)


def test_registry_is_sorted_and_explained() -> None:
    """Each field has a meaning, and is found where one looks."""
    assert list(FIELDS) == sorted(FIELDS)
    assert all(FIELDS.values())

"""What may be said of an exception or a text: never its message, never a number that may be a person's."""

import re
import traceback
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).parents[2]
FRAMES_MAX = 12
TEXT_LENGTH_MAX = 200
# Causes can form a chain of any length; three say enough.
CAUSES_MAX = 3

# Citizen numbers have 12 digits, old identity cards 9, insurance numbers 10, telephones 10 or +84 and 9. People
# write them with blanks, dots and dashes between the groups.
_PERSON_NUMBER = re.compile(r"(?:\d[ .\-]?){8,}\d")
# Ids of ours: a UUID, or a trace or span id; their digits mean nothing.
_OWN_ID = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{16}", re.ASCII
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def looks_personal(text: str) -> bool:
    """Whether `text` holds nine or more digits in a row (blanks, dots, dashes between them) and is no id of ours."""
    return _PERSON_NUMBER.search(text) is not None and _OWN_ID.fullmatch(text) is None


def printable(text: str) -> str:
    """`text` on one line, without control characters, at most TEXT_LENGTH_MAX characters."""
    return _CONTROL.sub(" ", text[:TEXT_LENGTH_MAX])


def scrub(error: BaseException) -> dict[str, object]:
    """What a log line says of `error`: type, SQLSTATE, and where in our code it passed; no message, no values.

    PostgreSQL's detail holds the row, msgspec's text may hold the input, a KeyError the key: none of it is kept.
    """
    found: dict[str, object] = {"error_type": _chain(error), "frames": frames(error.__traceback__)}
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str) and len(sqlstate) == 5:
        found["sqlstate"] = sqlstate
    return found


def frames(trace: TracebackType | None) -> list[str]:
    """The last FRAMES_MAX places of our own code in `trace` as file:line:function; a library's when none is ours."""
    ours: list[str] = []
    last = ""
    for frame, line in traceback.walk_tb(trace):
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and "site-packages" not in path.parts:
            ours.append(f"{path.relative_to(ROOT)}:{line}:{frame.f_code.co_name}")
        else:
            last = f"{path.parent.name}/{path.name}:{line}:{frame.f_code.co_name}"
    return ours[-FRAMES_MAX:] or ([last] if last else [])


def _chain(error: BaseException) -> str:
    names: list[str] = []
    current: BaseException | None = error
    while current is not None and len(names) < CAUSES_MAX:
        names.append(type(current).__name__)
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return " < ".join(names)

"""What the client's logic asks of the world: one request, one stream, one pause, one cursor saved.

The logic is written once, as generators that yield these and are sent what came of them; `Client` performs them
blocking, `AsyncClient` awaiting. Nothing here opens a connection, sleeps or looks at a clock.
"""

from collections.abc import Generator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

if TYPE_CHECKING:
    from mot_cua.cursors import AsyncCursorStore, CursorStore

T = TypeVar("T")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request. `timeout_seconds` is how long any one wait for bytes may last."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    content: bytes = b""
    timeout_seconds: float = 30.0


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; header names are in lower case. `stream` is what Receive and Close want, of an answer to Open."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""
    stream: Any = None


class Send(msgspec.Struct, frozen=True):
    """Send a request and read its answer. → Response"""

    request: Request


class Open(msgspec.Struct, frozen=True):
    """Send a request and leave its body to be received; of a refusal (400 and up) the body is read. → Response"""

    request: Request


class Receive(msgspec.Struct, frozen=True):
    """Wait for more of a stream's body. → bytes, empty at its end"""

    stream: Any


class Close(msgspec.Struct, frozen=True):
    """Let a stream go. → None"""

    stream: Any


class Pause(msgspec.Struct, frozen=True):
    """Wait. → None"""

    seconds: float


class Load(msgspec.Struct, frozen=True):
    """Read the saved cursor. → str or None"""

    store: "CursorStore | AsyncCursorStore"


class Save(msgspec.Struct, frozen=True):
    """Save a cursor. → None"""

    store: "CursorStore | AsyncCursorStore"
    cursor: str


Effect: TypeAlias = Send | Open | Receive | Close | Pause | Load | Save
# Each effect is answered as its own docstring says; the one who performs them holds to it.
Steps: TypeAlias = Generator[Effect, Any, T]


def send(request: Request) -> Steps[Response]:
    """The answer to a request. Raises Unreachable."""
    response: Response = yield Send(request)
    return response


def open_stream(request: Request) -> Steps[Response]:
    """The head of an answer, its body to be received. Raises Unreachable."""
    response: Response = yield Open(request)
    return response


def receive(stream: Any) -> Steps[bytes]:
    """More of a body. Raises Unreachable."""
    content: bytes = yield Receive(stream)
    return content

"""Everything that can go wrong, each with a type of its own. All are MotCuaError."""

from collections.abc import Mapping
from typing import Any

import msgspec

from mot_cua.effects import Response

_TYPE_PREFIX = "urn:mot-cua:problem:"


class MotCuaError(Exception):
    """Something the client could not do."""


class Unreachable(MotCuaError):
    """No answer came: no connection, or it broke. `sent` says whether the request may have arrived all the same."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


class UnexpectedAnswer(MotCuaError):
    """The other side is no gateway of Một Cửa, or something between answers in its place."""


class CredentialsRefused(MotCuaError):
    """The gateway gives no token for this partner and key: not registered, retired, suspended, or the clock is wrong.

    `error` is OAuth's code (RFC 6749 5.2); the gateway does not say more to who is not recognised.
    """

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error
        self.description = description


class FieldError(msgspec.Struct, frozen=True):
    """One field that is wrong: its path in what was sent, a code, a Vietnamese sentence for the person who typed it.

    `pointer` is the path as a JSON pointer into an event's data (RFC 6901).
    """

    field: str = ""
    code: str = ""
    message: str = ""
    pointer: str = ""


class Problem(MotCuaError):
    """The gateway refused (RFC 9457). `code` is what a program switches on; title and detail are Vietnamese.

    `errors` are the fields that are wrong; `more` is whatever else the answer says, such as a link.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str = "",
        detail: str = "",
        errors: tuple[FieldError, ...] = (),
        more: Mapping[str, Any] | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        wrong = "; ".join(f"{error.field}: {error.message or error.code}" for error in errors)
        super().__init__(" - ".join(filter(None, (f"{status} {code}", title, detail, wrong))))
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.errors = errors
        self.more = dict(more or {})
        self.retry_after_seconds = retry_after_seconds


class Unauthorised(Problem):
    """401 with a fresh token: the partner or its key has been suspended or revoked meanwhile."""


class NotAllowed(Problem):
    """403: known, but not for this."""


class NotFound(Problem):
    """404: it does not exist, or is not this partner's."""


class Conflict(Problem):
    """409: it does not fit what is; often `more` says what is there."""


class Invalid(Problem):
    """422 or 400: what was sent is wrong; see `errors`."""


class TooManyRequests(Problem):
    """429, for longer than the client was told to be patient."""


class CursorUnknown(Invalid):
    """The saved cursor is none of this feed's: the database was made anew, or it is another gateway's.

    Nothing is skipped silently: start anew (without a cursor) knowing that every event comes again.
    """


class CursorTooOld(Problem):
    """Events after the saved cursor are no longer kept. `earliest` is the first cursor that is; what lies between is
    lost to the feed."""

    @property
    def earliest(self) -> str:
        """From where the feed can still be read."""
        return str(self.more.get("earliest", ""))


_MEMBERS = frozenset({"type", "title", "detail", "errors", "status"})
_BY_CODE: Mapping[str, type[Problem]] = {"cursor-unknown": CursorUnknown, "cursor-too-old": CursorTooOld}
_BY_STATUS: Mapping[int, type[Problem]] = {
    400: Invalid,
    401: Unauthorised,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    429: TooManyRequests,
}


class _Document(msgspec.Struct, frozen=True):
    type: str = ""
    title: str = ""
    detail: str = ""
    errors: tuple[FieldError, ...] = ()


def problem_of(response: Response, retry_after_seconds: float | None = None) -> Problem:
    """The problem an answer of 400 or more tells; what is none (a proxy's page) becomes one without words."""
    try:
        document = msgspec.json.decode(response.content or b"{}", type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        document = {}
    return problem_from(response.status, document, retry_after_seconds)


def problem_from(
    status: int, document: Mapping[str, Any], retry_after_seconds: float | None = None
) -> Problem:
    """The problem in a document of RFC 9457, with the type its code or status has."""
    try:
        found = msgspec.convert(document, _Document)
    except msgspec.ValidationError:
        found = _Document()
    more = {name: value for name, value in document.items() if name not in _MEMBERS}
    code = found.type.removeprefix(_TYPE_PREFIX) or "unknown"
    kind = _BY_CODE.get(code) or _BY_STATUS.get(status, Problem)
    return kind(status, code, found.title, found.detail, found.errors, more, retry_after_seconds)

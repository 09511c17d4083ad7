"""Errors as RFC 9457 problems (application/problem+json): a stable `type`, Vietnamese text, no internals.

raise Problem(409, "dossier-exists", "Hồ sơ đã có", extra={"dossier": f"/dossiers/{dossier_id}"})
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from libs.telemetry.logs import log

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:mot-cua:problem:"
# Long enough for a pool to empty, short enough that a person at a counter does not notice.
RETRY_AFTER_SECONDS = 2

# Errors of PostgreSQL that a later try may not meet: resources (53), intervention (57), connection (08),
# serialisation and deadlock (40), lock not available (55P03). https://www.postgresql.org/docs/current/errcodes-appendix.html
_PASSING_CLASSES = ("08", "40", "53", "57")
_LOCK_NOT_AVAILABLE = "55P03"
# Text PostgreSQL cannot hold (a NUL character) or a number out of a column's range: the caller's doing.
_BAD_VALUE_CODES = ("22021", "22P05")

TITLES: dict[int, tuple[str, str]] = {
    400: ("bad-request", "Yêu cầu không hợp lệ"),
    401: ("not-signed-in", "Chưa đăng nhập hoặc phiên làm việc đã hết hạn"),
    403: ("not-allowed", "Không có quyền thực hiện việc này"),
    404: ("not-found", "Không tìm thấy"),
    405: ("method-not-allowed", "Phương thức không được hỗ trợ"),
    406: ("not-acceptable", "Không có định dạng được yêu cầu"),
    408: ("request-timeout", "Hết thời gian chờ nhận dữ liệu"),
    409: ("conflict", "Yêu cầu xung đột với trạng thái hiện tại"),
    412: ("precondition-failed", "Dữ liệu đã thay đổi, hãy tải lại"),
    413: ("body-too-large", "Dữ liệu gửi lên quá lớn"),
    414: ("path-too-long", "Đường dẫn quá dài"),
    415: ("media-type-not-supported", "Định dạng dữ liệu không được hỗ trợ"),
    422: ("invalid-content", "Dữ liệu không hợp lệ"),
    429: ("too-many-requests", "Quá nhiều yêu cầu, hãy thử lại sau"),
    500: ("internal-error", "Hệ thống gặp lỗi, hãy thử lại sau"),
    503: ("unavailable", "Hệ thống đang bận, hãy thử lại sau"),
}


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field that is wrong: its path in the body (`children[0].birth_date`), a code, a Vietnamese sentence."""

    field: str
    code: str
    message: str


class Problem(Exception):
    """An answer that says why not. Raise it anywhere below an endpoint.

    `slug` ends the problem's `type` and is what programs switch on; `title` and `detail` are Vietnamese, for
    people; `extra` adds members such as a link (never a person's data).
    """

    def __init__(
        self,
        status: int,
        slug: str = "",
        title: str = "",
        detail: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        default_slug, default_title = TITLES.get(status, ("error", "Không thực hiện được yêu cầu"))
        super().__init__(slug or default_slug)
        self.status = status
        self.slug = slug or default_slug
        self.title = title or default_title
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})

    def document(self) -> bytes:
        """The problem as JSON, members in the order of RFC 9457 3.1."""
        members: dict[str, Any] = {
            "type": TYPE_PREFIX + self.slug,
            "title": self.title,
            "status": self.status,
        }
        if self.detail:
            members["detail"] = self.detail
        if self.errors:
            members["errors"] = self.errors
        return msgspec.json.encode({**self.extra, **members} if self.extra else members)

    def response(self) -> Response:
        """The problem as an HTTP response."""
        return Response(self.document(), self.status, self.headers, MEDIA_TYPE)


def unavailable() -> Problem:
    """503 that asks to come back shortly."""
    return Problem(503, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})


def problem_of(error: BaseException) -> Problem | None:
    """The problem an exception of the database or of a wait amounts to; None when it is a fault of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, asyncpg.PostgresError):
        code = error.sqlstate or ""
        if code[:2] in _PASSING_CLASSES or code == _LOCK_NOT_AVAILABLE:
            return unavailable()
        return (
            Problem(400, "bad-text", "Yêu cầu chứa ký tự không hợp lệ") if code in _BAD_VALUE_CODES else None
        )
    if isinstance(
        error, TimeoutError | ConnectionError | asyncpg.InterfaceError | asyncpg.InternalClientError
    ):
        return unavailable()
    return None


def answer_to(error: BaseException) -> Response:
    """The response to any exception; what was not foreseen is logged scrubbed and becomes a 500 without internals."""
    problem = problem_of(error)
    if problem is None:
        log.error("request-failed", exc_info=error)
        return Problem(500).response()
    if problem is not error and problem.status == 503:
        log.warning("request-turned-away", exc_info=error)
    return problem.response()


async def answer_problem(_request: Request, error: Exception) -> Response:
    """Exception handler of the application for Problem."""
    return answer_to(error)


async def answer_http_error(_request: Request, error: Exception) -> Response:
    """Exception handler for the framework's own 404, 405 and the like."""
    status = getattr(error, "status_code", 500)
    return Problem(status, headers=getattr(error, "headers", None)).response()


async def answer_invalid_parameters(_request: Request, error: Exception) -> Response:
    """Exception handler for path, query and header parameters that FastAPI refused: places, never values."""
    errors: list[dict[str, Any]] = getattr(error, "errors", list)()
    fields = [
        FieldError(
            ".".join(str(part) for part in item.get("loc", ())[1:]),
            str(item.get("type", "invalid")),
            _of_parameter(str(item.get("type", "")), item.get("ctx") or {}),
        )
        for item in errors
    ]
    return Problem(422, "invalid-parameters", "Tham số không hợp lệ", errors=fields).response()


_QUOTED = re.compile(r"'([^']*)'")
# Kind of error of pydantic → the words, and the member of its context that is the bound.
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("Giá trị phải ít nhất là {}", "ge"),
    "greater_than": ("Giá trị phải lớn hơn {}", "gt"),
    "less_than_equal": ("Giá trị không được quá {}", "le"),
    "less_than": ("Giá trị phải nhỏ hơn {}", "lt"),
    "string_too_long": ("Độ dài không được quá {} ký tự", "max_length"),
    "string_too_short": ("Độ dài phải ít nhất {} ký tự", "min_length"),
    "too_long": ("Không được quá {} giá trị", "max_length"),
    "too_short": ("Phải có ít nhất {} giá trị", "min_length"),
}


def _of_parameter(kind: str, context: Mapping[str, Any]) -> str:
    """What is wrong with a parameter, with the bound it breaks or the values there are: ours, never the value."""
    if kind == "missing":
        return "Thiếu tham số"
    if kind == "literal_error":
        # pydantic's own sentence: "'', 'pending' or 'failed'"; an empty one is the same as no parameter.
        return f"Giá trị phải là một trong: {', '.join(filter(None, _QUOTED.findall(context['expected'])))}"
    words, bound = _BOUNDS.get(kind, ("", ""))
    return words.format(context[bound]) if bound in context else "Tham số không hợp lệ"

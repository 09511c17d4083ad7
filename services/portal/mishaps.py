"""Pages for what went wrong: each says what happened and what to do now, in the words of the screens."""

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.http.client import Refused, Unavailable
from libs.http.problems import Problem, answer_http_error, answer_invalid_parameters, answer_to, problem_of
from libs.telemetry.logs import log
from services.portal.rendering import page
from services.portal.sessions import ANYBODY, SignedOut, officer_of, visitor
from services.portal.sign_in import sign_in_again
from services.portal.sign_in_pages import home_of


class Mishap(msgspec.Struct, frozen=True):
    """What stands on the page: a heading, and what the person may do."""

    heading: str
    advice: str


MISHAPS: Mapping[int, Mishap] = {
    403: Mishap("Ông/bà không có quyền xem trang này", "Nếu cần, hãy nhờ người phụ trách cấp quyền."),
    404: Mishap("Không tìm thấy trang", "Hãy kiểm tra lại đường dẫn hoặc mã hồ sơ."),
    409: Mishap("Việc này không làm được nữa", "Hồ sơ đã thay đổi. Hãy tải lại trang để xem tình trạng mới."),
    413: Mishap("Tệp gửi lên quá lớn", "Hãy chọn tệp nhỏ hơn rồi gửi lại."),
    429: Mishap("Đã thử quá nhiều lần", "Hãy chờ ít phút rồi thử lại."),
    500: Mishap("Hệ thống gặp lỗi", "Lỗi đã được ghi lại. Hãy thử lại sau ít phút."),
    503: Mishap("Hệ thống đang bận", "Hãy thử lại sau ít giây."),
}
# The gateway's 401 for a person whose session is good: signing in again would lead here again, without end.
PARTNER_NOT_ACTIVE = "partner-not-active"
NOT_ACTIVE = Mishap(
    "Đối tác chưa dùng được cổng tích hợp",
    "Đối tác đang bị tạm ngưng hoặc chưa đăng ký, hãy liên hệ người vận hành.",
)
UNFORESEEN = Mishap("Không thực hiện được yêu cầu", "Hãy quay lại trang trước và thử lại.")


def wants_page(request: Request) -> bool:
    """Whether a person looks at the answer."""
    return "text/html" in request.headers.get("accept", "") or request.headers.get("hx-request") == "true"


async def mishap_page(request: Request, problem: Problem) -> Response:
    """The page for a problem, with the problem's own words where it has any, and the way back to one's own work."""
    told = MISHAPS.get(problem.status, UNFORESEEN)
    if problem.status in (404, 429) and problem.detail:
        # What is missing, or how long to wait, is said better by whoever found out.
        told = Mishap(problem.title, "")
    # For their own header; nobody is looked up when it is a service that fails.
    person = await visitor(request) if problem.status < 500 else None
    return page(
        request,
        "mishap.html",
        person,
        home=home_of(person) if person else "",
        status=problem.status,
        headers=problem.headers,
        heading=told.heading,
        title="" if told.heading.startswith(problem.title) else problem.title,
        detail=problem.detail,
        advice=told.advice,
    )


async def answer_problem(request: Request, error: Exception) -> Response:
    """A problem as a page for people, as problem+json for programs."""
    problem = problem_of(error)
    if problem is None or not wants_page(request):
        return answer_to(error)
    return await mishap_page(request, problem)


async def answer_refused(request: Request, error: Exception) -> Response:
    """A service refused what the page asked: its own Vietnamese words are shown."""
    if not isinstance(error, Refused):
        raise error
    if error.slug == PARTNER_NOT_ACTIVE:
        return await answer_not_active(request)
    if error.status == 401:
        return await answer_signed_out(request, SignedOut())
    status = error.status if 400 <= error.status < 500 else 500
    if status == 500:
        log.error("request-failed", target=error.target, status=error.status, code=error.slug)
    return await answer_problem(
        request, Problem(status, error.slug, error.told.title, error.told.detail, error.told.errors)
    )


async def answer_not_active(request: Request) -> Response:
    """A person is signed in and their partner may do nothing: the page says so, and lets them sign out."""
    if not wants_page(request):
        return await answer_problem(request, Problem(403, PARTNER_NOT_ACTIVE, NOT_ACTIVE.heading))
    try:
        person = await officer_of(request, of=ANYBODY)
    except SignedOut:
        return await answer_signed_out(request, SignedOut())
    return page(
        request,
        "mishap.html",
        person,
        # Their start page is closed to them, too.
        home="",
        status=403,
        heading=NOT_ACTIVE.heading,
        title="",
        detail="",
        advice=NOT_ACTIVE.advice,
    )


async def answer_unavailable(request: Request, error: Exception) -> Response:
    """A service is away: the page says so, and to try again."""
    if isinstance(error, Unavailable):
        log.warning("request-turned-away", target=error.target, reason=error.reason)
    return await answer_problem(request, Problem(503, headers={"Retry-After": "2"}))


async def answer_signed_out(request: Request, _error: Exception) -> Response:
    """To the sign-in page, and back; what a form brought is kept until the officer has signed in again."""
    if request.method == "GET" and request.headers.get("accept") == "application/json":
        # A script that asked for data can do nothing with a page: it would read the sign-in page as its answer.
        return await answer_problem(request, Problem(401))
    if request.method == "GET" and not request.headers.get("hx-request"):
        query = f"?{request.url.query}" if request.url.query else ""
        target = request.url_for("sign_in_page").include_query_params(tiep=request.url.path + query)
        return RedirectResponse(f"{target.path}?{target.query}", 303)
    return await sign_in_again(request)


async def answer_forbidden(request: Request, _error: Exception) -> Response:
    """The officer has no business here."""
    return await answer_problem(request, Problem(403))


async def answer_not_found(request: Request, error: Exception) -> Response:
    """The framework's own 404, 405 and the like."""
    if wants_page(request):
        return await mishap_page(request, Problem(getattr(error, "status_code", 500)))
    return await answer_http_error(request, error)


async def answer_bad_parameters(request: Request, error: Exception) -> Response:
    """A path or query that cannot be: for a person that is a page that is not there."""
    return (
        await mishap_page(request, Problem(404))
        if wants_page(request)
        else await answer_invalid_parameters(request, error)
    )

"""Who comes in at /dev: reading what is said is for everybody, what a partner has for its own persons only."""

from typing import Annotated, Any

from fastapi import Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.portal.rendering import page
from services.portal.sessions import INTEGRATORS, Person, requires

INTEGRATOR = Annotated[Person, Depends(requires(of=INTEGRATORS))]
# Path, words, and whether it is a partner's own.
PAGES = (
    ("/dev", "Bắt đầu", False),
    ("/dev/su-kien", "Danh mục sự kiện", False),
    ("/dev/noi", "Đối tác gửi", False),
    ("/dev/api", "API", False),
    ("/dev/asyncapi", "AsyncAPI", False),
    ("/dev/mau", "Mã mẫu", False),
    ("/dev/kiem-chu-ky", "Kiểm chữ ký", False),
    ("/dev/webhook", "Webhook", True),
    ("/dev/dong-su-kien", "Dòng sự kiện", True),
    ("/dev/thu", "Ca sinh thử", True),
    ("/dev/khoa", "Khóa", True),
    ("/dev/nhat-ky", "Nhật ký", True),
)
SANDBOX_ONLY = "/dev/thu"


def is_sandbox(request: Request) -> bool:
    """Whether people in these pages do not exist."""
    sandbox: bool = request.app.state.sandbox
    return sandbox


def gateway_url(request: Request) -> str:
    """Where partners reach the gateway."""
    url: str = request.app.state.gateway_url
    return url


def show(
    request: Request, template: str, person: Person | None, *, status: int = 200, **more: Any
) -> HTMLResponse:
    """A page of the portal for integrators, with its list of pages."""
    integrator = person is not None and bool(person.account.partner)
    places = [
        (path, words)
        for path, words, own in PAGES
        if (integrator or not own) and (path != SANDBOX_ONLY or is_sandbox(request))
    ]
    return page(
        request,
        f"developers/{template}",
        person,
        status=status,
        places=places,
        here=_here(request.url.path),
        sandbox=is_sandbox(request),
        integrator=integrator,
        gateway=gateway_url(request),
        **more,
    )


def _here(path: str) -> str:
    """The page of the list that `path` belongs to."""
    return max((one for one, _, _ in PAGES if path == one or path.startswith(f"{one}/")), key=len, default="")

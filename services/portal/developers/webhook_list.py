"""A partner's webhooks: the list, and a new one with its secret shown once."""

from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from libs.http.client import Refused
from services.portal.developers.door import INTEGRATOR, show
from services.portal.developers.partner import partner_of
from services.portal.developers.webhooks import Webhooks, troubled
from services.portal.forms.sent import text_of
from services.portal.guard import form_of
from services.portal.refusals import reasons_at
from services.portal.sessions import Person

router = APIRouter()
FIELDS = {"url": "dia-chi", "types": "loai", "description": "mo-ta"}
TEXT_MAX = 4000
EVERYTHING = "*"
# What the gateway says no to because of what was typed.
TYPED_WRONGLY = (400, 409, 422)


@router.get("/dev/webhook")
async def webhooks(request: Request, person: INTEGRATOR, xong: str = "") -> Response:
    """Every webhook with its state, and the form for another."""
    return await _show(request, person, done="Đã xóa webhook." if xong == "xoa" else "")


@router.post("/dev/webhook")
async def add(request: Request, person: INTEGRATOR) -> Response:
    """Add one; its secret is in this answer and nowhere else."""
    form = await form_of(request, person.csrf)
    typed = typed_of({name: text_of(form, name) for name in FIELDS.values()})
    if problems := lacking(typed):
        return await _show(request, person, status=422, problems=problems, typed=typed)
    try:
        made = await Webhooks(person).add(
            typed["dia-chi"], patterns(typed["loai"]), typed["mo-ta"], key=text_of(form, "khoa")
        )
    except Refused as refused:
        if refused.status not in TYPED_WRONGLY:
            raise
        return await _show(
            request,
            person,
            status=refused.status,
            problems=reasons_at(refused, FIELDS, "dia-chi"),
            typed=typed,
        )
    return show(request, "secret.html", person, endpoint=made.endpoint, secret=made.secret, rotated=False)


def typed_of(given: dict[str, str]) -> dict[str, str]:
    """What was typed, bounded."""
    return {name: value.strip()[:TEXT_MAX] for name, value in given.items()}


def patterns(text: str) -> list[str]:
    """Types as they are typed: one on a line, or with commas between."""
    return [part for line in text.splitlines() for one in line.split(",") if (part := one.strip())]


def lacking(typed: dict[str, str]) -> list[tuple[str, str]]:
    """What no gateway would take; what else is wrong it says itself."""
    found = []
    try:
        parts = urlsplit(typed["dia-chi"])
        written = parts.scheme in ("https", "http") and bool(parts.hostname)
    except ValueError:
        written = False
    if not written:
        found.append(("dia-chi", "Hãy ghi địa chỉ đầy đủ, ví dụ https://benhvien.example.vn/mot-cua"))
    if not patterns(typed["loai"]):
        found.append(("loai", "Hãy ghi ít nhất một loại sự kiện, hoặc * cho mọi loại"))
    return found


async def _show(
    request: Request,
    person: Person,
    *,
    status: int = 200,
    problems: list[tuple[str, str]] | None = None,
    typed: dict[str, str] | None = None,
    done: str = "",
) -> Response:
    endpoints = await Webhooks(person).listed()
    return show(
        request,
        "webhooks.html",
        person,
        status=status,
        endpoints=endpoints,
        troubled=troubled(endpoints),
        problems=problems or [],
        typed=typed or {"loai": EVERYTHING},
        to_loopback=(await partner_of(person)).webhooks_to_loopback,
        done=done,
    )

"""A made-up birth in the sandbox, and everything that is said of it as it happens."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.http.client import Refused
from libs.http.problems import Problem
from services.portal.developers.door import INTEGRATOR, is_sandbox, show
from services.portal.developers.partner import SyntheticBirth, partner_of
from services.portal.developers.tail import QUERY_MAX, names
from services.portal.forms.sent import text_of
from services.portal.guard import form_of
from services.portal.refusals import reason_of
from services.portal.sessions import Person

router = APIRouter()
CODE_MAX = 60


@router.get("/dev/thu")
async def trying(
    request: Request, person: INTEGRATOR, ho_so: UUID | None = None, ma: str = "", sau: str = ""
) -> Response:
    """The button, or the birth that was made with what is said of it."""
    return await _show(request, person, dossier=ho_so, code=ma[:CODE_MAX], after=sau[:QUERY_MAX])


@router.post("/dev/thu")
async def make(request: Request, person: INTEGRATOR) -> Response:
    """Make up a birth, handed in in the partner's name."""
    form = await form_of(request, person.csrf)
    _only_in_sandbox(request)
    try:
        made = await person.desk.act(
            "gateway", "/sandbox/births", {}, SyntheticBirth, key=text_of(form, "khoa")
        )
    except Refused as refused:
        if refused.status == 401:
            raise
        return await _show(request, person, status=refused.status, problems=[("", reason_of(refused))])
    return RedirectResponse(f"/dev/thu?ho_so={made.dossier_id}&ma={made.code}&sau={made.after}", 303)


def _only_in_sandbox(request: Request) -> None:
    if not is_sandbox(request):
        raise Problem(404, detail="Ở đây không có môi trường thử.")


async def _show(
    request: Request,
    person: Person,
    *,
    status: int = 200,
    problems: list[tuple[str, str]] | None = None,
    dossier: UUID | None = None,
    code: str = "",
    after: str = "",
) -> Response:
    _only_in_sandbox(request)
    return show(
        request,
        "trying.html",
        person,
        status=status,
        problems=problems or [],
        partner=await partner_of(person),
        dossier=dossier,
        code=code,
        after=after,
        names=names(),
    )

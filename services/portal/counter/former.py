"""Who stands at the counter has been here before: their dossiers, and what they said then, offered and never copied."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from services.portal.console.search import Hit, find
from services.portal.forms.sent import text_of
from services.portal.guard import form_of
from services.portal.rendering import part
from services.portal.sessions import Person, requires

router = APIRouter()
SHOWN_MAX = 5
NUMBER_LENGTH_MAX = 40
# What may be offered: path in the form of the applicant → words.
OFFERED = (("phone", "Số điện thoại"), ("email", "Thư điện tử"), ("address", "Địa chỉ"))
# National status codes of dossiers that have not ended.
OPEN = frozenset({1, 2, 4, 5, 6})


class _Form(msgspec.Struct, frozen=True, kw_only=True):
    applicant: dict[str, Any] = {}


class _File(msgspec.Struct, frozen=True, kw_only=True):
    file: _Form


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Something said before."""

    path: str
    label: str
    value: str


async def offers_of(person: Person, hit: Hit, number: str) -> list[Offer]:
    """What the applicant of an earlier dossier said, if it was the same person."""
    found = await person.desk.get("intake", f"/dossiers/{hit.dossier_id}", _File, purpose="check-dossier")
    said = found.file.applicant
    identity = said.get("identity")
    if not isinstance(identity, dict) or identity.get("number") != number:
        return []
    return [
        Offer(path=f"applicant.{name}", label=label, value=value)
        for name, label in OFFERED
        if isinstance(value := said.get(name), str) and value
    ]


@router.post("/quay/nguoi-cu")
async def former(request: Request, person: Annotated[Person, Depends(requires("one_stop"))]) -> Response:
    """The newest dossiers of the person with this identity number, and what may be taken over from the last.

    The number comes in the body, for addresses are logged.
    """
    number = text_of(await form_of(request, person.csrf), "so")[:NUMBER_LENGTH_MAX]
    hits = [hit for hit in (await find(person, number, SHOWN_MAX)).hits if not hit.by_name]
    newest = max(hits, key=lambda hit: hit.received_at, default=None)
    offers = await offers_of(person, newest, number) if newest else []
    return part(
        request,
        "counter/former.html",
        "former",
        person,
        hits=hits,
        offers=offers,
        newest=newest,
        open_=[hit for hit in hits if hit.status in OPEN],
    )

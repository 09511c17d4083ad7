"""The scan-and-search box of officers: what fits while one types, and Enter opens the dossier."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from libs.http.client import Refused
from services.portal.forms.sent import text_of
from services.portal.guard import form_of
from services.portal.rendering import is_partial, page, part
from services.portal.sessions import Person, requires

router = APIRouter()
TYPED_LENGTH_MAX = 200
HITS_MAX = 20
# By name many may fit; everything else points at its dossiers.
BY_NAME = "name"


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier found, and by what."""

    dossier_id: UUID
    code: str
    matched: str
    procedure: str
    procedure_name: str
    status: int
    received_at: datetime
    applicant: str = ""
    mother: str = ""
    child: str = ""

    @property
    def by_name(self) -> bool:
        """Whether only a name fits."""
        return self.matched == BY_NAME


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, best first."""

    hits: tuple[Hit, ...] = ()
    more: bool = False

    @property
    def groups(self) -> tuple[tuple[str, tuple[Hit, ...]], ...]:
        """Identifiers first, names in a second group."""
        exact = tuple(hit for hit in self.hits if not hit.by_name)
        named = tuple(hit for hit in self.hits if hit.by_name)
        return tuple(
            (title, found) for title, found in (("Theo mã, số", exact), ("Theo họ tên", named)) if found
        )


async def find(person: Person, typed: str, limit: int = HITS_MAX) -> Hits:
    """What the officer may see and fits; nothing for what cannot be looked for."""
    text = typed.strip()[:TYPED_LENGTH_MAX]
    if len(text) < 2:
        return Hits()
    try:
        return await person.desk.get("intake", "/search", Hits, query={"q": text, "limit": str(limit)})
    except Refused as refused:
        if refused.status == 422:
            return Hits()
        raise


@router.post("/tim")
async def search(request: Request, person: Annotated[Person, Depends(requires())]) -> Response:
    """What fits `q`; a single dossier found by code, token or number is opened. `mo` says that it was scanned.

    Both come in the body: what is looked for may be a card or a name, and addresses are logged.
    """
    form = await form_of(request, person.csrf)
    q, mo = text_of(form, "q")[:TYPED_LENGTH_MAX], text_of(form, "mo")
    found = await find(person, q)
    if is_partial(request):
        return part(request, "console/search.html", "found", person, found=found, q=q)
    if len(found.hits) == 1 and not found.hits[0].by_name:
        hit = found.hits[0]
        path = (
            f"/quay/tra-ket-qua/{hit.dossier_id}" if mo and person.has("one_stop") else f"/ho-so/{hit.code}"
        )
        return RedirectResponse(path, 303)
    return page(
        request, "console/search.html", person, headers={"Cache-Control": "no-store"}, found=found, q=q
    )

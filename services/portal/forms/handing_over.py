"""What the bed and the counter do alike when they hand results over: papers taken in, a card looked at, the receipt."""

from uuid import UUID

import msgspec
from starlette.datastructures import FormData
from starlette.responses import Response

from libs.http.client import Refused
from services.portal.forms.sent import line_of, ticked
from services.portal.guard import PDF_HEADERS
from services.portal.sessions import Person

PURPOSE = "hand-over"


class Whose(msgspec.Struct, frozen=True, kw_only=True):
    """Whom of the dossier a card names; an empty relation is nobody."""

    relation: str = ""
    relation_vi: str = ""
    advice_vi: str = ""


async def take_in(person: Person, form: FormData, name: str) -> None:
    """Papers have arrived: the results ticked under `name`. Raises Refused."""
    if results := ticked(form, name):
        body = {"results": results}
        await person.desk.act("results", "/results/arrive", body, msgspec.Raw, key=line_of(form, "khoa"))


async def whose_card(person: Person, dossier_id: UUID, form: FormData) -> Whose:
    """Whose card it is; why that cannot be told is advice too."""
    body = {
        "results": ticked(form, "ket-qua"),
        "name": line_of(form, "ho-ten"),
        "identity_number": line_of(form, "so-giay-to"),
    }
    path = f"/dossiers/{dossier_id}/receiver-check"
    try:
        return await person.desk.read("results", path, body, Whose, purpose=PURPOSE)
    except Refused as refused:
        words = [refused.told.title, refused.told.detail, *(one.message for one in refused.told.errors)]
        return Whose(advice_vi=". ".join(word.rstrip(".") for word in words if word))


async def receipt_of(person: Person, result_id: UUID) -> Response:
    """The receipt of a hand-over, as results printed it. Raises Refused."""
    content = await person.desk.get_bytes("results", f"/results/{result_id}/receipt", purpose=PURPOSE)
    return Response(content, 200, PDF_HEADERS, "application/pdf")

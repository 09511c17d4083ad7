"""HTTP of results at the desk: whose card it is, and handing papers over to the person who came for them."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from libs.bus.writer import Writer
from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, body, read_body
from libs.http.idempotency import AnsweredBefore
from libs.http.problems import FieldError, Problem
from libs.http.together import Together
from libs.storage.archive import Archive
from services.results import desk
from services.results.desk import Act
from services.results.desk_store import Receiver
from services.results.handing_over import Counter
from services.results.people import PeopleRecord
from services.results.receivers import BY_RESPONSIBILITY
from services.results.signatures import Signature, SignatureBody, read_signature
from services.results.tries import MISMATCH
from services.results.views import HandoverDone
from services.results.words import RELATIONS

OFFICER = require(kinds=("officer", "system"))
Text = Annotated[str, msgspec.Meta(max_length=255)]
Number = Annotated[str, msgspec.Meta(max_length=40)]
RESULTS_MAX = 20
Results = Annotated[list[UUID], msgspec.Meta(min_length=1, max_length=RESULTS_MAX)]


class ReceiverBody(Body, frozen=True, kw_only=True):
    """Who takes the papers: name and identity document as shown, relation to the child or applicant.

    `authorisation` is the paper by which somebody acts for another (for a carrier, its proof of delivery); `evidence`
    the paper by which a person was recognised whose identity number the dossier does not know, or whose papers differ
    from it: then `mismatch` says why, and the officer answers for it.
    """

    name: Text = ""
    relation: Literal["mother", "father", "applicant", "guardian", "relative", "authorised", "carrier"]
    identity_number: Number = ""
    authorisation: Text = ""
    evidence: Text = ""
    mismatch: Literal["", "document-renewed", "dossier-misspelt", "other"] = ""


class HandoverBody(Body, frozen=True, kw_only=True):
    """Several results of one dossier, handed to one person in one act, who signs on the device or on paper.

    Exactly one of `signature` and `signed_on_paper` (true): that somebody signed is the proof of who received.
    """

    results: Results
    receiver: ReceiverBody
    signature: SignatureBody | None = None
    signed_on_paper: bool = False


class CardBody(Body, frozen=True, kw_only=True):
    """What the card of the person who has come for these results says."""

    results: Results
    name: Text
    identity_number: Number = ""


class CardAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whom of the dossier the card names, empty when nobody.

    `needs` is what must be shown besides, `advice_vi` what to do.
    """

    relation: str
    relation_vi: str
    checked: str
    needs: tuple[str, ...]
    advice_vi: str


def build_router(together: Together[Act], counter: Counter, writer: Writer, archive: Archive) -> APIRouter:
    """The two endpoints; signatures go to the archive."""
    router = APIRouter()
    before = AnsweredBefore(writer.pool)

    @router.post(
        "/dossiers/{dossier_id}/receiver-check", openapi_extra=body(CardBody, answers={200: CardAnswer})
    )
    async def check(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """Whose card is it? Nothing is handed over; it is recorded, and a card of nobody counts as a try."""
        given = await read_body(request, CardBody)
        people, _ = await _to_hand_over(counter, actor, dossier_id, given.results)
        try:
            found = await counter.whose(actor, given.name, given.identity_number, people)
        except Problem as problem:
            if not any(error.code == MISMATCH for error in problem.errors):
                raise
            return MsgspecResponse(_of_nobody())
        advice = "Khớp với hồ sơ."
        if found.needs:
            advice = "Hồ sơ không có số giấy tờ của người này: hãy ghi giấy tờ dùng để nhận diện."
        relation = RELATIONS[found.relation]
        return MsgspecResponse(
            CardAnswer(
                relation=found.relation,
                relation_vi=relation,
                checked=found.checked,
                needs=found.needs,
                advice_vi=advice,
            )
        )

    @router.post(
        "/dossiers/{dossier_id}/hand-over", openapi_extra=body(HandoverBody, answers={200: HandoverDone})
    )
    async def hand_over(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]
    ) -> Response:
        """Hand results to the person who came for them, checked against the dossier; the receipt follows."""
        given = await read_body(request, HandoverBody)
        # Before the receiver is checked again: what was handed over once must not meet a 429 on being repeated.
        earlier = await before.answer(request, actor)
        if earlier is not None:
            return earlier
        signature = _signature(given)
        if given.receiver.mismatch and actor.kind != "officer":
            raise Problem(403, "officer-needed", "Chỉ cán bộ được chịu trách nhiệm khi giấy tờ không khớp")
        people, deliveries = await _to_hand_over(counter, actor, dossier_id, given.results)
        told = Receiver(
            **msgspec.structs.asdict(given.receiver),
            signature_key=signature.key(dossier_id) if signature else "",
            signature_sha256=signature.sha256 if signature else "",
            signed_on_paper=given.signed_on_paper,
        )
        receiver = await counter.recognised(actor, told, people, deliveries)
        if signature is not None:
            # Before the act is recorded: what its row names must be there. Nobody could make it again.
            await archive.put(receiver.signature_key, signature.svg, durable=True)
        act = Act(
            actor=actor,
            name="hand-over",
            result_ids=tuple(given.results),
            guard=desk.at_place,
            move=desk.handing_over(given.results, receiver.relation),
            note=_note(receiver),
            dossier_id=dossier_id,
            receiver=receiver,
        )
        return await together.once(request, actor, act)

    return router


async def _to_hand_over(
    counter: Counter, actor: Actor, dossier_id: UUID, results: list[UUID]
) -> tuple[PeopleRecord, set[str]]:
    """The people of a dossier whose results this desk is to hand over, and by which ways. Raises Problem."""
    if len(set(results)) != len(results):
        raise Problem(422, "results-repeated", "Mỗi kết quả chỉ được chọn một lần")
    chosen = desk.to_hand_over(await counter.custody(dossier_id), actor, results)
    people = await counter.people(dossier_id)
    if people is None:
        raise desk.not_found()
    return people, {result.delivery for result in chosen}


def _signature(given: HandoverBody) -> Signature | None:
    """What was drawn on the device; None when it was signed on paper. Raises Problem 422 for neither and for both."""
    if given.signature is None:
        if given.signed_on_paper:
            return None
        error = FieldError(
            "signed_on_paper",
            "required",
            "Cần chữ ký của người nhận trên máy, hoặc xác nhận đã ký trên giấy.",
        )
        raise Problem(422, "signature-required", "Thiếu chữ ký của người nhận", errors=[error])
    if given.signed_on_paper:
        error = FieldError("signed_on_paper", "not_allowed", "Chỉ chọn ký trên máy hoặc ký trên giấy.")
        raise Problem(422, "signed-twice", "Chữ ký chưa dùng được", errors=[error])
    return read_signature(given.signature)


def _note(receiver: Receiver) -> str:
    """What the chain of custody says of the check, in codes: who received is in the record of the act alone."""
    note = f"{receiver.relation}: {receiver.checked}"
    return f"{note} ({receiver.mismatch})" if receiver.checked == BY_RESPONSIBILITY else note


def _of_nobody() -> CardAnswer:
    advice = (
        "Thẻ không khớp với người nào trong hồ sơ. Người nhận thay cần văn bản ủy quyền hoặc giấy tờ giám hộ; nếu là "
        "người trong hồ sơ nhưng giấy tờ đã đổi hoặc hồ sơ ghi sai, hãy ghi lý do và giấy tờ chứng minh."
    )
    return CardAnswer(relation="", relation_vi="", checked="", needs=(), advice_vi=advice)

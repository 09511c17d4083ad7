"""Receiving the results of a dossier otherwise than was chosen: the family leaves the hospital, or moves."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from libs.contracts.intake import ChosenResult
from libs.http.auth import Actor, require
from libs.http.bodies import Body, body, read_body
from libs.http.idempotency import Answer, once
from libs.http.problems import FieldError, Problem
from services.intake import store
from services.intake.deliveries import change_delivery, choice_of
from services.intake.dossier import Dossier, IllegalMove
from services.intake.office import Office, not_now, refused
from services.intake.reception import Refused, Sender, bed_of, placed_choice

HANDLER = require("hospital", "one_stop")
CHANGES_MAX = 20
Code = Annotated[str, msgspec.Meta(max_length=64)]


class Way(Body, frozen=True, kw_only=True):
    """A way to receive a result; `place` is the agency that hands it over, empty for post and electronic."""

    delivery: Code
    place: Code = ""


class ResultChange(Body, frozen=True, kw_only=True):
    """One result, how it was received when the officer looked, and how it is to be received.

    A new way without a place means the own one: the hospital that declared, the counter that received.
    """

    code: Code
    was: Way
    now: Way


class DeliveryChange(Body, frozen=True, kw_only=True):
    """What is to be received otherwise: all of it, or nothing."""

    results: Annotated[tuple[ResultChange, ...], msgspec.Meta(min_length=1, max_length=CHANGES_MAX)]


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """How every result of the dossier is received from now on."""

    dossier_id: UUID
    results: tuple[ChosenResult, ...]


def router(office: Office) -> APIRouter:
    """The endpoint POST /dossiers/{dossier_id}/delivery."""
    routes = APIRouter(prefix="/dossiers/{dossier_id}", tags=["dossiers"])

    @routes.post("/delivery", openapi_extra=body(DeliveryChange, answers={200: Deliveries}))
    async def change(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(HANDLER)]
    ) -> Response:
        """Receive results otherwise; whoever makes and keeps them hears of it. Not what is already handed over."""
        wanted = await read_body(request, DeliveryChange)

        async def work(connection: Any) -> Answer:
            before = await office.locked(connection, actor, dossier_id)
            choices = _choices(office, before, wanted)
            try:
                after = await store.move(
                    connection,
                    before,
                    lambda dossier: change_delivery(
                        dossier, choices, office.now(), officer=actor.subject, agency=actor.agency
                    ),
                )
            except IllegalMove as illegal:
                not_now(illegal)
            return Answer(200, Deliveries(dossier_id=dossier_id, results=after.results))

        return await once(request, actor, office.writer, work)

    return routes


def _choices(office: Office, dossier: Dossier, wanted: DeliveryChange) -> tuple[ChosenResult, ...]:
    """The new choices, checked. Raises Problem 422, or 409 where somebody has chosen otherwise meanwhile."""
    known = {chosen.code: chosen for chosen in dossier.results}
    errors = [
        FieldError(f"results[{index}].code", "result-not-chosen", "Hồ sơ không có kết quả này.")
        for index, change in enumerate(wanted.results)
        if change.code not in known
    ]
    if len({change.code for change in wanted.results}) != len(wanted.results):
        errors.append(FieldError("results", "result-twice", "Mỗi kết quả chỉ được đổi một lần."))
    if errors:
        raise Problem(422, errors=errors)
    for change in wanted.results:
        chosen = choice_of(dossier, change.code)
        if chosen is not None and (chosen.delivery, chosen.place) != (change.was.delivery, change.was.place):
            raise Problem(
                409,
                "delivery-changed",
                "Cách nhận kết quả vừa được người khác đổi",
                "Hãy xem lại cách nhận hiện nay rồi chọn lại.",
                extra={"code": chosen.code, "delivery": chosen.delivery, "place": chosen.place},
            )
    catalogue, today = office.catalogue, office.desk.today(office.now())
    procedure = catalogue.procedure(dossier.procedure, dossier.procedure_from)
    sender = Sender(subject="", channel=dossier.channel, facility=dossier.facility)
    try:
        # A hospital that has closed hinders nobody who wants nothing at its beds.
        at_bed = any(one.now.delivery == "hospital" and not one.now.place for one in wanted.results)
        own = {
            "hospital": bed_of(catalogue, sender, today, "") if at_bed else "",
            "counter": dossier.receiving_agency,
        }
        return tuple(
            placed_choice(
                catalogue,
                procedure,
                msgspec.structs.replace(known[one.code], delivery=one.now.delivery, place=one.now.place),
                own,
                today,
                f"results[{index}].now",
            )
            for index, one in enumerate(wanted.results)
        )
    except Refused as error:
        raise refused(error) from None

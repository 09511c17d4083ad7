"""The HTTP interface to a dossier that has been handed in: lists, reading, and every move of its life at the desk."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, body, described_answers, read_body
from libs.http.idempotency import Answer, once
from libs.http.problems import FieldError, Problem
from libs.http.reads import purpose_of, record_reads
from services.intake import attachment_store, file_store, store
from services.intake import dossier as rules
from services.intake.api_answers import DossierAnswer, DossierPage, Moved, line, whole
from services.intake.corrections import Entry
from services.intake.dossier import RECEIVED, Dossier, IllegalMove, Step
from services.intake.office import ENTRANCES, Office, not_now, refused
from services.intake.receipts import receipt
from services.intake.reception import Refused, promise
from services.intake.rewriting import rewrite

KINDS = ("officer", "system", "service")
ANYONE = require(kinds=KINDS, services=ENTRANCES)
HANDLER = require("hospital", "one_stop", kinds=KINDS, services=ENTRANCES)
ONE_STOP = require("one_stop")
ENTRIES_MAX = 50
DESK_CHANNELS = frozenset({"hospital", "counter"})
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
ReasonCode = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9-]{1,63}$")]
Version = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Entries = Annotated[tuple[Entry, ...], msgspec.Meta(max_length=ENTRIES_MAX)]


class Refusal(Body, frozen=True, kw_only=True):
    """Why a dossier is not taken: a code for the events, an explanation for the applicant in the file's history."""

    reason: ReasonCode
    explanation: Reason


class Supplement(Body, frozen=True, kw_only=True):
    """Papers (codes) and data handed in later; `file_version` as in a correction."""

    components: Annotated[tuple[str, ...], msgspec.Meta(max_length=ENTRIES_MAX)] = ()
    fields: Entries = ()
    file_version: Version | None = None


class Withdrawal(Body, frozen=True, kw_only=True):
    """Why the applicant takes the dossier back, as a code."""

    reason: ReasonCode = "applicant-request"


class Correction(Body, frozen=True, kw_only=True):
    """Which data of the file were wrong, and why (`reason` is a code, `explanation` stays in the file).

    `file_version` is the version they were found wrong in: 409 `file-changed` when the file says something else by now.
    """

    changes: Annotated[tuple[Entry, ...], msgspec.Meta(min_length=1, max_length=ENTRIES_MAX)]
    reason: ReasonCode = "declared-wrong"
    explanation: Reason
    file_version: Version | None = None


def router(office: Office) -> APIRouter:
    """Endpoints under /dossiers."""
    routes = APIRouter(prefix="/dossiers", tags=["dossiers"])
    _reading(routes, office)
    _desk(routes, office)
    _data(routes, office)
    return routes


def _reading(routes: APIRouter, office: Office) -> None:
    @routes.get("", openapi_extra=described_answers({200: DossierPage}))
    async def listing(
        actor: Annotated[Actor, Depends(require("hospital", "one_stop"))],
        status: Annotated[str, Query(pattern="^([0-9]{1,2}(,[0-9]{1,2}){0,9})?$")] = "",
        before: UUID | None = None,
        limit: Annotated[int, Query(ge=1, le=store.PAGE_ROWS_MAX)] = 50,
    ) -> Response:
        """The dossiers my agency received or my hospital declared, newest first; no person is named."""
        async with office.reading() as connection:
            found = await store.page(
                connection,
                agencies=office.desks_of(actor) if "one_stop" in actor.roles else (),
                facility=office.facility_of(actor),
                statuses=[int(one) for one in status.split(",") if one],
                before=before,
                limit=limit,
            )
        following = found[-1].id if len(found) == limit else None
        # What an agency split among several has left lies with one of them each.
        mine = tuple(line(d) for d in found if office.may_read(actor, d))
        return MsgspecResponse(DossierPage(dossiers=mine, before=following))

    @routes.get("/{dossier_id}", openapi_extra=described_answers({200: DossierAnswer}))
    async def read(request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(ANYONE)]) -> Response:
        """The whole file. The purpose (X-Purpose) is recorded.

        The family's tracking token opens the page with their names: only who handed it to them is told it.
        """
        purpose = purpose_of(request)
        async with office.recording() as connection:
            dossier = await office.comparable(connection, actor, dossier_id)
            if not office.handles(actor, dossier):
                dossier = msgspec.structs.replace(dossier, token="")
            file = (await file_store.newest(connection, [dossier_id]))[dossier_id]
            papers = await attachment_store.listing(connection, dossier_id)
            await record_reads(connection, actor, purpose, "file", [dossier_id])
        return MsgspecResponse(whole(dossier, file, papers))

    @routes.get("/{dossier_id}/receipt")
    async def receipt_again(dossier_id: UUID, actor: Annotated[Actor, Depends(HANDLER)]) -> Response:
        """The receipt as the dossier stands now."""
        async with office.reading() as connection:
            dossier = await office.readable(connection, actor, dossier_id)
        if not office.handles(actor, dossier):
            raise Problem(403)
        return MsgspecResponse(receipt(dossier, office.catalogue, office.public_url))


def _desk(routes: APIRouter, office: Office) -> None:
    async def moved(
        request: Request, actor: Actor, dossier_id: UUID, decide: Callable[[Dossier], Step], note: str = ""
    ) -> Response:
        async def work(connection: Any) -> Answer:
            before = await office.locked(connection, actor, dossier_id)
            if note:
                await _annotate(connection, dossier_id, actor, note)
            try:
                after = await store.move(connection, before, decide)
            except IllegalMove as illegal:
                not_now(illegal)
            return Answer(200, Moved.of(after))

        return await once(request, actor, office.writer, work)

    @routes.post("/{dossier_id}/accept", openapi_extra=described_answers({200: Moved}))
    async def accept(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(ONE_STOP)]
    ) -> Response:
        """Take the dossier into processing; its term begins now."""
        return await moved(request, actor, dossier_id, lambda dossier: _accepted(office, dossier))

    @routes.post("/{dossier_id}/refuse", openapi_extra=body(Refusal, answers={200: Moved}))
    async def refuse(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(ONE_STOP)]
    ) -> Response:
        """Do not take the dossier (status 3)."""
        wanted = await read_body(request, Refusal)
        at = office.now()
        return await moved(
            request, actor, dossier_id, lambda d: rules.refuse(d, wanted.reason, at), wanted.explanation
        )

    @routes.post("/{dossier_id}/withdrawal", openapi_extra=body(Withdrawal, answers={200: Moved}))
    async def withdraw(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(HANDLER)]
    ) -> Response:
        """The applicant takes the dossier back (status 7)."""
        wanted = await read_body(request, Withdrawal)
        at = office.now()
        return await moved(request, actor, dossier_id, lambda d: rules.withdraw(d, wanted.reason, at))


def _data(routes: APIRouter, office: Office) -> None:
    @routes.post("/{dossier_id}/supplements", openapi_extra=body(Supplement, answers={200: Moved}))
    async def supplement(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(HANDLER)]
    ) -> Response:
        """Hand in papers or data that were missing; a dossier at a desk that is complete now is accepted."""
        wanted = await read_body(request, Supplement)

        async def work(connection: Any) -> Answer:
            before = await office.locked(connection, actor, dossier_id)
            _refuse_unasked(office, before, wanted)
            before, fields = await rewrite(
                office, connection, actor, before, wanted.fields, "supplement", seen=wanted.file_version
            )
            _refuse_unchanged(wanted, fields)
            try:
                after = await store.move(
                    connection, before, lambda d: _supplemented(office, d, wanted.components, fields)
                )
            except IllegalMove as illegal:
                not_now(illegal)
            return Answer(200, Moved.of(after))

        return await once(request, actor, office.writer, work)

    @routes.post("/{dossier_id}/corrections", openapi_extra=body(Correction, answers={200: Moved}))
    async def correct(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(HANDLER)]
    ) -> Response:
        """Correct declared data: a new version of the file, checked like the first."""
        wanted = await read_body(request, Correction)
        at = office.now()

        async def work(connection: Any) -> Answer:
            before = await office.locked(connection, actor, dossier_id)
            before, fields = await rewrite(
                office,
                connection,
                actor,
                before,
                wanted.changes,
                wanted.explanation,
                seen=wanted.file_version,
            )
            try:
                after = await store.move(
                    connection, before, lambda d: rules.correct(d, fields, wanted.reason, at)
                )
            except IllegalMove as illegal:
                not_now(illegal)
            return Answer(200, Moved.of(after))

        return await once(request, actor, office.writer, work)


def _refuse_unasked(office: Office, dossier: Dossier, wanted: Supplement) -> None:
    """Raise Problem 422 for papers neither the procedure nor the officer knows, and for data nobody asked for."""
    procedure = office.catalogue.procedure(dossier.procedure, dossier.procedure_from)
    known = {component.code for component in procedure.components}
    if dossier.open_request is not None:
        known |= set(dossier.open_request.components)
    errors = [
        FieldError(f"components[{index}]", "unknown", "Thủ tục không có thành phần hồ sơ này.")
        for index, code in enumerate(wanted.components)
        if code not in known
    ]
    unasked = frozenset(rules.unasked_fields(dossier, (entry.path for entry in wanted.fields)))
    message = "Thông tin này không nằm trong yêu cầu bổ sung; muốn sửa thì dùng chức năng cải chính."
    errors += [
        FieldError(f"fields[{index}].path", "not-asked-for", message)
        for index, entry in enumerate(wanted.fields)
        if entry.path in unasked
    ]
    if errors:
        raise Problem(422, errors=errors)


def _refuse_unchanged(wanted: Supplement, changed: tuple[str, ...]) -> None:
    """Raise Problem 422 for data that are what the file says already: they answer nothing."""
    message = "Thông tin này không khác với hồ sơ hiện có, nên chưa trả lời yêu cầu bổ sung."
    errors = [
        FieldError(f"fields[{index}].value", "unchanged", message)
        for index, entry in enumerate(wanted.fields)
        if entry.path not in changed
    ]
    if errors:
        raise Problem(422, errors=errors)


def _accepted(office: Office, dossier: Dossier) -> Step:
    """Accept now, with the appointment that follows from now."""
    at, catalogue = office.now(), office.catalogue
    procedure = catalogue.procedure(dossier.procedure, dossier.procedure_from)
    agency = catalogue.agency(dossier.receiving_agency)
    if procedure.limit_for(dossier.options) is None and dossier.appointment_at > at:
        return rules.accept_dossier(dossier, at, dossier.appointment_at)
    try:
        appointment_at = promise(office.desk, procedure, dossier.options, agency, at)
    except Refused as error:
        raise refused(error) from None
    return rules.accept_dossier(dossier, at, appointment_at)


def _supplemented(
    office: Office, dossier: Dossier, components: tuple[str, ...], fields: tuple[str, ...]
) -> Step:
    after, events = rules.supplement(dossier, components, fields, office.now())
    if after.state != RECEIVED or after.missing or dossier.channel not in DESK_CHANNELS:
        return after, events
    after, accepted = _accepted(office, after)
    return after, (*events, *accepted)


async def _annotate(connection: Any, dossier_id: UUID, actor: Actor, note: str) -> None:
    """Keep an explanation in the file's history: the same data, a new version that says why."""
    old = (await file_store.newest(connection, [dossier_id]))[dossier_id]
    await file_store.add_version(connection, old, old.content, written_by=actor.subject, reason=note)

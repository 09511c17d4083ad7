"""The HTTP interface of intake: handing in. What happens to a dossier afterwards is in the api_* modules."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from libs.contracts.intake import ChosenResult
from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, body, read_body
from libs.http.idempotency import Answer
from libs.http.problems import Problem
from libs.http.together import Together
from services.intake import (
    api_attachments,
    api_delivery,
    api_dossiers,
    api_duplicates,
    api_people,
    api_public,
    api_records,
    api_search,
    api_stays,
    api_summaries,
    api_tokens,
    api_tracking,
    api_uploads,
)
from services.intake.beds import shared_beds, with_warning
from services.intake.birth_duplicates import IdentityCard
from services.intake.birth_reception import CardCheck, birth_submission
from services.intake.births import (
    Attendants,
    BirthDeclaration,
    Certificate,
    Child,
    Choices,
    Father,
    Mother,
    Parent,
    Residence,
)
from services.intake.births import Problem as Doubt
from services.intake.form_reception import Application, form_submission
from services.intake.office import ENTRANCES, Office, duplicate, refused
from services.intake.provenance import FIELDS_MAX, Source
from services.intake.receipts import Receipt, receipt
from services.intake.reception import Refused, Submission
from services.intake.reception_store import Known, store_submissions
from services.intake.stays import Stay

KINDS = ("officer", "system", "service")
SUBMITTER = require("hospital", "one_stop", kinds=KINDS, services=ENTRANCES)
Text = Annotated[str, msgspec.Meta(max_length=1000)]
Code = Annotated[str, msgspec.Meta(max_length=64)]
Path = Annotated[str, msgspec.Meta(max_length=200)]


class ResultChoice(Body, frozen=True, kw_only=True):
    """One result and how it is to be received; `place` is the agency that hands it over (empty: our own)."""

    code: Code
    delivery: Code
    place: Code = ""
    copies: int = 1


class BirthChoices(Body, frozen=True, kw_only=True):
    """What the parents ask for (see births.Choices)."""

    results: tuple[ResultChoice, ...] = ()
    register_residence: bool = True
    issue_insurance_card: bool = True
    residence_to_register: Residence | None = None
    register_at: Parent = "mother"
    first_care_facility: Code = ""


class NewBirth(Body, frozen=True, kw_only=True):
    """A birth as the hospital's form declares it.

    `card` is the mother's card as read at the desk. When it differs from the certificate, the declaration is refused
    with the differences; sent again with `override_reason` it is taken and flagged. `identity_typed` says that no card
    was read and her identity was typed, which is flagged for the registrar. `stay` is where they lie, kept
    beside the file and changed with POST /dossiers/{id}/stay.
    """

    certificate: Certificate
    mother: Mother
    child: Child
    attendants: Attendants
    father: Father | None = None
    choices: BirthChoices = BirthChoices()
    card: IdentityCard | None = None
    override_reason: Text = ""
    identity_typed: bool = False
    stay: Stay | None = None

    def declaration(self) -> BirthDeclaration:
        """The declaration without what only the desk needs."""
        wanted = self.choices
        return BirthDeclaration(
            certificate=self.certificate,
            mother=self.mother,
            child=self.child,
            attendants=self.attendants,
            father=self.father,
            choices=Choices(
                results=_chosen(wanted.results),
                register_residence=wanted.register_residence,
                issue_insurance_card=wanted.issue_insurance_card,
                residence_to_register=wanted.residence_to_register,
                register_at=wanted.register_at,
                first_care_facility=wanted.first_care_facility,
            ),
        )


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a declaration; it would be taken when no problem is an error."""

    problems: tuple[Doubt, ...]


class NewDossier(Body, frozen=True, kw_only=True):
    """A dossier by procedure: its form, the branches wanted, the papers given, how results are to be received.

    Where an officer writes for somebody, `provenance` says by path in the form where each value came from, and
    `read_back` that it was read back to them.
    """

    procedure: Code
    form: dict[str, Any]
    options: dict[Code, Code | bool] = msgspec.field(default_factory=dict)
    components: tuple[Code, ...] = ()
    results: tuple[ResultChoice, ...] = ()
    unit: Code = ""
    unit_as_of: date | None = None
    channel: Code = ""
    appointment_at: datetime | None = None
    provenance: Annotated[dict[Path, Source], msgspec.Meta(max_length=FIELDS_MAX)] = msgspec.field(
        default_factory=dict
    )
    read_back: bool = False

    def application(self) -> Application:
        """What is asked for, without the way it came."""
        return Application(
            procedure=self.procedure,
            form=self.form,
            options=self.options,
            components=self.components,
            results=_chosen(self.results),
            unit=self.unit,
            unit_as_of=self.unit_as_of,
            appointment_at=self.appointment_at,
            provenance=self.provenance,
            read_back=self.read_back,
        )


def _chosen(results: Sequence[ResultChoice]) -> tuple[ChosenResult, ...]:
    return tuple(
        ChosenResult(code=r.code, delivery=r.delivery, place=r.place, copies=r.copies) for r in results
    )


def routers(office: Office) -> list[APIRouter]:
    """Every endpoint of intake but those the libraries bring."""
    modules = (
        api_dossiers,
        api_delivery,
        api_attachments,
        api_uploads,
        api_duplicates,
        api_people,
        api_public,
        api_tokens,
        api_stays,
        api_summaries,
        api_search,
        api_tracking,
        api_records,
    )
    return [_reception(office), *(module.router(office) for module in modules)]


def _reception(office: Office) -> APIRouter:
    router = APIRouter(tags=["reception"])
    receptions: Together[Submission] = Together(office.writer, lambda c, wanted: _store(office, c, wanted))

    @router.post("/births", status_code=201, openapi_extra=body(NewBirth, answers={201: Receipt}))
    async def declare_birth(request: Request, actor: Annotated[Actor, Depends(SUBMITTER)]) -> Response:
        """Declare one child's birth. 409 with a link when it is known already."""
        wanted = await read_body(request, NewBirth)
        try:
            new = _birth_submission(office, actor, wanted)
        except Refused as error:
            raise refused(error) from None
        return await receptions.once(request, actor, new)

    @router.post("/births/check", openapi_extra=body(NewBirth, answers={200: Checked}))
    async def check_birth(request: Request, actor: Annotated[Actor, Depends(SUBMITTER)]) -> Response:
        """What is wrong with a declaration by itself, errors and warnings, as POST /births would find it.

        Nothing is kept, and nothing is looked up: whether the birth is known already is not said, nor whether another
        mother lies in the bed (`bed-shared`).
        """
        wanted = await read_body(request, NewBirth)
        try:
            new = _birth_submission(office, actor, wanted)
        except Refused as error:
            return MsgspecResponse(Checked(problems=error.problems))
        return MsgspecResponse(Checked(problems=new.warnings))

    @router.post("/dossiers", status_code=201, openapi_extra=body(NewDossier, answers={201: Receipt}))
    async def hand_in(request: Request, actor: Annotated[Actor, Depends(SUBMITTER)]) -> Response:
        """Hand in a dossier of any procedure. One that lacks papers is received and waits for them."""
        wanted = await read_body(request, NewDossier)
        sender = office.sender(actor, wanted.channel)
        try:
            new = form_submission(wanted.application(), sender, office.fresh(), office.now(), office.desk)
        except Refused as error:
            raise refused(error) from None
        return await receptions.once(request, actor, new)

    return router


def _birth_submission(office: Office, actor: Actor, wanted: NewBirth) -> Submission:
    """What the body declares, as a dossier. Raises Refused, or Problem 403 for who may not hand in."""
    check = CardCheck(card=wanted.card, override_reason=wanted.override_reason, typed=wanted.identity_typed)
    return birth_submission(
        wanted.declaration(),
        office.sender(actor),
        office.fresh(),
        office.now(),
        office.desk,
        check,
        wanted.stay,
    )


async def _store(office: Office, connection: Any, wanted: Sequence[Submission]) -> list[Answer | Problem]:
    """Store dossiers that arrived together: a receipt for each, or the dossier its birth has already."""
    answers: list[Answer | Problem] = []
    outcomes = await store_submissions(connection, wanted)
    now = office.now()
    shared = await shared_beds(connection, wanted, now=now, wall_clock=office.desk.wall_clock(now))
    for new, outcome in zip(wanted, outcomes, strict=True):
        if isinstance(outcome, Known):
            answers.append(duplicate(outcome))
        else:
            given = receipt(outcome, office.catalogue, office.public_url, with_warning(new, shared))
            answers.append(Answer(201, given, f"/dossiers/{outcome.id}"))
    return answers

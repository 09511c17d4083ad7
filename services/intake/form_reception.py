"""From a procedure's form, handed in as JSON, to a new dossier. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from libs.catalogue import Agency, Procedure
from libs.contracts.intake import ChosenResult, RoleUnit
from services.intake.birth_duplicates import NaturalKeys, natural_keys
from services.intake.births import Problem
from services.intake.form_births import form_traits, local_minute, registers_birth
from services.intake.form_facts import check_facts
from services.intake.form_identifiers import check_identifiers, normalised_form
from services.intake.provenance import Source, provenance_problems
from services.intake.reception import (
    FILE_FORM,
    Desk,
    Fresh,
    Refused,
    Sender,
    Submission,
    bed_of,
    chosen_results,
    code_prefix,
    competent_desk,
    late_registration,
    new_dossier,
    problem,
    procedure_in_force,
    promise,
    residence_unit,
)

FORM_PREFIX = "form."


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `components` are the codes of the papers given; `unit` is the commune whose agencies are
    competent as its code stood on `unit_as_of` (empty: the receiving counter's own, today).

    `appointment_at` may be stated by an officer where no term is known. `provenance` and `read_back` say how a form was
    filled in that somebody wrote for the applicant.
    """

    procedure: str
    form: dict[str, Any]
    options: dict[str, str | bool] = {}
    components: tuple[str, ...] = ()
    results: tuple[ChosenResult, ...] = ()
    unit: str = ""
    unit_as_of: date | None = None
    appointment_at: datetime | None = None
    provenance: dict[str, Source] = {}
    read_back: bool = False


def form_submission(
    application: Application, sender: Sender, fresh: Fresh, at: datetime, desk: Desk
) -> Submission:
    """The dossier of an application. Raises Refused with everything that is wrong with it."""
    today, catalogue = desk.today(at), desk.catalogue
    procedure = procedure_in_force(catalogue, application.procedure, today)
    if (refusal := procedure.refusal(sender.channel, default_limit=desk.default_limit)) is not None:
        raise Refused([problem(refusal.field, refusal.code, refusal.message_vi)])
    form = normalised_form(application.form)
    warnings = checked_form(procedure, form, application.options, at, desk)
    _refuse_any(
        [
            *_option_problems(procedure, application, sender),
            *_foreign_certificate(form, sender),
            *provenance_problems(procedure, application.provenance),
        ]
    )
    unit, as_of, agency = _place(application, sender, desk, today)
    options = procedure.settled_options({**application.options, **_late(form, today)})
    results = chosen_results(
        catalogue,
        procedure,
        options,
        application.results,
        hospital=bed_of(catalogue, sender, today, ""),
        counter=agency.code,
        today=today,
    )
    dossier = new_dossier(
        fresh,
        sender,
        procedure,
        agency,
        at,
        unit=unit,
        unit_as_of=as_of,
        options=options,
        results=results,
        components=application.components,
        appointment_at=_appointment(application, sender, desk, procedure, options, agency, at),
        flags=tuple(dict.fromkeys(warning.code for warning in warnings)),
        role_units=_residence_step(form, procedure, options, unit, desk, today),
    )
    keys = form_keys(procedure, form, sender.facility)
    return Submission(
        dossier=dossier,
        kind=FILE_FORM,
        content=msgspec.json.encode(form),
        prefix=code_prefix(agency),
        day=today,
        accept=sender.is_desk,
        written_by=sender.subject,
        keys=keys.claimed,
        likely=keys.likely,
        likely_near=keys.likely_near,
        warnings=tuple(warnings),
        provenance=application.provenance,
        read_back=application.read_back,
    )


def checked_form(
    procedure: Procedure, form: Mapping[str, Any], options: Mapping[str, str | bool], at: datetime, desk: Desk
) -> list[Problem]:
    """The doubts about a form (already in its written form) at the moment. Raises Refused when a rule is broken."""
    found = form_problems(procedure, form, options, at, desk)
    _refuse_any([p for p in found if p.severity == "error"])
    return found


def form_problems(
    procedure: Procedure, form: Mapping[str, Any], options: Mapping[str, str | bool], at: datetime, desk: Desk
) -> list[Problem]:
    """What is wrong with a form (already in its written form) at the moment, and the doubts about it."""
    schema = [problem(p.field, p.code, p.message_vi) for p in procedure.check_form(form, options)]
    named = {known.field for known in schema}
    rules = (
        *check_identifiers(form, desk.today(at)),
        *check_facts(form, desk.wall_clock(at), desk.catalogue.units),
    )
    return [
        msgspec.structs.replace(p, field=f"{FORM_PREFIX}{p.field}")
        for p in (*schema, *(p for p in rules if p.field not in named))
    ]


def form_keys(procedure: Procedure, form: Mapping[str, Any], facility: str = "") -> NaturalKeys:
    """The keys of the birth a form registers, the same as those of a hospital's own declaration; none for others."""
    return natural_keys(form_traits(form, facility)) if registers_birth(procedure) else NaturalKeys()


def _option_problems(procedure: Procedure, application: Application, sender: Sender) -> list[Problem]:
    found = [problem(p.field, p.code, p.message_vi) for p in procedure.check_options(application.options)]
    officers = {option.code for option in procedure.options if option.set_by == "officer"}
    if not sender.agency:
        found.extend(
            problem(f"options.{code}", "officers-only", "Lựa chọn này do cán bộ xác định.")
            for code in application.options
            if code in officers
        )
    known = {component.code for component in procedure.components}
    found.extend(
        problem(f"components[{index}]", "unknown", "Thủ tục không có thành phần hồ sơ này.")
        for index, code in enumerate(application.components)
        if code not in known
    )
    return found


def _foreign_certificate(form: Mapping[str, Any], sender: Sender) -> list[Problem]:
    """A hospital hands in only births it certified."""
    facility = (form.get("medical_certificate") or {}).get("facility_code")
    if not facility or not sender.facility or facility == sender.facility:
        return []
    message = "Giấy chứng sinh không phải do cơ sở này cấp."
    return [problem("form.medical_certificate.facility_code", "facility-other", message)]


def _place(application: Application, sender: Sender, desk: Desk, today: date) -> tuple[str, date, Agency]:
    """The competent commune, its day, and the one-stop shop that receives: the counter's own, else the commune's."""
    own = desk.catalogue.agency(sender.agency) if sender.agency else None
    if application.unit:
        as_of = application.unit_as_of or today
        competent = competent_desk(desk.catalogue, "unit", application.unit, as_of, today)
        return application.unit, as_of, own or competent
    if own is not None and len(own.units) == 1:
        return own.units[0], own.effective_from, own
    raise Refused([problem("unit", "required", "Chưa ghi xã, phường có thẩm quyền giải quyết.")])


def _late(form: Mapping[str, Any], today: date) -> dict[str, str | bool]:
    """Whether the birth is registered late, from the form itself; a procedure that does not ask leaves it out."""
    born = local_minute(str((form.get("child") or {}).get("birth_time", "")))
    return late_registration(born.date(), today) if born else {}


def _residence_step(
    form: Mapping[str, Any],
    procedure: Procedure,
    options: Mapping[str, str | bool],
    unit: str,
    desk: Desk,
    today: date,
) -> tuple[RoleUnit, ...]:
    """Where the residence is registered, when that is not the competent commune; the form's code is one of today."""
    wanted = (form.get("residence") or {}).get("unit_code", "") if options.get("residence", True) else ""
    where = "form.residence.unit_code"
    return residence_unit(desk.catalogue, procedure, where, wanted, today, unit, today)


def _appointment(
    application: Application,
    sender: Sender,
    desk: Desk,
    procedure: Procedure,
    options: Mapping[str, str | bool],
    agency: Agency,
    at: datetime,
) -> datetime:
    stated = application.appointment_at
    if stated is None:
        return promise(desk, procedure, options, agency, at)
    if not sender.agency or procedure.limit_for(options) is not None:
        message = "Ngày hẹn do hệ thống tính theo thời hạn của thủ tục."
        raise Refused([problem("appointment_at", "not-yours", message)])
    if stated.tzinfo is None or stated <= at:
        raise Refused([problem("appointment_at", "in-past", "Ngày hẹn phải sau thời điểm tiếp nhận.")])
    return stated.astimezone(UTC)


def _refuse_any(problems: Sequence[Problem]) -> None:
    if problems:
        raise Refused(problems)

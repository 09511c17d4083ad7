"""What every way of handing a dossier in has in common: who is competent, what is promised, what is to be stored.

Pure: the day, the ids and the tokens come from outside. `birth_reception` and `form_reception` build on it.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from libs.catalogue import (
    Agency,
    AmbiguousUnit,
    Catalogue,
    Limit,
    NotEffective,
    Procedure,
    Result,
    UnknownAgency,
    UnknownProcedure,
)
from libs.catalogue.calendar import VIETNAM
from libs.catalogue.holidays import CalendarError
from libs.contracts.intake import ChosenResult, RoleUnit
from services.intake.births import Problem
from services.intake.dossier import RECEIVED, Dossier
from services.intake.stays import Stay

COPIES_MAX = 50  # [judgement], as for births
FILE_BIRTH: Literal["birth"] = "birth"
FILE_FORM: Literal["form"] = "form"
# Who registers residences is competent where the residence is, not where the birth is registered.
RESIDENCE_ROLE = "police_residence"
# Free when registered within 60 days of birth (Luật Hộ tịch 2014 Đ11, Đ15 k1).
LATE_REGISTRATION, REGISTRATION_TERM = "late_registration", timedelta(days=60)
PLACE_ROLES = {"hospital": "hospital", "counter": "one_stop"}


class Refused(Exception):
    """What was handed in cannot become a dossier; `problems` say why, in Vietnamese, without repeating values."""

    def __init__(self, problems: Sequence[Problem], slug: str = "invalid-content") -> None:
        super().__init__(slug)
        self.slug = slug
        self.problems = tuple(problems)


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who hands in: `subject` as authenticated, the one-stop shop they work at or the hospital (five-digit code).

    Both are empty for a partner or the portal, which nobody of ours looks over before acceptance.
    """

    subject: str
    channel: str
    agency: str = ""
    facility: str = ""

    @property
    def is_desk(self) -> bool:
        """Whether somebody of ours has seen the papers: complete dossiers are accepted in the same breath."""
        return bool(self.agency or self.facility)


class Fresh(msgspec.Struct, frozen=True, kw_only=True):
    """What a new dossier cannot make by itself: its id and its tracking token."""

    id: UUID
    token: str


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What reception leans on: the catalogue, and the term promised where the sources give none (None: no promise)."""

    catalogue: Catalogue
    default_limit: Limit | None = None

    def today(self, at: datetime) -> date:
        """The day in Việt Nam."""
        return at.astimezone(VIETNAM).date()

    def wall_clock(self, at: datetime) -> datetime:
        """What the clocks in Việt Nam show."""
        return at.astimezone(VIETNAM).replace(tzinfo=None)


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A new dossier ready to be stored; its code follows from `prefix`, `day` and a number the database gives.

    `keys` are what makes it the same as another one, `likely` and `likely_near` what makes a human compare; all
    are hashes. `warnings` go back to the sender and to whoever settles the dossier. `stay` is kept beside the file.
    """

    dossier: Dossier
    kind: Literal["birth", "form"]
    content: bytes
    prefix: str
    day: date
    accept: bool
    written_by: str
    note: str = ""
    keys: tuple[str, ...] = ()
    likely: str = ""
    likely_near: tuple[str, ...] = ()
    warnings: tuple[Problem, ...] = ()
    stay: Stay | None = None
    provenance: Mapping[str, str] = {}
    read_back: bool = False


def dossier_code(prefix: str, day: date, number: int) -> str:
    """The dossier code `000.00.00.H30-YYMMDD-NNNN` of TT 01/2018/TT-VPCP Đ19; past 9999 it grows a digit."""
    return f"{prefix}-{day:%y%m%d}-{number:04d}"


def problem(field: str, code: str, message_vi: str) -> Problem:
    """A problem that stops the submission."""
    return Problem(field=field, code=code, message_vi=message_vi)


def competent_desk(
    catalogue: Catalogue, field: str, unit: str, as_of: date, today: date, *, role: str = "one_stop"
) -> Agency:
    """The one-stop shop (or who has the `role`) of the commune; raises Refused naming `field` when the commune is
    unknown or ambiguous.
    """
    try:
        return catalogue.agency_for(role, unit, today, as_of)
    except AmbiguousUnit as ambiguous:
        units = (catalogue.units.unit(code, today) for code in ambiguous.candidates)
        names = "; ".join(unit.name for unit in units if unit is not None)
        message = f"Đơn vị hành chính này đã được chia tách, hãy chọn đơn vị hiện nay: {names}."
        raise Refused([problem(field, "commune-ambiguous", message)]) from None
    except UnknownAgency:
        message = "Không xác định được cơ quan có thẩm quyền tại xã, phường này."
        raise Refused([problem(field, "commune-not-served", message)]) from None


def bed_of(catalogue: Catalogue, sender: Sender, today: date, field: str) -> str:
    """The desk of the hospital that hands in, empty when none does. Raises Refused naming `field` for one unknown."""
    if not sender.facility:
        return ""
    try:
        return catalogue.hospital(sender.facility, today).code
    except UnknownAgency:
        message = "Cơ sở khám bệnh, chữa bệnh này chưa có trong danh mục."
        raise Refused([problem(field, "facility-unknown", message)]) from None


def late_registration(born_on: date, today: date) -> dict[str, bool | str]:
    """The option that says whether a birth is registered later than the law wants, as a procedure may ask for it."""
    return {LATE_REGISTRATION: today > born_on + REGISTRATION_TERM}


def residence_unit(
    catalogue: Catalogue,
    procedure: Procedure,
    field: str,
    unit: str,
    as_of: date,
    competent: str,
    today: date,
) -> tuple[RoleUnit, ...]:
    """The commune where the residence is registered, when it is not the `competent` one (empty `unit`: none asked).

    Raises Refused naming `field` when no police of the city register residences there: nobody could do the step.
    """
    if not unit or unit == competent or all(step.role != RESIDENCE_ROLE for step in procedure.steps):
        return ()
    competent_desk(catalogue, field, unit, as_of, today, role=RESIDENCE_ROLE)
    return (RoleUnit(role=RESIDENCE_ROLE, unit=unit, unit_as_of=as_of),)


def procedure_in_force(catalogue: Catalogue, code: str, today: date) -> Procedure:
    """The procedure by code; raises Refused when there is none on the day."""
    try:
        return catalogue.procedure(code, today)
    except UnknownProcedure:
        raise Refused([problem("procedure", "unknown", "Danh mục không có thủ tục này.")]) from None
    except NotEffective:
        message = "Thủ tục này hiện không còn hoặc chưa có hiệu lực."
        raise Refused([problem("procedure", "not-in-force", message)]) from None


def code_prefix(agency: Agency) -> str:
    """What the agency's dossier codes begin with; raises Refused when it is no reception desk."""
    if not agency.code_prefix:
        message = "Cơ quan này không phải bộ phận một cửa nên không cấp được mã hồ sơ."
        raise Refused([problem("", "no-desk", message)])
    return agency.code_prefix


def promise(
    desk: Desk, procedure: Procedure, options: Mapping[str, bool | str], agency: Agency, at: datetime
) -> datetime:
    """The appointment: the procedure's term from `at` on the agency's calendar, with the 15:00 rule.

    Raises Refused when neither the procedure nor the city gives a term, or the calendar ends before it.
    """
    limit = procedure.limit_for(options) or desk.default_limit
    if limit is None:
        message = "Thủ tục chưa có thời hạn giải quyết được xác nhận; cán bộ tiếp nhận phải ghi ngày hẹn."
        raise Refused([problem("appointment_at", "limit-unknown", message)])
    try:
        return limit.due_at(desk.catalogue.calendar(agency.calendar), at)
    except CalendarError:
        message = "Lịch làm việc chưa có cho thời gian giải quyết; vui lòng báo quản trị hệ thống."
        raise Refused([problem("appointment_at", "outside-calendar", message)]) from None


def chosen_results(
    catalogue: Catalogue,
    procedure: Procedure,
    options: Mapping[str, bool | str],
    chosen: Sequence[ChosenResult],
    *,
    hospital: str,
    counter: str,
    today: date,
    path: str = "results",
) -> tuple[ChosenResult, ...]:
    """The results of the dossier and how each is received: as chosen, else by the procedure's default.

    `hospital` and `counter` are the agencies that hand over when no other is named (`hospital` may be empty: then
    what is usually handed over at the bed goes to the counter). A result only on request must have been chosen.
    Raises Refused with every wrong choice.
    """
    offered = {r.code: r for r in procedure.results_for(procedure.chosen_steps(options))}
    own = {"hospital": hospital, "counter": counter}
    problems: list[Problem] = []
    wanted: dict[str, ChosenResult] = {}
    for index, choice in enumerate(chosen):
        result = offered.get(choice.code)
        if result is None or choice.code in wanted:
            where = "result-twice" if choice.code in wanted else "result-not-offered"
            text = "Kết quả này không thuộc những việc đã chọn, hoặc được chọn hai lần."
            problems.append(problem(f"{path}[{index}].code", where, text))
            continue
        placed = _placed(choice, own)
        problems.extend(_faults(catalogue, result, placed, f"{path}[{index}]", today))
        wanted[choice.code] = placed
    if problems:
        raise Refused(problems)
    for code, result in offered.items():
        if code not in wanted and not result.on_request:
            wanted[code] = _default(result, hospital=hospital, counter=counter)
    return tuple(wanted[code] for code in offered if code in wanted)


def placed_choice(
    catalogue: Catalogue,
    procedure: Procedure,
    choice: ChosenResult,
    own: Mapping[str, str],
    today: date,
    path: str,
) -> ChosenResult:
    """A choice for a result of the procedure with its place (`own` by way where none is named). Raises Refused."""
    result = next(result for result in procedure.results if result.code == choice.code)
    placed = _placed(choice, own)
    if problems := list(_faults(catalogue, result, placed, path, today)):
        raise Refused(problems)
    return placed


def _placed(choice: ChosenResult, own: Mapping[str, str]) -> ChosenResult:
    """The choice with its place: the own one where none is named, none at all for post and electronic."""
    if choice.delivery not in own:
        return msgspec.structs.replace(choice, place="")
    return choice if choice.place else msgspec.structs.replace(choice, place=own[choice.delivery])


def _faults(
    catalogue: Catalogue, result: Result, choice: ChosenResult, path: str, today: date
) -> Iterable[Problem]:
    if choice.delivery not in result.deliveries:
        text = f"{result.name_vi}: không nhận được theo hình thức này."
        yield problem(f"{path}.delivery", "delivery-not-offered", text)
    elif (role := PLACE_ROLES.get(choice.delivery)) and not _hands_over(catalogue, choice.place, role, today):
        text = f"{result.name_vi}: nơi nhận kết quả không có trong danh mục."
        yield problem(f"{path}.place", "place-unknown", text)
    if not 0 <= choice.copies <= COPIES_MAX:
        text = f"{result.name_vi}: số bản sao phải từ 0 đến {COPIES_MAX}."
        yield problem(f"{path}.copies", "copies-bounds", text)


def _hands_over(catalogue: Catalogue, place: str, role: str, today: date) -> bool:
    try:
        agency = catalogue.agency(place)
    except UnknownAgency:
        return False
    return role in agency.roles and agency.in_force(today)


def _default(result: Result, *, hospital: str, counter: str) -> ChosenResult:
    delivery = result.default_delivery
    if delivery == "hospital" and not hospital:
        # Nobody lies in a bed: the counter where possible, else the first way there is.
        others = [way for way in result.deliveries if way != "hospital"]
        delivery = "counter" if "counter" in others else (others or ["counter"])[0]
    place = {"hospital": hospital, "counter": counter}.get(delivery, "")
    return ChosenResult(code=result.code, delivery=delivery, place=place)


def new_dossier(
    fresh: Fresh,
    sender: Sender,
    procedure: Procedure,
    agency: Agency,
    at: datetime,
    *,
    unit: str,
    unit_as_of: date,
    options: Mapping[str, bool | str],
    results: tuple[ChosenResult, ...],
    components: Iterable[str],
    appointment_at: datetime,
    flags: tuple[str, ...] = (),
    role_units: tuple[RoleUnit, ...] = (),
) -> Dossier:
    """The dossier as it begins, still without its code; what it lacks of the procedure's papers is `missing`."""
    given = tuple(dict.fromkeys(components))
    return Dossier(
        id=fresh.id,
        code="",
        token=fresh.token,
        procedure=procedure.code,
        procedure_from=procedure.effective_from,
        channel=sender.channel,
        receiving_agency=agency.code,
        facility=sender.facility,
        unit=unit,
        unit_as_of=unit_as_of,
        options=dict(options),
        results=results,
        components=given,
        missing=tuple(c.code for c in procedure.missing_components(given, options)),
        state=RECEIVED,
        likely_duplicate=False,
        received_at=at,
        appointment_at=appointment_at,
        flags=flags,
        role_units=role_units,
    )

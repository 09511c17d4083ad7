"""What the services know of a dossier, made into what its papers say. Pure."""

from collections.abc import Sequence
from datetime import date, datetime

import msgspec

from libs.catalogue import Agency, Catalogue, CatalogueError, Procedure
from libs.catalogue.calendar import VIETNAM
from libs.papers import (
    Apology,
    Component,
    CongratulationLetter,
    ControlSlip,
    Missing,
    Office,
    Officer,
    Person,
    Receipt,
    Refusal,
    SupplementRequest,
    Transfer,
)
from services.portal.procedures.words import limit_words

DELIVERIES = {"post": "Gửi qua bưu chính", "electronic": "Bản điện tử"}
_KINDS = ("phường ", "xã ", "thị trấn ", "đặc khu ")
TITLE_LENGTH_MAX = 160
LACKING = "Hồ sơ còn thiếu giấy tờ theo quy định của thủ tục"


class Human(msgspec.Struct, frozen=True, kw_only=True):
    """A person of the dossier."""

    name: str
    residence: str = ""
    phone: str = ""
    email: str = ""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """One paper of the procedure; `state` is given, missing or not-needed."""

    name: str
    originals: int
    copies: int
    state: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One result and how it is received."""

    name: str
    delivery: str
    place_name: str


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """Something still wanted."""

    label: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Everything still wanted."""

    respond_by: datetime | None
    things: tuple[Thing, ...]


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What intake's paper-facts say; to an agency, which only has a step of the dossier, without `link` and results."""

    code: str
    link: str
    procedure: str
    procedure_name: str
    legal_basis: tuple[str, ...]
    applicant: Human
    subject: str
    subject_kind: str
    components: tuple[Sheet, ...]
    results: tuple[Outcome, ...]
    received_at: datetime
    accepted_at: datetime | None
    appointment_at: datetime
    fee_vnd: int | None
    asked: Asked | None
    receiving_agency: str
    reason: str
    explanation: str

    @property
    def for_an_agency(self) -> bool:
        """Whether who asked has a step of the dossier and does not handle it."""
        return not self.link


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the case's timeline."""

    at: datetime
    what: str
    step: str = ""
    agency: str = ""
    reason: str = ""
    note: str = ""


class Apologised(msgspec.Struct, frozen=True, kw_only=True):
    """An apology with its new date."""

    agency: str
    reason: str
    was_at: datetime
    proposed_at: datetime
    signed_at: datetime | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What routing says of the case."""

    received_at: datetime
    due_at: datetime | None
    appointment_at: datetime
    timeline: tuple[Line, ...]
    apologies: tuple[Apologised, ...] = ()


class RefusedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step that will not be done, and why."""

    reason: str
    reason_text: str
    note: str = ""


class Sayer(msgspec.Struct, frozen=True, kw_only=True):
    """Who prints, at which agency, and where the family may look: what every paper has."""

    catalogue: Catalogue
    public_url: str
    officer: str
    agency: str
    today: date

    def procedure(self, facts: Facts) -> Procedure:
        """The procedure as it stood when the dossier came. Raises CatalogueError."""
        return self.catalogue.procedure(facts.procedure, facts.received_at.astimezone(VIETNAM).date())

    def title(self, facts: Facts) -> str:
        """What the procedure is called on a paper of A5: its short name where the official one fills half the sheet."""
        if len(facts.procedure_name) <= TITLE_LENGTH_MAX:
            return facts.procedure_name
        return self.procedure(facts).short_name_vi

    def office(self, agency: Agency) -> Office:
        """The agency as the heading of a paper."""
        unit = self.catalogue.units.unit(agency.units[0], self.today) if len(agency.units) == 1 else None
        name = unit.name if unit else ""
        bare = next((name[len(kind) :] for kind in _KINDS if name.lower().startswith(kind)), name)
        return Office(
            name=agency.name_vi,
            place=bare,
            parent=f"Ủy ban nhân dân {name[:1].lower()}{name[1:]}" if name else "",
            address=agency.address_vi,
            phone=agency.phone,
        )

    def head(self, facts: Facts) -> dict[str, object]:
        """Office, officer, applicant, code and link. Raises CatalogueError for an agency that is no more known."""
        agency = self.catalogue.agency(facts.receiving_agency)
        return {
            "office": self.office(agency),
            "officer": Officer(name=self.officer, phone=self._phone(facts, agency)),
            "applicant": person(facts.applicant),
            "code": facts.code,
            "tracking_url": f"{self.public_url}/h/{facts.link.rpartition('/')[2]}" if facts.link else "",
            "procedure": self.title(facts),
        }

    def _phone(self, facts: Facts, receiving: Agency) -> str:
        """Where the officer who is named can be asked: an agency's does not sit at the counter."""
        return self.catalogue.agency(self.agency).phone if facts.for_an_agency else receiving.phone

    def name(self, code: str) -> str:
        """What an agency is called; its code when nobody knows it any more."""
        try:
            return self.catalogue.agency(code).name_vi
        except (CatalogueError, LookupError):
            return code


def person(human: Human) -> Person:
    """A person as papers name them."""
    return Person(name=human.name, address=human.residence, phone=human.phone, email=human.email)


def receipt(say: Sayer, facts: Facts, options: dict[str, str | bool]) -> Receipt:
    """Form 01."""
    limit = say.procedure(facts).limit_for(options)
    places = dict.fromkeys(one.place_name or DELIVERIES.get(one.delivery, "") for one in facts.results)
    return Receipt(
        **say.head(facts),  # type: ignore[arg-type]
        components=tuple(
            Component(name=one.name, originals=one.originals, copies=one.copies)
            for one in facts.components
            if one.state == "given"
        ),
        received_at=facts.accepted_at or facts.received_at,
        due_at=facts.appointment_at,
        fee_dong=facts.fee_vnd,
        time_limit=limit_words(limit) if limit else "",
        result_place="; ".join(place for place in places if place),
    )


def supplement_request(say: Sayer, facts: Facts) -> SupplementRequest | None:
    """Form 02, with all that is missing; None when nothing is."""
    if facts.asked is None:
        return None
    known = {one.name: one for one in facts.components}
    return SupplementRequest(
        **say.head(facts),  # type: ignore[arg-type]
        missing=tuple(_missing(thing.label, known.get(thing.label)) for thing in facts.asked.things),
        reason=LACKING,
        until=facts.asked.respond_by,
    )


def _missing(name: str, paper: Sheet | None) -> Missing:
    return Missing(name=name, originals=paper.originals if paper else 0, copies=paper.copies if paper else 0)


def refusal(say: Sayer, facts: Facts, refused: Sequence[RefusedStep]) -> Refusal | None:
    """Form 03: at reception by intake's reason, later by the officer who refused; None when nobody has refused."""
    reason = facts.reason or (refused[0].reason if refused else "")
    if not reason:
        return None
    known = next((one for one in say.catalogue.reasons["refuse"] if one.code == reason), None)
    words = known.name_vi if known else (refused[0].reason_text if refused else reason)
    basis = (*facts.legal_basis, *((known.legal_basis,) if known and known.legal_basis else ()))
    given = tuple(one.name for one in facts.components if one.state == "given")
    return Refusal(
        **say.head(facts),  # type: ignore[arg-type]
        reason=words,
        detail=facts.explanation or (refused[0].note if refused else ""),
        legal_basis=basis,
        settling=bool(refused),
        returned=given,
        next_steps=(
            "Sửa, bổ sung theo lý do nêu trên rồi nộp lại hồ sơ.",
            "Khiếu nại theo quy định của Luật Khiếu nại nếu không đồng ý.",
        ),
    )


def own_refusals(say: Sayer, case: Case) -> tuple[RefusedStep, ...]:
    """What the printing agency itself refused, as its own timeline tells it."""
    return tuple(
        RefusedStep(reason=line.reason, reason_text=line.reason, note=line.note)
        for line in case.timeline
        if line.what == "refuse" and line.agency == say.agency
    )


def apology(say: Sayer, facts: Facts, case: Case) -> Apology | None:
    """Form 04 for the newest apology, drafted or signed; None when there is none."""
    if not case.apologies:
        return None
    newest = case.apologies[-1]
    return Apology(
        **say.head(facts),  # type: ignore[arg-type]
        received_at=facts.received_at,
        old_due_at=newest.was_at,
        new_due_at=newest.proposed_at,
        reason=APOLOGY_REASONS.get(newest.reason, ""),
        signer_title=say.name(newest.agency),
    )


# As routing's drafts name it.
APOLOGY_REASONS = {"not-finished-in-time": "Cơ quan giải quyết chưa hoàn thành đúng hạn"}


def control_slip(say: Sayer, facts: Facts, case: Case) -> ControlSlip:
    """Form 05: from hand to hand."""
    agency = say.catalogue.agency(facts.receiving_agency)
    lines, giver = [], say.name(facts.receiving_agency)
    for line in case.timeline:
        if line.what == "assigned" and line.agency:
            taker = say.name(line.agency)
            lines.append(Transfer(giver=giver, taker=taker, at=line.at))
            giver = taker
    head = say.head(facts)
    return ControlSlip(
        office=say.office(agency),
        code=facts.code,
        tracking_url=str(head["tracking_url"]),
        procedure=say.title(facts),
        received_at=facts.received_at,
        due_at=case.due_at or case.appointment_at,
        lines=tuple(lines),
    )


def letter(say: Sayer, facts: Facts, born_on: date, mother: str, father: str) -> CongratulationLetter:
    """To a newborn's family."""
    agency = say.catalogue.agency(facts.receiving_agency)
    office = say.office(agency)
    return CongratulationLetter(
        office=office,
        born_on=born_on,
        signer_title=office.parent or office.name,
        child=facts.subject if facts.subject_kind == "child" else "",
        mother=mother,
        father=father,
    )

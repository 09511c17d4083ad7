"""What each paper of the one-stop shop needs to know: names, codes, moments. Pure data; values.py makes words of it.

Texts may be empty unless a docstring says otherwise: an empty one is a dotted line or left out. Moments have a zone.
"""

from datetime import date, datetime
from typing import Literal

import msgspec

Outcome = Literal["", "early", "on-time", "late"]


class Office(msgspec.Struct, frozen=True, kw_only=True):
    """Whose paper it is. `place` stands before the date ("Ngã Bảy"), `parent` is the authority above it."""

    name: str
    place: str
    parent: str = ""
    address: str = ""
    phone: str = ""
    hours: str = ""


class Officer(msgspec.Struct, frozen=True, kw_only=True):
    """Who deals with the citizen, and the telephone to ask at."""

    name: str
    phone: str = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who handed the dossier in."""

    name: str
    address: str = ""
    phone: str = ""
    email: str = ""


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A paper that was handed in, and how many of it."""

    name: str
    originals: int = 0
    copies: int = 0
    electronic: int = 0
    note: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier was received. `tracking_url` carries a random token, never the code, which can be guessed.

    `fee_dong` None: not known yet. `due_at` None: the procedure has no term. `time_limit` in words ("3 ngày làm việc").
    """

    office: Office
    officer: Officer
    applicant: Person
    code: str
    tracking_url: str
    procedure: str
    components: tuple[Component, ...]
    received_at: datetime
    due_at: datetime | None
    fee_dong: int | None
    fee_paid: bool = False
    number: str = ""
    sets: int = 1
    time_limit: str = ""
    result_place: str = ""
    register_book: str = ""
    register_number: str = ""


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to supplement: the paper, and what is wrong with it or must be done."""

    name: str
    what: str = ""
    originals: int = 0
    copies: int = 0


class SupplementRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is missing, once. `code` and `tracking_url` are empty where nothing was received yet."""

    office: Office
    officer: Officer
    applicant: Person
    procedure: str
    missing: tuple[Missing, ...]
    reason: str
    code: str = ""
    tracking_url: str = ""
    number: str = ""
    until: datetime | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a dossier is not received, or after having been received not settled (`settling`).

    `legal_basis` is needed: nobody is refused without a law. `next_steps` are what the citizen can do, a sentence each;
    `returned` the papers given back.
    """

    office: Office
    officer: Officer
    applicant: Person
    procedure: str
    reason: str
    legal_basis: tuple[str, ...]
    detail: str = ""
    settling: bool = False
    next_steps: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()
    code: str = ""
    tracking_url: str = ""
    number: str = ""
    signer_title: str = "Người tiếp nhận hồ sơ"

    def __post_init__(self) -> None:
        if not any(basis.strip() for basis in self.legal_basis):
            raise ValueError("a refusal needs its legal basis")


class Apology(msgspec.Struct, frozen=True, kw_only=True):
    """The result comes later than promised. `extension` is by how much ("3 ngày làm việc"), for the form of 2025."""

    office: Office
    officer: Officer
    applicant: Person
    code: str
    tracking_url: str
    procedure: str
    received_at: datetime
    old_due_at: datetime
    new_due_at: datetime
    reason: str
    signer_title: str
    signer_name: str = ""
    extension: str = ""
    number: str = ""

    def __post_init__(self) -> None:
        if self.new_due_at <= self.old_due_at:
            raise ValueError("the new day is not after the one promised")


class StopNotice(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier is not settled any further: who asked for that, where it was, why, and what becomes of the fee."""

    office: Office
    officer: Officer
    applicant: Person
    code: str
    tracking_url: str
    procedure: str
    received_at: datetime
    requested_by: str
    stage: str
    reason: str
    signer_title: str
    signer_name: str = ""
    fee_consequence: str = ""
    number: str = ""


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """The dossier went from one hand to another; `outcome` says whether the giver was in time."""

    giver: str
    taker: str
    at: datetime
    outcome: Outcome = ""
    note: str = ""


class ControlSlip(msgspec.Struct, frozen=True, kw_only=True):
    """Through whose hands a dossier went, in order."""

    office: Office
    code: str
    tracking_url: str
    procedure: str
    received_at: datetime
    due_at: datetime | None
    lines: tuple[Transfer, ...]
    number: str = ""


class RegisterRow(msgspec.Struct, frozen=True, kw_only=True):
    """One dossier in the register."""

    code: str
    procedure: str
    applicant: Person
    agency: str
    received_at: datetime
    due_at: datetime | None = None
    returned_at: datetime | None = None
    sets: int = 1
    delivery: str = ""
    note: str = ""


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """The dossiers of a period, first and last day included."""

    office: Office
    first_day: date
    last_day: date
    rows: tuple[RegisterRow, ...]
    book: str = ""


class CongratulationLetter(msgspec.Struct, frozen=True, kw_only=True):
    """To a newborn's family: nothing of them but these names and the birthday. `child` empty: not named yet."""

    office: Office
    born_on: date
    signer_title: str
    child: str = ""
    mother: str = ""
    father: str = ""
    signer_name: str = ""


_INITIALS_MAX = 16


class BedCard(msgspec.Struct, frozen=True, kw_only=True):
    """Hangs at the bed where everybody can read it: the bed, the mother's initials ("N.T.M."), a code to scan."""

    office: Office
    bed: str
    tracking_url: str
    initials: str = ""

    def __post_init__(self) -> None:
        if " " in self.initials or len(self.initials) > _INITIALS_MAX:
            raise ValueError("initials, not a name")


Paper = (
    Receipt
    | SupplementRequest
    | Refusal
    | Apology
    | StopNotice
    | ControlSlip
    | Register
    | CongratulationLetter
    | BedCard
)

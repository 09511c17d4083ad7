"""A dossier that has just been received, as the counter shows it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.http.client import Refused
from services.portal.counter.attaching import Sent
from services.portal.sessions import Person

# How intake refuses another form under a key that has made a dossier.
KEY_USED = "idempotency-key-reused"


class PaperGiven(msgspec.Struct, frozen=True, kw_only=True):
    """A paper on the receipt."""

    code: str
    name: str
    given: bool


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Something intake wants a person to look at."""

    message_vi: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What of intake's receipt the screen uses."""

    dossier_id: UUID
    code: str
    procedure_name: str
    received_at: datetime
    appointment_at: datetime
    appointment_text: str
    components: tuple[PaperGiven, ...]
    missing: tuple[str, ...]
    fee_text: str
    likely_duplicate: bool = False
    warnings: tuple[Doubt, ...] = ()


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """The receipt with what has to be printed and which scans went with it."""

    receipt: Receipt
    files: tuple[Sent, ...]
    print_now: bool

    @property
    def form(self) -> str:
        """The paper the citizen gets: 02 for a dossier that lacks papers, else 01."""
        return "02" if self.receipt.missing else "01"

    @property
    def paper(self) -> str:
        """Where it is printed from."""
        return f"/giay-to/{self.receipt.dossier_id}/{self.form}.pdf"


class SentBefore(msgspec.Struct, frozen=True, kw_only=True):
    """A form that was received already before it was changed; `code` is empty when its dossier cannot be told."""

    code: str
    number: str


class _Made(msgspec.Struct, frozen=True, kw_only=True):
    made: str = ""


class _Known(msgspec.Struct, frozen=True, kw_only=True):
    code: str = ""


def received(receipt: Receipt, files: Sequence[Sent]) -> Received:
    """A dossier received in this moment: its paper is printed at once."""
    return Received(receipt=receipt, files=tuple(files), print_now=True)


async def again(person: Person, dossier_id: UUID) -> Received | None:
    """A dossier received before; None when there is none for this counter."""
    try:
        receipt = await person.desk.get("intake", f"/dossiers/{dossier_id}/receipt", Receipt)
    except Refused as refused:
        if refused.status in (403, 404):
            return None
        raise
    return Received(receipt=receipt, files=(), print_now=False)


async def sent_before(person: Person, refused: Refused, number: str) -> SentBefore | None:
    """The dossier made by the sending whose answer was lost, when `refused` says that the form's key made one.

    `number` is the applicant's, to look for the dossier by.
    """
    if refused.slug != KEY_USED:
        return None
    dossier_id = made_by(refused.answer)
    found = await again(person, dossier_id) if dossier_id else None
    return SentBefore(code=found.receipt.code if found else "", number=number)


def made_by(answer: bytes) -> UUID | None:
    """The dossier that a refusal of a used key names; None when it names none."""
    try:
        path = msgspec.json.decode(answer, type=_Made).made
        return UUID(path.removeprefix("/dossiers/"))
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        return None


def known_code(answer: bytes) -> str:
    """The code of the dossier there is already, which a refusal of a duplicate names."""
    try:
        return msgspec.json.decode(answer, type=_Known).code
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""

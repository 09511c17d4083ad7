"""Who may take a result in hand, and how that was established. Pure."""

import unicodedata
from collections.abc import Collection

import msgspec

from libs.catalogue.folding import fold
from libs.http.problems import FieldError, Problem
from libs.printing.letters import printable
from services.results.desk_store import Receiver
from services.results.people import PeopleRecord, Person
from services.results.tries import MISMATCH

# Named in the dossier: their own identity document suffices.
MOTHER, FATHER, APPLICANT = "mother", "father", "applicant"
# Not named in it: they act for somebody by a paper.
GUARDIAN, RELATIVE, AUTHORISED = "guardian", "relative", "authorised"
# The post or another carrier has delivered; its proof of delivery stands for the receiver's signature.
CARRIER = "carrier"
RELATIONS = (MOTHER, FATHER, APPLICANT, GUARDIAN, RELATIVE, AUTHORISED, CARRIER)

# How the right was established, as stored with the act and printed on the receipt.
BY_IDENTITY_NUMBER, BY_NAME_AND_PAPER = "identity-number", "name-and-paper"
BY_AUTHORISATION, BY_GUARDIANSHIP, BY_CARRIER = "authorisation", "guardianship", "carrier-proof"
# Name or number differ from the dossier, and the officer answers for it by name.
BY_RESPONSIBILITY = "officer-responsibility"


def check_receiver(receiver: Receiver, people: PeopleRecord, deliveries: Collection[str]) -> Receiver:
    """The receiver with how the right to take the papers was established (`deliveries` are the papers' ways).

    A person named in the dossier shows the identity document the dossier knows, and has the name that stands there.
    Where the dossier knows no number (a mother without papers at the birth), the name must be the same letter for
    letter and `evidence` names the paper by which she was recognised, such as the hospital's certificate of birth.
    Where one of number and name differs (a new identity card, a misspelt name) the officer may answer for it:
    `mismatch` says why, `evidence` by which paper. Where both differ it is somebody else.
    Nobody else is recorded as mother, father or applicant: they act by a paper, a decision on guardianship or an
    authorisation, and are identified. Raises Problem 422 naming the field, never a value.
    """
    _refuse_unprintable(receiver)
    if receiver.relation == CARRIER:
        return _by_carrier(receiver, deliveries)
    if not _letters(receiver.name):
        raise _refused("name", "required", "Phải ghi họ tên người nhận.")
    if receiver.relation in (MOTHER, FATHER, APPLICANT):
        return _by_own_right(receiver, _named(people, receiver.relation))
    if not receiver.authorisation:
        text = "Người nhận thay phải có văn bản ủy quyền."
        if receiver.relation == GUARDIAN:
            text = "Người giám hộ phải có giấy tờ chứng minh việc giám hộ."
        raise _refused("authorisation", "required", text)
    if not _number(receiver.identity_number):
        raise _refused("identity_number", "required", "Phải ghi số giấy tờ tùy thân của người nhận thay.")
    return _checked(receiver, BY_GUARDIANSHIP if receiver.relation == GUARDIAN else BY_AUTHORISATION)


def _by_own_right(receiver: Receiver, person: Person | None) -> Receiver:
    """Somebody the dossier names; the receipt has the name as it stands there."""
    if person is None or not person.name:
        text = "Hồ sơ không ghi người này; người nhận thay phải chọn quan hệ được ủy quyền."
        raise _refused("relation", MISMATCH, text)
    known = _number(person.identity_number)
    if receiver.mismatch and not receiver.evidence:
        # Before anything is compared: whoever asks for less must not learn what fits.
        text = "Phải ghi giấy tờ chứng minh khi thông tin không khớp với hồ sơ."
        raise _refused("evidence", "required", text)
    if known:
        same_number = known == _number(receiver.identity_number)
        same_name = fold(person.name) == fold(receiver.name)
        if receiver.mismatch and _number(receiver.identity_number) and same_number != same_name:
            return _checked(receiver, BY_RESPONSIBILITY)
        # One answer for a wrong number and a wrong name: neither can be found by trying the other.
        if not (same_number and same_name):
            text = "Họ tên hoặc số giấy tờ tùy thân không khớp với người có trong hồ sơ."
            raise _refused("identity_number", MISMATCH, text)
        return _checked(_as_named(receiver, person), BY_IDENTITY_NUMBER)
    if not receiver.evidence:
        text = "Hồ sơ không có số giấy tờ tùy thân của người này: phải ghi giấy tờ dùng để nhận diện."
        raise _refused("evidence", "required", text)
    if _letters(person.name) != _letters(receiver.name):
        raise _refused("name", MISMATCH, "Họ tên không khớp với người có trong hồ sơ.")
    return _checked(_as_named(receiver, person), BY_NAME_AND_PAPER)


def _as_named(receiver: Receiver, person: Person) -> Receiver:
    """The receiver under the dossier's spelling of the name, unless a receipt cannot show that."""
    try:
        return msgspec.structs.replace(receiver, name=printable(person.name))
    except ValueError:
        return receiver


def _refuse_unprintable(receiver: Receiver) -> None:
    for field in ("name", "authorisation", "evidence"):
        try:
            printable(getattr(receiver, field))
        except ValueError:
            text = "Chỉ dùng chữ cái Latinh (tiếng Việt) để in được trên biên nhận."
            raise _refused(field, "letters", text) from None


def _by_carrier(receiver: Receiver, deliveries: Collection[str]) -> Receiver:
    if set(deliveries) != {"post"}:
        raise _refused("relation", "not-posted", "Chỉ kết quả gửi qua bưu chính do đơn vị vận chuyển giao.")
    if not receiver.authorisation:
        raise _refused("authorisation", "required", "Phải ghi số giấy báo phát của đơn vị vận chuyển.")
    return _checked(receiver, BY_CARRIER)


def _named(people: PeopleRecord, relation: str) -> Person | None:
    named = {MOTHER: people.mother, FATHER: people.father, APPLICANT: people.applicant}
    return named.get(relation)


def _number(text: str) -> str:
    """An identity number as it is compared: officers write it with spaces or dots, passports in small letters."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if c.isalnum()).upper()


def _letters(name: str) -> str:
    """A name as it is compared: one spelling of its letters, one space between its parts."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


def _checked(receiver: Receiver, how: str) -> Receiver:
    mismatch = receiver.mismatch if how == BY_RESPONSIBILITY else ""
    return msgspec.structs.replace(receiver, checked=how, mismatch=mismatch)


class Recognised(msgspec.Struct, frozen=True, kw_only=True):
    """Whom of the dossier a card belongs to, and how that would be established.

    `needs` is what must be shown besides.
    """

    relation: str
    checked: str
    needs: tuple[str, ...] = ()


def whose_card(name: str, number: str, people: PeopleRecord) -> Recognised:
    """Whom of the dossier's people the card names. Raises Problem 422, counted as a try, when it is nobody."""
    refused: Problem | None = None
    for relation in (MOTHER, FATHER, APPLICANT):
        person = _named(people, relation)
        if person is None or not person.name:
            continue
        # Who has no number in the dossier is recognised by the name, with a paper still to be named.
        shown = "" if _number(person.identity_number) else "?"
        asked = Receiver(name=name, relation=relation, identity_number=number, evidence=shown)
        try:
            found = _by_own_right(asked, person)
        except Problem as problem:
            refused = problem
            continue
        needs = ("evidence",) if found.checked == BY_NAME_AND_PAPER else ()
        return Recognised(relation=relation, checked=found.checked, needs=needs)
    raise refused or _refused("relation", MISMATCH, "Hồ sơ không ghi người nào có thể nhận kết quả.")


def _refused(field: str, code: str, message: str) -> Problem:
    error = FieldError(f"receiver.{field}", code, message)
    return Problem(422, "receiver-not-entitled", "Chưa trao được kết quả", errors=[error])

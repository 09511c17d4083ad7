"""When a birth declaration holds together: every rule is pure and every problem is listed at once.

Sources: QĐ 4750/QĐ-BYT Bảng 9 and its check list (the XML9 rules), TT 22/2025/TT-BYT (certificate code,
"không cân"), TT 30/2020/TT-BYT Đ10 (temporary card). Bounds marked [judgement] are ours and only there to
stop slips.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Literal

from libs.catalogue.document_codes import check_birth_notice_code
from libs.catalogue.identifiers import (
    IdentifierError,
    check_ethnic_code,
    check_identity_document,
    check_nationality,
    check_person_name,
    check_phone,
)
from libs.catalogue.insurance_numbers import (
    check_facility_code,
    check_health_card,
    check_insured_number,
    check_temporary_child_card,
)
from libs.catalogue.units import Units
from services.intake.births import VIETNAM, BirthDeclaration, Father, Mother, Problem
from services.intake.residences import commune_problems
from services.intake.texts import text_problems

MOTHER_AGE_YEARS_MIN, MOTHER_AGE_YEARS_MAX = 10, 65  # [judgement] outside: a slip of the pen
MOTHER_AGE_YEARS_USUAL = range(16, 56)  # [judgement] outside: a human looks
WEIGHT_G_MIN, WEIGHT_G_MAX = 200, 8000  # [judgement] outside: kilograms or a typing slip
WEIGHT_G_USUAL = range(500, 6001)
COUNT_MAX = 9  # [judgement] the most children ever born alive at once
COPIES_MAX = 50  # [judgement]
INSURED_LENGTHS = (10, 12)  # a social insurance number, or the personal number in its place
DELIVERIES = ("hospital", "counter", "post", "electronic")
NOTE_SURGERY, NOTE_UNDER_32_WEEKS = "phẫu thuật", "dưới 32 tuần tuổi"  # Bảng 9, GHI_CHU
NOTES_PRESCRIBED = (
    "sinh con phải phẫu thuật",
    "sinh con dưới 32 tuần tuổi",
    "phẫu thuật, sinh con dưới 32 tuần tuổi",
)
FOREIGN_DOCUMENT = re.compile(r"[A-Z0-9]{5,15}")
EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)+")
# Worth a human's look and no proof of a mistake: a number once given is kept when its holder's sex is
# recorded anew, and hospitals write the province of before or after 2025-07-01.
DOUBTS = frozenset({"personal_number.sex", "temporary_card.mother_province"})
Problems = Iterator[Problem]


def check_declaration(
    declaration: BirthDeclaration, *, today: date, units: Units | None = None, now: datetime | None = None
) -> list[Problem]:
    """Every problem of the declaration as seen on `today` (a day in Việt Nam), errors and warnings mixed.

    `now` is the wall clock there, for births later the same day; without it only days are compared. Empty
    means it may go on; it is refused when any problem has severity "error". Commune codes are only checked when
    `units` is given. Raises nothing for any content of the declaration.
    """
    problems = [problem for rule in RULES for problem in rule(declaration)]
    problems += text_problems(declaration)
    problems += _dates(declaration, today)
    problems += _insurance(declaration, today)
    born_at = declaration.child.birth_time
    if now is not None and born_at.date() == today and born_at > now:
        message = "Giờ sinh của con không được sau thời điểm hiện tại."
        problems.append(_error("child.birth_time", "in-future", message))
    if units is not None:
        problems += commune_problems(declaration, units, today)
    return problems


def has_errors(problems: list[Problem]) -> bool:
    """Whether any of the problems stops the declaration."""
    return any(problem.severity == "error" for problem in problems)


def _error(field: str, code: str, message_vi: str, *also: str) -> Problem:
    return Problem(field=field, code=code, message_vi=message_vi, also=also)


def _warning(field: str, code: str, message_vi: str, *also: str) -> Problem:
    return Problem(field=field, code=code, message_vi=message_vi, also=also, severity="warning")


def _required(declaration: BirthDeclaration) -> Problems:
    certificate, mother, child = declaration.certificate, declaration.mother, declaration.child
    needed = [
        ("certificate.facility_code", certificate.facility_code, "mã cơ sở khám bệnh, chữa bệnh"),
        ("mother.name", mother.name, "họ và tên mẹ hoặc người nuôi dưỡng"),
        (
            "mother.document.number",
            mother.document.number,
            "số giấy tờ tùy thân của mẹ hoặc người nuôi dưỡng",
        ),
        ("mother.ethnic_code", mother.ethnic_code, "mã dân tộc của mẹ hoặc người nuôi dưỡng"),
        ("mother.residence.address", mother.residence.address, "nơi cư trú của mẹ hoặc người nuôi dưỡng"),
        ("mother.residence.province_code", mother.residence.province_code, "mã tỉnh nơi cư trú"),
        ("mother.residence.commune_code", mother.residence.commune_code, "mã xã nơi cư trú"),
        ("child.place_of_birth", child.place_of_birth, "nơi sinh của con"),
        ("attendants.midwife", declaration.attendants.midwife, "họ và tên người đỡ đẻ"),
    ]
    if not certificate.gcs_code:
        needed += [
            ("certificate.number", certificate.number, "số giấy chứng sinh"),
            ("certificate.book", certificate.book, "quyển số giấy chứng sinh"),
        ]
    if declaration.father is not None:
        needed.append(("father.name", declaration.father.name, "họ và tên cha"))
    for field, value, label in needed:
        if not value.strip():
            yield _error(field, "required", f"Chưa ghi {label}.")


def _certificate(declaration: BirthDeclaration) -> Problems:
    certificate, path = declaration.certificate, "certificate"
    facility = certificate.facility_code
    if facility:
        yield from _checked(f"{path}.facility_code", lambda: check_facility_code(facility))
    if code := certificate.gcs_code:
        yield from _checked(
            f"{path}.gcs_code",
            lambda: check_birth_notice_code(code, facility_code=facility or None),
            f"{path}.facility_code",
        )


def _dates(declaration: BirthDeclaration, today: date) -> Problems:
    mother, born_on = declaration.mother, declaration.child.birth_time.date()
    issued_on, document = declaration.certificate.issued_on, mother.document
    dated = [
        ("child.birth_time", born_on, "Ngày sinh của con"),
        ("certificate.issued_on", issued_on, "Ngày cấp giấy chứng sinh"),
        ("mother.birth_date", mother.birth_date, "Ngày sinh của mẹ hoặc người nuôi dưỡng"),
        ("mother.document.issued_on", document.issued_on, "Ngày cấp giấy tờ của mẹ hoặc người nuôi dưỡng"),
    ]
    if (father := declaration.father) is not None:
        dated.append(("father.birth_date", father.birth_date, "Ngày sinh của cha"))
        if father.document is not None:
            dated.append(("father.document.issued_on", father.document.issued_on, "Ngày cấp giấy tờ của cha"))
    for field, day, label in dated:
        if day is not None and day > today:
            yield _error(field, "in-future", f"{label} không được sau ngày hôm nay.")
    if issued_on < born_on:
        message = "Ngày cấp giấy chứng sinh không được trước ngày sinh của con."
        yield _error("certificate.issued_on", "before-birth", message, "child.birth_time")
    if document.issued_on is not None and document.issued_on < mother.birth_date:
        message = "Ngày cấp giấy tờ không được trước ngày sinh của mẹ hoặc người nuôi dưỡng."
        yield _error("mother.document.issued_on", "before-birth-of-holder", message, "mother.birth_date")


def age_in_years(born_on: date, on: date) -> int:
    """Whole years lived on a day; negative before birth. Born on 29 February: a year older on 1 March."""
    return on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))


def _mother_age(declaration: BirthDeclaration) -> Problems:
    mother, field, other = declaration.mother, "mother.birth_date", "child.birth_time"
    age = age_in_years(mother.birth_date, declaration.child.birth_time.date())
    if age < MOTHER_AGE_YEARS_MIN or (age > MOTHER_AGE_YEARS_MAX and mother.role == "mother"):
        message = f"Tuổi của mẹ khi sinh con phải từ {MOTHER_AGE_YEARS_MIN} đến {MOTHER_AGE_YEARS_MAX}."
        yield _error(field, "age-impossible", message, other)
    elif age not in MOTHER_AGE_YEARS_USUAL and mother.role == "mother":
        yield _warning(field, "age-unusual", "Tuổi của mẹ khi sinh con khác thường, cần kiểm tra lại.", other)


def _child(declaration: BirthDeclaration) -> Problems:
    child = declaration.child
    if child.sex not in (1, 2, 3):
        message = "Giới tính của con phải là 1 (nam), 2 (nữ) hoặc 3 (chưa xác định)."
        yield _error("child.sex", "sex-code", message)
    if not 1 <= child.count <= COUNT_MAX:
        yield _error("child.count", "count-bounds", f"Số con trong lần sinh này phải từ 1 đến {COUNT_MAX}.")
    elif child.order is not None and not 1 <= child.order <= child.count:
        message = "Thứ tự của con trong lần sinh phải từ 1 đến số con của lần sinh."
        yield _error("child.order", "order-bounds", message, "child.count")
    elif child.order is None and child.count > 1:
        message = "Sinh nhiều con nhưng chưa rõ con này là con thứ mấy trong lần sinh."
        rests_on = ("child.count", "child.birth_time", "mother.document.number")
        yield _warning("child.order", "order-unknown", message, *rests_on)
    if child.weight_g is not None and not WEIGHT_G_MIN <= child.weight_g <= WEIGHT_G_MAX:
        message = f"Cân nặng của con ghi bằng gam, từ {WEIGHT_G_MIN} đến {WEIGHT_G_MAX}."
        yield _error("child.weight_g", "weight-bounds", message)
    elif child.weight_g is not None and child.weight_g not in WEIGHT_G_USUAL:
        yield _warning("child.weight_g", "weight-unusual", "Cân nặng của con khác thường, cần kiểm tra lại.")
    if child.births_of_mother is not None and child.births_of_mother < 1:
        message = "Số lần sinh tính cả lần này nên phải từ 1 trở lên."
        yield _error("child.births_of_mother", "births-bounds", message)
    if child.living_children is not None and child.living_children < child.count:
        message = "Số con hiện sống ít hơn số con của lần sinh này, cần kiểm tra lại."
        yield _warning("child.living_children", "living-below-count", message, "child.count")
    if child.ethnic_code:
        yield from _checked("child.ethnic_code", lambda: check_ethnic_code(child.ethnic_code))


def _note(declaration: BirthDeclaration) -> Problems:
    child = declaration.child
    note = " ".join(child.note.casefold().split())
    for flagged, flag, phrase, said in (
        (child.surgery, "child.surgery", NOTE_SURGERY, "sinh con phải phẫu thuật"),
        (child.under_32_weeks, "child.under_32_weeks", NOTE_UNDER_32_WEEKS, "sinh con dưới 32 tuần tuổi"),
    ):
        if flagged and phrase not in note:
            yield _error("child.note", "note-missing", f"Phần ghi chú phải ghi rõ “{said}”.", flag)
        elif not flagged and phrase in note:
            message = f"Ghi chú nói đến “{phrase}” nhưng mục tương ứng ghi là không."
            # A prescribed note contradicts the flag; free words ("không phải phẫu thuật") need a human.
            make = _error if note.rstrip(". ") in NOTES_PRESCRIBED else _warning
            yield make("child.note", "note-contradicts", message, flag)


def _checked(field: str, check: Callable[[], object], *also: str) -> Problems:
    """The problem an identifier rule of the catalogue finds, if it finds one."""
    try:
        check()
    except IdentifierError as error:
        make = _warning if error.code in DOUBTS else _error
        yield make(field, error.code, error.message_vi, *also)


def _person(path: str, person: Mother | Father, sex: Literal["male", "female"] | None) -> Problems:
    """Name, document, codes and contact of a parent; `sex` is what a personal number must say, if it must."""
    nationality, document, contact = person.nationality_code or VIETNAM, person.document, person.contact
    if person.name:
        yield from _checked(f"{path}.name", lambda: check_person_name(person.name))
    yield from _checked(f"{path}.nationality_code", lambda: check_nationality(nationality))
    if person.ethnic_code:
        yield from _checked(f"{path}.ethnic_code", lambda: check_ethnic_code(person.ethnic_code))
    if document is not None and document.number:
        number, field, rests_on = document.number, f"{path}.document.number", f"{path}.nationality_code"
        if nationality != VIETNAM:
            if FOREIGN_DOCUMENT.fullmatch(number) is None:
                message = "Số hộ chiếu nước ngoài gồm 5 đến 15 chữ số và chữ in hoa."
                yield _error(field, "foreign-passport", message, rests_on)
        else:
            year = person.birth_date.year if person.birth_date else None
            yield from _checked(
                field,
                lambda: check_identity_document(number, sex=sex, birth_year=year),
                f"{path}.birth_date",
                rests_on,
            )
    if contact.phone:
        yield from _checked(f"{path}.contact.phone", lambda: check_phone(contact.phone))
    if contact.zalo:
        yield from _checked(f"{path}.contact.zalo", lambda: check_phone(contact.zalo))
    if contact.email and EMAIL.fullmatch(contact.email) is None:
        yield _error(f"{path}.contact.email", "email", "Địa chỉ thư điện tử không đúng dạng.")


def _people(declaration: BirthDeclaration) -> Problems:
    mother, father, name = declaration.mother, declaration.father, declaration.child.intended_name
    yield from _person("mother", mother, "female" if mother.role == "mother" else None)
    if father is not None:
        yield from _person("father", father, "male")
    if name:
        yield from _checked("child.intended_name", lambda: check_person_name(name))


def _insurance(declaration: BirthDeclaration, today: date) -> Problems:
    mother, card = declaration.mother, declaration.child.temporary_card
    if head := declaration.certificate.head_insurance_number:
        path = "certificate.head_insurance_number"
        yield from _checked(path, lambda: check_insured_number(head, on=today))
    if number := mother.insurance_number:
        yield from _checked("mother.insurance_number", lambda: check_insured_number(number, on=today))
    if held := mother.insurance_card:
        # Cards of the 2020 form print the number of the insured only (QĐ 1666/QĐ-BHXH).
        if len(held) in INSURED_LENGTHS:
            yield from _checked("mother.insurance_card", lambda: check_insured_number(held, on=today))
        else:
            yield from _checked("mother.insurance_card", lambda: check_health_card(held))
    if card:
        province = mother.residence.province_code or None
        field, rests_on = "child.temporary_card", "mother.residence.province_code"
        yield from _checked(field, lambda: check_temporary_child_card(card))
        doubts = _checked(field, lambda: check_temporary_child_card(card, mother_province=province), rests_on)
        yield from (doubt for doubt in doubts if doubt.severity == "warning")


def _choices(declaration: BirthDeclaration) -> Problems:
    seen: set[str] = set()
    for index, result in enumerate(declaration.choices.results):
        path = f"choices.results[{index}]"
        if result.code in seen:
            yield _error(f"{path}.code", "result-twice", "Mỗi loại kết quả chỉ chọn một lần.")
        seen.add(result.code)
        if result.delivery not in DELIVERIES:
            message = "Hình thức nhận kết quả: tại bệnh viện, tại quầy, qua bưu chính hoặc bản điện tử."
            yield _error(f"{path}.delivery", "delivery", message)
        elif result.delivery in ("hospital", "counter") and not result.place:
            yield _error(f"{path}.place", "required", "Chưa chọn nơi nhận kết quả.")
        if not 0 <= result.copies <= COPIES_MAX:
            yield _error(f"{path}.copies", "copies-bounds", f"Số bản sao phải từ 0 đến {COPIES_MAX}.")


RULES: tuple[Callable[[BirthDeclaration], Problems], ...] = (
    _required,
    _certificate,
    _mother_age,
    _child,
    _note,
    _people,
    _choices,
)

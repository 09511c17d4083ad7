"""The 35 fields of an XML9 record (QĐ 4750/QĐ-BYT Bảng 9): their rules, and the declaration they make.

Order, lengths and obligation are those of Bảng 9. Shapes of codes are those of the BHXH check list and of
`domain.md` 3. Three fields bend the letter of the table:
* GHI_CHU is nominally required but only has content after surgery or before 32 weeks; empty is accepted.
* MAHUYEN_CU_TRU is required only on certificates before 2025-07-01, when districts were abolished.
* MA_BHXH_NND must be left empty where the paper certificate says ten zeros (BHXH check against TT 22/2025).
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any, Literal

import msgspec

from services.intake.births import (
    Attendants,
    BirthDeclaration,
    Certificate,
    Child,
    Father,
    IdentityDocument,
    Mother,
    Problem,
    Residence,
)
from services.intake.residences import DISTRICTS_ABOLISHED

NO_DISTRICT = ("", "000")
UNREADABLE_DAY = date(
    1, 1, 1
)  # stands in a draft for a date that could not be read; never leaves a refused record

Kind = Literal["text", "free", "date", "minute", "number", "flag", "sex"]


class FieldRule(msgspec.Struct, frozen=True):
    """One row of Bảng 9: the tag, where it goes in the declaration, and what may stand in it.

    `length_max` is in characters after NFC, None for "n" (free length). `pattern` is a full match.
    """

    tag: str
    path: str
    label_vi: str
    length_max: int | None
    required: bool
    kind: Kind = "text"
    pattern: str = ""
    shape_vi: str = ""


_R = FieldRule
FIELDS: tuple[FieldRule, ...] = (
    _R("MA_LK", "certificate.treatment_code", "Mã đợt điều trị", 100, True),
    _R("MA_BHXH_NND", "mother.insurance_number", "Mã số BHXH của mẹ/người nuôi dưỡng", 10, False),
    _R("MA_THE_NND", "mother.insurance_card", "Mã thẻ BHYT của mẹ/người nuôi dưỡng", 15, False),
    _R("HO_TEN_NND", "mother.name", "Họ và tên mẹ/người nuôi dưỡng", 255, True),
    _R("NGAYSINH_NND", "mother.birth_date", "Ngày sinh của mẹ/người nuôi dưỡng", 8, True, "date"),
    _R("MA_DANTOC_NND", "mother.ethnic_code", "Mã dân tộc", 2, True, "text", "[0-9]{2}", "2 chữ số"),
    _R("SO_CCCD_NND", "mother.document.number", "Số CCCD/CMND/hộ chiếu của mẹ/người nuôi dưỡng", 15, True),
    _R("NGAYCAP_CCCD_NND", "mother.document.issued_on", "Ngày cấp CCCD/CMND/hộ chiếu", 8, True, "date"),
    _R("NOICAP_CCCD_NND", "mother.document.issued_by", "Nơi cấp CCCD/CMND/hộ chiếu", 1024, True),
    _R("NOI_CU_TRU_NND", "mother.residence.address", "Nơi cư trú", 1024, True),
    _R("MA_QUOCTICH", "mother.nationality_code", "Mã quốc tịch", 3, True, "text", "[0-9]{3}", "3 chữ số"),
    _R("MATINH_CU_TRU", "mother.residence.province_code", "Mã tỉnh", 3, True, "text", "[0-9]{2}", "2 chữ số"),
    _R(
        "MAHUYEN_CU_TRU",
        "mother.residence.district_code",
        "Mã huyện",
        3,
        True,
        "text",
        "[0-9]{3}",
        "3 chữ số",
    ),
    _R("MAXA_CU_TRU", "mother.residence.commune_code", "Mã xã", 5, True, "text", "[0-9]{5}", "5 chữ số"),
    _R("HO_TEN_CHA", "father.name", "Họ và tên cha", 255, False),
    _R("MA_THE_TAM", "child.temporary_card", "Mã thẻ BHYT tạm thời của con", 15, True),
    _R("HO_TEN_CON", "child.intended_name", "Họ và tên dự định đặt cho con", 255, False),
    _R("GIOI_TINH_CON", "child.sex", "Giới tính của con", 1, True, "sex"),
    _R("SO_CON", "child.count", "Số con trong lần sinh này", 2, True, "number"),
    _R("LAN_SINH", "child.births_of_mother", "Số lần sinh", 2, True, "number"),
    _R("SO_CON_SONG", "child.living_children", "Số con hiện đang sống", 2, True, "number"),
    _R("CAN_NANG_CON", "child.weight_g", "Cân nặng của con (gam)", 10, True, "number"),
    _R("NGAY_SINH_CON", "child.birth_time", "Ngày giờ sinh của con", 12, True, "minute"),
    _R("NOI_SINH_CON", "child.place_of_birth", "Nơi sinh của con", 1024, True),
    _R("TINH_TRANG_CON", "child.state", "Tình trạng của con", None, True, "free"),
    _R("SINHCON_PHAUTHUAT", "child.surgery", "Sinh con phải phẫu thuật", 1, True, "flag"),
    _R("SINHCON_DUOI32TUAN", "child.under_32_weeks", "Sinh con dưới 32 tuần tuổi", 1, True, "flag"),
    _R("GHI_CHU", "child.note", "Ghi chú", None, False, "free"),
    _R("NGUOI_DO_DE", "attendants.midwife", "Họ và tên người đỡ đẻ", 255, True),
    _R("NGUOI_GHI_PHIEU", "attendants.recorder", "Họ và tên người ghi phiếu", 255, True),
    _R("NGAY_CT", "certificate.issued_on", "Ngày cấp giấy chứng sinh", 8, True, "date"),
    _R("SO", "certificate.number", "Số giấy chứng sinh", 200, True),
    _R("QUYEN_SO", "certificate.book", "Quyển số giấy chứng sinh", 200, True),
    _R("MA_TTDV", "certificate.head_insurance_number", "Mã số BHXH của thủ trưởng cơ sở", 10, True),
    _R("DU_PHONG", "extra.DU_PHONG", "Trường dự phòng", None, False, "free"),
)
RULE_OF = {rule.tag: rule for rule in FIELDS}
TAG_OF = {rule.path: rule.tag for rule in FIELDS} | {
    "child.order": "SO_CON",
    "mother.residence.as_of": "NGAY_CT",
    "certificate.facility_code": "MACSKCB",
}
ABANDONED = "bị bỏ rơi"  # Bảng 9, NOI_SINH_CON: how an abandoned child is written; NND is then a carer


def read_day(value: str) -> date:
    """A day written yyyymmdd. Raises ValueError when it is written otherwise or does not exist."""
    if re.fullmatch(r"[0-9]{8}", value) is None:
        raise ValueError
    return date(int(value[:4]), int(value[4:6]), int(value[6:]))


def _minute(value: str) -> datetime:
    if re.fullmatch(r"[0-9]{12}", value) is None:
        raise ValueError
    day = read_day(value[:8])
    return datetime.combine(day, time(int(value[8:10]), int(value[10:])))


def _number(value: str) -> int:
    if re.fullmatch(r"[0-9]{1,10}", value) is None:
        raise ValueError
    return int(value)


def _one_of(values: str) -> Callable[[str], int]:
    def read(value: str) -> int:
        if len(value) != 1 or value not in values:
            raise ValueError
        return int(value)

    return read


READERS: dict[Kind, tuple[Callable[[str], Any], str, str]] = {
    "date": (read_day, "date", "phải là ngày có thật, dạng yyyymmdd"),
    "minute": (_minute, "time", "phải là ngày giờ có thật, dạng yyyymmddHHMM"),
    "number": (_number, "number", "phải là số nguyên, chỉ gồm chữ số"),
    "flag": (_one_of("01"), "flag", "chỉ nhận 0 (không) hoặc 1 (có)"),
    "sex": (_one_of("123"), "sex-code", "chỉ nhận 1 (nam), 2 (nữ) hoặc 3 (chưa xác định)"),
}
UNREADABLE: dict[Kind, Any] = {
    "date": UNREADABLE_DAY,
    "minute": datetime.combine(UNREADABLE_DAY, time()),
    "number": 0,
    "flag": 0,
    "sex": 0,
}


def record_problem(tag: str, code: str, text_vi: str, *also: str) -> Problem:
    """A problem of one tag, its Vietnamese text led by the tag and what it means."""
    rule = RULE_OF.get(tag)
    name = f"{tag} ({rule.label_vi})" if rule else tag
    return Problem(field=tag, code=code, message_vi=f"{name}: {text_vi}", also=also)


def _required(rule: FieldRule, values: Mapping[str, str]) -> bool:
    if rule.tag != "MAHUYEN_CU_TRU":
        return rule.required
    try:
        return read_day(values.get("NGAY_CT", "")) < DISTRICTS_ABOLISHED
    except ValueError:
        return False


def read_fields(values: Mapping[str, str]) -> tuple[dict[str, Any], list[Problem]]:
    """Each field by itself: the typed values by tag, and every problem of length, obligation, type and code
    list.

    A field with a problem gets a stand-in value, so that a draft can be made and the other rules still speak.
    """
    typed: dict[str, Any] = {}
    problems: list[Problem] = []
    for rule in FIELDS:
        value = values.get(rule.tag, "")
        typed[rule.tag] = UNREADABLE.get(rule.kind, value)
        reader = READERS.get(rule.kind)
        if not value:
            if _required(rule, values):
                problems.append(record_problem(rule.tag, "required", "không được để trống."))
        elif rule.length_max is not None and len(value) > rule.length_max:
            problems.append(record_problem(rule.tag, "too-long", f"dài quá {rule.length_max} ký tự."))
        elif rule.pattern and re.fullmatch(rule.pattern, value) is None:
            problems.append(record_problem(rule.tag, "shape", f"phải gồm đúng {rule.shape_vi}."))
        elif reader is not None:
            read, code, text_vi = reader
            try:
                typed[rule.tag] = read(value)
            except ValueError:
                problems.append(record_problem(rule.tag, code, f"{text_vi}."))
    return typed, problems


def draft_declaration(
    facility_code: str, typed: Mapping[str, Any], extra: Mapping[str, str], *, order: int | None
) -> BirthDeclaration:
    """The declaration the typed fields of one record make. Stand-in values stay in it: see `read_fields`."""
    abandoned = ABANDONED in typed["NOI_SINH_CON"].casefold()
    father = typed["HO_TEN_CHA"]
    return BirthDeclaration(
        certificate=Certificate(
            facility_code=facility_code,
            number=typed["SO"],
            book=typed["QUYEN_SO"],
            issued_on=typed["NGAY_CT"],
            treatment_code=typed["MA_LK"],
            head_insurance_number=typed["MA_TTDV"],
        ),
        mother=Mother(
            name=typed["HO_TEN_NND"],
            birth_date=typed["NGAYSINH_NND"],
            ethnic_code=typed["MA_DANTOC_NND"],
            nationality_code=typed["MA_QUOCTICH"],
            role="carer" if abandoned else "mother",
            insurance_number=typed["MA_BHXH_NND"],
            insurance_card=typed["MA_THE_NND"],
            document=IdentityDocument(
                number=typed["SO_CCCD_NND"],
                issued_on=typed["NGAYCAP_CCCD_NND"],
                issued_by=typed["NOICAP_CCCD_NND"],
            ),
            residence=_residence(typed),
        ),
        father=Father(name=father) if father else None,
        child=_child(typed, order),
        attendants=Attendants(midwife=typed["NGUOI_DO_DE"], recorder=typed["NGUOI_GHI_PHIEU"]),
        extra=dict(extra) | ({"DU_PHONG": typed["DU_PHONG"]} if typed["DU_PHONG"] else {}),
    )


def _residence(typed: Mapping[str, Any]) -> Residence:
    """The codes as they stood when the certificate was written, unless they tell of another day themselves
    (`residences.dated`).
    """
    district = typed["MAHUYEN_CU_TRU"]
    return Residence(
        address=typed["NOI_CU_TRU_NND"],
        province_code=typed["MATINH_CU_TRU"],
        district_code="" if district in NO_DISTRICT else district,
        commune_code=typed["MAXA_CU_TRU"],
        as_of=typed["NGAY_CT"],
    )


def _child(typed: Mapping[str, Any], order: int | None) -> Child:
    return Child(
        sex=typed["GIOI_TINH_CON"],
        birth_time=typed["NGAY_SINH_CON"],
        place_of_birth=typed["NOI_SINH_CON"],
        count=typed["SO_CON"],
        order=order,
        weight_g=typed["CAN_NANG_CON"],
        state=typed["TINH_TRANG_CON"],
        intended_name=typed["HO_TEN_CON"],
        births_of_mother=typed["LAN_SINH"],
        living_children=typed["SO_CON_SONG"],
        surgery=bool(typed["SINHCON_PHAUTHUAT"]),
        under_32_weeks=bool(typed["SINHCON_DUOI32TUAN"]),
        note=typed["GHI_CHU"],
        temporary_card=typed["MA_THE_TAM"],
    )

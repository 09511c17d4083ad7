"""Rules for the identifiers of people: each check returns the value in its normal form or raises
IdentifierError.

Error texts are Vietnamese, for citizens and staff, and never repeat the value. Sources: domain facts, section
4.
"""

import re
import unicodedata
from typing import Literal

from libs.catalogue.code_lists import CodeLists, code_lists
from libs.catalogue.folding import tidy

Sex = Literal["male", "female"]

NAME_LENGTH_MAX = 255  # XML9, Bảng 9 QĐ 4750/QĐ-BYT: HO_TEN_*
# The digit after the province: 0 man, 1 woman of the 1900s, 2 and 3 of the 2000s, and so on.
FIRST_CENTURY = 1900
VIETNAM_NATIONALITY = "000"

_PERSONAL = re.compile(r"[0-9]{12}")
_OLD_IDENTITY_CARD = re.compile(r"[0-9]{9}")
_PASSPORT = re.compile(r"[A-Z][0-9]{7}")
_MOBILE = re.compile(r"0[35789][0-9]{8}")
_LANDLINE = re.compile(r"02[0-9]{9}")
_PHONE_SIGNS = re.compile(r"[\s.\-()]+")
_COUNTRY_CODE = re.compile(r"(?:\+|00)?84(?=[0-9]{9,11}$)0?")
_NATIONALITY = re.compile(r"[0-9]{3}")
_ETHNIC = re.compile(r"[0-9]{2}")
_APOSTROPHES = str.maketrans("\u2019\u02bc\u2018", "'''")


class IdentifierError(ValueError):
    """A value breaks the rule of its kind. `code` is stable (`personal_number.year`), `message_vi` is for
    people.

    Neither holds the value itself, so both may be logged and stored.
    """

    def __init__(self, code: str, message_vi: str) -> None:
        super().__init__(message_vi)
        self.code = code
        self.message_vi = message_vi


def check_personal_number(
    value: str, *, sex: Sex | None = None, birth_year: int | None = None, lists: CodeLists | None = None
) -> str:
    """Personal identity number (số định danh cá nhân, số căn cước): 12 digits, no check digit.

    Three digits for the province where the birth was registered, one for century and sex, two for the year,
    six of chance (TT 07/2016/TT-BCA). Compared with `sex` and `birth_year` when they are given.
    """
    number = _unspaced(value)
    if not _PERSONAL.fullmatch(number):
        raise IdentifierError("personal_number.shape", "Số định danh cá nhân phải có đúng 12 chữ số.")
    if number[:3] not in (lists or code_lists()).identity_provinces:
        raise IdentifierError(
            "personal_number.province",
            "Ba chữ số đầu của số định danh cá nhân không phải mã tỉnh, thành phố.",
        )
    century, is_female = divmod(int(number[3]), 2)
    if sex is not None and (sex == "female") != bool(is_female):
        raise IdentifierError(
            "personal_number.sex",
            "Chữ số thứ tư của số định danh cá nhân không khớp với giới tính đã khai.",
        )
    if birth_year is not None and birth_year != FIRST_CENTURY + 100 * century + int(number[4:6]):
        raise IdentifierError(
            "personal_number.year",
            "Số định danh cá nhân không khớp với năm sinh đã khai (chữ số thứ tư đến thứ sáu).",
        )
    return number


def check_old_identity_card(value: str) -> str:
    """Old identity card (chứng minh nhân dân): 9 digits."""
    number = _unspaced(value)
    if not _OLD_IDENTITY_CARD.fullmatch(number):
        raise IdentifierError("old_identity_card.shape", "Số chứng minh nhân dân phải có đúng 9 chữ số.")
    return number


def check_passport(value: str) -> str:
    """Vietnamese passport: one capital letter and 7 digits; small letters are raised."""
    number = _unspaced(value).upper()
    if not _PASSPORT.fullmatch(number):
        raise IdentifierError("passport.shape", "Số hộ chiếu phải gồm 1 chữ cái và 7 chữ số.")
    return number


def check_identity_document(
    value: str, *, sex: Sex | None = None, birth_year: int | None = None, lists: CodeLists | None = None
) -> str:
    """Any number allowed in SO_CCCD of XML9: personal number, old identity card or passport (BHXH
    Check_Valid).
    """
    number = _unspaced(value).upper()
    if _PERSONAL.fullmatch(number):
        return check_personal_number(number, sex=sex, birth_year=birth_year, lists=lists)
    if _OLD_IDENTITY_CARD.fullmatch(number) or _PASSPORT.fullmatch(number):
        return number
    raise IdentifierError(
        "identity_document.shape",
        "Số giấy tờ phải là số căn cước 12 chữ số, số chứng minh nhân dân 9 chữ số "
        "hoặc số hộ chiếu gồm 1 chữ cái và 7 chữ số.",
    )


def check_phone(value: str) -> str:
    """Vietnamese telephone number as dialled inside the country: `+84 912 345 678` gives `0912345678`."""
    number = _COUNTRY_CODE.sub("0", _PHONE_SIGNS.sub("", value), count=1)
    if not (_MOBILE.fullmatch(number) or _LANDLINE.fullmatch(number)):
        raise IdentifierError(
            "phone.shape",
            "Số điện thoại không hợp lệ: số di động gồm 10 chữ số (đầu 03, 05, 07, 08, 09), "
            "số cố định gồm 11 chữ số (đầu 02).",
        )
    return number


def check_nationality(value: str) -> str:
    """Nationality code of TT 07/2016/TT-BCA Phụ lục 2: three digits; see `is_known_nationality`."""
    code = value.strip()
    if not _NATIONALITY.fullmatch(code):
        raise IdentifierError("nationality.shape", "Mã quốc tịch phải có đúng 3 chữ số (Việt Nam là 000).")
    return code


def is_known_nationality(code: str) -> bool:
    """Whether the meaning of a nationality code is known here.

    Only Việt Nam, the list itself was not found.
    """
    return code == VIETNAM_NATIONALITY


def check_ethnic_code(value: str, *, lists: CodeLists | None = None) -> str:
    """Ethnic group code of the QĐ 121-TCTK/PPCĐ 1979 list; 55 (foreigner) is the software lists' addition."""
    code = value.strip()
    if not _ETHNIC.fullmatch(code) or code not in (lists or code_lists()).ethnic_groups:
        raise IdentifierError(
            "ethnic_code.unknown",
            "Mã dân tộc không có trong danh mục ban hành kèm Quyết định 121-TCTK/PPCĐ năm 1979.",
        )
    return code


def ethnic_code_from_2008(code: str, *, lists: CodeLists | None = None) -> str:
    """The 1979 code of a code of the 2008 list (QĐ 1019/QĐ-TCTK); 04, 06 and 11-19 differ.

    Raises IdentifierError beyond 20: that part of the 2008 list was not found.
    """
    try:
        return (lists or code_lists()).ethnic_1979_of_2008[code.strip()]
    except KeyError:
        raise IdentifierError(
            "ethnic_code.no_crosswalk", "Chưa có bảng chuyển đổi cho mã dân tộc này sang danh mục năm 1979."
        ) from None


def check_person_name(value: str) -> str:
    """A person's name: letters of any script, blanks, apostrophe and hyphen, at most 255 characters.

    Returned in NFC with single blanks and straight apostrophes (H'Linh); decomposed (NFD) input is accepted.
    """
    name = tidy(value).translate(_APOSTROPHES)
    if any(unicodedata.category(sign) == "Nd" for sign in name):
        raise IdentifierError("name.digit", "Họ và tên không được có chữ số.")
    if not any(unicodedata.category(sign).startswith("L") for sign in name):
        raise IdentifierError("name.empty", "Họ và tên không được để trống.")
    if len(name) > NAME_LENGTH_MAX:
        raise IdentifierError("name.length", f"Họ và tên không được dài quá {NAME_LENGTH_MAX} ký tự.")
    if any(unicodedata.category(sign)[0] not in "LM" and sign not in " '-" for sign in name):
        raise IdentifierError(
            "name.sign", "Họ và tên chỉ được gồm chữ cái, khoảng trắng, dấu nháy đơn và dấu gạch nối."
        )
    return name


def _unspaced(value: str) -> str:
    return "".join(value.split())

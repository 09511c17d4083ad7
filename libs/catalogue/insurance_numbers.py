"""Rules for the numbers of social and health insurance.

BHXH numbers, BHYT cards, facility codes, card end dates.
"""

import re
from calendar import monthrange
from datetime import date

from libs.catalogue.code_lists import CodeLists, HealthFacility, code_lists
from libs.catalogue.identifiers import IdentifierError, check_personal_number

CHILD_CARD_YEARS = 6  # 72 months: NĐ 146/2018/NĐ-CP Điều 13
SCHOOL_YEAR_START = (9, 30)  # month and day on which a child's card ends in the year it turns 72 months
BENEFIT_PERCENT = {"1": 100, "2": 100, "3": 95, "4": 80, "5": 100}  # QĐ 1351/QĐ-BHXH 2015

PERSONAL_NUMBER_LENGTH = 12

_INSURANCE_NUMBER = re.compile(r"[0-9]{10}")
_CARD = re.compile(r"[A-Z]{2}[1-5][0-9]{2}[0-9]{10}")
_CHILD_CARD = re.compile(r"TE1[0-9]{12}")
_FACILITY = re.compile(r"[0-9]{5}")


def check_insurance_number(value: str) -> str:
    """Social insurance number (mã số BHXH): 10 digits, no check digit, not all zeros (BHXH Check_Valid)."""
    number = _compact(value)
    if not _INSURANCE_NUMBER.fullmatch(number):
        raise IdentifierError("insurance_number.shape", "Mã số bảo hiểm xã hội phải có đúng 10 chữ số.")
    if not number.strip("0"):
        raise IdentifierError("insurance_number.zeros", "Mã số bảo hiểm xã hội không được gồm toàn số 0.")
    return number


def check_insured_number(value: str, *, on: date, lists: CodeLists | None = None) -> str:
    """The number of an insured person as written on the day `on`: ten digits, or from the day the personal number
    took their place (catalogue/codes/insurance_numbers.csv) that one too. XML9 has room for ten only.
    """
    number, known = _compact(value), lists or code_lists()
    if len(number) == PERSONAL_NUMBER_LENGTH and on >= known.personal_number_insures_from:
        return check_personal_number(number, lists=known)
    return check_insurance_number(number)


def check_health_card(value: str) -> str:
    """Health insurance card (thẻ BHYT), 15 signs: group, benefit 1-5, province, 10-digit insurance number.

    QĐ 1351/QĐ-BHXH 2015. Cards of the 2020 form (QĐ 1666/QĐ-BHXH) print only the last part:
    `check_insurance_number`.
    """
    number = _compact(value)
    if not _CARD.fullmatch(number):
        raise IdentifierError(
            "health_card.shape",
            "Mã thẻ BHYT phải gồm 15 ký tự: 2 chữ cái, 1 chữ số mức hưởng từ 1 đến 5 và 12 chữ số.",
        )
    return number


def check_child_card(value: str) -> str:
    """Health insurance card of a child under 6: `TE1` and 12 digits."""
    number = _compact(value)
    if not _CHILD_CARD.fullmatch(number):
        raise IdentifierError(
            "child_card.shape", "Mã thẻ BHYT của trẻ em dưới 6 tuổi phải gồm TE1 và 12 chữ số."
        )
    return number


def check_temporary_child_card(
    value: str, *, mother_province: str | None = None, lists: CodeLists | None = None
) -> str:
    """Temporary card of a newborn: `TE1`, the two-digit province where the mother resides, 10 digits.

    TT 30/2020/TT-BYT Điều 10. The province is one of the 63 before 2025-07-01, equal to `mother_province` if
    given.
    """
    number = _compact(value)
    if not _CHILD_CARD.fullmatch(number):
        raise IdentifierError(
            "temporary_card.shape", "Mã thẻ BHYT tạm thời của trẻ phải gồm TE1 và 12 chữ số."
        )
    if number[3:5] not in (lists or code_lists()).province_codes:
        raise IdentifierError(
            "temporary_card.province",
            "Hai chữ số sau TE1 của mã thẻ BHYT tạm thời không phải mã tỉnh, thành phố.",
        )
    if mother_province is not None and number[3:5] != mother_province:
        raise IdentifierError(
            "temporary_card.mother_province",
            "Mã thẻ BHYT tạm thời không khớp với mã tỉnh nơi cư trú của người mẹ.",
        )
    return number


def temporary_first_facility(province_code: str) -> str:
    """The first-contact facility written for a temporary card (MA_DKBD).

    The province and `000`, e.g. 93000.
    """
    return f"{province_code}000"


def benefit_percent(card: str) -> int:
    """How much of the cost a 15-sign card pays, in percent, by its third sign (QĐ 1351/QĐ-BHXH 2015)."""
    return BENEFIT_PERCENT[check_health_card(card)[2]]


def check_facility_code(value: str, *, lists: CodeLists | None = None) -> str:
    """Health facility code (mã cơ sở KBCB): 5 digits, the first two a province (QĐ 384/QĐ-BYT 2019)."""
    code = _compact(value)
    if not _FACILITY.fullmatch(code):
        raise IdentifierError("facility_code.shape", "Mã cơ sở khám bệnh, chữa bệnh phải có đúng 5 chữ số.")
    if code[:2] not in (lists or code_lists()).province_codes:
        raise IdentifierError(
            "facility_code.province",
            "Hai chữ số đầu của mã cơ sở khám bệnh, chữa bệnh không phải mã tỉnh, thành phố.",
        )
    return code


def facility(code: str, *, lists: CodeLists | None = None) -> HealthFacility | None:
    """The facility with this code when it is in our list (Hậu Giang and Cần Thơ only), else None."""
    return (lists or code_lists()).facilities.get(code)


def child_card_end(born: date) -> date:
    """The last day of the health card of a child under 6 (NĐ 146/2018/NĐ-CP Điều 13).

    Born by 30 September: 30 September of the year it turns 72 months; later: the last day of the month it
    does. The text leaves out the day 30 September itself; it is taken with the first group.
    """
    year = born.year + CHILD_CARD_YEARS
    if (born.month, born.day) <= SCHOOL_YEAR_START:
        return date(year, *SCHOOL_YEAR_START)
    return date(year, born.month, monthrange(year, born.month)[1])


def _compact(value: str) -> str:
    return "".join(value.split()).upper()

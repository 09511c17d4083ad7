"""Rules for the codes of papers: dossier codes in their several forms, and hospital birth notices."""

import re
from datetime import date
from typing import Literal

from libs.catalogue.identifiers import IdentifierError

DOSSIERS_PER_DAY_MAX = 9999

DossierCodeKind = Literal["national", "interlinked", "ministry"]

_AGENCY = re.compile(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}")
# The group is the date of receipt. national: TT 01/2018/TT-VPCP Điều 19. interlinked: the national linking
# software, as seen on the screens of wards. ministry: newer codes with a long date.
_DOSSIER: dict[DossierCodeKind, re.Pattern[str]] = {
    "national": re.compile(_AGENCY.pattern + r"-([0-9]{6})-[0-9]{4}"),
    "interlinked": re.compile(r"G[0-9]{2}\.[0-9]{2}\.[0-9]{2}-([0-9]{6})-[0-9]{4,6}"),
    "ministry": re.compile(r"G[0-9]{2}\.[0-9]{2}-([0-9]{8})-[0-9]{7}"),
}
_BIRTH_NOTICE = re.compile(r"[0-9]{5}\.GCS\.[0-9]{5}\.[0-9]{2}")


def check_agency_code(value: str) -> str:
    """Agency code of the administrative network, `000.00.28.H30` (QCVN 102:2016/BTTTT)."""
    code = value.strip().upper()
    if not _AGENCY.fullmatch(code):
        raise IdentifierError("agency_code.shape", "Mã cơ quan phải có dạng 000.00.00.H00.")
    return code


def check_dossier_code(value: str) -> str:
    """A dossier code (mã hồ sơ) of any known form with a real date in it; see `dossier_code_kind`."""
    code = value.strip().upper()
    _kind(code)
    return code


def dossier_code_kind(value: str) -> DossierCodeKind:
    """Which form a dossier code has; raises IdentifierError when none."""
    return _kind(value.strip().upper())


def format_dossier_code(agency_code: str, received_on: date, number: int) -> str:
    """The national code of the `number`-th dossier an agency receives on a day, 1-9999 (TT 01/2018/TT-VPCP
    Điều 19).
    """
    if not 1 <= number <= DOSSIERS_PER_DAY_MAX:
        raise IdentifierError(
            "dossier_code.number", f"Một cơ quan chỉ cấp được mã cho {DOSSIERS_PER_DAY_MAX} hồ sơ mỗi ngày."
        )
    return f"{check_agency_code(agency_code)}-{received_on:%y%m%d}-{number:04d}"


def check_birth_notice_code(value: str, *, facility_code: str | None = None, year: int | None = None) -> str:
    """Code of a birth certificate of a hospital (giấy chứng sinh): `00123.GCS.93001.26`, 18 signs.

    TT 22/2025/TT-BYT: running number in the year, facility, year. Compared with `facility_code` and `year` if
    given.
    """
    code = value.strip().upper()
    if not _BIRTH_NOTICE.fullmatch(code):
        raise IdentifierError(
            "birth_notice_code.shape", "Mã giấy chứng sinh phải có dạng 00000.GCS.00000.00."
        )
    if facility_code is not None and code[10:15] != facility_code:
        raise IdentifierError(
            "birth_notice_code.facility", "Mã giấy chứng sinh không phải của cơ sở khám bệnh, chữa bệnh này."
        )
    if year is not None and code[-2:] != f"{year % 100:02d}":
        raise IdentifierError("birth_notice_code.year", "Mã giấy chứng sinh không khớp với năm cấp.")
    return code


def _kind(code: str) -> DossierCodeKind:
    matches = ((kind, pattern.fullmatch(code)) for kind, pattern in _DOSSIER.items())
    found = next(((kind, match[1]) for kind, match in matches if match), None)
    if found is None:
        raise IdentifierError("dossier_code.shape", "Mã hồ sơ không đúng dạng quy định.")
    kind, day = found
    try:
        date.fromisoformat(day if len(day) == 8 else f"20{day}")
    except ValueError:
        raise IdentifierError("dossier_code.date", "Phần ngày trong mã hồ sơ không hợp lệ.") from None
    return kind

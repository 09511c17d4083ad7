"""XML9 uploads: from the bytes a hospital sends to one accepted or refused declaration per child.

The file is the envelope of QĐ 4750/QĐ-BYT (GIAMDINHHS with base64 XML9; its other tables are ignored) or the
bare inner file. What makes the file as a whole untrustworthy refuses it (`UploadRefused`); what is wrong with
one record refuses that record and names the field.

Order among twins. XML9 has no field for it. Records of one file belong to one delivery when the mother's
document is the same and either MA_LK is the same or the births are at most two days apart. When a delivery
has exactly as many records as SO_CON says, a child's order is its place by birth minute and, within a minute,
by place in the file. Otherwise (a twin in another file, a wrong SO_CON) the order stays unknown and a warning
says so: guessing 1 for both twins of two files would make them look like the same child.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import Any, Literal

import msgspec

from libs.catalogue.units import Units
from services.intake.birth_duplicates import compared_number
from services.intake.birth_rules import check_declaration, has_errors
from services.intake.births import BirthDeclaration, Problem, normalised
from services.intake.residences import dated
from services.intake.xml9_fields import (
    FIELDS,
    RULE_OF,
    TAG_OF,
    draft_declaration,
    read_day,
    read_fields,
    record_problem,
)
from services.intake.xml9_reader import RawRecord, RawUpload, UploadLimits, UploadRefused, read_upload

__all__ = ["RecordReport", "UploadLimits", "UploadRefused", "UploadReport", "parse_upload"]

DEFAULT_LIMITS = UploadLimits()
SAME_DELIVERY = timedelta(days=2)  # [judgement] twins may be born on two calendar days
FAULTS = {
    "base64": "NOIDUNGFILE không phải base64 hợp lệ.",
    "empty": "NOIDUNGFILE của XML9 không có nội dung.",
    "not-xml": "Nội dung XML9 không phải XML hợp lệ hoặc bị cắt giữa chừng.",
    "encoding": "Nội dung XML9 không phải mã hóa UTF-8.",
    "unknown-root": "Nội dung XML9 không phải bảng CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH.",
    "no-record": "XML9 không có bản ghi giấy chứng sinh nào.",
}
FAULTY_TAGS = {
    "repeated": "xuất hiện nhiều lần trong một bản ghi.",
    "nested": "chứa thẻ con, lẽ ra chỉ chứa chữ.",
}


_Certificate = tuple[str, str]  # QUYEN_SO and SO


class RecordReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record. `index` and `hoso` count from 1; `declaration` is there when it was
    accepted.

    `fingerprint` is a hash of the facility and the record's normalised content: the same record sent again,
    in another file or another Unicode form, has the same one. `problems` of an accepted record are warnings.
    """

    index: int
    hoso: int
    ma_lk: str
    certificate_number: str
    status: Literal["accepted", "refused"]
    problems: list[Problem]
    fingerprint: str
    declaration: BirthDeclaration | None = None


class UploadReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an upload held. `announced` is SOLUONGHOSO (the number of records in a bare file).

    `without_certificate` counts HOSO with no XML9, which are other patients and no fault. `fingerprint` is
    that of the records in their order. `warnings` are about the file, not about a record.
    """

    facility_code: str
    announced: int
    hosos: int
    without_certificate: int
    made_on: date | None
    records: list[RecordReport]
    warnings: list[Problem]
    fingerprint: str


class _Draft(msgspec.Struct):
    """A record on its way: its readable fields, and what is wrong so far. `typed` is None for an unreadable
    one.
    """

    raw: RawRecord
    values: dict[str, str]
    typed: dict[str, Any]
    problems: list[Problem]
    fingerprint: str
    order: int | None = None

    def bad(self, *tags: str) -> bool:
        return not self.typed or any(problem.field in tags for problem in self.problems)


def parse_upload(
    data: bytes,
    *,
    today: date,
    limits: UploadLimits = DEFAULT_LIMITS,
    facility_code: str | None = None,
    units: Units | None = None,
    now: datetime | None = None,
) -> UploadReport:
    """Read an upload and judge each record as seen on `today` (a day in Việt Nam).

    `facility_code` is the sender's own: a bare file needs it, an envelope of another facility is refused.
    Commune codes are checked when `units` is given, births later today when `now` (wall time) is. Takes up to a
    few seconds of processor for the largest file, so call it from a thread. Raises UploadRefused, and nothing
    else for any bytes.
    """
    raw = read_upload(data, limits)
    facility = _facility(raw, facility_code)
    announced = _announced(raw)
    if not raw.records:
        raise UploadRefused("no-certificates", "Tệp không có giấy chứng sinh (XML9) nào.")
    made_on, warnings = _file_warnings(raw, announced, today)
    drafts = [_draft(record, facility) for record in raw.records]
    _set_orders(drafts)
    first_of: dict[_Certificate, int] = {}
    reports = [
        _once(_judge(index, draft, facility, today, units, now), _certificate(draft), first_of)
        for index, draft in enumerate(drafts, start=1)
    ]
    return UploadReport(
        facility_code=facility,
        announced=announced,
        hosos=raw.hosos,
        without_certificate=raw.without_certificate,
        made_on=made_on,
        records=reports,
        warnings=warnings,
        fingerprint=_hash([report.fingerprint for report in reports]),
    )


def _facility(raw: RawUpload, sender: str | None) -> str:
    if raw.bare:
        if sender is None:
            message = "Tệp XML9 trần không ghi mã cơ sở; chỉ cơ sở đã đăng nhập mới gửi được."
            raise UploadRefused("facility-unknown", message)
        return sender
    code = raw.facility_code or ""
    if re.fullmatch(r"[0-9]{5}", code) is None:
        raise UploadRefused("facility-code", "MACSKCB phải là mã cơ sở khám bệnh, chữa bệnh gồm 5 chữ số.")
    if sender is not None and sender != code:
        raise UploadRefused("facility-other", "MACSKCB trong tệp không phải mã của cơ sở đang gửi.")
    return code


def _announced(raw: RawUpload) -> int:
    """SOLUONGHOSO. A file with fewer HOSO was cut on its way: nothing of it is taken (domain.md 3)."""
    if raw.bare:
        return len(raw.records)
    if re.fullmatch(r"[0-9]{1,7}", raw.announced or "") is None:
        raise UploadRefused("announced", "SOLUONGHOSO phải là số nguyên, cho biết tệp có bao nhiêu hồ sơ.")
    announced = int(raw.announced or "")
    if raw.hosos < announced:
        counts = f"SOLUONGHOSO ghi {announced} hồ sơ nhưng tệp chỉ có {raw.hosos}"
        message = f"Tệp bị thiếu: {counts}. Hãy gửi lại cả tệp."
        raise UploadRefused("truncated", message)
    return announced


def _file_warnings(raw: RawUpload, announced: int, today: date) -> tuple[date | None, list[Problem]]:
    warnings = []
    made_on: date | None = None
    if not raw.bare and raw.hosos > announced:
        message = f"Tệp có {raw.hosos} hồ sơ, nhiều hơn SOLUONGHOSO ({announced}); tất cả đều được xét."
        warnings.append(
            Problem(field="SOLUONGHOSO", code="more-than-announced", message_vi=message, severity="warning")
        )
    # Some senders add the time (yyyymmddHHMM); only the day matters here.
    with suppress(ValueError):
        made_on = read_day(re.sub(r"(?<=^[0-9]{8})[0-9]{4}$", "", raw.made_on or ""))
    if not raw.bare and (made_on is None or made_on > today):
        message = "NGAYLAP phải là ngày có thật, dạng yyyymmdd, không sau ngày hôm nay."
        warnings.append(Problem(field="NGAYLAP", code="date", message_vi=message, severity="warning"))
    return made_on, warnings


def _clean(tag: str, text: str) -> str:
    """NFC; single spaces, except that free texts keep their lines. Older clinic software writes NFD."""
    text = unicodedata.normalize("NFC", text)
    rule = RULE_OF.get(tag)
    if rule is not None and rule.kind == "free":
        return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())
    return " ".join(text.split())


def _hash(parts: Sequence[str]) -> str:
    """SHA-256 of the parts, each with its length in front so that no two lists read alike."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode()
        digest.update(len(data).to_bytes(8) + data)
    return digest.hexdigest()


def _draft(raw: RawRecord, facility: str) -> _Draft:
    values = {tag: cleaned for tag, text in raw.values.items() if (cleaned := _clean(tag, text))}
    content = [part for pair in sorted(values.items()) for part in pair]
    if raw.fault:
        problem = Problem(field="NOIDUNGFILE", code=raw.fault, message_vi=FAULTS[raw.fault])
        # Nothing readable to tell two broken files apart but their place; they are never accepted anyway.
        return _Draft(raw, {}, {}, [problem], _hash([facility, raw.fault, str(raw.hoso)]))
    typed, problems = read_fields(values)
    faulty = [
        record_problem(tag, code, FAULTY_TAGS[code])
        for tag, code in raw.faulty_tags.items()
        if tag in RULE_OF
    ]
    named = {problem.field for problem in faulty}
    problems = faulty + [problem for problem in problems if problem.field not in named]
    return _Draft(raw, values, typed, problems, _hash([facility, *content]))


def _set_orders(drafts: Sequence[_Draft]) -> None:
    """Give each child its order in its delivery; say where SO_CON disagrees (see the head of the module)."""
    of_mother: dict[str, list[_Draft]] = {}
    for draft in drafts:
        if not draft.bad("SO_CCCD_NND", "NGAY_SINH_CON"):
            of_mother.setdefault(compared_number(draft.values["SO_CCCD_NND"]), []).append(draft)
    for children in of_mother.values():
        children.sort(key=_birth_minute)  # stable: within a minute the place in the file decides
        delivery: list[_Draft] = []
        for child in children:
            if delivery and not _same_delivery(delivery[-1], child):
                _order_delivery(delivery)
                delivery = []
            delivery.append(child)
        _order_delivery(delivery)


def _once(report: RecordReport, certificate: _Certificate, first_of: dict[_Certificate, int]) -> RecordReport:
    """A certificate is accepted once in a file; a later good record with it is refused and names the first."""
    if (
        report.status == "refused"
        or (first := first_of.setdefault(certificate, report.index)) == report.index
    ):
        return report
    text_vi = f"trùng giấy chứng sinh với bản ghi thứ {first} trong cùng tệp."
    problems = [*report.problems, record_problem("SO", "repeated-in-file", text_vi, "QUYEN_SO")]
    return msgspec.structs.replace(report, status="refused", problems=problems, declaration=None)


def _birth_minute(draft: _Draft) -> datetime:
    minute: datetime = draft.typed["NGAY_SINH_CON"]
    return minute


def _certificate(draft: _Draft) -> _Certificate:
    """As the keys of a birth compare it: blanks and case make no other certificate."""
    return compared_number(draft.values.get("QUYEN_SO", "")), compared_number(draft.values.get("SO", ""))


def _same_delivery(one: _Draft, other: _Draft) -> bool:
    same_treatment = one.values.get("MA_LK", "") == other.values.get("MA_LK", "") != ""
    return same_treatment or _birth_minute(other) - _birth_minute(one) <= SAME_DELIVERY


def _own(draft: _Draft) -> _Certificate | int:
    certificate = _certificate(draft)
    return certificate if all(certificate) else id(draft)


def _order_delivery(delivery: Sequence[_Draft]) -> None:
    # A record sent twice is not a twin: its copies share one place. Without a number it counts for itself.
    places: dict[_Certificate | int, int] = {}
    for child in delivery:
        places.setdefault(_own(child), len(places) + 1)
    for child in delivery:
        if child.bad("SO_CON"):
            continue
        count = child.typed["SO_CON"]
        if count == len(places):
            child.order = places[_own(child)]
        elif 1 < len(places) > count:
            text_vi = f"tệp có {len(places)} con cùng mẹ trong lần sinh này, nhiều hơn số đã ghi."
            child.problems.append(
                record_problem("SO_CON", "siblings-count", text_vi, "SO_CCCD_NND", "NGAY_SINH_CON")
            )


def _judge(
    index: int, draft: _Draft, facility: str, today: date, units: Units | None, now: datetime | None
) -> RecordReport:
    problems = list(draft.problems)
    declaration = None
    if draft.typed:
        extra = {tag: value for tag, value in draft.values.items() if tag not in RULE_OF}
        drafted = draft_declaration(facility, draft.typed, extra, order=draft.order)
        declaration = dated(normalised(drafted), units)
        found = check_declaration(declaration, today=today, units=units, now=now)
        problems += _by_tag(found, {problem.field for problem in problems})
    accepted = not has_errors(problems)
    return RecordReport(
        index=index,
        hoso=draft.raw.hoso,
        ma_lk=draft.values.get("MA_LK", "")[:100],
        certificate_number=draft.values.get("SO", "")[:200],
        status="accepted" if accepted else "refused",
        problems=sorted(problems, key=_place),
        fingerprint=draft.fingerprint,
        declaration=declaration if accepted else None,
    )


def _by_tag(problems: Sequence[Problem], bad: set[str]) -> list[Problem]:
    """Problems of the declaration under their tags; without those that rest on a field already named as
    wrong.
    """
    named = []
    for problem in problems:
        tag = TAG_OF.get(problem.field, problem.field)
        also = tuple(TAG_OF.get(field, field) for field in problem.also)
        if not bad & {tag, *also}:
            message = f"{tag}: {problem.message_vi}"
            named.append(msgspec.structs.replace(problem, field=tag, also=also, message_vi=message))
    return named


_PLACES: Mapping[str, int] = {rule.tag: place for place, rule in enumerate(FIELDS)}


def _place(problem: Problem) -> int:
    return _PLACES.get(problem.field, len(_PLACES))

"""An XML9 upload: every record judged, the good ones made into dossiers ready to be stored. Pure, and slow: run it in
a thread.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from services.intake.birth_reception import assembled
from services.intake.births import Problem
from services.intake.dossier import Dossier
from services.intake.receipts import moment_text
from services.intake.reception import Desk, Fresh, Refused, Sender, Submission
from services.intake.reception_store import Known
from services.intake.xml9 import RecordReport, parse_upload
from services.intake.xml9_fields import TAG_OF

Status = Literal["accepted", "known", "refused", "failed"]


class RecordAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record, for the hospital's list. `dossier_id` and `code` of a known birth are the old ones.

    failed: nothing is wrong with the record, storing it did not work; send the file again.
    """

    index: int
    hoso: int
    ma_lk: str
    certificate_number: str
    status: Status
    text: str
    problems: tuple[Problem, ...] = ()
    dossier_id: UUID | None = None
    code: str = ""
    tracking_token: str = ""
    appointment_at: datetime | None = None


class UploadAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The report of an upload. `summary` is a sentence for people."""

    upload_id: UUID
    facility_code: str
    announced: int
    hosos: int
    without_certificate: int
    accepted: int
    known: int
    refused: int
    failed: int
    summary: str
    warnings: tuple[Problem, ...]
    records: tuple[RecordAnswer, ...]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """An upload read and judged: each record with its submission, or with what is wrong with it."""

    facility_code: str
    announced: int
    hosos: int
    without_certificate: int
    warnings: tuple[Problem, ...]
    fingerprint: str
    records: tuple[tuple[RecordReport, Submission | None], ...]

    @property
    def submissions(self) -> list[Submission]:
        """The good records, in order."""
        return [submission for _, submission in self.records if submission is not None]


def prepare(data: bytes, sender: Sender, fresh: Callable[[], Fresh], at: datetime, desk: Desk) -> Prepared:
    """Read an upload and assemble a dossier for each good record. Raises xml9.UploadRefused for the whole file."""
    report = parse_upload(
        data,
        today=desk.today(at),
        facility_code=sender.facility or None,
        units=desk.catalogue.units,
        now=desk.wall_clock(at),
    )
    return Prepared(
        facility_code=report.facility_code,
        announced=report.announced,
        hosos=report.hosos,
        without_certificate=report.without_certificate,
        warnings=tuple(report.warnings),
        fingerprint=report.fingerprint,
        records=tuple(_record(record, sender, fresh, at, desk) for record in report.records),
    )


def _record(
    record: RecordReport, sender: Sender, fresh: Callable[[], Fresh], at: datetime, desk: Desk
) -> tuple[RecordReport, Submission | None]:
    if record.declaration is None:
        return record, None
    try:
        return record, assembled(record.declaration, record.problems, sender, fresh(), at, desk)
    except Refused as error:
        # The hospital knows the tags of its file, not the paths of our declaration.
        tagged = (msgspec.structs.replace(p, field=TAG_OF.get(p.field, p.field)) for p in error.problems)
        problems = [*record.problems, *tagged]
        return msgspec.structs.replace(record, status="refused", problems=problems, declaration=None), None


def upload_answer(
    upload_id: UUID, prepared: Prepared, outcomes: Sequence[Dossier | Known | None]
) -> UploadAnswer:
    """The report, from what became of each submission (None: it could not be stored)."""
    stored = iter(outcomes)
    records = tuple(
        _refused(record) if submission is None else _answer(record, next(stored))
        for record, submission in prepared.records
    )
    counts = {status: sum(r.status == status for r in records) for status in _WORDS}
    return UploadAnswer(
        upload_id=upload_id,
        facility_code=prepared.facility_code,
        announced=prepared.announced,
        hosos=prepared.hosos,
        without_certificate=prepared.without_certificate,
        **counts,
        summary=f"Tệp có {len(records)} giấy chứng sinh: {_counted(counts)}.",
        warnings=prepared.warnings,
        records=records,
    )


_WORDS: dict[Status, str] = {
    "accepted": "đã tiếp nhận",
    "known": "đã có hồ sơ từ trước",
    "refused": "không hợp lệ",
    "failed": "chưa ghi được, hãy gửi lại",
}


def _counted(counts: dict[Status, int]) -> str:
    return ", ".join(f"{count} {_WORDS[status]}" for status, count in counts.items() if count)


def _refused(record: RecordReport) -> RecordAnswer:
    wrong = sum(problem.severity == "error" for problem in record.problems)
    text = f"Bản ghi thứ {record.index} không được nhận vì {wrong} lỗi, xem từng mục."
    return _line(record, status="refused", text=text)


def _answer(record: RecordReport, outcome: Dossier | Known | None) -> RecordAnswer:
    if outcome is None:
        return _line(record, status="failed", text="Hệ thống chưa ghi được bản ghi này; hãy gửi lại tệp.")
    if isinstance(outcome, Known):
        text = f"Việc sinh này đã có hồ sơ {outcome.code}."
        return _line(record, status="known", text=text, dossier_id=outcome.dossier_id, code=outcome.code)
    return _line(
        record,
        status="accepted",
        text=f"Đã tiếp nhận, mã hồ sơ {outcome.code}; hẹn trả trước {moment_text(outcome.appointment_at)}.",
        dossier_id=outcome.id,
        code=outcome.code,
        tracking_token=outcome.token,
        appointment_at=outcome.appointment_at,
    )


def _line(
    record: RecordReport,
    *,
    status: Status,
    text: str,
    dossier_id: UUID | None = None,
    code: str = "",
    tracking_token: str = "",
    appointment_at: datetime | None = None,
) -> RecordAnswer:
    return RecordAnswer(
        index=record.index,
        hoso=record.hoso,
        ma_lk=record.ma_lk,
        certificate_number=record.certificate_number,
        status=status,
        text=text,
        problems=tuple(record.problems),
        dossier_id=dossier_id,
        code=code,
        tracking_token=tracking_token,
        appointment_at=appointment_at,
    )

"""Births as an XML9 file (QĐ 4750/QĐ-BYT), handed in as the hospital's software writes it: a report on each record."""

from datetime import datetime

import msgspec

from mot_cua.answers import read
from mot_cua.effects import Request, Steps
from mot_cua.operations import M, Resource, operation

# A file of 20 MiB, which is the most, is judged in some ten seconds; the gateway itself waits for a minute and a half.
ANSWER_SECONDS = 120.0


class RecordProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing about a record: the XML tag, a code, a Vietnamese sentence that repeats no value.

    `severity` is error or warning; `also` are other tags it rests on.
    """

    field: str = ""
    code: str = ""
    message_vi: str = ""
    severity: str = "error"
    also: tuple[str, ...] = ()


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one record: `status` is accepted, known (of an earlier file; the dossier there is), refused, or
    failed, where nothing is wrong with it: send the file again."""

    index: int
    status: str
    certificate_number: str = ""
    ma_lk: str = ""
    text: str = ""
    problems: tuple[RecordProblem, ...] = ()
    dossier_id: str | None = None
    code: str = ""
    tracking_token: str = ""
    appointment_at: datetime | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The report on a file; `summary` is a Vietnamese sentence, `warnings` are about the file as a whole."""

    upload_id: str
    facility_code: str = ""
    announced: int = 0
    hosos: int = 0
    without_certificate: int = 0
    accepted: int = 0
    known: int = 0
    refused: int = 0
    failed: int = 0
    summary: str = ""
    warnings: tuple[RecordProblem, ...] = ()
    records: tuple[Record, ...] = ()


class Xml9(Resource[M]):
    """XML9 files (`/births/xml9`), of a partner that acts for a hospital."""

    @operation
    def send(self, content: bytes) -> Steps[Report]:
        """Hand in a file, 20 MiB at most: the report on each record. The same file again gets the same report.

        A record that is wrong is told in the report; a Problem is raised for a file that cannot be read at all.
        """
        request = Request(
            method="POST",
            url=self.session.address("/births/xml9"),
            headers={"content-type": "application/xml"},
            content=content,
            timeout_seconds=ANSWER_SECONDS,
        )
        response = yield from self.session.call(request)
        return read(response, Report)

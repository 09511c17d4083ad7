"""What a dossier's page says while, or because, it was not taken in."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec

from libs.catalogue import Catalogue
from services.portal.case.answers import Dossier
from services.portal.case.door import door_lines, door_tag

CATALOGUE = Catalogue.load(Path("catalogue"))
AT = datetime(2026, 11, 25, 3, tzinfo=UTC)
CERTIFIED_COPY = CATALOGUE.procedure("2.000815", date(2026, 11, 25))
(PAPER, *_) = CERTIFIED_COPY.components
LACKING = Dossier(
    id=uuid4(),
    code="313.40.00.H13-261125-0001",
    procedure="2.000815",
    procedure_from=CERTIFIED_COPY.effective_from,
    channel="counter",
    receiving_agency="one-stop-31340-2025",
    facility="",
    options={},
    components=(),
    missing=(PAPER.code,),
    state="received",
    likely_duplicate=False,
    received_at=AT,
    appointment_at=AT + timedelta(days=2),
)


def test_what_waits_for_its_papers_says_so() -> None:
    """As the slip does that its applicant has; complete it waits for the counter."""
    assert door_tag(1, LACKING).word == "Chờ bổ sung"
    assert door_tag(1, msgspec.structs.replace(LACKING, missing=())).word == "Chờ tiếp nhận"
    (line,) = door_lines(LACKING, CERTIFIED_COPY, CATALOGUE)
    assert (line.words, line.more) == ("Nhận hồ sơ", f"Còn thiếu: {PAPER.name_vi}")


def test_a_refusal_at_the_door_stands_in_the_story_with_its_reason() -> None:
    """Above what came before it."""
    (reason, *_) = CATALOGUE.reasons_for("refuse", date(2026, 11, 25))
    refused = msgspec.structs.replace(
        LACKING, state="refused", reason=reason.code, ended_at=AT + timedelta(hours=1)
    )
    first, second = door_lines(refused, CERTIFIED_COPY, CATALOGUE)
    assert (first.words, first.more) == ("Từ chối tiếp nhận", reason.name_vi)
    assert second.words == "Nhận hồ sơ"
    assert door_tag(3, refused).word == "Từ chối"

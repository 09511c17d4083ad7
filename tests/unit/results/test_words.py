"""Vietnamese words on papers."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from services.results.civil_status import death_extract
from services.results.people import PeopleRecord
from services.results.subjects import CannotIssue, Names, Subject
from services.results.words import birth_words, day_text, day_words


def test_the_fourth_month_is_called_tu() -> None:
    """Tháng tư, not tháng bốn."""
    assert day_words(date(2026, 4, 1)) == "Ngày một tháng tư năm hai nghìn không trăm hai mươi sáu"


def test_days_are_local() -> None:
    """A moment late in the UTC day is the next day in Việt Nam."""
    late = datetime(2026, 11, 22, 20, 5, tzinfo=UTC)
    assert day_text(late) == "23/11/2026"
    assert day_text("1996") == "1996"


def test_a_day_or_month_written_as_00_is_not_known() -> None:
    """Papers of old people name the year alone; 00 stands for what nobody knows."""
    assert birth_words("1958-00-00") == birth_words("1958") == "Năm một nghìn chín trăm năm mươi tám"
    assert birth_words("1958-04-00") == birth_words("1958-04")
    assert (day_text("1958-00-00"), day_text("1958-04-00")) == ("1958", "04/1958")


@pytest.mark.parametrize("text", ["1958-13", "1958-02-30", "1958-13-00"])
def test_a_date_no_calendar_has_is_refused(text: str) -> None:
    """It is not written on a certificate."""
    given = {"document_number": "12", "register_book": "01/2026"}
    people = PeopleRecord(
        dossier_id=uuid4(),
        code="c",
        procedure="1.000656",
        procedure_from=date(2016, 1, 1),
        form={"death": {"died_on": text}},
    )
    subject = Subject(part="deceased", label="", name="Trần Văn Hòa")
    with pytest.raises(CannotIssue, match="date-impossible"):
        death_extract(people, given, Names(ethnic={}, facilities={}), [subject])

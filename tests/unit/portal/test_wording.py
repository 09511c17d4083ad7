"""Words and dates of the screens."""

from datetime import UTC, date, datetime

import pytest

from services.portal import wording

MOMENT = datetime(2026, 11, 26, 17, 5, tzinfo=UTC)


def test_dates_are_those_of_vietnam() -> None:
    """Five past midnight in Vietnam is still the day before in UTC."""
    assert wording.day(MOMENT) == "27/11/2026"
    assert wording.clock(MOMENT) == "00:05"
    assert wording.day_and_clock(MOMENT) == "00:05 ngày 27/11/2026"


def test_an_appointment_is_a_sentence() -> None:
    """Hours and minutes in words, with the day of the week."""
    due = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
    assert wording.appointment(due) == "16 giờ 30 phút, thứ Sáu, ngày 27/11/2026"
    assert wording.day_in_words(date(2026, 11, 29)) == "Chủ nhật, 29/11/2026"


def test_every_national_status_has_its_word() -> None:
    """Ten codes, eight words: nobody has to learn more."""
    words = {wording.status_tag(code).word for code in range(1, 11)}
    assert len(words) == 8
    with pytest.raises(KeyError):
        wording.status_tag(11)


def test_what_stands_between_backticks_is_code_and_nothing_else_is_markup() -> None:
    """Docstrings of the contracts, on a page."""
    assert wording.with_code("a <b> `c<d>` ``e``") == "a &lt;b&gt; <code>c&lt;d&gt;</code> <code>e</code>"

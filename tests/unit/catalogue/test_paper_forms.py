"""Which form a paper has on which day."""

from datetime import date
from pathlib import Path

import pytest

from libs.catalogue import Catalogue, UnknownForm

FOLDER = Path(__file__).parents[3] / "catalogue"


@pytest.mark.parametrize(
    ("form_id", "on", "number", "circular"),
    [
        ("receipt", date(2023, 6, 4), "01", "01/2018"),
        ("receipt", date(2025, 9, 14), "01", "01/2018"),
        ("receipt", date(2025, 9, 15), "01", "03/2025"),
        ("control-slip", date(2023, 6, 4), "05", "01/2018"),
        ("control-slip", date(2026, 11, 27), "06", "03/2025"),
        ("register", date(2023, 6, 4), "06", "01/2018"),
        ("register", date(2026, 11, 27), "07", "03/2025"),
    ],
)
def test_the_newest_form_in_force_on_the_papers_date_is_used(
    form_id: str, on: date, number: str, circular: str
) -> None:
    """A paper of 2023 is printed again in the form of its time."""
    form = Catalogue.load(FOLDER).forms.form(form_id, on)
    assert form.number == number
    assert circular in form.legal_basis


def test_the_apology_of_2025_also_asks_for_an_extension() -> None:
    """TT 03/2025 gave form 04 another title; the older one stays printable."""
    forms = Catalogue.load(FOLDER).forms
    assert forms.form("apology", date(2024, 5, 2)).name_vi == "Phiếu xin lỗi và hẹn lại ngày trả kết quả"
    assert "gia hạn" in forms.form("apology", date(2026, 5, 2)).name_vi


@pytest.mark.parametrize(
    ("form_id", "on"),
    [("receipt", date(2018, 1, 1)), ("stop-notice", date(2024, 1, 1)), ("no-form", date(2026, 1, 1))],
)
def test_no_form_is_made_up(form_id: str, on: date) -> None:
    """Before its first circular, and for what is no paper of ours, there is none."""
    with pytest.raises(UnknownForm):
        Catalogue.load(FOLDER).forms.form(form_id, on)

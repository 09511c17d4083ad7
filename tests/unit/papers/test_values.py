"""What is made of the data before it is set."""

from datetime import date, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue import PaperForm, UnknownForm
from libs.catalogue.paper_forms import load_forms
from libs.papers import BedCard, Receipt, Refusal
from libs.papers.values import FORMS, initials_of, values_of
from libs.printing.letters import printable
from tests.unit.papers.samples import HOSPITAL, NO_ONE, OFFICE, OFFICER, ON, SAMPLES, URL, paper

CATALOGUE = Path(__file__).parents[3] / "catalogue"
FORM_LIST = load_forms(CATALOGUE)


def form_of(form_id: str, on: date = ON) -> PaperForm:
    return FORM_LIST.form(form_id, on)


def receipt(**changes: object) -> Receipt:
    found = paper("receipt")
    assert isinstance(found, Receipt)
    return msgspec.structs.replace(found, **changes)


def test_every_form_of_the_catalogue_can_be_printed() -> None:
    """A row without code, or code without a row, is a paper nobody gets."""
    assert {form.id for form in FORM_LIST.versions()} == FORMS == set(SAMPLES)


@pytest.mark.parametrize(
    ("dong", "paid", "words"),
    [
        (1_250_000, False, "1.250.000\u00a0₫ (bằng chữ: một triệu hai trăm năm mươi nghìn đồng), chưa thu"),
        (8_000, True, "8.000\u00a0₫ (bằng chữ: tám nghìn đồng), đã thu"),
        (0, False, "không thu"),
        (None, False, "chưa xác định, sẽ thông báo cho ông/bà"),
    ],
)
def test_a_fee_is_said_in_numbers_and_words(dong: int | None, paid: bool, words: str) -> None:
    """And whether it was taken; no fee is said too, for silence would leave people asking."""
    assert values_of(form_of("receipt"), receipt(fee_dong=dong, fee_paid=paid), ON)["fee"] == words


def test_the_appointment_is_a_sentence() -> None:
    """With the day of the week; a procedure without a term says so."""
    values = values_of(form_of("receipt"), receipt(), ON)
    assert values["due_at"] == "16 giờ 30 phút, ngày 26/11/2026 (thứ Năm)"
    assert values["place_and_date"] == "Ngã Bảy, ngày 27 tháng 11 năm 2026"
    assert values["number_line"] == "Số: 12/TNHS"
    without = values_of(form_of("receipt"), receipt(due_at=None, number=""), ON)
    assert without["due_at"] == "sẽ thông báo cho ông/bà"
    assert without["number_line"] == "Số: ……/TNHS"


@pytest.mark.parametrize(
    "changes",
    [{"fee_dong": -1}, {"received_at": datetime(2026, 11, 23, 9, 5)}],  # noqa: DTZ001 - what is refused
    ids=["fee", "zone"],
)
def test_what_no_paper_can_say_is_refused(changes: dict[str, object]) -> None:
    """A fee below nought, an hour of nobody knows where."""
    with pytest.raises(ValueError, match=r"number outside|without a zone"):
        values_of(form_of("receipt"), receipt(**changes), ON)


def test_a_form_is_printed_from_its_own_data_only() -> None:
    """A refusal is never printed as a receipt."""
    with pytest.raises(TypeError, match="receipt is not printed from a Refusal"):
        values_of(form_of("receipt"), paper("refusal"), ON)


def test_nobody_is_refused_without_a_law() -> None:
    """Form 03 names its legal basis."""
    with pytest.raises(ValueError, match="legal basis"):
        Refusal(
            office=OFFICE, officer=OFFICER, applicant=NO_ONE, procedure="x", reason="x", legal_basis=(" ",)
        )


def test_a_new_day_is_later_than_the_one_promised() -> None:
    """An apology for being early is a mistake at the desk."""
    apology = paper("apology")
    with pytest.raises(ValueError, match="not after"):
        type(apology)(**{**msgspec.structs.asdict(apology), "new_due_at": apology.old_due_at})  # type: ignore[union-attr]


@pytest.mark.parametrize("initials", ["Nguyễn Thị Mai", "NguyenThiNgocMaiA"])
def test_a_bed_card_takes_no_name(initials: str) -> None:
    """Everybody in the room reads it."""
    with pytest.raises(ValueError, match="initials"):
        BedCard(office=HOSPITAL, bed="12", tracking_url=URL, initials=initials)


@pytest.mark.parametrize(
    ("name", "initials"),
    [("Nguyễn Thị Mai", "N.T.M."), ("đỗ  ẩn", "Đ.Ẩ."), ("H'Hen Niê", "H.N."), ("😀 Mai", "M."), ("", "")],
)
def test_initials_are_the_first_letters(name: str, initials: str) -> None:
    """Marks stay on their letter."""
    assert initials_of(name) == initials


@given(st.text())
def test_initials_of_any_name_fit_on_a_bed_card(name: str) -> None:
    """Whatever somebody has typed."""
    BedCard(office=HOSPITAL, bed="12", tracking_url=URL, initials=initials_of(name))


@given(st.sampled_from(SAMPLES), st.text(max_size=60))
def test_every_text_is_one_line_of_printable_letters(form_id: str, text: str) -> None:
    """Whatever was typed, no value brings a line break or a letter the type lacks."""

    def check(value: object) -> None:
        match value:
            case str():
                assert printable(value) == value
                assert "\n" not in value
            case dict():
                for key, inner in value.items():
                    if key != "qr":
                        check(inner)
            case list():
                for inner in value:
                    check(inner)

    check(values_of(form_of(form_id), paper(form_id, text=text if text.strip() else "."), ON))


def test_titles_name_the_code_and_nobody() -> None:
    """The title stands in the file's metadata, and in the tab of whoever opens it."""
    for form_id in SAMPLES:
        title = values_of(form_of(form_id), paper(form_id), ON)["document_title"]
        assert "Mai" not in title
        assert title.startswith(form_of(form_id).name_vi)


def test_a_form_that_is_not_in_force_is_not_printed() -> None:
    """There was no stop notice before 2025."""
    with pytest.raises(UnknownForm):
        form_of("stop-notice", date(2024, 1, 1))

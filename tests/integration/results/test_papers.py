"""Every paper with every kind of name: rendered by Typst, read back, looked at for what runs off the page."""

import io
import unicodedata
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pypdf
import pypdfium2  # type: ignore[import-untyped]
import pytest

from services.results.authority import make_authority
from services.results.desk_store import Handover, Receiver
from services.results.documents import Paper, paper_values, receipt_values
from services.results.jobs import Job
from services.results.people import Child, OutcomeRecord, PeopleRecord, Person
from services.results.printing import prepare, print_all
from services.results.signing_keys import SigningKeys
from services.results.subjects import CannotIssue, Names, Part
from tests.fixtures.servers import ROOT

pytestmark = pytest.mark.timeout(60)
# Template → the parts of the form its paper is about.
TEMPLATES = {
    "birth_certificate": ("child",),
    "marriage_certificate": ("husband", "wife"),
    "death_extract": ("deceased",),
    "insurance_card": ("child",),
    "residence_notice": ("subject", "members"),
    "identity_card": ("child",),
    "certificate": ("subject",),
    "report_answer": (),
}
# Papers people cut out, laminate or stamp: always one page.
ONE_PAGE = ("birth_certificate", "marriage_certificate", "death_extract", "insurance_card", "identity_card")
NAMES = {
    "plain": "Trần Gia Hân",
    "khmer": "Thạch Thị Sô Phia",
    "decomposed": unicodedata.normalize("NFD", "Nguyễn Thị Ngọc Ánh Tuyết"),
    "markup": "#panic() *đậm* _nghiêng_ <nhãn> $1+1$ \\ `mã` @trích // [x] {y}",
    "long": ("Nguyễn Hoàng Phương Thảo Nguyên Công Tằng Tôn Nữ " * 6)[:255].strip(),
    "unbroken": ("Ngưỡng" * 50)[:255],
}
OUTCOME: dict[str, Any] = {
    "register_number": "125/2026",
    "register_book": "01/2026-KS",
    "registered_on": "2026-11-23",
    "card_number": "TE1920000000125",
    "valid_from": "2026-11-21",
    "valid_to": "2032-11-30",
    "first_care_facility": "93016",
    "residence_number": "88/TB",
    "document_number": "12/TL",
    "issued_on": "2026-11-23",
    "signer_title": "Phó Chủ tịch",
}


@pytest.fixture(scope="module")
def _worker(tmp_path_factory: pytest.TempPathFactory) -> None:
    """This process as a printing worker, without its watch over a parent."""
    signing = make_authority(tmp_path_factory.mktemp("authority"), "UBND phường Ngã Bảy")
    prepare(ROOT / "catalogue" / "documents", SigningKeys(default=signing))


def values_of(template: str, name: str, *, father: bool = True) -> dict[str, Any]:
    """The values of a paper all of whose names are `name`, and whose addresses are as long as they may be."""
    place = (name + ", khu vực 3 ")[:1024] if len(name) < 200 else (name + " ") * 4
    person = Person(
        name=name, birth_date="1996-04-02", ethnic_code="05", nationality="000", residence=place, sex="2"
    )
    on_form = {
        "name": name,
        "birth_date": "1996-04-02",
        "address": place,
        "identity": {"number": "093196001234"},
    }
    people = PeopleRecord(
        dossier_id=uuid4(),
        code="313.40.00.H13-261123-0001",
        procedure="2.002621",
        procedure_from=date(2024, 7, 1),
        applicant=person,
        mother=person,
        father=person if father else None,
        child=Child(name=name, sex="2", birth_time="2026-11-21T03:15:00+07:00", birth_place=place),
        form={
            "child": {"hometown": place},
            **dict.fromkeys(("husband", "wife", "deceased", "subject"), on_form),
            "members": [on_form] * 3,
            "death": {"died_on": "2026-11-20", "place": place, "cause": place},
        },
    )
    given = OUTCOME | {"child_name": name, "signer_name": name, "address": place, "registration_place": place}
    given["content"] = name
    outcome = OutcomeRecord(
        dossier_id=uuid4(), step="s", agency="a", completed_at=datetime.now(UTC), outcome=given
    )
    paper = Paper(
        result_id=uuid4(),
        template=template,
        result_name="Giấy khai sinh",
        procedure_name="Đăng ký khai sinh, đăng ký thường trú, cấp thẻ bảo hiểm y tế cho trẻ em dưới 6 tuổi",
        agency_name="Trung tâm Phục vụ hành chính công phường Ngã Bảy",
        agency_place="Ngã Bảy",
        version=1,
        verify_url="http://verify.example/xac-minh/abcdefghijklmnopqrstuv",
        signed_at=datetime.now(UTC),
        about=tuple(Part(name=part, label="Người được cấp") for part in TEMPLATES[template]),
    )
    return paper_values(paper, people, outcome, Names(ethnic={"05": "Khmer"}, facilities={"93016": place}))


def printed(template: str, values: dict[str, Any]) -> bytes:
    """The unsigned PDF."""
    (paper,) = print_all([Job(template=template, values=values, sign=False)])
    return paper.pdf


def words(pdf: bytes) -> str:
    """The text of all pages, without the spaces and break points of setting it."""
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    return "".join(unicodedata.normalize("NFC", text).replace("\u200b", "").split())


def runs_off(pdf: bytes) -> list[str]:
    """Text outside the page's margins (2 cm at the sides), and boxes in place of letters."""
    found = []
    for page in pypdfium2.PdfDocument(pdf):
        width, text = page.get_width(), page.get_textpage()
        for n in range(text.count_rects()):
            left, bottom, right, top = text.get_rect(n)
            if left < 50 or right > width - 50 or bottom < 10 or top > page.get_height() - 10:
                found.append(text.get_text_bounded(left, bottom, right, top))
    return found


@pytest.mark.usefixtures("_worker")
@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("template", TEMPLATES)
def test_every_name_stands_whole_on_every_paper(template: str, kind: str) -> None:
    """The name is printed letter for letter, never read as markup, inside the margins, on one page where it must be."""
    name = NAMES[kind]
    pdf = printed(template, values_of(template, name))
    assert "".join(unicodedata.normalize("NFC", name).split()) in words(pdf)
    assert runs_off(pdf) == []
    if template in ONE_PAGE:
        assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 1


@pytest.mark.usefixtures("_worker")
def test_a_missing_father_is_a_line_to_be_seen() -> None:
    """The certificate of a child without a declared father keeps the father's lines, dotted."""
    text = words(printed("birth_certificate", values_of("birth_certificate", "Nguyễn Gia Hân", father=False)))
    assert "tênngườicha:...." in text
    assert text.count("NguyễnGiaHân") >= 3


@pytest.mark.usefixtures("_worker")
@pytest.mark.parametrize("kind", NAMES)
def test_receipts_hold_any_receiver(kind: str) -> None:
    """One page, the name whole, and of the identity number only its end."""
    name = NAMES[kind]
    receiver = Receiver(
        name=name,
        relation="relative",
        identity_number="093080001111",
        authorisation=name,
        checked="authorisation",
    )
    handover = Handover(
        id=uuid4(),
        dossier_id=uuid4(),
        place="hospital-93016",
        handed_over_at=datetime.now(UTC),
        officer="nu-ho-sinh-01",
        receiver=receiver,
        result_ids=(),
    )
    results = [("Giấy khai sinh", 1), ("Thẻ bảo hiểm y tế", 2)]
    pdf = printed("handover_receipt", receipt_values(handover, "313.40", "Bệnh viện", results))
    text = words(pdf)
    assert "".join(unicodedata.normalize("NFC", name).split()) in text
    assert "093080001111" not in text
    assert "1111" in text
    assert runs_off(pdf) == []
    assert len(pypdf.PdfReader(io.BytesIO(pdf)).pages) == 1


def test_a_receipt_names_the_desk_where_another_system_spoke_for_it() -> None:
    """A partner's code says nothing to a family; an officer is named."""
    receiver = Receiver(name="Phạm Thị Lan", relation="mother", identity_number="", signed_on_paper=True)
    handover = Handover(
        id=uuid4(),
        dossier_id=uuid4(),
        place="hospital-93016",
        handed_over_at=datetime.now(UTC),
        officer="benh-vien-thu",
        officer_kind="system",
        receiver=receiver,
        result_ids=(),
    )
    assert receipt_values(handover, "313.40", "Bệnh viện", [])["officer"] == "Bệnh viện"
    by_officer = msgspec.structs.replace(handover, officer="nu-ho-sinh-01", officer_kind="officer")
    assert receipt_values(by_officer, "313.40", "Bệnh viện", [])["officer"] == "nu-ho-sinh-01"


@pytest.mark.parametrize("name", ["ថាច់ សូភា", "王小明", "Мария", "Nguyễn \u202enA", "Mai \x07", "Mai 😀"])
def test_letters_the_type_lacks_are_never_signed_as_boxes(name: str) -> None:
    """A name that cannot be printed sends the step back, instead of a signed paper that nobody can read."""
    with pytest.raises(CannotIssue) as caught:
        values_of("birth_certificate", name)
    assert caught.value.reason == "letters-not-printable"


def test_invisible_leftovers_of_copying_are_dropped() -> None:
    """A zero-width space from a web page is no letter of the name."""
    assert values_of("insurance_card", "Nguyễn\u200b Mai\ufeff")["subject_name"] == "Nguyễn Mai"


def test_templates_are_all_tried_here() -> None:
    """A new template is added to TEMPLATES."""
    files = {path.stem for path in Path(ROOT / "catalogue" / "documents").glob("*.typ")}
    assert files == {*TEMPLATES, "handover_receipt", "frame"}

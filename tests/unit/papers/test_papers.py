"""Every paper rendered by Typst and read back: size, letters, code, fonts, what stands outside the margins."""

import io
import unicodedata
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pypdf
import pypdfium2  # type: ignore[import-untyped]
import pytest
import typst
import zxingcpp

from libs.papers import Component, Paper, Person, Receipt, Register
from libs.papers.printer import Printer
from libs.printing.typesetting import EMBEDDED_SERIF, TIMES_LIKE, vietnamese_serif
from tests.unit.papers.samples import BARE, CODE, MOTHER, NO_ONE, ON, SAMPLES, URL, paper

CATALOGUE = Path(__file__).parents[3] / "catalogue"
A5, A4_ACROSS, CARD = (148, 210), (297, 210), (80, 120)
POINTS_PER_MM = 72 / 25.4
WITH_CODE = tuple(form for form in SAMPLES if form not in {"congratulation-letter", "register", "refusal"})
ONE_PAGE = ("congratulation-letter", "bed-card")
NAMES = {
    "khmer": "Thạch Thị Sô Phia",
    "apostrophe": "H'Hen Niê D’Arc",
    "stacked": "NGUYỄN THỊ ẲNH ỰỜNG ỘẨ",
    "decomposed": unicodedata.normalize("NFD", "Nguyễn Thị Ngọc Ánh Tuyết"),
    "markup": '#panic() *đậm* _nghiêng_ <nhãn> $1+1$ \\ `mã` @trích // [x] {y} \\u{41} #eval("1")',
    "quotes": '"),panic("x") \' ” \\" ]]#',
    "long": ("Nguyễn Hoàng Phương Thảo Nguyên Công Tằng Tôn Nữ " * 5)[:200].strip(),
    "unbroken": ("NGƯỠNGW" * 50)[:200],
}


@pytest.fixture(scope="module")
def printer() -> Printer:
    """With the type of a machine that has no fonts of its own."""
    return Printer(CATALOGUE, system_fonts=False)


def pages(pdf: bytes) -> list[Any]:
    return list(pypdf.PdfReader(io.BytesIO(pdf)).pages)


def _resources(page: Any) -> Any:
    return page["/Resources"]


def words(pdf: bytes) -> str:
    """The text of all pages, without the spaces and break points of setting it."""
    text = "".join(page.extract_text() for page in pages(pdf))
    return plain(text)


def plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFC", text).replace("\u200b", "").split())


def runs_off(pdf: bytes, margin_mm: float) -> list[str]:
    """Text that stands nearer to the edge than the margin."""
    found, margin = [], margin_mm * POINTS_PER_MM - 2
    for page in pypdfium2.PdfDocument(pdf):
        width, height, text = page.get_width(), page.get_height(), page.get_textpage()
        for n, letter in enumerate(text.get_text_range()):
            if letter.isspace():
                continue
            left, bottom, right, top = text.get_charbox(n)
            if left < margin or right > width - margin or bottom < 8 or top > height - 8:
                found.append(letter)
    return found


@pytest.mark.parametrize("form", SAMPLES)
def test_a_paper_has_the_size_it_must_have(printer: Printer, form: str) -> None:
    """A5 upright, the register A4 across, the bed card 80 x 120 mm; an ordinary paper takes one page."""
    size = {"register": A4_ACROSS, "bed-card": CARD}.get(form, A5)
    (page,) = pages(printer.render(form, paper(form), ON))
    for side, length in zip((page.mediabox.width, page.mediabox.height), size, strict=True):
        assert float(side) == pytest.approx(length * POINTS_PER_MM, abs=0.1)


@pytest.mark.parametrize("form", SAMPLES)
def test_a_paper_can_be_read_by_machines_and_kept(printer: Printer, form: str) -> None:
    """PDF/A-2a and PDF/UA-1: tagged, titled, in Vietnamese, every font inside; nothing of a person in the metadata."""
    reader = pypdf.PdfReader(io.BytesIO(printer.render(form, paper(form), ON)))
    root: Any = reader.root_object
    assert root["/Lang"] == "vi"
    assert root["/MarkInfo"]["/Marked"]
    xmp = root["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    assert reader.metadata is not None
    title = str(reader.metadata.title)
    assert title in xmp
    for private in ("Mai", "0912", "Trần Gia Hân", "Bích Phượng", "5Jx0a8Qm"):
        assert private not in f"{xmp} {dict(reader.metadata)}"
    fonts: list[Any] = [f for page in reader.pages for f in _resources(page)["/Font"].values()]
    descriptors = [
        d.get_object()["/FontDescriptor"] for f in fonts for d in f.get_object()["/DescendantFonts"]
    ]
    assert descriptors
    assert all({"/FontFile2", "/FontFile3"} & set(d) for d in descriptors)


@pytest.mark.parametrize("form", WITH_CODE)
def test_the_code_leads_to_the_tracking_page(printer: Printer, form: str) -> None:
    """Read from a picture of the paper as a telephone sees it; at least 20 mm wide."""
    scale = 3
    image = pypdfium2.PdfDocument(printer.render(form, paper(form), ON))[0].render(scale=scale).to_pil()
    (code,) = zxingcpp.read_barcodes(image)
    assert code.text == URL
    width_mm = (code.position.top_right.x - code.position.top_left.x) / scale / POINTS_PER_MM
    assert width_mm >= 20


def test_a_receipt_says_everything(printer: Printer) -> None:
    """What was handed in, the fee in numbers and words, when and where the result is, whom to call."""
    text = words(printer.render("receipt", paper("receipt"), ON))
    for phrase in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "TRUNG TÂM PHỤC VỤ HÀNH CHÍNH CÔNG PHƯỜNG NGÃ BẢY",
        "Số: 12/TNHS",
        "Ngã Bảy, ngày 27 tháng 11 năm 2026",
        "GIẤY TIẾP NHẬN HỒ SƠ VÀ HẸN TRẢ KẾT QUẢ",
        CODE,
        "Nguyễn Thị Ngọc Mai",
        "01 bản chính, 02 bản sao",
        "1.250.000 ₫ (bằng chữ: một triệu hai trăm năm mươi nghìn đồng)",
        "16 giờ 30 phút, ngày 26/11/2026 (thứ Năm)",
        "Bệnh viện Đa khoa khu vực Ngã Bảy",
        "0293 3866 124",
        "NGƯỜI NỘP HỒ SƠ",
        "NGƯỜI TIẾP NHẬN HỒ SƠ",
        "Mẫu số 01, Thông tư số 03/2025/TT-VPCP",
    ):
        assert plain(phrase) in text, phrase
    assert URL not in text


def test_an_older_receipt_is_printed_in_the_form_of_its_time(printer: Printer) -> None:
    """The newest in force on the paper's date."""
    assert plain("Thông tư số 01/2018/TT-VPCP") in words(
        printer.render("receipt", paper("receipt"), date(2023, 6, 5))
    )
    then, now = (words(printer.render("apology", paper("apology"), on)) for on in (date(2023, 6, 5), ON))
    assert plain("HẸN LẠI NGÀY TRẢ KẾT QUẢ") in then
    assert plain("gia hạn thời gian giải quyết thêm 2 ngày làm việc") in now
    assert plain("gia hạn") not in then


def test_a_letter_says_nothing_but_names_and_the_birthday(printer: Printer) -> None:
    """No code, no number, no address of the family."""
    pdf = printer.render("congratulation-letter", paper("congratulation-letter"), ON)
    text = words(pdf)
    for phrase in ("Trần Gia Hân", "21/11/2026", "Nguyễn Thị Ngọc Mai", "Trần Văn Bảy", "Lê Hoàng Ân"):
        assert plain(phrase) in text
    assert CODE not in text
    assert "0912" not in text


@pytest.mark.parametrize("kind", NAMES)
@pytest.mark.parametrize("form", SAMPLES)
def test_every_text_stands_whole_on_every_paper(printer: Printer, form: str, kind: str) -> None:
    """Letter for letter, never read as markup, inside the margins, on one page where it must be."""
    text = NAMES[kind]
    who = Person(name=text, address=text, phone="0912 345 678", email=f"{text[:60]}@example.vn")
    pdf = printer.render(form, paper(form, who=who, text=text), ON)
    assert plain(text) in words(pdf)
    assert runs_off(pdf, 6 if form == "bed-card" else 11) == []
    if form in ONE_PAGE:
        assert len(pages(pdf)) == 1


@pytest.mark.parametrize("form", SAMPLES)
def test_letters_the_type_lacks_do_not_stop_a_paper(printer: Printer, form: str) -> None:
    """An emoji or Khmer letters are boxes to be seen; the rest of the paper is as it should be."""
    text = "Mai 😀 ថាច់ 王 \u202enA \x07 k\u0361p \ufdfd"
    pdf = printer.render(form, paper(form, who=Person(name=text), text=text), ON)
    assert "Mai□" in words(pdf)


def test_any_letter_that_is_let_through_can_be_set(printer: Printer) -> None:
    """Every character there is, on one receipt: either it is set or a box stands for it."""
    every = "".join(map(chr, [*range(1, 0xD800), *range(0xE000, 0x11000)]))
    text = " ".join(every[n : n + 24] for n in range(0, len(every), 24))
    receipt = paper("receipt")
    assert isinstance(receipt, Receipt)
    printer.render("receipt", msgspec.structs.replace(receipt, procedure=text), ON)


@pytest.mark.parametrize("form", SAMPLES)
def test_what_is_not_known_is_left_out_or_dotted(printer: Printer, form: str) -> None:
    """Empty optional fields leave neither labels without words nor holes."""
    full = paper(form, who=NO_ONE)
    given: dict[str, Any] = {"office": BARE}
    for field in ("number", "time_limit", "result_place", "register_book", "register_number", "code", "bed"):
        if field in full.__struct_fields__:
            given[field] = ""
    if form == "receipt":
        given["components"] = ()
    text = words(printer.render(form, msgspec.structs.replace(full, **given), ON))
    assert "Têngiấytờ" not in text
    assert plain("Bộ phận một cửa").upper() in text.upper()
    assert "None" not in text


def test_a_receipt_of_forty_papers_goes_on_over_pages(printer: Printer) -> None:
    """The head of the table and the code are on each page, the signatures are not alone on the last."""
    receipt = paper("receipt")
    assert isinstance(receipt, Receipt)
    many = tuple(Component(name=f"Giấy tờ thứ {n} của hồ sơ", originals=1, copies=n) for n in range(40))
    pdf = printer.render("receipt", msgspec.structs.replace(receipt, components=many), ON)
    texts = [plain(page.extract_text()) for page in pages(pdf)]
    assert len(texts) > 1
    for n, text in enumerate(texts[:-1], start=1):
        assert "Têngiấytờ" in text
        assert f"{CODE}Trang{n}/{len(texts)}" in text
    assert plain("Cần hỏi thêm") in texts[-1]
    assert all(plain(f"Giấy tờ thứ {n} của") in "".join(texts) for n in range(40))


def test_a_register_of_500_rows(printer: Printer) -> None:
    """Every row stands in it, the head of the table and the page number on each page."""
    register = paper("register")
    assert isinstance(register, Register)
    row = register.rows[0]
    rows = tuple(
        msgspec.structs.replace(
            row, code=f"313.40.00.H13-261101-{n:04d}", received_at=row.received_at + timedelta(minutes=n)
        )
        for n in range(500)
    )
    pdf = printer.render("register", msgspec.structs.replace(register, rows=rows), ON)
    texts = [plain(page.extract_text()) for page in pages(pdf)]
    for n, text in enumerate(texts, start=1):
        assert "Mãhồsơ" in text or n == len(texts)
        assert f"Trang{n}/{len(texts)}" in text
    assert all(f"313.40.00.H13-261101-{n:04d}" in "".join(texts) for n in range(500))
    assert "Tổngsố:500hồsơ" in texts[-1]
    assert runs_off(pdf, 11) == []


@pytest.mark.parametrize("form", SAMPLES)
def test_the_same_paper_gives_the_same_bytes(printer: Printer, form: str) -> None:
    """A receipt printed again is the same receipt."""
    assert printer.render(form, paper(form), ON) == printer.render(form, paper(form), ON)


def test_the_least_type_on_paper_is_eleven_points(printer: Printer) -> None:
    """But for the foot of the page, which names form and page."""
    sizes: set[float] = set()

    def note(text: str, _cm: Any, tm: Any, _font: Any, size: float) -> None:
        if text.strip() and "Trang" not in text and "Mẫu số" not in text:
            sizes.add(round(abs(size * tm[0]), 1))

    for form in SAMPLES:
        for page in pages(printer.render(form, paper(form), ON)):
            page.extract_text(visitor_text=note)
    assert min(size for size in sizes if size != 9.0) >= 11


def test_the_type_has_every_vietnamese_letter() -> None:
    """A Times-like type is taken only when it has them; the embedded one is always there."""
    assert vietnamese_serif(typst.Fonts(include_system_fonts=False)) == EMBEDDED_SERIF
    assert vietnamese_serif(typst.Fonts(include_system_fonts=True)) in {*TIMES_LIKE, EMBEDDED_SERIF}


def test_papers_are_as_sound_with_the_fonts_of_this_machine() -> None:
    """Whatever is installed: one page, inside the margins, the words whole."""
    printer = Printer(CATALOGUE)
    for form in SAMPLES:
        made: Paper = paper(form)
        pdf = printer.render(form, made, ON)
        assert len(pages(pdf)) == 1, form
        assert runs_off(pdf, 6 if form == "bed-card" else 11) == [], form
    assert plain(MOTHER.name) in words(printer.render("receipt", paper("receipt"), ON))

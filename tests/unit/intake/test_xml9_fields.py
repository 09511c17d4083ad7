"""Every rule of a single XML9 field, one row each: what is written, and which problem it makes."""

import json
import unicodedata
from datetime import date
from pathlib import Path

import pytest

from deploy.local.sample_xml9 import TAGS, Births, envelope
from libs.catalogue.units import Units
from services.intake.xml9 import RecordReport, parse_upload
from services.intake.xml9_fields import FIELDS, TAG_OF, FieldRule

TODAY = date(2026, 11, 23)
OLD_TODAY = date(2023, 6, 20)  # while districts still existed
REQUIRED = [rule.tag for rule in FIELDS if rule.required]
UNITS = Units.load()


def record_of(today: date = TODAY, /, **changes: str | None) -> dict[str, str]:
    """A good record of a single birth without surgery, with some tags replaced; None takes a tag away."""
    (record,) = Births(11, today=today).single()
    record |= {"SINHCON_PHAUTHUAT": "0", "GHI_CHU": ""}
    for tag, value in changes.items():
        if value is None:
            del record[tag]
        else:
            record[tag] = value
    return record


def report_of(record: dict[str, str], today: date = TODAY) -> RecordReport:
    """What the parser says of an envelope with this one record."""
    report = parse_upload(envelope([[record]], made_on=today), today=today, units=UNITS)
    (record_report,) = report.records
    return record_report


def found(record: dict[str, str], today: date = TODAY) -> set[tuple[str, str, str]]:
    """The problems as (field, code, severity)."""
    return {(problem.field, problem.code, problem.severity) for problem in report_of(record, today).problems}


@pytest.mark.parametrize("today", [TODAY, OLD_TODAY])
def test_a_good_record_has_no_problem(today: date) -> None:
    """A record as a hospital writes it is accepted, before and after districts were abolished."""
    assert found(record_of(today), today) == set()


def test_the_field_table_is_bang_9() -> None:
    """Names, order, lengths and obligation are those of the published table (bang9.json: QĐ 4750/QĐ-BYT)."""
    table = [(rule.tag, rule.length_max, rule.required) for rule in FIELDS]
    source = Path(__file__).parent / "bang9.json"
    expected = [(row[0], row[1], row[2]) for row in json.loads(source.read_text(encoding="utf-8"))]
    bent = {"GHI_CHU"}  # nominally required; see the module
    assert [row[:2] for row in table] == [row[:2] for row in expected]
    assert [row for row in table if row[0] not in bent] == [row for row in expected if row[0] not in bent]
    assert [rule.tag for rule in FIELDS] == list(TAGS)


def test_every_path_of_the_table_has_one_tag() -> None:
    """No two tags fill the same place of the declaration."""
    assert len({rule.path for rule in FIELDS}) == len(FIELDS)
    assert TAG_OF["mother.name"] == "HO_TEN_NND"


@pytest.mark.parametrize("tag", REQUIRED)
@pytest.mark.parametrize("value", ["", "  \n ", None])
def test_a_required_field_may_not_be_empty(tag: str, value: str | None) -> None:
    """Empty, blank or absent: the same problem, on that field only."""
    record = record_of(OLD_TODAY, **{tag: value})
    assert found(record, OLD_TODAY) == {(tag, "required", "error")}


@pytest.mark.parametrize("tag", [rule.tag for rule in FIELDS if not rule.required])
def test_an_optional_field_may_be_empty_or_absent(tag: str) -> None:
    """Five fields and the note may be left out."""
    assert found(record_of(**{tag: ""})) == set()
    record = record_of()
    record.pop(tag, None)
    assert found(record) == set()


@pytest.mark.parametrize("rule", [rule for rule in FIELDS if rule.length_max], ids=lambda rule: rule.tag)
def test_a_field_may_not_be_longer_than_the_table_says(rule: FieldRule) -> None:
    """One character more than allowed is named, and nothing else is."""
    tag, length_max = rule.tag, rule.length_max or 0
    assert found(record_of(**{tag: "1" * (length_max + 1)})) == {(tag, "too-long", "error")}


@pytest.mark.parametrize("tag", ["HO_TEN_NND", "HO_TEN_CHA", "HO_TEN_CON", "NOI_SINH_CON", "NOI_CU_TRU_NND"])
def test_the_longest_text_allowed_is_accepted(tag: str) -> None:
    """Lengths count characters of the composed form, not bytes and not combining marks."""
    length_max = next(rule.length_max for rule in FIELDS if rule.tag == tag)
    longest = unicodedata.normalize("NFD", "ế" * (length_max or 0))
    assert found(record_of(**{tag: longest})) == set()


CASES = [
    ("MA_BHXH_NND", "0000000000", "insurance_number.zeros"),
    ("MA_BHXH_NND", "123456789", "insurance_number.shape"),
    ("MA_BHXH_NND", "12345678x0", "insurance_number.shape"),
    ("MA_BHXH_NND", "١٢٣٤٥٦٧٨٩٠", "insurance_number.shape"),
    ("MA_THE_NND", "GD693123456789", "health_card.shape"),
    ("MA_THE_NND", "GD6931234567890", "health_card.shape"),
    ("MA_THE_NND", "G14931234567890", "health_card.shape"),
    ("HO_TEN_NND", "Nguyễn Thị 3", "name.digit"),
    ("HO_TEN_NND", "<script>", "name.sign"),
    ("HO_TEN_CHA", "Trần Văn 4", "name.digit"),
    ("HO_TEN_CON", "Bé 1", "name.digit"),
    ("NGAYSINH_NND", "19951301", "date"),
    ("NGAYSINH_NND", "19950229", "date"),
    ("NGAYSINH_NND", "1995-1-1", "date"),
    ("NGAYSINH_NND", "1995", "date"),
    ("NGAYSINH_NND", "٢٠٠٠٠١٠١", "date"),
    ("MA_DANTOC_NND", "00", "ethnic_code.unknown"),
    ("MA_DANTOC_NND", "99", "ethnic_code.unknown"),
    ("MA_DANTOC_NND", "1", "shape"),
    ("SO_CCCD_NND", "12345678", "identity_document.shape"),
    ("SO_CCCD_NND", "09319500000", "identity_document.shape"),
    ("SO_CCCD_NND", "B12345678", "identity_document.shape"),
    ("SO_CCCD_NND", "003195000001", "personal_number.province"),
    ("NGAYCAP_CCCD_NND", "20210230", "date"),
    ("NGAYCAP_CCCD_NND", "19300101", "before-birth-of-holder"),
    ("NGAYCAP_CCCD_NND", "20270101", "in-future"),
    ("MA_QUOCTICH", "VN", "shape"),
    ("MA_QUOCTICH", "00", "shape"),
    ("MATINH_CU_TRU", "9", "shape"),
    ("MATINH_CU_TRU", "093", "shape"),
    ("MAHUYEN_CU_TRU", "93", "shape"),
    ("MAXA_CU_TRU", "3134", "shape"),
    ("MAXA_CU_TRU", "99999", "commune-unknown"),
    ("MAXA_CU_TRU", "00004", "commune-province"),
    ("MA_THE_TAM", "TE292123456789", "temporary_card.shape"),
    ("MA_THE_TAM", "TE2921234567890", "temporary_card.shape"),
    ("MA_THE_TAM", "TE1001234567890", "temporary_card.province"),
    ("GIOI_TINH_CON", "0", "sex-code"),
    ("GIOI_TINH_CON", "4", "sex-code"),
    ("GIOI_TINH_CON", "M", "sex-code"),
    ("SO_CON", "0", "count-bounds"),
    ("SO_CON", "10", "count-bounds"),
    ("SO_CON", "x", "number"),
    ("SO_CON", "-1", "number"),
    ("LAN_SINH", "0", "births-bounds"),
    ("LAN_SINH", "1.", "number"),
    ("SO_CON_SONG", "a", "number"),
    ("CAN_NANG_CON", "3.2", "number"),
    ("CAN_NANG_CON", "3,2", "number"),
    ("CAN_NANG_CON", "3", "weight-bounds"),
    ("CAN_NANG_CON", "32000", "weight-bounds"),
    ("CAN_NANG_CON", "không cân", "number"),
    ("NGAY_SINH_CON", "20261120", "time"),
    ("NGAY_SINH_CON", "202611202460", "time"),
    ("NGAY_SINH_CON", "202611312400", "time"),
    ("SINHCON_PHAUTHUAT", "2", "flag"),
    ("SINHCON_DUOI32TUAN", "c", "flag"),
    ("NGAY_CT", "20261301", "date"),
    ("NGAY_CT", "20261201", "in-future"),
    ("NGAY_CT", "20261101", "before-birth"),
    ("MA_TTDV", "123", "insurance_number.shape"),
    ("MA_TTDV", "0000000000", "insurance_number.zeros"),
]


@pytest.mark.parametrize(("tag", "value", "code"), CASES)
def test_a_wrong_value_is_named_by_field_and_code(tag: str, value: str, code: str) -> None:
    """One wrong field refuses the record, and the only error is on that field."""
    report = report_of(record_of(**{tag: value}))
    errors = {(problem.field, problem.code) for problem in report.problems if problem.severity == "error"}
    assert (report.status, errors) == ("refused", {(tag, code)})
    assert report.declaration is None


@pytest.mark.parametrize(("tag", "value"), [(tag, value) for tag, value, _ in CASES if len(value) > 3])
def test_a_reason_names_the_tag_and_never_repeats_the_value(tag: str, value: str) -> None:
    """Reports may be logged and mailed, so no number or name may stand in them."""
    for problem in report_of(record_of(**{tag: value})).problems:
        assert problem.message_vi.startswith(problem.field)
        assert value not in problem.message_vi


@pytest.mark.parametrize(
    ("surgery", "early", "note", "expected"),
    [
        ("0", "0", "", set()),
        ("0", "0", "Mẹ và con khỏe", set()),
        ("1", "0", "Sinh con phải phẫu thuật", set()),
        ("1", "0", "SINH CON PHẢI  PHẪU THUẬT.", set()),
        ("0", "1", "Sinh con dưới 32 tuần tuổi", set()),
        ("1", "1", "Phẫu thuật, sinh con dưới 32 tuần tuổi", set()),
        ("1", "0", "", {("GHI_CHU", "note-missing", "error")}),
        (
            "0",
            "1",
            "Sinh con phải phẫu thuật",
            {("GHI_CHU", "note-missing", "error"), ("GHI_CHU", "note-contradicts", "error")},
        ),
        ("1", "1", "Sinh con phải phẫu thuật", {("GHI_CHU", "note-missing", "error")}),
        ("0", "0", "Sinh con phải phẫu thuật", {("GHI_CHU", "note-contradicts", "error")}),
        ("0", "0", "Sinh thường, không phẫu thuật", {("GHI_CHU", "note-contradicts", "warning")}),
    ],
)
def test_the_note_agrees_with_surgery_and_early_birth(
    surgery: str, early: str, note: str, expected: set[tuple[str, str, str]]
) -> None:
    """Bảng 9, GHI_CHU: the prescribed words stand there exactly when the flags say so."""
    record = record_of(SINHCON_PHAUTHUAT=surgery, SINHCON_DUOI32TUAN=early, GHI_CHU=note)
    assert found(record) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"CAN_NANG_CON": "450"}, ("CAN_NANG_CON", "weight-unusual", "warning")),
        ({"SO_CON_SONG": "0"}, ("SO_CON_SONG", "living-below-count", "warning")),
        ({"SO_CON": "2", "SO_CON_SONG": "5"}, ("SO_CON", "order-unknown", "warning")),
        ({"MA_THE_TAM": "TE1931234567890"}, ("MA_THE_TAM", "temporary_card.mother_province", "warning")),
    ],
)
def test_what_is_only_odd_is_accepted_with_a_warning(
    changes: dict[str, str], expected: tuple[str, str, str]
) -> None:
    """A human looks at it; the child is not sent away."""
    record = record_of(**changes)
    assert found(record) == {expected}
    assert report_of(record).status == "accepted"


def test_a_number_that_does_not_fit_the_birth_year_is_named_on_the_document() -> None:
    """CCCD digits four to six tell century and year (TT 07/2016); both fields are named as compared."""
    record = record_of()
    year = int(record["NGAYSINH_NND"][:4])
    report = report_of(record | {"NGAYSINH_NND": f"{year - 1}0301"})
    (problem,) = report.problems
    assert (problem.field, problem.code) == ("SO_CCCD_NND", "personal_number.year")
    assert "NGAYSINH_NND" in problem.also


@pytest.mark.parametrize("number", ["123456789", "B1234567", "b1234567"])
def test_old_cards_and_passports_are_accepted(number: str) -> None:
    """BHXH's check allows 9 digits, 12 digits or a letter with 7 digits."""
    report = report_of(record_of(SO_CCCD_NND=number))
    assert report.declaration is not None
    assert report.declaration.mother.document.number == number.upper()


def test_a_foreign_mother_has_a_passport_of_her_own_country() -> None:
    """The Vietnamese shapes do not bind other nationalities."""
    record = record_of(MA_QUOCTICH="123", SO_CCCD_NND="XK99812CD", MA_DANTOC_NND="55")
    assert found(record) == set()
    assert found(record | {"SO_CCCD_NND": "X-1"}) == {("SO_CCCD_NND", "foreign-passport", "error")}


def test_district_and_province_say_which_list_of_communes_is_meant() -> None:
    """After 2025-07-01 a district is not needed; where one or an old province stands, the code is old."""
    assert found(record_of(MAHUYEN_CU_TRU="000")) == set()
    old = record_of(
        MATINH_CU_TRU="93", MAHUYEN_CU_TRU="931", MAXA_CU_TRU="31341", MA_THE_TAM="TE1931234567890"
    )
    for written in (
        old,
        old | {"MAHUYEN_CU_TRU": ""},
        old | {"MAHUYEN_CU_TRU": "", "MAXA_CU_TRU": "31340"},
    ):
        report = report_of(written)
        assert report.declaration is not None
        assert report.declaration.mother.residence.as_of == date(2025, 6, 30)
    assert found(old | {"MAHUYEN_CU_TRU": "930"}) == {("MAXA_CU_TRU", "commune-district", "error")}


def test_an_abandoned_child_has_a_carer_of_any_age() -> None:
    """Bảng 9, NOI_SINH_CON: the place says "bị bỏ rơi", and NND is then whoever cares for the child."""
    record = record_of(
        NOI_SINH_CON="Trẻ bị bỏ rơi tại phường Ngã Bảy", NGAYSINH_NND="19500101", SO_CCCD_NND="093150000001"
    )
    report = report_of(record)
    assert report.declaration is not None
    assert report.declaration.mother.role == "carer"
    assert found(record | {"NOI_SINH_CON": "Bệnh viện"}) == {("NGAYSINH_NND", "age-impossible", "error")}


def test_a_tag_written_twice_or_holding_elements_is_named() -> None:
    """Neither is a value; guessing one would be worse than asking."""
    inner = "<DU_LIEU_GIAY_CHUNG_SINH>{}</DU_LIEU_GIAY_CHUNG_SINH>"
    fields = "".join(f"<{tag}>{value}</{tag}>" for tag, value in record_of().items())
    for more, code in (("<SO>1</SO>", "repeated"), ("<DU_PHONG><B/></DU_PHONG>", "repeated"), ("", "")):
        body = inner.format(fields + more)
        root = "CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH"
        file = f"<{root}><DSACH_GIAYCHUNGSINH>{body}</DSACH_GIAYCHUNGSINH></{root}>".encode()
        (report,) = parse_upload(envelope([file], made_on=TODAY), today=TODAY).records
        assert {problem.code for problem in report.problems} <= {code, "nested"}
        assert (report.status == "accepted") == (not more)


def test_unknown_tags_are_kept_beside_the_declaration() -> None:
    """Newer decisions add fields; they are neither an error nor lost."""
    report = report_of(record_of(MA_MOI="giá trị mới", DU_PHONG="ghi thêm"))
    assert report.declaration is not None
    assert report.declaration.extra == {"MA_MOI": "giá trị mới", "DU_PHONG": "ghi thêm"}

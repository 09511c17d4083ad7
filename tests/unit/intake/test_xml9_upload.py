"""What makes a file as a whole good or bad: envelopes, encodings, attacks, limits, twins, fingerprints."""

import base64
import time
import unicodedata
from datetime import date

import pytest

from deploy.local.sample_xml9 import Births, Record, envelope, inner_file, sample_upload
from services.intake.xml9 import UploadLimits, UploadRefused, UploadReport, parse_upload

TODAY = date(2026, 11, 23)
BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY a{n} "{"&a" + str(n - 1) + ";" if n > 1 else "&a;"}{"&a;" * 9}">' for n in range(1, 9)
    )
    + "]>"
)


def upload(data: bytes, limits: UploadLimits | None = None) -> UploadReport:
    """The report of a file sent by nobody in particular."""
    return parse_upload(data, today=TODAY, limits=limits or UploadLimits())


def refusal(data: bytes, limits: UploadLimits | None = None, facility_code: str | None = None) -> str:
    """The code with which the file is refused; the reason must be Vietnamese and quote nothing."""
    with pytest.raises(UploadRefused) as caught:
        parse_upload(data, today=TODAY, limits=limits or UploadLimits(), facility_code=facility_code)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert any(ord(sign) > 127 for sign in caught.value.message_vi)
    assert str(caught.value) == caught.value.code
    return caught.value.code


def records(count: int = 1, seed: int = 5) -> list[Record]:
    """Some single births."""
    births = Births(seed, today=TODAY)
    return [births.single()[0] for _ in range(count)]


def test_a_day_in_the_city_is_read() -> None:
    """Three deliveries make four declarations, twins in order, one without a father."""
    report = upload(sample_upload(1, today=TODAY))
    declarations = [record.declaration for record in report.records if record.declaration is not None]
    assert [record.status for record in report.records] == ["accepted"] * 4
    assert [(item.child.order, item.child.count) for item in declarations] == [(1, 1), (1, 2), (2, 2), (1, 1)]
    assert [item.father is None for item in declarations] == [False, False, False, True]
    assert (report.announced, report.hosos, report.without_certificate, report.warnings) == (3, 3, 0, [])
    assert {item.certificate.facility_code for item in declarations} == {"93016"}


def test_a_bare_file_is_read_for_the_facility_that_sends_it() -> None:
    """The inner file names no facility, so only a sender who is known may send it."""
    data = inner_file(records(2))
    report = parse_upload(data, today=TODAY, facility_code="93001")
    assert (report.facility_code, report.announced, len(report.records)) == ("93001", 2, 2)
    assert refusal(data) == "facility-unknown"


def test_an_envelope_of_another_facility_is_refused() -> None:
    """A hospital sends its own certificates only."""
    data = envelope([records()], made_on=TODAY, facility_code="93001")
    assert refusal(data, facility_code="93016") == "facility-other"
    assert refusal(data.replace(b"93001", b"9300")) == "facility-code"


def test_a_truncated_envelope_is_refused_whole() -> None:
    """Fewer HOSO than SOLUONGHOSO: the rest is missing and nobody knows which."""
    assert refusal(envelope([[record] for record in records(2)], made_on=TODAY, announced=3)) == "truncated"


def test_more_hoso_than_announced_is_a_warning() -> None:
    """Nothing is missing, so everything is judged and the sender is told."""
    report = upload(envelope([[record] for record in records(2)], made_on=TODAY, announced=1))
    assert [record.status for record in report.records] == ["accepted", "accepted"]
    assert [warning.code for warning in report.warnings] == ["more-than-announced"]


@pytest.mark.parametrize("announced", [b"", b"x", b"-1", b"1.5", "١".encode()])
def test_an_unreadable_count_is_refused(announced: bytes) -> None:
    """Without the count a truncated file could not be told from a whole one."""
    data = envelope([records()], made_on=TODAY).replace(b"HOSO>1</SO", b"HOSO>" + announced + b"</SO")
    assert refusal(data) == "announced"


@pytest.mark.parametrize(
    ("made_on", "warned"),
    [(b"20261123", False), (b"202611231530", False), (b"20261399", True), (b"20270101", True), (b"", True)],
)
def test_a_wrong_date_of_the_envelope_is_a_warning(made_on: bytes, warned: bool) -> None:
    """NGAYLAP decides nothing; the certificates carry their own dates."""
    report = upload(
        envelope([records()], made_on=TODAY).replace(b"20261123</NGAYLAP>", made_on + b"</NGAYLAP>")
    )
    assert bool(report.warnings) is warned
    assert report.records[0].status == "accepted"


def test_other_patients_are_counted_and_ignored() -> None:
    """An envelope carries every treatment of the day; only some are births."""
    data = envelope([records()], made_on=TODAY, announced=2)
    other = b"<HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>!!!</NOIDUNGFILE></FILEHOSO></HOSO>"
    report = upload(data.replace(b"</DANHSACHHOSO>", other + b"</DANHSACHHOSO>"))
    assert (report.hosos, report.without_certificate, len(report.records)) == (2, 1, 1)
    only = data[: data.index(b"<HOSO>")] + other * 2 + data[data.index(b"</DANHSACHHOSO>") :]
    assert refusal(only) == "no-certificates"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"%%%", "base64"),
        (b"QUJ", "base64"),
        ("ă".encode(), "base64"),
        (b"", "empty"),
        (base64.b64encode(b"<CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH>"), "not-xml"),
        (base64.b64encode(b"just text"), "not-xml"),
        (base64.b64encode(b"<a/>"), "unknown-root"),
        (base64.b64encode(inner_file([])), "no-record"),
        (base64.b64encode(inner_file(records())[:-40]), "not-xml"),
        (base64.b64encode(inner_file(records()).decode().encode("cp1258", "replace")), "encoding"),
        (b"<CHI_TIEU_DU_LIEU_GIAY_CHUNG_SINH/>", "empty"),
    ],
)
def test_a_broken_file_among_good_ones_spoils_only_its_hoso(content: bytes, code: str) -> None:
    """Good records are accepted, the bad one is named by its place and reason."""
    hosos: list[list[Record] | bytes] = [[record] for record in records(3)]
    hosos[1] = b"BROKEN"
    data = envelope(hosos, made_on=TODAY).replace(base64.b64encode(b"BROKEN"), content)
    report = upload(data)
    assert [record.status for record in report.records] == ["accepted", "refused", "accepted"]
    bad = report.records[1]
    assert (bad.index, bad.hoso, [problem.code for problem in bad.problems]) == (2, 2, [code])
    assert (bad.problems[0].field, bad.declaration) == ("NOIDUNGFILE", None)


def test_all_problems_of_a_record_are_listed_at_once() -> None:
    """A clinic should need one round, not five; rules across fields speak where their fields are readable."""
    good, bad = records(2)
    bad |= {
        "SO": "",
        "GIOI_TINH_CON": "9",
        "NGAYSINH_NND": "x",
        "NGAY_CT": "20200101",
        "MAHUYEN_CU_TRU": "931",
    }
    report = upload(envelope([[good, bad]], made_on=TODAY))
    problems = [(problem.field, problem.code) for problem in report.records[1].problems]
    assert problems == [
        ("NGAYSINH_NND", "date"),
        ("GIOI_TINH_CON", "sex-code"),
        ("NGAY_CT", "before-birth"),
        ("SO", "required"),
    ]
    assert report.records[0].status == "accepted"


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (b"\xef\xbb\xbf", "not-xml"),
        (b"hello", "not-xml"),
        (b"%PDF-1.7", "not-xml"),
        (b"PK\x03\x04\x00\x00", "not-xml"),
        (b"<GIAMDINHHS>", "not-xml"),
        (b"<GIAMDINHHS></GIAMDINH>", "not-xml"),
        (b"<GIAMDINHHS/><GIAMDINHHS/>", "not-xml"),
        (b"<GIAMDINHHS>&nbsp;</GIAMDINHHS>", "not-xml"),
        (b"<GIAMDINHHS>\xff</GIAMDINHHS>", "encoding"),
        ("<GIAMDINHHS>\ud800</GIAMDINHHS>".encode("utf-16-le", "surrogatepass"), "encoding"),
        (b"<HSDLGCS/>", "unknown-root"),
        (b"<html><body/></html>", "unknown-root"),
        (b"<GIAMDINHHS/>", "facility-code"),
    ],
)
def test_a_file_that_is_no_upload_is_refused_with_a_reason(data: bytes, code: str) -> None:
    """Each kind of wrong file has its own code."""
    assert refusal(data) == code


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE GIAMDINHHS>",
        '<!DOCTYPE GIAMDINHHS SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE GIAMDINHHS [<!ENTITY x SYSTEM "http://127.0.0.1:1/x">]>',
        '<!DOCTYPE GIAMDINHHS [<!ENTITY % p SYSTEM "http://127.0.0.1:1/p"> %p;]>',
        BOMB,
        BOMB.replace("&a8;", "&a8;" * 1000),
        '<!DOCTYPE x [<!ENTITY a "' + "a" * 100_000 + '">]>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_document_type_refuses_the_file_at_once(doctype: str, encoding: str) -> None:
    """Outside or inside the base64, in any encoding, before anything is expanded or fetched."""
    outer = envelope([records()], made_on=TODAY).decode().replace("<GIAMDINHHS>", doctype + "<GIAMDINHHS>")
    inner = inner_file(records()).decode().replace("<CHI_TIEU", doctype + "<CHI_TIEU", 1).encode(encoding)
    started = time.process_time()
    assert refusal(outer.encode(encoding)) == "doctype"
    assert refusal(envelope([inner], made_on=TODAY)) == "doctype"
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (UploadLimits(upload_bytes_max=1000), "too-large"),
        (UploadLimits(records_max=2), "too-many-records"),
        (UploadLimits(hosos_max=2), "too-many-hosos"),
        (UploadLimits(elements_max=100), "too-many-elements"),
        (UploadLimits(depth_max=4), "too-deep"),
        (UploadLimits(tags_per_record_max=34), "too-many-tags"),
    ],
)
def test_each_limit_refuses_the_file(limits: UploadLimits, code: str) -> None:
    """Every limit has its own reason, and the limits of the envelope hold inside the base64 too."""
    data = envelope([[record] for record in records(3)], made_on=TODAY)
    assert refusal(data, limits) == code


@pytest.mark.parametrize(
    "data",
    [
        b"<GIAMDINHHS>" + b"<a>" * 6_000_000,
        b"<GIAMDINHHS>" + b"<a/>" * 5_000_000,
        b"<GIAMDINHHS>" + b"\n" * 20_000_000,
        b"<GIAMDINHHS><!--" + b"x" * 20_000_000,
        b"<GIAMDINHHS " + b"x" * 20_000_000,
        b"<GIAMDINHHS " + b"".join(b'a%d=""' % n for n in range(1_500_000)),
        b"<" + b"GIAMDINHHS" * 2_000_000,
        b"x" * (21 * 1024 * 1024),
    ],
    ids=["deep", "elements", "lines", "comment", "attribute", "attributes", "name", "over-limit"],
)
def test_a_large_hostile_file_is_refused_within_seconds(data: bytes) -> None:
    """The work is bounded by the limits and not by what the sender thinks of."""
    started = time.process_time()
    assert refusal(data) in {"too-deep", "too-many-elements", "not-xml", "too-large", "unknown-root"}
    assert time.process_time() - started < 10


@pytest.mark.parametrize("form", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_byte_order_marks_and_utf16_are_read(form: str) -> None:
    """Windows programs write them; the declaration inside still says utf-8."""
    inner = inner_file(records()).decode().encode(form)
    outer = envelope([inner], made_on=TODAY)
    plain = upload(envelope([records()], made_on=TODAY))
    assert upload(outer.decode().encode(form)) == plain
    assert upload(outer) == plain


def test_decomposed_text_makes_the_same_declaration_and_fingerprint() -> None:
    """Macs and older clinic software write NFD; the names are the same names."""
    composed = inner_file(records())
    decomposed = unicodedata.normalize("NFD", composed.decode()).encode()
    assert composed != decomposed
    assert upload(envelope([decomposed], made_on=TODAY)) == upload(envelope([composed], made_on=TODAY))


def test_namespaces_signatures_comments_and_instructions_do_no_harm() -> None:
    """Signed envelopes carry foreign elements, some with the names of ours."""
    data = envelope([records()], made_on=TODAY)
    signed = data.replace(b"<CHUKYDONVI/>", b"<CHUKYDONVI><HOSO><MACSKCB>1</MACSKCB></HOSO></CHUKYDONVI>")
    spaced = signed.replace(b"<GIAMDINHHS>", b'<?a b?><!-- c --><GIAMDINHHS xmlns="urn:x">', 1)
    assert upload(spaced) == upload(data)


def test_the_kind_of_a_file_may_stand_after_its_content() -> None:
    """The order of LOAIHOSO and NOIDUNGFILE is not fixed by the decision."""
    data = envelope([records()], made_on=TODAY)
    content = base64.b64encode(inner_file(records()))
    kind = b"<LOAIHOSO>XML9</LOAIHOSO>"
    turned = data.replace(kind, b"").replace(content + b"</NOIDUNGFILE>", content + b"</NOIDUNGFILE>" + kind)
    assert turned != data
    assert upload(turned) == upload(data)


def test_a_certificate_sent_twice_in_one_file_is_accepted_once() -> None:
    """The second is refused and names the first; it does not count as a twin."""
    first, second = records(2)
    report = upload(envelope([[first], [second], [first]], made_on=TODAY))
    assert [record.status for record in report.records] == ["accepted", "accepted", "refused"]
    assert [(problem.field, problem.code) for problem in report.records[2].problems] == [
        ("SO", "repeated-in-file")
    ]
    assert report.records[0].fingerprint == report.records[2].fingerprint


def test_a_good_copy_of_a_refused_record_is_accepted() -> None:
    """Whoever appends the corrected record to the same file has it taken, with the order it would have had."""
    one, two = Births(3, today=TODAY).twins()
    report = upload(envelope([[one, two | {"CAN_NANG_CON": "x"}, two, two]], made_on=TODAY))
    assert [record.status for record in report.records] == ["accepted", "refused", "accepted", "refused"]
    assert [record.declaration.child.order for record in report.records if record.declaration] == [1, 2]
    assert [problem.code for problem in report.records[3].problems] == ["repeated-in-file"]


def test_twins_are_ordered_by_birth_minute_and_then_by_place() -> None:
    """Whatever the order in the file, the first-born is the first."""
    one, two = Births(3, today=TODAY).twins()
    for pair in ([one, two], [two, one]):
        report = upload(envelope([pair], made_on=TODAY))
        orders = {
            record.certificate_number: record.declaration.child.order
            for record in report.records
            if record.declaration
        }
        assert orders == {one["SO"]: 1, two["SO"]: 2}
    same_minute = two | {"NGAY_SINH_CON": one["NGAY_SINH_CON"]}
    report = upload(envelope([[same_minute], [one]], made_on=TODAY))
    assert [record.declaration.child.order for record in report.records if record.declaration] == [1, 2]


def test_a_twin_alone_in_a_file_has_no_order() -> None:
    """Guessing would make both twins of two files the same child."""
    one, _ = Births(3, today=TODAY).twins()
    (record,) = upload(envelope([[one]], made_on=TODAY)).records
    assert record.declaration is not None
    assert record.declaration.child.order is None
    assert [(problem.field, problem.code) for problem in record.problems] == [("SO_CON", "order-unknown")]


def test_a_refused_twin_still_counts_for_the_order_of_the_other() -> None:
    """When it is sent again the orders come out the same."""
    one, two = Births(3, today=TODAY).twins()
    report = upload(envelope([[one | {"CAN_NANG_CON": "3,1"}, two]], made_on=TODAY))
    assert [record.status for record in report.records] == ["refused", "accepted"]
    assert report.records[1].declaration is not None
    assert report.records[1].declaration.child.order == 2


def test_twins_whose_count_says_one_are_named() -> None:
    """SO_CON is the number of children of the delivery, the same on each certificate."""
    one, two = Births(3, today=TODAY).twins()
    report = upload(envelope([[one, two | {"SO_CON": "1"}]], made_on=TODAY))
    assert [record.status for record in report.records] == ["accepted", "refused"]
    assert [(problem.field, problem.code) for problem in report.records[1].problems] == [
        ("SO_CON", "siblings-count")
    ]


def test_two_deliveries_of_one_mother_are_not_twins() -> None:
    """Births far apart with different treatments are different deliveries."""
    (now,) = records()
    before = now | {
        "NGAY_SINH_CON": "202510010815",
        "NGAY_CT": "20251002",
        "SO": "9",
        "MA_LK": "OLD",
        "QUYEN_SO": "01/2025",
    }
    report = upload(envelope([[now], [before]], made_on=TODAY))
    assert [record.declaration.child.order for record in report.records if record.declaration] == [1, 1]


def test_fingerprints_tell_content_and_not_its_dress() -> None:
    """Blanks, place in the file and envelope do not matter; facility and every field do."""
    (record,) = records()
    plain = upload(envelope([[record]], made_on=TODAY)).records[0].fingerprint
    spaced = {tag: f"\n  {value}  " for tag, value in record.items()}
    assert upload(envelope([[spaced]], made_on=date(2026, 11, 22))).records[0].fingerprint == plain
    assert upload(envelope([[record]], made_on=TODAY, facility_code="93001")).records[0].fingerprint != plain
    assert upload(envelope([[record | {"DU_PHONG": "x"}]], made_on=TODAY)).records[0].fingerprint != plain
    moved = record | {"GHI_CHU": "a", "DU_PHONG": ""}
    other = record | {"GHI_CHU": "", "DU_PHONG": "a"}
    prints = [upload(envelope([[item]], made_on=TODAY)).records[0].fingerprint for item in (moved, other)]
    assert len(set(prints)) == 2


@pytest.mark.timeout(60)
def test_five_thousand_records_are_read_in_seconds() -> None:
    """The largest file allowed, with all rules applied."""
    births = Births(8, today=TODAY)
    data = envelope([births.single() for _ in range(5000)], made_on=TODAY)
    started = time.process_time()
    report = upload(data)
    assert time.process_time() - started < 15
    assert [record.status for record in report.records] == ["accepted"] * 5000

"""What holds for every upload: whatever is written comes back, and nothing but a refusal ever comes out."""

import unicodedata
from datetime import date, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from deploy.local.sample_xml9 import KINDS, Births, Record, envelope, inner_file
from libs.catalogue.units import Units
from services.intake.birth_duplicates import natural_keys, traits_of
from services.intake.births import BirthDeclaration
from services.intake.xml9 import UploadRefused, parse_upload
from services.intake.xml9_fields import FIELDS, FieldRule

UNITS = Units.load()
DAYS = st.dates(date(2023, 6, 1), date(2027, 12, 31))
DELIVERIES = st.lists(st.sampled_from(KINDS), min_size=1, max_size=6)
SEEDS = st.integers(0, 2**32)


def deliveries_of(seed: int, today: date, kinds: list[str]) -> list[list[Record]]:
    """Made-up deliveries of the kinds."""
    births = Births(seed, today=today)
    return [births.of(kind) for kind in kinds]


def accepted(data: bytes, today: date) -> list[BirthDeclaration]:
    """The declarations of a file all of whose records are good."""
    report = parse_upload(data, today=today, facility_code="93016", units=UNITS)
    assert [problem for record in report.records for problem in record.problems] == []
    return [record.declaration for record in report.records if record.declaration is not None]


@given(SEEDS, DAYS, DELIVERIES)
@example(0, date(2025, 7, 1), list(KINDS))
@example(0, date(2025, 7, 4), list(KINDS))
def test_what_the_generator_writes_is_what_the_parser_reads(seed: int, today: date, kinds: list[str]) -> None:
    """Every record of every kind of delivery is accepted, in order and with its own values."""
    deliveries = deliveries_of(seed, today, kinds)
    declarations = accepted(envelope(deliveries, made_on=today), today)
    records = [record for delivery in deliveries for record in delivery]
    assert len(declarations) == len(records)
    for record, declaration in zip(records, declarations, strict=True):
        child, mother = declaration.child, declaration.mother
        assert declaration.certificate.number == record["SO"]
        assert mother.name == record["HO_TEN_NND"]
        assert mother.document.number == record["SO_CCCD_NND"]
        assert f"{mother.birth_date:%Y%m%d}" == record["NGAYSINH_NND"]
        assert f"{child.birth_time:%Y%m%d%H%M}" == record["NGAY_SINH_CON"]
        assert (str(child.sex), str(child.weight_g)) == (record["GIOI_TINH_CON"], record["CAN_NANG_CON"])
        assert (declaration.father.name if declaration.father else "") == record["HO_TEN_CHA"]
    orders = [position for delivery in deliveries for position in range(1, len(delivery) + 1)]
    assert [declaration.child.order for declaration in declarations] == orders
    assert len({natural_keys(traits_of(declaration)).birth for declaration in declarations}) == len(records)


@given(SEEDS, DAYS, DELIVERIES)
def test_the_envelope_and_the_bare_file_hold_the_same(seed: int, today: date, kinds: list[str]) -> None:
    """How the records are wrapped changes neither declarations nor fingerprints; nor does Unicode's NFD."""
    deliveries = deliveries_of(seed, today, kinds)
    bare = inner_file([record for delivery in deliveries for record in delivery])
    decomposed = unicodedata.normalize("NFD", bare.decode()).encode()
    wrapped = accepted(envelope(deliveries, made_on=today), today)
    assert wrapped == accepted(bare, today) == accepted(decomposed, today)


GARBAGE = {
    "date": st.sampled_from(["2026", "20261301", "20260230", "ngày 1", "00000000"]),
    "minute": st.sampled_from(["20261120", "202613010000", "202611202500", "000000000000"]),
    "number": st.sampled_from(["x", "-1", "1.5", "²", "٣"]),
    "flag": st.sampled_from(["2", "x", "9"]),
    "sex": st.sampled_from(["0", "4", "x"]),
    "text": st.just(""),
    "free": st.just(""),
}
CORRUPTIBLE = [rule for rule in FIELDS if rule.required and rule.tag != "MAHUYEN_CU_TRU"]


@given(SEEDS, DAYS, DELIVERIES, st.sampled_from(CORRUPTIBLE), st.data())
def test_one_corrupted_field_is_the_only_one_named(
    seed: int, today: date, kinds: list[str], rule: FieldRule, data: st.DataObject
) -> None:
    """The record is refused on exactly that field, and no other record is refused with it."""
    tag, kind = rule.tag, rule.kind
    deliveries = deliveries_of(seed, today, kinds)
    records = [record for delivery in deliveries for record in delivery]
    chosen = data.draw(st.integers(0, len(records) - 1))
    records[chosen][tag] = data.draw(GARBAGE[kind])
    report = parse_upload(envelope(deliveries, made_on=today), today=today, units=UNITS)
    for place, record in enumerate(report.records):
        errors = {problem.field for problem in record.problems if problem.severity == "error"}
        assert errors == ({tag} if place == chosen else set())
        assert (record.status == "refused") == (place == chosen)
        assert (record.declaration is None) == (place == chosen)


@given(st.binary(max_size=2000))
@settings(max_examples=300)
def test_random_bytes_are_refused_and_nothing_else_happens(data: bytes) -> None:
    """No bytes make the parser raise anything but UploadRefused."""
    try:
        parse_upload(data, today=date(2026, 11, 23), facility_code="93016")
    except UploadRefused:
        return
    raise AssertionError("random bytes were taken for an upload")


@given(SEEDS, st.integers(0, 2**31), st.integers(0, 255), st.booleans())
@settings(max_examples=300)
def test_a_flipped_byte_never_raises_anything_but_a_refusal(
    seed: int, place: int, value: int, inside: bool
) -> None:
    """One damaged byte of the envelope or of the inner file: a report or a refusal, never a crash."""
    today = date(2026, 11, 23)
    deliveries = deliveries_of(seed % 50, today, ["single", "twins"])
    good = inner_file(deliveries[1]) if inside else envelope(deliveries, made_on=today)
    data = bytearray(good)
    data[place % len(data)] = value
    sent = envelope([deliveries[0], bytes(data)], made_on=today) if inside else bytes(data)
    try:
        report = parse_upload(sent, today=today, units=UNITS)
    except UploadRefused:
        return
    if inside:
        assert report.records[0].status == "accepted"


@given(
    st.dictionaries(
        st.sampled_from([rule.tag for rule in FIELDS]),
        st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=300),
        max_size=35,
    )
)
@settings(max_examples=300)
def test_any_text_in_any_field_makes_a_report(changes: dict[str, str]) -> None:
    """Whatever is typed, the record is judged, its reasons quote nothing, and a good one beside it stays
    good.
    """
    today = date(2026, 11, 23)
    births = Births(4, today=today)
    (good,), (record,) = births.single(), births.single()
    report = parse_upload(envelope([[record | changes], [good]], made_on=today), today=today, units=UNITS)
    assert report.records[1].status == "accepted"
    first = report.records[0]
    assert (first.declaration is None) == any(problem.severity == "error" for problem in first.problems)


@given(SEEDS, DAYS)
def test_a_day_later_a_file_is_still_good(seed: int, today: date) -> None:
    """Nothing accepted today is refused tomorrow: uploads are repeated after failures."""
    deliveries = deliveries_of(seed, today, list(KINDS))
    data = envelope(deliveries, made_on=today)
    assert accepted(data, today) == accepted(data, today + timedelta(days=1))

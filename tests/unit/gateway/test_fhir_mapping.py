"""From FHIR to a declaration: the table of data holds, every value is read with its place, no content breaks it."""

import copy
import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.gateway.fhir.bundles import NotABundle, read_bundle
from services.gateway.fhir.changes import at, changes
from services.gateway.fhir.desk import judged
from services.gateway.fhir.issues import Issue, outcome
from services.gateway.fhir.mapper import Birth, Mapped, mapped
from services.gateway.fhir.mapping import load_mapping
from services.gateway.fhir.model import KINDS
from services.gateway.fhir.paths import Node, found, parsed
from services.gateway.fhir.place_in_bundle import expression
from services.intake.births import Attendants, BirthDeclaration, Certificate, Child, Father, Mother
from services.intake.stays import Stay
from tests.fixtures.fhir import bundle, entry, observation, one_birth, ref, resource, twins

MAPPING = load_mapping()
TYPES = ("document", "message", "transaction", "collection")
SPOKEN = re.compile(r"Bundle(\.[A-Za-z]\w*(\[\d+\])?(\.ofType\(\w+\))?(\[\d+\])?)*")


def of(made: Any) -> tuple[Mapped, list[Issue]]:
    """What a Bundle says, and what is wrong with it as such."""
    _, said, wrong = judged(json.dumps(made).encode(), MAPPING)
    return said, wrong


def only(made: Any) -> Birth:
    """The one birth of a Bundle."""
    (birth,) = of(made)[0].births
    return birth


def texts(birth: Birth, place: str) -> str:
    """What is wrong with a birth at a place."""
    return " ".join(issue.text for issue in birth.issues if expression(issue.places[0]) == place)


@pytest.mark.parametrize("type_", TYPES)
def test_a_whole_notice_has_no_problem(type_: str) -> None:
    """Every type; twins too. Every field of the body says where it came from or follows from one that does."""
    for entries in (one_birth(1), twins(2)):
        said, wrong = of(bundle(type_, entries))
        assert wrong == []
        assert [birth.issues for birth in said.births] == [()] * len(said.births)
        assert not any(birth.stand_ins or birth.void for birth in said.births)


def test_every_field_of_the_table_is_one_of_the_declaration() -> None:
    """A slip in mapping.yaml would be refused by intake at the first birth."""
    parts: dict[str, Any] = {
        "certificate": Certificate,
        "mother": Mother,
        "father": Father,
        "child": Child,
        "attendants": Attendants,
        "stay": Stay,
    }
    assert set(parts) - {"stay"} <= set(BirthDeclaration.__struct_fields__)
    for field in MAPPING.fields:
        first, *rest = field.to.split(".")
        known = parts[first]
        for name in rest:
            assert name in known.__struct_fields__, field.to
            inner = {"document": "IdentityDocument", "residence": "Residence", "contact": "Contact"}.get(name)
            known = getattr(__import__("services.intake.births", fromlist=["x"]), inner) if inner else known
        assert not field.fallback or MAPPING.field(field.fallback)
        assert not field.unless or MAPPING.field(field.unless)


def test_every_path_names_systems_the_table_has() -> None:
    """`%name` in a path is a list of systems, and none of them is there for nothing."""
    asked = set()
    for field in MAPPING.fields:
        for source in field.sources:
            for path in source.paths:
                asked |= set(re.findall(r"%(\w+)", path.text))
    assert asked == set(MAPPING.constants)


def test_vietnamese_names_and_moments_are_written_as_here() -> None:
    """Family name first; a moment of any zone as the wall clock in Việt Nam; kilograms in grams."""
    made = bundle("collection", one_birth(3))
    baby = resource(made, "Patient")
    baby["name"] = [{"family": "Trần", "given": ["Mẫu", "An"]}]
    baby["_birthDate"]["extension"][0]["valueDateTime"] = "2026-11-19T23:30:45Z"
    resource(made, "Observation")["valueQuantity"] = {"value": 3.25, "code": "kg"}
    body = only(made).body
    assert body["child"]["intended_name"] == "Trần Mẫu An"
    assert body["child"]["birth_time"] == "2026-11-20T06:30:00"
    assert body["child"]["weight_g"] == 3250


@pytest.mark.parametrize(
    ("change", "place", "word"),
    [
        (lambda b: resource(b, "Patient").pop("_birthDate"), "Bundle.entry[0].resource", "Giờ sinh"),
        (
            lambda b: resource(b, "Patient")["_birthDate"]["extension"][0].update(
                valueDateTime="2026-11-20T08:15:00"
            ),
            "Bundle.entry[0].resource.birthDate.extension[0].value.ofType(dateTime)",
            "múi giờ",
        ),
        (
            lambda b: resource(b, "Patient").update(birthDate="2026-11-18"),
            "Bundle.entry[0].resource.birthDate",
            "khác",
        ),
        (
            lambda b: resource(b, "Observation")["valueQuantity"].update(code="lb"),
            "Bundle.entry[3].resource.value.ofType(Quantity)",
            "Đơn vị",
        ),
        (
            lambda b: resource(b, "Observation")["valueQuantity"].update(comparator="<"),
            "Bundle.entry[3].resource.value.ofType(Quantity)",
            "so sánh",
        ),
        (lambda b: resource(b, "Organization").pop("identifier"), "Bundle.entry[0].resource", "cơ sở"),
        (lambda b: resource(b, "Encounter").pop("participant"), "Bundle.entry[0].resource", "đỡ đẻ"),
    ],
)
def test_what_is_missing_or_wrong_is_told_at_its_element(change: Any, place: str, word: str) -> None:
    """With a sentence, and the FHIRPath in the sender's own Bundle."""
    made = bundle("collection", one_birth(4))
    change(made)
    assert word in texts(only(made), place)


def test_surgery_and_early_births_get_the_prescribed_note() -> None:
    """FHIR has no element for GHI_CHU; its words follow from what was done (QĐ 4750 Bảng 9)."""
    made = bundle("collection", one_birth(5))
    resource(made, "Observation", 1)["valueQuantity"] = {"value": 220, "code": "d"}
    made["entry"].append(
        entry(
            "cut",
            {
                "resourceType": "Procedure",
                "status": "completed",
                "code": {"coding": [{"system": "http://snomed.info/sct", "code": "11466000"}]},
                "subject": ref("baby"),
            },
        )
    )
    child = only(made).body["child"]
    assert (child["surgery"], child["under_32_weeks"]) == (True, True)
    assert child["note"] == "Phẫu thuật, sinh con dưới 32 tuần tuổi"
    made["entry"][-1]["resource"]["status"] = "not-done"
    assert only(made).body["child"]["note"] == "Sinh con dưới 32 tuần tuổi"


def test_a_carer_stands_in_the_mothers_place() -> None:
    """The certificate may name a carer (người nuôi dưỡng)."""
    made = bundle("collection", one_birth(6))
    resource(made, "RelatedPerson")["relationship"][0]["coding"][0]["code"] = "MTHFOST"
    assert only(made).body["mother"]["role"] == "carer"


def test_the_mother_may_be_a_patient_alone() -> None:
    """Without a RelatedPerson the only other Patient is the mother."""
    made = bundle("collection", one_birth(7))
    mum = resource(made, "RelatedPerson")
    mum["resourceType"] = "Patient"
    del mum["patient"], mum["relationship"]
    assert only(made).body["mother"]["document"]["number"] == "093195000007"


def test_what_was_said_of_one_twin_is_not_said_of_the_other() -> None:
    """Also where the mother is the subject and a child the focus."""
    made = bundle("collection", twins(8))
    for nth, name in enumerate(("baby", "second")):
        weight = resource(made, "Observation", nth)
        weight["subject"], weight["focus"] = ref("mother"), [ref(name)]
    assert [birth.body["child"]["weight_g"] for birth in of(made)[0].births] == [2100, 2200]


def test_twins_of_one_number_are_one_too_many() -> None:
    """Two children cannot have one certificate."""
    made = bundle("collection", twins(9))
    resource(made, "Patient", 1)["identifier"] = resource(made, "Patient")["identifier"]
    assert [issue.slug for issue in of(made)[1]] == ["duplicate-birth"]


def test_what_is_left_over_is_named_by_its_highest_element() -> None:
    """One place for a whole resource nobody asked for; nothing for what only holds the Bundle together."""
    made = bundle("document", one_birth(10))
    made["entry"].append(entry("apgar", observation("9274-2", "baby", valueInteger=9)))
    resource(made, "Patient")["communication"] = [{"language": {"text": "vi"}}]
    said, _ = of(made)
    left = {expression(place) for issue in said.unmapped for place in issue.places}
    assert left == {
        "Bundle.entry[1].resource.communication",
        f"Bundle.entry[{len(made['entry']) - 1}].resource.value.ofType(integer)",
    }


@pytest.mark.parametrize(
    ("reference", "refused"),
    [
        ("https://elsewhere.example/fhir/Patient/1", True),
        ("http://169.254.169.254/latest", True),
        ("file:///etc/passwd", True),
        ("//host/Patient/1", True),
        ("Patient/nobody", False),
        ("urn:uuid:00000000-0000-4000-8000-999999999999", False),
    ],
)
def test_references_out_of_the_bundle_are_never_followed(reference: str, refused: bool) -> None:
    """An address is refused; a name of nothing in the Bundle leads nowhere."""
    made = bundle("collection", one_birth(11))
    resource(made, "Encounter")["serviceProvider"] = {"reference": reference}
    slugs = [issue.slug for issue in of(made)[1]]
    assert ("reference-external" in slugs) is refused


def test_contained_resources_and_loops_end() -> None:
    """A reference to itself, contained ones that contain: read once, no deeper."""
    made = bundle("collection", one_birth(12))
    midwife = {"resourceType": "Practitioner", "id": "m", "name": [{"text": "Bà Tư"}]}
    stay = resource(made, "Encounter")
    stay["contained"] = [midwife]
    stay["participant"] = [{"individual": {"reference": "#m"}}]
    stay["partOf"] = ref("stay")
    assert only(made).body["attendants"]["midwife"] == "Bà Tư"
    midwife["contained"] = [copy.deepcopy(midwife)]
    said, wrong = of(made)
    assert said.births
    assert all(issue.slug in ("structure", "invalid") for issue in wrong)


@pytest.mark.parametrize(
    ("content", "status", "slug"),
    [
        (b"", 400, "structure"),
        (b"<Bundle/>", 400, "structure"),
        (b'{"resourceType":"Bundle","resourceType":"Bundle"}', 400, "structure"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, 400, "structure"),
        (b'{"resourceType":"Bundle","type":"history","entry":[{}]}', 422, "not-supported"),
        (b'{"resourceType":"Bundle","type":"document"}', 422, "required"),
        (b'{"resourceType":"Bundle","type":"document","entry":{}}', 422, "required"),
        (
            b'{"resourceType":"Bundle","type":"collection","entry":[' + b"{}," * 300 + b"{}]}",
            422,
            "too-large",
        ),
        (b'{"resourceType":"Bundle","x":"' + b"y" * (1 << 20) + b'"}', 413, "too-large"),
        (b"[" * 100_000, 400, "structure"),
    ],
)
def test_what_is_no_bundle_is_said_so(content: bytes, status: int, slug: str) -> None:
    """Before anything in it is looked at."""
    with pytest.raises(NotABundle) as told:
        read_bundle(content)
    assert (told.value.status, told.value.issues[0].slug) == (status, slug)


def test_only_known_kinds_of_resources_are_loaded() -> None:
    """A name that is no resource, or one a birth has no use for, is refused without looking for its module."""
    made = bundle("collection", one_birth(13))
    for kind in ("Nope", "..patient", "Account", "patient", "Bundle"):
        assert kind not in KINDS
        made["entry"].append(entry(kind, {"resourceType": kind}))
    assert [issue.slug for issue in of(made)[1]] == ["not-supported"] * 5


def test_a_transaction_that_deletes_is_refused() -> None:
    """There is one way to take a birth back."""
    made = bundle("transaction", one_birth(14))
    made["entry"].append({"request": {"method": "DELETE", "url": "Patient/1"}})
    assert [issue.slug for issue in of(made)[1]] == ["not-supported"]


def test_paths_beyond_our_part_of_fhirpath_stop_the_process() -> None:
    """A slip in the table is found when it is read."""
    for text in ("name.exists()", "a..b", "where(x > 1)", "iif(a, b, c)"):
        with pytest.raises(ValueError, match="cannot read"):
            parsed(text)


def test_a_path_finds_values_with_their_places() -> None:
    """Lists give their items, a condition holds for one of several systems, a choice has its type."""
    node = Node(
        (), {"identifier": [{"system": "b", "value": "2"}, {"system": "a", "value": "1"}], "valueString": "x"}
    )
    (one,) = found(parsed("identifier.where(system = %mine).value"), [node], {"mine": frozenset({"a"})})
    assert (one.place, one.value) == (("identifier", 1, "value"), "1")
    assert [n.value for n in found(parsed("value.ofType(string)"), [node], {})] == ["x"]
    assert found(parsed("value.ofType(Quantity)"), [node], {}) == []


def test_changes_are_what_the_bundle_says_otherwise() -> None:
    """What FHIR cannot say is left; a father who is not named any more goes as a whole."""
    file = {
        "child": {"weight_g": 3200, "count": 1, "hometown": "Ngã Bảy"},
        "father": {"name": "A", "document": {"number": "1"}},
        "mother": {"name": "B", "insurance_card": ""},
    }
    body = {"child": {"weight_g": 3300}, "mother": {"name": "B", "contact": {"phone": "1"}}}
    entries = changes(file, body, MAPPING)
    assert {"path": "father", "value": None} in entries
    assert {"path": "child.weight_g", "value": 3300} in entries
    assert {"path": "mother.contact.phone", "value": "1"} in entries
    assert len(entries) == 3
    assert at(file, "child.count.more") is None


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


def places_of(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a tree."""
    below = []
    if isinstance(value, dict):
        below = [found_ for name, item in value.items() for found_ in places_of(item, (*place, name))]
    if isinstance(value, list):
        below = [found_ for index, item in enumerate(value) for found_ in places_of(item, (*place, index))]
    return [place, *below]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), st.sampled_from(TYPES), st.booleans())
def test_no_content_breaks_the_judgement(data: st.DataObject, type_: str, double: bool) -> None:
    """Whatever stands in whatever place: issues with places that can be spoken, never an exception of ours."""
    made = bundle(type_, twins(15) if double else one_birth(16))
    for _ in range(data.draw(st.integers(1, 4))):
        *above, last = data.draw(st.sampled_from(places_of(made)[1:]))
        holder: Any = made
        for key in above:
            holder = holder[key]
        if data.draw(st.booleans()):
            del holder[last]
        else:
            holder[last] = data.draw(JSON)
    try:
        said, wrong = of(made)
    except NotABundle:
        return
    document = outcome([*wrong, *said.unmapped, *(issue for birth in said.births for issue in birth.issues)])
    json.dumps(document)
    for issue in wrong:
        assert issue.text
    for birth in said.births:
        json.dumps(birth.body)
        if not birth.stand_ins and not any(issue.stops for issue in birth.issues):
            assert birth.body["child"]["birth_time"]
        for path in birth.origins:
            assert SPOKEN.match(expression(birth.origin(path, MAPPING)))


@given(JSON)
def test_anything_in_place_of_the_entries_is_refused(value: Any) -> None:
    """Not even the outer shape has to hold."""
    content = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": value}).encode()
    try:
        made = read_bundle(content)
    except NotABundle:
        return
    assert mapped(made, MAPPING).births == ()

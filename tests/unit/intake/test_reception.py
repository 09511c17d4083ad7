"""From what was handed in to a dossier: options, results, agencies, appointments, keys."""

from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue import Catalogue, Limit
from libs.contracts.intake import ChosenResult, DossierAccepted, RoleUnit
from services.intake.birth_duplicates import NaturalKeys
from services.intake.birth_reception import CardCheck, birth_submission
from services.intake.births import BirthDeclaration, Choices, Father, Residence
from services.intake.dossier import accept_dossier
from services.intake.form_reception import Application, form_keys, form_submission
from services.intake.reception import Desk, Fresh, Refused, Sender, dossier_code
from services.intake.stays import Stay
from tests.unit.intake.test_birth_duplicates import CARD
from tests.unit.intake.test_birth_rules import GOOD

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
FRESH = Fresh(id=UUID(int=7), token="token")
HOSPITAL = Sender(subject="midwife", channel="hospital", facility="93016")
COUNTER = Sender(subject="clerk", channel="counter", agency="one-stop-31340-2025")
PORTAL = Sender(subject="portal", channel="online")
DECLARATION = msgspec.structs.replace(GOOD, choices=Choices())


@cache
def desk(default_days: int = 0) -> Desk:
    """The city's reception, with a default term of so many working days (0: none)."""
    limit = Limit(unit="working_day", amount=default_days) if default_days else None
    return Desk(catalogue=Catalogue.load("catalogue"), default_limit=limit)


def with_choices(**choices: Any) -> BirthDeclaration:
    """The good declaration with these choices."""
    return msgspec.structs.replace(DECLARATION, choices=Choices(**choices))


@given(st.integers(1, 10**6))
def test_a_code_is_the_prefix_the_day_and_at_least_four_digits(number: int) -> None:
    """TT 01/2018/TT-VPCP: prefix, YYMMDD and a running number; a busier day than foreseen grows a digit."""
    code = dossier_code("000.00.00.H30", date(2026, 11, 23), number)
    head, day, tail = code.split("-")
    assert (head, day, int(tail)) == ("000.00.00.H30", "261123", number)
    assert len(tail) == max(4, len(str(number)))


@pytest.mark.parametrize(
    ("day", "procedure"),
    [(date(2024, 6, 3), "2.000986"), (date(2025, 8, 4), "2.002621"), (date(2026, 11, 23), "3.000722")],
)
def test_a_birth_follows_the_law_of_its_day(day: date, procedure: str) -> None:
    """The same declaration is a dossier of the interlinked procedure in force when it is handed in."""
    at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
    home = msgspec.structs.replace(
        DECLARATION.mother.residence,
        as_of=day,
        **({} if day >= date(2025, 7, 1) else {"province_code": "93", "district_code": "931"}),
    )
    born = datetime(day.year, day.month, 1, 8)  # noqa: DTZ001 - wall time
    declaration = msgspec.structs.replace(
        DECLARATION,
        mother=msgspec.structs.replace(DECLARATION.mother, residence=home),
        child=msgspec.structs.replace(DECLARATION.child, birth_time=born),
        certificate=msgspec.structs.replace(DECLARATION.certificate, issued_on=date(day.year, day.month, 2)),
    )
    new = birth_submission(declaration, HOSPITAL, FRESH, at, desk())
    assert new.dossier.procedure == procedure
    assert new.dossier.procedure_from <= day


def test_a_declaration_is_refused_for_everything_at_once() -> None:
    """A broken rule, a discharge in years and a card that differs: nobody mends them one after the other."""
    issued = msgspec.structs.replace(DECLARATION.certificate, issued_on=date(2020, 1, 1))
    wrong = msgspec.structs.replace(DECLARATION, certificate=issued)
    check = CardCheck(card=msgspec.structs.replace(CARD, name="Lê Thị Khác"))
    stay = Stay(room="3", bed="12", discharge_at=datetime(2029, 1, 1, 10))  # noqa: DTZ001 - wall time
    with pytest.raises(Refused) as refused:
        birth_submission(wrong, HOSPITAL, FRESH, AT, desk(), check, stay)
    fields = {one.field for one in refused.value.problems}
    assert {"certificate.issued_on", "stay.discharge_at", "card.name"} <= fields
    with pytest.raises(Refused) as refused:
        birth_submission(DECLARATION, HOSPITAL, FRESH, AT, desk(), check, Stay(room="3"))
    assert refused.value.slug == "card-differs"


@pytest.mark.parametrize("blank", ["", "   "])
def test_what_is_not_written_yet_does_not_differ_from_the_card(blank: str) -> None:
    """It lacks, which is said once; what is written is compared as ever."""
    document = msgspec.structs.replace(DECLARATION.mother.document, number=blank)
    mother = msgspec.structs.replace(DECLARATION.mother, name=blank, document=document)
    check = CardCheck(card=msgspec.structs.replace(CARD, birth_date=date(1990, 1, 1)))
    with pytest.raises(Refused) as refused:
        birth_submission(
            msgspec.structs.replace(DECLARATION, mother=mother), HOSPITAL, FRESH, AT, desk(), check
        )
    told = [one.field for one in refused.value.problems if one.severity == "error"]
    assert {"mother.name", "mother.document.number"} <= set(told)
    assert [field for field in told if field.startswith("card.")] == ["card.birth_date"]


def test_at_a_counter_results_go_to_the_counter() -> None:
    """A birth declared at the counter has no bed to bring papers to."""
    new = birth_submission(DECLARATION, COUNTER, FRESH, AT, desk())
    places = {result.code: (result.delivery, result.place) for result in new.dossier.results}
    assert places["birth_certificate"] == ("counter", "one-stop-31340-2025")
    assert places["residence_notice"] == ("electronic", "")


@pytest.mark.parametrize(
    ("choices", "codes"),
    [
        ({}, {"birth_certificate", "residence_notice", "insurance_card"}),
        ({"register_residence": False}, {"birth_certificate", "insurance_card"}),
        ({"register_residence": False, "issue_insurance_card": False}, {"birth_certificate"}),
    ],
)
def test_branches_not_wanted_bring_no_results(choices: dict[str, Any], codes: set[str]) -> None:
    """What is not asked for is neither done nor handed over."""
    new = birth_submission(with_choices(**choices), HOSPITAL, FRESH, AT, desk())
    assert {result.code for result in new.dossier.results} == codes


@pytest.mark.parametrize(
    ("choice", "field"),
    [
        (ChosenResult(code="passport", delivery="electronic"), "choices.results[0].code"),
        (ChosenResult(code="residence_notice", delivery="electronic"), "choices.results[0].code"),
        (
            ChosenResult(code="birth_certificate", delivery="counter", place="nowhere"),
            "choices.results[0].place",
        ),
        (
            ChosenResult(code="birth_certificate", delivery="counter", place="hospital-93016"),
            "choices.results[0].place",
        ),
        (
            ChosenResult(code="birth_certificate", delivery="electronic", copies=99),
            "choices.results[0].copies",
        ),
    ],
)
def test_a_wrong_choice_of_result_is_named(choice: ChosenResult, field: str) -> None:
    """No such result, one of a branch not wanted, no such place, a place of another kind, too many copies."""
    with pytest.raises(Refused) as refused:
        birth_submission(
            with_choices(results=(choice,), register_residence=False), HOSPITAL, FRESH, AT, desk()
        )
    assert field in {problem.field for problem in refused.value.problems}


def test_the_fathers_home_needs_no_further_papers() -> None:
    """Only where neither parent lives residence papers are needed (NĐ 63/2024 Đ5)."""
    his = Residence(address="Khu vực 1", province_code="92", commune_code="31411", as_of=date(2026, 11, 20))
    father = Father(name="Trần Văn Nam", residence=his)
    declaration = msgspec.structs.replace(
        DECLARATION, father=father, choices=Choices(residence_to_register=his)
    )
    assert birth_submission(declaration, HOSPITAL, FRESH, AT, desk()).dossier.missing == ()
    elsewhere = msgspec.structs.replace(his, address="Nhà ông bà")
    declaration = msgspec.structs.replace(declaration, choices=Choices(residence_to_register=elsewhere))
    assert birth_submission(declaration, HOSPITAL, FRESH, AT, desk()).dossier.missing == ("residence_papers",)


HIS = Residence(address="Khu vực 1", province_code="92", commune_code="31411", as_of=date(2026, 11, 20))
AT_HIS = (RoleUnit(role="police_residence", unit="31411", unit_as_of=HIS.as_of),)


@pytest.mark.parametrize(
    ("choices", "unit", "role_units"),
    [
        ({}, "31340", ()),
        ({"residence_to_register": HIS}, "31340", AT_HIS),
        ({"residence_to_register": HIS, "register_residence": False}, "31340", ()),
        ({"residence_to_register": HIS, "register_at": "father"}, "31411", ()),
        # The birth where he lives, the child's residence where she does.
        (
            {"register_at": "father"},
            "31411",
            (RoleUnit(role="police_residence", unit="31340", unit_as_of=DECLARATION.mother.residence.as_of),),
        ),
    ],
)
def test_the_birth_and_the_residence_each_have_their_commune(
    choices: dict[str, Any], unit: str, role_units: tuple[RoleUnit, ...]
) -> None:
    """The birth is registered where either parent lives; the residence by the police of where the child will live."""
    father = Father(name="Trần Văn Nam", residence=HIS)
    declaration = msgspec.structs.replace(with_choices(**choices), father=father)
    new = birth_submission(declaration, HOSPITAL, FRESH, AT, desk()).dossier
    assert (new.unit, new.role_units) == (unit, role_units)
    assert new.receiving_agency == f"one-stop-{unit}-2025"
    (event,) = accept_dossier(msgspec.structs.replace(new, missing=()), AT, AT)[1]
    assert isinstance(event, DossierAccepted)
    assert event.role_units == role_units


AWAY = Residence(address="Số 1", province_code="01", commune_code="00004", as_of=date(2026, 11, 20))


@pytest.mark.parametrize(
    ("mothers", "choices", "field"),
    [
        (DECLARATION.mother.residence, {"residence_to_register": AWAY}, "choices.residence_to_register"),
        (AWAY, {"register_at": "father"}, "mother.residence"),
    ],
)
def test_a_residence_that_no_police_here_register_is_refused(
    mothers: Residence, choices: dict[str, Any], field: str
) -> None:
    """Nothing is promised that nobody could do; without that branch the birth is taken."""
    mother = msgspec.structs.replace(DECLARATION.mother, residence=mothers)
    parents = {"mother": mother, "father": Father(name="Trần Văn Nam", residence=HIS)}
    declaration = msgspec.structs.replace(with_choices(**choices), **parents)
    with pytest.raises(Refused) as refused:
        birth_submission(declaration, HOSPITAL, FRESH, AT, desk())
    found = [(p.field, p.code) for p in refused.value.problems]
    assert found == [(f"{field}.commune_code", "commune-not-served")]
    alone = msgspec.structs.replace(with_choices(**choices, register_residence=False), **parents)
    assert birth_submission(alone, HOSPITAL, FRESH, AT, desk()).dossier.role_units == ()


def test_a_birth_is_not_registered_where_no_father_is_said_to_live() -> None:
    """Without his residence there is no commune to choose."""
    with pytest.raises(Refused) as refused:
        birth_submission(with_choices(register_at="father"), HOSPITAL, FRESH, AT, desk())
    assert [p.field for p in refused.value.problems] == ["choices.register_at"]


def test_a_form_says_where_the_residence_is_registered() -> None:
    """The commune of the residence part decides the police, the competent commune everything else."""
    wanted = Application(
        procedure="3.000722",
        form={
            "applicant": {"name": "Phạm Thị Hoa"},
            "child": {"sex": "female", "birth_time": "2026-11-20T08:15"},
            "residence": {"unit_code": "31411", "address": "Khu vực 1"},
        },
        components=("declaration", "medical_certificate"),
        unit="31340",
    )
    (place,) = form_submission(wanted, COUNTER, FRESH, AT, desk()).dossier.role_units
    assert (place.role, place.unit) == ("police_residence", "31411")
    away = {**wanted.form, "residence": {"unit_code": "00004", "address": "Số 1"}}
    with pytest.raises(Refused) as refused:
        form_submission(msgspec.structs.replace(wanted, form=away), COUNTER, FRESH, AT, desk())
    assert [(p.field, p.code) for p in refused.value.problems] == [
        ("form.residence.unit_code", "commune-not-served")
    ]
    alone = msgspec.structs.replace(wanted, options={"residence": False})
    assert form_submission(alone, COUNTER, FRESH, AT, desk()).dossier.role_units == ()


def test_a_procedure_without_a_term_promises_nothing_by_itself() -> None:
    """Without a known term the officer states the appointment, or the city sets a default; online it is not taken."""
    catalogue = desk().catalogue
    unknown = next(
        p
        for p in catalogue.procedures(date(2026, 11, 23))
        if p.limit is None and not p.form_needs and {"counter", "online"} <= set(p.channels)
    )
    wanted = Application(
        procedure=unknown.code,
        form={"applicant": {"name": "Phạm Thị Hoa"}},
        components=tuple(component.code for component in unknown.components),
        unit="31340",
    )
    with pytest.raises(Refused) as refused:
        form_submission(wanted, COUNTER, FRESH, AT, desk())
    assert [problem.code for problem in refused.value.problems] == ["limit-unknown"]
    with pytest.raises(Refused):
        form_submission(wanted, PORTAL, FRESH, AT, desk())
    stated = msgspec.structs.replace(wanted, appointment_at=datetime(2026, 12, 1, 3, tzinfo=UTC))
    assert form_submission(stated, COUNTER, FRESH, AT, desk()).dossier.appointment_at == stated.appointment_at
    past = msgspec.structs.replace(wanted, appointment_at=datetime(2026, 11, 1, 3, tzinfo=UTC))
    with pytest.raises(Refused):
        form_submission(past, COUNTER, FRESH, AT, desk())
    by_city = form_submission(wanted, PORTAL, FRESH, AT, desk(10)).dossier.appointment_at
    assert by_city == datetime(2026, 12, 8, 10, tzinfo=UTC)


BIRTH_FORM: dict[str, Any] = {
    "child": {"sex": "female", "birth_time": "2026-11-20T08:15+07:00"},
    "mother": {"name": "NGUYEN THI HOA", "identity": {"number": "093195000123"}},
    "medical_certificate": {
        "facility_code": "93016",
        "number": "000123",
        "book": "01/2026",
        "issued_on": "2026-11-21",
    },
}


@pytest.mark.parametrize(
    ("birth_time", "code"),
    [
        ("9999-12-31T23:59:00-12:00", "pattern"),
        ("0001-01-01T00:00:00+14:00", "pattern"),
        ("2026-02-31T08:00", "moment.unreal"),
    ],
)
def test_a_birth_time_outside_our_calendar_is_refused(birth_time: str, code: str) -> None:
    """No clock in Việt Nam ever shows it; the refusal names the field."""
    form = {**BIRTH_FORM, "applicant": {"name": "Phạm Thị Hoa"}}
    form["child"] = {"sex": "female", "birth_time": birth_time}
    wanted = Application(procedure="1.001193", form=form, unit="31340")
    with pytest.raises(Refused) as refused:
        form_submission(wanted, COUNTER, FRESH, AT, desk())
    assert [(p.field, p.code) for p in refused.value.problems] == [("form.child.birth_time", code)]


def keys_of_form(**changes: Any) -> NaturalKeys:
    """The keys of the form with these parts replaced."""
    procedure = desk().catalogue.procedure("1.001193", AT.date())
    return form_keys(procedure, {**BIRTH_FORM, **changes})


def test_a_form_and_a_declaration_of_one_birth_have_the_same_keys() -> None:
    """Whoever declares a birth in whichever way, it is the same birth."""
    declared = birth_submission(DECLARATION, HOSPITAL, FRESH, AT, desk())
    assert set(keys_of_form().claimed) == set(declared.keys)
    assert keys_of_form().likely == declared.likely
    assert keys_of_form(child={}, mother={}, medical_certificate={}) == NaturalKeys()


def test_a_form_that_knows_less_has_the_keys_of_what_it_knows() -> None:
    """Without the certificate mother and minute tell, without her number the certificate, and always her name."""
    whole = keys_of_form()
    assert keys_of_form(medical_certificate={"number": "000123"}).claimed == (whole.birth,)
    unnumbered = keys_of_form(mother={"name": "Nguyễn Thị Hoa"})
    assert (unnumbered.claimed, unnumbered.likely) == (whole.certificates, whole.likely)
    assert keys_of_form(medical_certificate={}, mother={"name": "Nguyễn Thị Hoa"}).claimed == ()


def test_only_a_form_that_registers_a_birth_claims_it() -> None:
    """A card for the child of a birth that is registered is no second birth."""
    card = desk().catalogue.procedure("1.014137", AT.date())
    assert form_keys(card, BIRTH_FORM) == NaturalKeys()

"""Procedures: the facts of the law they state, the graph of their steps, their forms and papers."""

from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue import Catalogue, CatalogueError, Limit, NotEffective, Option, Procedure, UnknownProcedure
from libs.catalogue.forms import FormChecker
from libs.catalogue.graph import closure, ordered

CATALOGUE = Catalogue.load(Path(__file__).parents[3] / "catalogue")
TODAY = date(2026, 11, 23)
BIRTH_2024, BIRTH_2026 = "2.002621", "3.000722"
BY_HAND = sorted((CATALOGUE.folder / "procedures").glob("*.yaml"))


def birth(on: date = TODAY) -> Procedure:
    """The interlinked birth procedure of the day."""
    return CATALOGUE.procedure_of_group("interlinked-birth", on)


def birth_form() -> dict[str, Any]:
    """The least a birth dossier says."""
    return {
        "child": {"sex": "female", "birth_time": "2026-11-20T08:30"},
        "mother": {"name": "Trần Thị Mẫu", "unit_code": "31340"},
        "applicant": {"name": "Trần Thị Mẫu", "relation": "mother"},
        "residence": {"unit_code": "31340", "address": "Khu vực 1"},
    }


def codes(procedure: Procedure, **options: bool | str) -> list[str]:
    """The codes of the chosen steps."""
    return [step.code for step in procedure.chosen_steps(options)]


@pytest.mark.parametrize(
    ("on", "code"),
    [
        (date(2023, 6, 4), "2.000986"),
        (date(2024, 6, 30), "2.000986"),
        (date(2024, 7, 1), BIRTH_2024),
        (date(2026, 8, 31), BIRTH_2024),
        (date(2026, 9, 1), BIRTH_2026),
    ],
)
def test_each_day_has_the_birth_procedure_of_its_law(on: date, code: str) -> None:
    """The interlinked birth group is TTLT 05/2015, then NĐ 63/2024 from 2024-07-01, then NĐ 301/2026."""
    assert birth(on).code == code


def test_a_code_outside_its_time_is_not_effective() -> None:
    """2.002621 is refused before 2024-07-01 and after 2026-08-31, and an invented code is unknown."""
    for on in (date(2024, 6, 30), date(2026, 9, 1)):
        with pytest.raises(NotEffective):
            CATALOGUE.procedure(BIRTH_2024, on)
    with pytest.raises(UnknownProcedure):
        CATALOGUE.procedure("9.999999", TODAY)
    with pytest.raises(UnknownProcedure):
        CATALOGUE.procedure_of_group("no-group", TODAY)
    with pytest.raises(NotEffective):
        CATALOGUE.procedure_of_group("interlinked-birth", date(2015, 6, 30))


def test_the_birth_group_is_due_in_three_working_days_or_five_with_verification() -> None:
    """NĐ 63/2024: 3 working days, 5 when the residence must be verified, supplements within 7."""
    procedure = CATALOGUE.procedure(BIRTH_2024, date(2025, 1, 6))
    assert procedure.limit_for({}) == Limit(unit="working_day", amount=3)
    assert procedure.limit_for({"residence_verification": True}) == Limit(unit="working_day", amount=5)
    only_card = {"residence": False, "residence_verification": True}
    assert procedure.limit_for(only_card) == Limit(unit="working_day", amount=3)
    assert procedure.supplement_limit == Limit(unit="working_day", amount=7)
    police = procedure.step("register_residence")
    assert police.limit_for({}) == Limit(unit="working_day", amount=2)
    assert police.limit_for({"residence_verification": True}) == Limit(unit="working_day", amount=5)


def test_the_real_appointment_of_september_2026_comes_out() -> None:
    """Submitted on Monday 21/09/2026 after 15:00, counted from 22/09, promised for 25/09 (domain.md 1.5)."""
    calendar = CATALOGUE.calendar()
    late = datetime(2026, 9, 21, 8, 30, tzinfo=UTC)  # 15:30 in Việt Nam
    due = Limit(unit="working_day", amount=3).due_at(calendar, late)
    assert calendar.local_date(due) == date(2026, 9, 25)


def test_birth_registration_comes_first_and_the_rest_runs_beside_each_other() -> None:
    """Residence, card and identity card each depend on the registered birth and on nothing else."""
    procedure = birth()
    chosen = codes(procedure, identity_card=True)
    assert chosen == ["register_birth", "register_residence", "issue_insurance_card", "issue_identity_card"]
    for code in chosen[1:]:
        assert procedure.step(code).depends_on == ("register_birth",)


def test_families_may_want_only_certificate_and_card() -> None:
    """Without the residence branch the police have no step and no residence notice is produced."""
    procedure = birth()
    steps = procedure.chosen_steps({"residence": False})
    assert [step.code for step in steps] == ["register_birth", "issue_insurance_card"]
    assert [r.code for r in procedure.results_for(steps)] == ["birth_certificate", "insurance_card"]


def test_certificate_and_card_go_to_the_hospital_bed() -> None:
    """Birth certificate and BHYT card can be received at the hospital and are by default."""
    procedure = birth()
    for code in ("birth_certificate", "insurance_card"):
        assert procedure.result(code).default_delivery == "hospital"
    assert procedure.step_producing("insurance_card").role == "social_insurance"
    with pytest.raises(KeyError):
        procedure.result("no_such_result")
    with pytest.raises(KeyError):
        procedure.step_producing("no_such_result")


def test_the_childs_number_may_come_later_and_is_personal() -> None:
    """A certificate without an identity number is complete, and number and name never go into an event."""
    step = birth().step("register_birth")
    assert step.pending_fields == ("personal_id",)
    assert {"personal_id", "child_name"} <= step.personal_fields
    outcome = {
        "register_number": "125/2026",
        "register_book": "01/2026-KS",
        "registered_on": "2026-11-23",
        "child_name": "Trần Mẫu An",
    }
    assert birth().check_outcome("register_birth", outcome) == []
    assert birth().check_outcome("register_birth", outcome | {"personal_id": ""}) == []
    for number, code in (
        ("12345", "pattern"),
        # Digits of another script, and a line end, would be another number to whoever compares them.
        ("\uff10\uff19\uff12\uff13\uff12\uff16\uff10\uff10\uff10\uff11\uff12\uff13", "pattern"),
        ("092326000123\n", "pattern"),
        ("999999999999", "format"),
    ):
        wrong = birth().check_outcome("register_birth", outcome | {"personal_id": number})
        assert [(p.field, p.code) for p in wrong] == [("personal_id", code)]
        assert number not in wrong[0].message_vi


def test_a_good_form_has_no_problem() -> None:
    """The least a birth dossier says passes, with and without the options."""
    assert birth().check_form(birth_form()) == []
    assert birth().check_form(birth_form(), {"residence": True}) == []


def test_problems_are_vietnamese_named_by_field_and_never_echo_the_value() -> None:
    """Each wrong field is named with its Vietnamese label; what was typed is not repeated."""
    form = birth_form()
    form["child"]["sex"] = "CANARY-sex"
    form["mother"]["unit_code"] = "CANARY-unit"
    form["CANARY key"] = 1
    form["child"]["birth_time"] = "20.11.2026"
    del form["applicant"]["name"]
    problems = {problem.field: problem for problem in birth().check_form(form)}
    assert set(problems) == {"child.sex", "mother.unit_code", "child.birth_time", "applicant.name", "?"}
    assert problems["child.sex"].message_vi.startswith("Giới tính (trẻ em): ")
    assert problems["applicant.name"].code == "required"
    assert problems["mother.unit_code"].message_vi.endswith("gồm 5 chữ số.")
    assert "CANARY" not in repr(problems)


def test_the_residence_branch_needs_the_place_only_when_chosen() -> None:
    """`residence.unit_code` is demanded with the residence option and not without it."""
    form = birth_form()
    del form["residence"]
    assert birth().check_form(form, {"residence": False}) == []
    missing = [problem.field for problem in birth().check_form(form, {"residence": True})]
    assert missing == ["residence.unit_code", "residence.address"]


def test_a_form_that_is_no_object_is_refused() -> None:
    """A list, a text or nothing at all is one problem of type, not an exception."""
    not_objects: list[object] = [[], "text", None, 7]
    for data in not_objects:
        assert [problem.code for problem in birth().check_form(data, {})] == ["type"]


def test_options_are_checked_and_settled() -> None:
    """An unknown option and a value outside its choices are named; defaults fill the rest."""
    procedure = CATALOGUE.procedure("1.004222", TODAY)
    assert procedure.check_options({"submitted": "online", "own_dwelling": True}) == []
    wrong = procedure.check_options({"submitted": "by pigeon", "own_dwelling": "yes", "invented": True})
    assert [(p.field, p.code) for p in wrong] == [
        ("options.submitted", "not_allowed"),
        ("options.own_dwelling", "not_allowed"),
        ("options.invented", "unknown"),
    ]
    assert procedure.settled_options({"submitted": "online"})["joins_household"] is True


def test_papers_are_missing_only_when_needed() -> None:
    """The residence papers are needed only for a child registered elsewhere than its parents."""
    procedure = CATALOGUE.procedure(BIRTH_2024, date(2025, 1, 6))
    given_papers = ["declaration", "medical_certificate"]
    assert procedure.missing_components(given_papers) == []
    missing = procedure.missing_components(["declaration"], {"other_residence": True})
    assert [component.code for component in missing] == ["medical_certificate", "residence_papers"]


@pytest.mark.parametrize(
    ("code", "limit"),
    [
        ("1.001193", Limit(unit="same_day")),
        ("2.000635", Limit(unit="same_day")),
        ("2.000815", Limit(unit="same_day")),
        ("1.004884", Limit(unit="working_day", amount=5)),
        ("1.004873", Limit(unit="working_day", amount=3)),
        ("1.004222", Limit(unit="working_day", amount=7)),
        ("1.004194", Limit(unit="working_day", amount=3)),
        ("1.014137", Limit(unit="working_day", amount=5)),
        ("NB.24H", Limit(unit="hour", amount=24)),
    ],
)
def test_terms_are_those_of_the_sources(code: str, limit: Limit) -> None:
    """Terms by code, from domain.md 1.5, 2 and the data's checked rows."""
    assert CATALOGUE.procedure(code, TODAY).limit_for({}) == limit


def test_fees_are_known_free_or_unknown() -> None:
    """8,000 đồng a copy of an extract, birth free, residence by channel; what the portal defers is not known."""
    assert [fee.vnd for fee in CATALOGUE.procedure("2.000635", TODAY).fees_for({}) or ()] == [8000]
    assert CATALOGUE.procedure("1.001193", TODAY).fees_for({}) == ()
    residence = CATALOGUE.procedure("1.004222", TODAY)
    assert [fee.vnd for fee in residence.fees_for({"submitted": "online"}) or ()] == [10000]
    assert [fee.vnd for fee in residence.fees_for({}) or ()] == [20000]
    assert CATALOGUE.procedure("1.004884", TODAY).fees_for({}) is None


def test_a_time_the_portal_prints_without_a_unit_stays_unknown_and_is_not_taken_online() -> None:
    """Row 1.000110 has no unit: no term, no online acceptance unless the city sets a default term."""
    procedure = CATALOGUE.procedure("1.000110", TODAY)
    assert procedure.limit is None
    assert not procedure.verified
    refusal = procedure.refusal("online")
    assert refusal is not None
    assert refusal.code == "limit_unknown"
    assert procedure.refusal("online", default_limit=Limit(unit="working_day", amount=5)) is None
    assert procedure.refusal("counter") is None
    refused_channel = procedure.refusal("hospital")
    assert refused_channel is not None
    assert refused_channel.code == "channel"


def test_nobody_imports_over_a_procedure_made_by_hand() -> None:
    """A code is made by hand or imported, never both, and the data's rows are all there."""
    by_hand = {path.name.partition("@")[0] for path in BY_HAND}
    imported = {path.name.partition("@")[0] for path in (CATALOGUE.folder / "procedures/imported").iterdir()}
    assert by_hand & imported == set()
    assert len(imported) == 350


def test_a_term_in_calendar_days_that_ends_on_a_day_off_ends_on_the_next_working_day() -> None:
    """Fifteen days from Friday 2026-11-06 end on Saturday 21/11, so on Monday 23/11 (BLDS 2015 Đ148 k5)."""
    calendar = CATALOGUE.calendar()
    received = datetime(2026, 11, 6, 2, 0, tzinfo=UTC)
    due = Limit(unit="calendar_day", amount=15).due_at(calendar, received)
    assert calendar.local_date(due) == date(2026, 11, 23)


def test_limits_without_sense_are_refused() -> None:
    """A limit has an amount above 0, except same_day which has none."""
    for plain in ({"unit": "working_day"}, {"unit": "same_day", "amount": 1}, {"unit": "hour", "amount": -1}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(plain, Limit)


def values_of(option: Option) -> tuple[bool | str, ...]:
    """Every value the option can take."""
    return tuple(option.choices) if option.choices else (True, False)


ALL_OPTIONS: list[tuple[Procedure, dict[str, bool | str]]] = [
    (procedure, dict(zip([o.code for o in procedure.options], values, strict=True)))
    for path in BY_HAND
    for _, procedure in CATALOGUE.versions_of(path.name.partition("@")[0])
    for values in product(*map(values_of, procedure.options))
]


def test_every_combination_of_options_gives_a_graph_that_can_be_walked() -> None:
    """For every hand-made procedure and all its options: closed, ordered, and its results are produced."""
    for procedure, options in ALL_OPTIONS:
        done: set[str] = set()
        for step in procedure.chosen_steps(options):
            assert done.issuperset(step.depends_on)
            done.add(step.code)
        assert done
        produced = {result.code for result in procedure.results_for(procedure.chosen_steps(options))}
        assert produced == {code for code in done for code in procedure.step(code).produces}


@st.composite
def acyclic_graphs(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """A graph whose nodes depend only on earlier ones, listed in any order."""
    names = [f"s{n}" for n in range(draw(st.integers(1, 12)))]
    graph = {
        name: tuple(draw(st.lists(st.sampled_from(names[:n]), unique=True, max_size=4)) if n else ())
        for n, name in enumerate(names)
    }
    return {name: graph[name] for name in draw(st.permutations(names))}


@given(acyclic_graphs(), st.data())
def test_closure_holds_all_dependencies_and_order_respects_them(
    graph: dict[str, tuple[str, ...]], data: st.DataObject
) -> None:
    """Whatever is wanted of an acyclic graph comes with its dependencies, each before what needs it."""
    wanted = data.draw(st.sets(st.sampled_from(sorted(graph))))
    closed = closure(wanted, graph)
    assert wanted <= closed
    walked = ordered([name for name in graph if name in closed], graph)
    assert set(walked) == closed
    for position, name in enumerate(walked):
        assert set(graph[name]) <= set(walked[:position])


def test_a_circle_is_refused_by_name() -> None:
    """Steps that wait for each other are named."""
    with pytest.raises(ValueError, match="a, b"):
        ordered(["a", "b", "c"], {"a": ("b",), "b": ("a",), "c": ()})


def test_a_wrong_file_is_named(tmp_path: Path) -> None:
    """No catalogue, a badly named file and an unknown key each raise CatalogueError naming the file."""
    with pytest.raises(CatalogueError):
        Catalogue.load(tmp_path)
    folder = tmp_path / "procedures"
    folder.mkdir()
    (tmp_path / "schema").mkdir()
    (tmp_path / "schema" / "definitions.yaml").write_text("{}")
    (folder / "1.000001@2026-01-01.yaml").write_text("{code: '1.000001', colour: red}")
    with pytest.raises(CatalogueError, match=r"1\.000001@2026-01-01\.yaml"):
        Catalogue.load(tmp_path).procedure("1.000001", TODAY)
    (folder / "notes.yaml").write_text("{}")
    with pytest.raises(CatalogueError, match=r"notes\.yaml"):
        Catalogue.load(tmp_path)


def test_a_definition_that_contains_itself_is_refused() -> None:
    """Definitions are put in place of their references, so one that contains itself would never end."""
    schema = {
        "$defs": {"person": {"properties": {"mother": {"$ref": "#/$defs/person"}}}},
        "$ref": "#/$defs/person",
    }
    with pytest.raises(ValueError, match="contains itself"):
        FormChecker(schema)

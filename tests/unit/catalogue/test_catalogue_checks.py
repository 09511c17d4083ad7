"""The check of the whole catalogue: ours is sound, and each kind of mistake is found."""

import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from libs.catalogue import Catalogue
from libs.catalogue.__main__ import app
from libs.catalogue.checks import faults_of
from libs.catalogue.errors import CatalogueError
from libs.catalogue.import_procedures import legal_numbers, paper_name, papers_of

FOLDER = Path(__file__).parents[3] / "catalogue"
FILE = "procedures/2.002621@2024-07-01.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the catalogue without the imported procedures, free to be spoilt."""
    target = tmp_path / "catalogue"
    shutil.copytree(FOLDER, target, ignore=shutil.ignore_patterns("imported"))
    return target


def spoil(folder: Path, name: str, old: str, new: str) -> list[str]:
    """The faults after one replacement in one file."""
    path = folder / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return faults_of(Catalogue.load(folder))


def test_our_catalogue_is_sound() -> None:
    """Every file opens, every reference leads somewhere, every graph ends."""
    assert faults_of(Catalogue.load(FOLDER)) == []


def test_the_command_says_so_and_fails_on_a_fault(folder: Path) -> None:
    """`python -m libs.catalogue check` exits 0 when all is sound, else 1 naming the file."""
    run = CliRunner().invoke(app, ["check", "--folder", str(folder)])
    assert run.exit_code == 0
    assert "all sound" in run.output
    (folder / FILE).write_text("code: [", "utf-8")
    run = CliRunner().invoke(app, ["check", "--folder", str(folder)])
    assert run.exit_code == 1
    assert "2.002621@2024-07-01.yaml" in run.output


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("role: police_residence", "role: nobody", "unknown role nobody"),
        ("depends_on: [register_birth]", "depends_on: [no_step]", "depends on the unknown step no_step"),
        ("depends_on: [register_birth]", "depends_on: [register_residence]", "in a circle"),
        ("produces: [residence_notice]", "produces: []", "residence_notice is produced by no step"),
        ("produces: [residence_notice]", "produces: [insurance_card]", "insurance_card occurs twice"),
        (
            "{option: residence, equals: true}",
            "{option: residance, equals: true}",
            "unknown option residance",
        ),
        ("{option: residence, equals: true}", "{option: residence, equals: x}", "a value it cannot have"),
        ("field: civil-status", "field: no-field", "unknown field of work no-field"),
        ("default_delivery: hospital", "default_delivery: electronic_mail", "Invalid enum value"),
        ("template: birth_certificate", "template: no_template", "no document template no_template"),
        ("    about: [child]\n", "", "says not whom its paper is about"),
        ("about: [child]", "about: [deceased]", "about the unknown part deceased"),
        ("about: [child]", "about: [father]", "about father, which the form does not demand"),
        ("pending_fields: [personal_id]", "pending_fields: [no_field]", "unknown outcome field no_field"),
        ("fields: [residence.unit_code,", "fields: [residence.nowhere,", "unknown field residence.nowhere"),
        ("$defs/child_residence", "$defs/no_definition", "unknown definition no_definition"),
        ("type: integer", "type: whole", "is not valid under any of the given schemas"),
        ("group: interlinked-birth", "group: other", "2.002621"),
        ('replaced_by: "3.000722"', 'replaced_by: "9.999999"', "unknown procedure 9.999999"),
        ("effective_to: 2026-08-31", "effective_to: 2020-01-01", "ends before it begins"),
        ("effective_from: 2024-07-01", "effective_from: 2024-07-02", "the file name differs"),
        ("legal_basis:", "legal_bases:", "unknown field `legal_bases`"),
    ],
)
def test_a_mistake_in_a_procedure_is_found(folder: Path, old: str, new: str, fault: str) -> None:
    """Each kind of mistake is named with the file."""
    faults = spoil(folder, FILE, old, new)
    assert any(fault in found for found in faults), faults


def test_a_stray_key_of_an_unquoted_comma_is_found(folder: Path) -> None:
    """`title: Xã, phường` inside braces makes a second key; the check names it instead of losing half a label."""
    old, new = 'title: "Xã, phường nơi sinh"', "title: Xã, phường nơi sinh"
    faults = spoil(folder, "schema/definitions.yaml", old, new)
    assert any("phường nơi sinh" in fault for fault in faults)


def test_a_pattern_that_takes_digits_of_every_script_is_found(folder: Path) -> None:
    """`\\d` matches full-width and Arabic digits too; a number written with them is another one to a database."""
    faults = spoil(folder, "schema/definitions.yaml", "pattern: ^[0-9]{5}$", r"pattern: ^\d{5}$")
    assert any("write [0-9]" in fault for fault in faults)


def test_two_versions_in_force_on_one_day_are_found(folder: Path) -> None:
    """A newer version needs the older one to end the day before."""
    plain = yaml.safe_load((folder / FILE).read_text("utf-8"))
    plain["effective_from"] = "2025-01-01"
    path = folder / "procedures" / "2.002621@2025-01-01.yaml"
    path.write_text(yaml.safe_dump(plain, allow_unicode=True), "utf-8")
    faults = faults_of(Catalogue.load(folder))
    assert "2.002621: two versions are in force on 2025-01-01" in faults


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("succeeded_by: [police-31340-2025]", "succeeded_by: [no-agency]", "unknown agency no-agency"),
        ("roles: [police_residence]", "roles: [no_role]", "unknown role no_role"),
        ('units: ["31341"]', 'units: ["99999"]', "no commune 99999"),
        ("    note: 14 counters", "    calendar: no-calendar\n    note: 14 counters", "no-calendar"),
    ],
)
def test_a_mistake_in_an_agency_is_found(folder: Path, old: str, new: str, fault: str) -> None:
    """Successors, roles, communes and calendars of agencies must exist."""
    faults = spoil(folder, "agencies/nga-bay-2023.yaml", old, new)
    assert any(fault in found for found in faults), faults


def test_garbled_legal_numbers_are_left_out() -> None:
    """A number cut off, glued to another or without its own number is not a legal basis."""
    text = "53/2025/TT-BC; 53/2025/TT-BCA; 5147/2025/QH15; 2010/TT-BTP; 66.7/2025/NQ-CP; 60/2014/QH13; 60/2014/QH13"
    assert legal_numbers(text) == ["53/2025/TT-BCA", "66.7/2025/NQ-CP", "60/2014/QH13"]


def test_notes_of_the_portal_are_not_papers() -> None:
    """An entry without an original or a copy is a note; a paper keeps the first clause of its sentence."""
    rows = (
        '[{"name": "- Giấy chứng sinh; trường hợp không có thì nộp văn bản", "originals": 1, "copies": null},'
        ' {"name": "Lưu ý", "originals": 0, "copies": null}]'
    )
    papers = papers_of(rows)
    assert [(paper["name_vi"], paper["originals"], paper["copies"]) for paper in papers] == [
        ("Giấy chứng sinh", 1, 0)
    ]
    assert paper_name("  + Tờ\u200e khai   theo mẫu") == "Tờ khai theo mẫu"


def test_a_reason_that_stands_twice_and_a_move_without_reasons_are_named(folder: Path) -> None:
    """Of two reasons with one code nobody knows which words hold; a move without reasons could never be made."""
    lapsed = "  - {code: supplement-lapsed, name_vi: Đã hết thời hạn bổ sung giấy tờ, effective_from: 2015-07-01}\n"
    again = spoil(folder, "reasons.yaml", lapsed, lapsed + lapsed)
    assert again == ["reasons.yaml: lapse has the reason supplement-lapsed twice"]
    none = spoil(folder, "reasons.yaml", "lapse:\n" + lapsed + lapsed, "")
    assert none == ["reasons.yaml: no reason for lapse"]


def test_a_book_or_yearly_number_outside_its_key_is_named(folder: Path) -> None:
    """A key compares only its own fields."""
    faults = spoil(folder, FILE, "book: register_book", "book: register_page")
    assert any("birth-register" in fault for fault in faults)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("template: receipt", "template: no_template", "no template no_template"),
        ("template: stop_notice", "template: receipt", "stop_notice.typ is used by no form"),
        ("effective_to: 2025-09-14", "effective_to: 2018-01-01", "ends before it begins"),
        ("effective_to: 2025-09-14", "effective_to: 2025-09-15", "are in force on one day"),
        ("  effective_to: 2025-09-14\n", "", "are in force on one day"),
        ("version: 2", "version: 1", "the newer one must have the higher number"),
        ("  legal_basis: Thông tư số 01/2018/TT-VPCP\n", "", "no legal basis that gave it"),
    ],
)
def test_a_mistake_in_the_list_of_forms_is_found(folder: Path, old: str, new: str, fault: str) -> None:
    """The check names the form and what is wrong."""
    faults = spoil(folder, "documents/forms/forms.yaml", old, new)
    assert any(fault in found for found in faults), faults


def test_a_stray_key_in_the_list_of_forms_is_found(folder: Path) -> None:
    """A misspelt key is not passed over."""
    with pytest.raises(CatalogueError, match=r"forms\.yaml.*effective"):
        spoil(folder, "documents/forms/forms.yaml", "effective_to: 2025-09-14", "effective_til: 2025-09-14")

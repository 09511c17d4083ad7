"""Every paper names whom it is about: one is printed for each result of the procedures made by hand."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from libs.catalogue import Catalogue
from libs.catalogue.forms import followed
from libs.catalogue.procedures import Procedure, Result
from services.intake.people import _of_form
from services.results.documents import Paper, paper_values
from services.results.people import OutcomeRecord, PeopleRecord
from services.results.subjects import CannotIssue, Names, parts_of
from tests.fixtures.servers import ROOT
from tests.integration.results.test_papers import _worker, printed, words

__all__ = ["_worker"]
pytestmark = pytest.mark.timeout(60)
CATALOGUE = Catalogue.load(ROOT / "catalogue")
NAMES = Names(ethnic={"01": "Kinh"}, facilities={})
# One name for each part of a form, so that a paper about the wrong one is seen.
PEOPLE = {
    "applicant": "Đặng Thị Ánh",
    "subject": "Huỳnh Tấn Đạt",
    "deceased": "Lý Văn Cội",
    "husband": "Trần Quốc Bảo",
    "wife": "Phan Ngọc Diễm",
    "child": "Võ Minh Khôi",
    "mother": "Võ Thị Hồng",
    "father": "Võ Văn Tư",
    "members": "Huỳnh Gia Mẫn",
}
# What is not said of the people, by procedure; `check_form` holds it against the catalogue.
FORMS: dict[str, dict[str, Any]] = {
    "1.000656": {
        "death": {"died_on": "2026-11-20", "died_at": "04:35", "place": "tại nhà", "cause": "tuổi già"}
    },
    "1.004194": {"residence": {"unit_code": "31340", "address": "Khu vực 5"}},
    "1.004222": {"residence": {"unit_code": "31340", "address": "Khu vực 5"}},
    "1.004873": {"purpose": "Vay vốn ngân hàng"},
    "2.000635": {"event": "birth", "copies": 2},
    "2.000815": {"documents": [{"name": "Bằng tốt nghiệp đại học"}]},
    "2.000884": {"documents": [{"name": "Giấy ủy quyền"}]},
    "NB.24H": {"subject": "Đèn đường hỏng", "content": "Đèn hẻm 12 hỏng", "unit_code": "31340"},
}
# Whom each paper is about, and who may be named on it besides (parents, who came to register).
ABOUT: dict[tuple[str, str], tuple[set[str], set[str]]] = {
    ("1.000656", "death_extract"): ({"deceased"}, {"applicant"}),
    ("1.000894", "marriage_certificate"): ({"husband", "wife"}, set()),
    ("1.001193", "birth_certificate"): ({"child"}, {"applicant", "mother", "father"}),
    ("1.004194", "residence_notice"): ({"subject", "members"}, set()),
    ("1.004222", "residence_notice"): ({"subject", "members"}, set()),
    ("1.004873", "marital_status_certificate"): ({"subject"}, {"applicant"}),
    ("1.004884", "birth_certificate"): ({"subject"}, {"applicant", "mother", "father"}),
    ("1.014137", "insurance_card"): ({"child"}, set()),
    ("2.000635", "extract"): ({"subject"}, {"applicant"}),
    ("2.000815", "certified_copy"): ({"applicant"}, set()),
    ("2.000884", "certified_signature"): ({"applicant"}, set()),
    ("NB.24H", "report_answer"): (set(), set()),
    **{
        (code, result): ({"child"}, {"applicant", "mother", "father"} if "birth" in result else set())
        for code in ("2.000986", "2.001023", "2.002621", "3.000722")
        for result in ("birth_certificate", "residence_notice", "insurance_card", "identity_card")
    },
}
OUTCOME = {
    "register_number": "125/2026",
    "register_book": "01/2026",
    "registered_on": "2026-11-23",
    "document_number": "12/2026",
    "issued_on": "2026-11-23",
    "residence_number": "88/TB",
    "card_number": "TE1920000000125",
    "valid_from": "2026-11-21",
    "valid_to": "2032-11-30",
    "first_care_facility": "93016",
    "content": "Đã thay bóng đèn",
    "decision": "done",
}


def made_by_hand() -> Iterator[Procedure]:
    """Every version of every procedure that was not imported."""
    for path in sorted((CATALOGUE.folder / "procedures").glob("*.yaml")):
        code, _, day = path.stem.partition("@")
        yield CATALOGUE.procedure(code, date.fromisoformat(day))


def imported() -> Iterator[Procedure]:
    """Every procedure of the national portal that was imported."""
    for path in sorted((CATALOGUE.folder / "procedures" / "imported").glob("*.yaml")):
        code, _, day = path.stem.partition("@")
        yield CATALOGUE.procedure(code, date.fromisoformat(day))


def form_of(procedure: Procedure) -> dict[str, Any]:
    """A form with a person of its own in each part that takes one."""
    form: dict[str, Any] = dict(FORMS.get(procedure.code, {}))
    for name, part in followed(procedure.form, procedure.form)["properties"].items():
        schema = followed(part, procedure.form)
        if name in form or name not in PEOPLE:
            continue
        person = _person(name, followed(schema.get("items", schema), procedure.form)["properties"])
        form[name] = [person] if schema.get("type") == "array" else person
    return form


def _person(name: str, fields: dict[str, Any]) -> dict[str, Any]:
    known = {
        "name": PEOPLE[name],
        "sex": "female" if name in ("wife", "mother") else "male",
        "birth_date": "1990-05-17" if name != "deceased" else "1938",
        "birth_time": "2026-11-21T03:15",
        "birth_place": "Bệnh viện đa khoa khu vực Ngã Bảy",
        "ethnic_code": "01",
        "nationality_code": "000",
        "address": "Khu vực 2, phường Ngã Bảy",
        "identity": {"kind": "citizen_id", "number": "092190004321", "issued_on": "2022-03-01"},
    }
    return {field: value for field, value in known.items() if field in fields}


def record_of(procedure: Procedure, form: dict[str, Any]) -> PeopleRecord:
    """What results reads of a dossier with this form, through intake's own reading of forms."""
    wire = msgspec.json.encode(_of_form(form))
    known = {
        "dossier_id": uuid4(),
        "code": "313.40.00.H13-261123-0001",
        "procedure": procedure.code,
        "procedure_from": procedure.effective_from,
    }
    return msgspec.convert({**msgspec.json.decode(wire), **known}, PeopleRecord, strict=False)


def values_for(procedure: Procedure, result: Result, form: dict[str, Any]) -> dict[str, Any]:
    """What the result's template is given."""
    paper = Paper(
        result_id=uuid4(),
        template=result.template or "certificate",
        result_name=result.name_vi,
        procedure_name=procedure.name_vi,
        agency_name="Ủy ban nhân dân phường Ngã Bảy",
        agency_place="Ngã Bảy",
        version=1,
        verify_url="http://verify.example/xac-minh/abcdefghijklmnopqrstuv",
        signed_at=datetime.now(UTC),
        about=parts_of(procedure, result),
    )
    outcome = OutcomeRecord(
        dossier_id=uuid4(), step="s", agency="a", completed_at=datetime.now(UTC), outcome=dict(OUTCOME)
    )
    return paper_values(paper, record_of(procedure, form), outcome, NAMES)


def squeezed(text: str) -> str:
    return "".join(text.split())


CASES = [(procedure, result) for procedure in made_by_hand() for result in procedure.results]


@pytest.mark.usefixtures("_worker")
@pytest.mark.parametrize(("procedure", "result"), CASES, ids=[f"{p.code}-{r.code}" for p, r in CASES])
def test_a_paper_names_whom_it_is_about_and_no_other(procedure: Procedure, result: Result) -> None:
    """The deceased on the extract, both spouses on the certificate, the child whose mother applied."""
    form = form_of(procedure)
    assert procedure.check_form(form) == []
    text = words(printed(result.template, values_for(procedure, result, form)))
    about, besides = ABOUT[(procedure.code, result.code)]
    named = {part for part in form if part in PEOPLE and squeezed(PEOPLE[part]) in text}
    assert about <= named
    assert named <= about | besides


def test_an_imported_procedure_is_about_its_subject_or_who_applies() -> None:
    """All of them have the general form: its subject where one is named, else the applicant."""
    for procedure in imported():
        for result in procedure.results:
            both = form_of(procedure)
            assert procedure.check_form(both) == []
            assert values_for(procedure, result, both)["subject_name"] == PEOPLE["subject"]
            alone = {"applicant": both["applicant"]}
            assert values_for(procedure, result, alone)["subject_name"] == PEOPLE["applicant"]


def test_a_form_without_the_person_gives_no_paper_about_another() -> None:
    """An extract of a death whose form lacks the deceased is refused with a code."""
    procedure = CATALOGUE.procedure("1.000656", date(2026, 11, 23))
    form = form_of(procedure)
    del form["deceased"]
    with pytest.raises(CannotIssue) as caught:
        values_for(procedure, procedure.results[0], form)
    assert caught.value.reason == "person-missing"


def test_a_birth_registered_again_is_dated_as_far_as_it_is_known() -> None:
    """Old people may know only the year; the words say the year."""
    procedure = CATALOGUE.procedure("1.004884", date(2026, 11, 23))
    form = form_of(procedure)
    form["subject"]["birth_date"] = "1958"
    child = values_for(procedure, procedure.results[0], form)["child"]
    assert (child["birth_date"], child["birth_date_words"]) == (
        "1958",
        "Năm một nghìn chín trăm năm mươi tám",
    )


def test_an_extract_of_a_death_says_when_and_where() -> None:
    """The hour, the day in figures and letters, the place and the cause (NĐ 123/2015 Đ4)."""
    procedure = CATALOGUE.procedure("1.000656", date(2026, 11, 23))
    values = values_for(procedure, procedure.results[0], form_of(procedure))
    assert values["died_at"] == "04 giờ 35 phút"
    assert values["died_on"] == "20/11/2026"
    assert values["died_on_words"].startswith("Ngày hai mươi tháng mười một")
    assert (values["place"], values["cause"]) == ("tại nhà", "tuổi già")
    assert values["deceased"]["birth_date"] == "1938"


def test_both_who_marry_are_told_with_their_papers() -> None:
    """Birth, ethnic group, nationality, residence and identity paper of each (Luật Hộ tịch Đ17 k2)."""
    procedure = CATALOGUE.procedure("1.000894", date(2026, 11, 23))
    couple = values_for(procedure, procedure.results[0], form_of(procedure))["couple"]
    assert [one["label"] for one in couple] == ["Bên nam", "Bên nữ"]
    for one in couple:
        assert one["identity"] == "Căn cước số 092190004321, cấp ngày 01/03/2022"
        assert all(one[field] for field in ("birth_date", "ethnic", "nationality", "residence"))


def test_a_certificate_of_marital_status_says_what_it_is_for() -> None:
    """It holds for no other purpose (NĐ 123/2015 Đ23)."""
    procedure = CATALOGUE.procedure("1.004873", date(2026, 11, 23))
    assert values_for(procedure, procedure.results[0], form_of(procedure))["purpose"] == "Vay vốn ngân hàng"

"""What officers type into panels, and what the services are asked for because of it."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from libs.catalogue import Catalogue
from libs.http.client import Refused, Told
from libs.http.problems import FieldError
from services.portal.case.answers import (
    Apology,
    CaseDesk,
    Choice,
    Deadline,
    Dossier,
    File,
    LegalAct,
    Reason,
    StepDesk,
)
from services.portal.case.birth_file import birth_part
from services.portal.case.file_sections import sections_of, told
from services.portal.case.matter import Matter, Typed, Wrong
from services.portal.case.orders import order_of
from services.portal.case.refusals import problems_of
from services.portal.case.view import ORDER, panel_of

CATALOGUE = Catalogue.load(Path("catalogue"))
TODAY = date(2026, 11, 27)
NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
BIRTH = CATALOGUE.procedure("3.000722", TODAY)
FILE: dict[str, Any] = {
    "child": {"sex": 2, "birth_time": "2026-11-20T08:05:00", "intended_name": "Nguyễn An", "weight_g": 3100},
    "mother": {
        "name": "Trần Thị Bé",
        "birth_date": "1999-09-02",
        "residence": {"address": "Khu vực 1", "commune_code": "31340", "as_of": "2026-11-01"},
    },
    "certificate": {"facility_code": "93016", "number": "12", "book": "1", "issued_on": "2026-11-20"},
}


def matter(act: str, typed: Typed, **more: Any) -> Matter:
    """A birth whose first step lies with the ward."""
    dossier = Dossier(
        id=uuid4(), code="1", procedure=BIRTH.code, procedure_from=BIRTH.effective_from, channel="hospital",
        receiving_agency="one-stop-31340-2025", facility="93016", options={}, components=(), missing=(),
        state="accepted", likely_duplicate=False, received_at=NOW, appointment_at=NOW,
    )  # fmt: skip
    choices = (Choice(code="fee", name_vi="Chờ phí"), Choice(code="residence", name_vi="Có", value=True))
    acts = tuple(LegalAct(act=one, name_vi=one, allowed=True, choices=choices) for one in ORDER)
    step = StepDesk(
        step="register_birth", name_vi="Đăng ký khai sinh", role="civil_status", state="started", state_vi="",
        agency="civil-status-31340-2025", version=3, holder="", held_since=None, mine=True,
        deadline=Deadline(), acts=acts, outcome_form=BIRTH.steps[0].outcome, pending=(),
    )  # fmt: skip
    reasons = {
        str(move): tuple(Reason(code=one.code, name_vi=one.name_vi) for one in found)
        for move, found in CATALOGUE.reasons.items()
    }
    base = Matter(
        file=File(dossier=dossier, status=4, file_kind="birth", file_version=1, file=FILE, attachments=()),
        procedure=BIRTH,
        catalogue=CATALOGUE,
        today=TODAY,
        desk=CaseDesk(dossier_id=dossier.id, deadline=Deadline(), steps=(step,), reasons=reasons),
        step=step,
        legal=step.act(act),
        version=3,
        typed=typed,
    )
    return msgspec.structs.replace(base, **more)


def wrong_fields(act: str, typed: Typed, **more: Any) -> list[str]:
    """Where what was typed is wrong."""
    with pytest.raises(Wrong) as refused:
        order_of(act, matter(act, typed, **more))
    return [field for field, _ in refused.value.problems]


def test_an_outcome_is_read_as_people_write_it() -> None:
    """Days in the order of the country; the version the officer saw goes along."""
    typed = {
        "form.register_number": (" 12 ",),
        "form.register_book": ("01/2026",),
        "form.registered_on": ("27/11/2026",),
        "form.child_name": ("Nguyễn D'Ân 👶",),
    }
    order = order_of("complete", matter("complete", typed))
    assert order.path.endswith("/steps/register_birth/complete")
    assert order.body == {
        "outcome": {
            "register_number": "12",
            "register_book": "01/2026",
            "registered_on": "2026-11-27",
            "child_name": "Nguyễn D'Ân 👶",
        },
        "version": 3,
    }


def test_what_is_missing_or_unreadable_is_told_at_its_field() -> None:
    """Every one of them at once, each once."""
    typed = {"form.registered_on": ("31/02/2026",)}
    assert sorted(wrong_fields("complete", typed)) == [
        "form.child_name",
        "form.register_book",
        "form.register_number",
        "form.registered_on",
    ]
    assert sorted(wrong_fields("refuse", {"ly-do": ("made-up",)})) == ["ghi-chu", "ly-do"]
    assert wrong_fields("supplement-request", {"ly-do": ("incomplete",)}) == ["giay-to"]
    assert wrong_fields("return", {}) == ["ly-do"]
    for number in ("", "2", "-1", "²", "9" * 30):
        assert wrong_fields("pause", {"lua-chon": (number,)}) == ["lua-chon"]
    assert wrong_fields("start", {}, step=None) == [""]
    assert wrong_fields("refuse", {"ly-do": ("other",), "ghi-chu": ("a" * 2001,)}) == ["ghi-chu"]


def test_everything_missing_is_asked_for_in_one_request() -> None:
    """Papers and fields together."""
    typed = {
        "ly-do": ("incomplete",),
        "giay-to": ("declaration", "residence_papers"),
        "muc": ("father.name",),
    }
    body = order_of("supplement-request", matter("supplement-request", typed)).body
    assert (body["components"], body["fields"]) == (("declaration", "residence_papers"), ("father.name",))


def test_choices_are_sent_with_their_code_and_value() -> None:
    """A wait by its code, a finding with what was found."""
    assert order_of("pause", matter("pause", {"lua-chon": ("0",)})).body["reason"] == "fee"
    body = order_of("finding", matter("finding", {"lua-chon": ("1",)})).body
    assert (body["option"], body["value"]) == ("residence", True)


def test_only_what_was_changed_is_corrected() -> None:
    """What stands in the boxes unchanged is not sent; an emptied box takes the value away."""
    offered = dict(panel_of("correct", matter("correct", {}), problems=[]).offered)
    typed = {name: (text,) for name, text in offered.items()} | {
        "ghi-chu": ("Khai nhầm.",),
        "form.child.weight_g": ("",),
        "form.mother.birth_date": ("03/09/1999",),
        "form.nobody": ("x",),
    }
    body = order_of("correct", matter("correct", typed)).body
    assert sorted((one["path"], one["value"]) for one in body["changes"] if one["value"]) == [
        ("mother.birth_date", "1999-09-03")
    ]
    assert [one["path"] for one in body["changes"] if one["value"] is None] == ["child.weight_g"]
    unchanged = {name: (text,) for name, text in offered.items()}
    assert wrong_fields("correct", unchanged) == ["", "ghi-chu"]


def test_an_apology_keeps_its_date_unless_another_is_typed() -> None:
    """The date that was proposed is signed as it is; a later one goes along."""
    draft = Apology(
        id=uuid4(), dossier_id=uuid4(), number=1, code="1", reason="", was_at=NOW, proposed_at=NOW
    )
    same = order_of(
        "sign-apology", matter("sign-apology", {"ngay-hen": ("10:00 27/11/2026",)}, apology=draft)
    )
    assert same.body == {"note": ""}
    later = order_of(
        "sign-apology", matter("sign-apology", {"ngay-hen": ("16:30 01/12/2026",)}, apology=draft)
    )
    assert later.body["appointment_at"] == datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
    assert wrong_fields("sign-apology", {"ngay-hen": ("mai",)}, apology=draft) == ["ngay-hen"]
    assert wrong_fields("sign-apology", {"ngay-hen": ("16:30 01/12/2026",)}) == [""]


def test_an_outcome_begins_with_what_the_file_says() -> None:
    """The name the parents chose and today, to be read over."""
    offered = panel_of("complete", matter("complete", {}), problems=[]).offered
    assert offered["form.child_name"] == "Nguyễn An"
    assert offered["form.registered_on"] == "27/11/2026"


def test_a_declaration_is_shown_in_words() -> None:
    """Codes become words, days are written as people write them, empty lines are left out."""
    sections = sections_of(matter("complete", {}).file, BIRTH, CATALOGUE)
    found = {section.title: {row.label: row.value for row in section.rows} for section in sections}
    assert found["Trẻ em"]["Giới tính"] == "Nữ"
    assert found["Trẻ em"]["Giờ và ngày sinh"] == "08:05 20/11/2026"
    assert found["Người mẹ"]["Xã, phường nơi cư trú"] == "Phường Ngã Bảy, Thành phố Cần Thơ"
    nationality = next(box for box in birth_part().boxes() if box.path == "mother.nationality_code")
    assert told(nationality, "000", CATALOGUE, date(2026, 11, 27)) == "Việt Nam"
    assert told(nationality, "840", CATALOGUE, date(2026, 11, 27)) == "840"
    assert "Người cha" not in found


def test_a_value_says_where_it_came_from() -> None:
    """As far as it was noted: of a file somebody wrote for the applicant, field by field."""
    file = matter("complete", {}).file
    file = msgspec.structs.replace(file, provenance={"child.sex": "read-out", "mother.name": "scanned"})
    origins = {
        row.label: row.origin for section in sections_of(file, BIRTH, CATALOGUE) for row in section.rows
    }
    assert origins["Giới tính"] == "Người dân đọc"
    assert origins["Họ, chữ đệm, tên"] == "Quét thẻ"
    assert origins["Giờ và ngày sinh"] == ""


def test_refusals_of_services_stand_at_the_fields_of_the_page() -> None:
    """A number that is taken, a wrong reason, a date of birth in the file; what has no field stands above."""
    errors = (
        FieldError("outcome.register_number", "number-taken", "a"),
        FieldError("reason", "unknown", "b"),
        FieldError("mother.birth_date", "too-late", "c"),
        FieldError("changes[0].path", "unknown", "d"),
    )
    refused = Refused("routing", 422, "x", Told(errors=errors))
    assert [field for field, _ in problems_of(refused, {})] == [
        "form.register_number",
        "ly-do",
        "form.mother.birth_date",
        "",
    ]
    assert problems_of(Refused("intake", 422, "x", Told(title="Sai")), {}) == [("", "Sai")]

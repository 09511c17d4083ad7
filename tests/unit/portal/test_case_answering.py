"""What an applicant brings because it was asked for."""

from typing import Any

import msgspec
import pytest

from libs.http.client import Refused, Told
from libs.http.problems import FieldError
from services.portal.case.answering import asked_papers, asked_part
from services.portal.case.answers import Request
from services.portal.case.matter import Matter, Typed, Wrong
from services.portal.case.orders import order_of
from services.portal.case.refusals import problems_of
from services.portal.case.view import file_buttons, panel_of
from tests.unit.portal.test_case_orders import BIRTH, NOW, matter

NAME, ADDRESS = "child.intended_name", "mother.residence.address"


def asked(missing: tuple[str, ...], typed: Typed) -> Matter:
    """A birth of which this is wanted, at the counter."""
    seen = matter("supply", typed, step=None, legal=None, version=7)
    requests = (Request(respond_by=NOW, missing=()), Request(respond_by=NOW, missing=missing))
    dossier = msgspec.structs.replace(seen.file.dossier, requests=requests)
    return msgspec.structs.replace(seen, file=msgspec.structs.replace(seen.file, dossier=dossier))


def test_only_what_is_still_wanted_can_be_brought() -> None:
    """Papers by their code, boxes by their path; a group that was asked for stands for the boxes below it."""
    file = asked(("declaration", NAME, "mother.residence"), {}).file
    assert [paper.code for paper in asked_papers(file, BIRTH)] == ["declaration"]
    paths = [box.path for box in asked_part(file, BIRTH).boxes()]
    assert paths[0] == NAME
    assert ADDRESS in paths
    assert all(path == NAME or path.startswith("mother.residence.") for path in paths)


def test_what_has_come_is_handed_in_and_the_rest_may_follow() -> None:
    """Only boxes that were asked for and that differ from the file are sent, with the version of it that was seen."""
    typed = {"giay-to": ("declaration",), f"form.{NAME}": ("Nguyễn Bình",), "form.child.weight_g": ("9",)}
    order = order_of("supply", asked(("declaration", NAME, ADDRESS), typed))
    assert order.path.endswith("/supplements")
    assert order.body == {
        "components": ("declaration",),
        "fields": [{"path": NAME, "value": "Nguyễn Bình"}],
        "file_version": 7,
    }


@pytest.mark.parametrize(
    ("missing", "place"), [(("declaration", NAME), "giay-to"), ((NAME,), f"form.{NAME}"), ((), "")]
)
def test_nothing_brought_is_told_at_the_first_place(missing: tuple[str, ...], place: str) -> None:
    """What the file says already answers nothing."""
    with pytest.raises(Wrong) as refused:
        order_of("supply", asked(missing, {f"form.{NAME}": ("Nguyễn An",)}))
    assert [field for field, _ in refused.value.problems] == [place]


def test_a_refused_supplement_is_told_at_its_box() -> None:
    """Intake names data by their place among those handed in."""
    sent: dict[str, Any] = {"fields": [{"path": NAME, "value": "x"}]}
    errors = (FieldError("fields[0].value", "unchanged", "a"), FieldError("fields[1].path", "unknown", "b"))
    told = problems_of(Refused("intake", 422, "x", Told(errors=errors)), sent)
    assert told == [(f"form.{NAME}", "a"), ("muc", "b")]


def test_the_panel_says_by_when_and_that_nothing_is_wanted_any_more() -> None:
    """Somebody else may have taken it in meanwhile."""
    panel = panel_of("supply", asked((NAME,), {}), problems=[])
    assert (panel.possible, panel.respond_by, panel.offered[f"form.{NAME}"]) == (True, NOW, "Nguyễn An")
    over = panel_of("supply", asked((), {}), problems=[])
    assert (over.possible, over.respond_by) == (False, None)


def test_a_dossier_that_lacks_something_is_not_taken_in() -> None:
    """At the door it is supplied or not taken; once complete it is taken in."""
    lacking = [button.act for button in file_buttons(1, accepted=False, wanted=True)]
    assert lacking == ["supply", "not-accept", "correct", "withdraw"]
    complete = [button.act for button in file_buttons(1, accepted=False, wanted=False)]
    assert complete == ["accept", "not-accept", "correct", "withdraw"]
    asked_for = [button.act for button in file_buttons(5, accepted=True, wanted=True)]
    assert asked_for == ["supply", "correct", "withdraw"]
    assert file_buttons(10, accepted=True, wanted=False) == ()

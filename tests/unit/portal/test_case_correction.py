"""A correction over a file that somebody else has corrected meanwhile."""

import msgspec

from services.portal.case.correction import SEEN, caught_up, changed_boxes, correction_texts, overtaken_notice
from services.portal.case.file_sections import part_of
from services.portal.case.matter import Matter, Typed
from services.portal.case.orders import order_of
from services.portal.case.view import panel_of
from tests.unit.portal.test_case_orders import FILE, matter

NAME, WEIGHT = "form.child.intended_name", "form.child.weight_g"


def opened(**changes: str) -> Typed:
    """What a browser sends of a panel that was opened over FILE, with some boxes changed (`__` stands for a dot)."""
    panel = panel_of("correct", matter("correct", {}, step=None), problems=[])
    typed = {name: (text,) for name, text in panel.offered.items()}
    typed |= {SEEN + name: (text,) for name, text in panel.seen.items()}
    typed |= {name.replace("__", "."): (text,) for name, text in changes.items()}
    return typed | {"ghi-chu": ("Khai nhầm.",)}


def renamed(typed: Typed) -> Matter:
    """The correction over the file in which a colleague has renamed the child."""
    base = matter("correct", typed, step=None)
    child = {**FILE["child"], "intended_name": "Nguyễn Bình"}
    return msgspec.structs.replace(
        base, file=msgspec.structs.replace(base.file, file={**FILE, "child": child}, file_version=2)
    )


def test_what_a_colleague_corrected_is_not_taken_back() -> None:
    """Only the officer's own change is sent, with the version it was made from."""
    body = order_of("correct", renamed(opened(form__child__weight_g="3200"))).body
    assert body["changes"] == [{"path": "child.weight_g", "value": 3200}]
    assert body["file_version"] == 3


def test_the_panel_remembers_the_version_and_the_texts_it_was_opened_with() -> None:
    """Shown again over a newer file, it still tells what the officer saw."""
    panel = panel_of("correct", renamed(opened()), problems=[])
    assert (panel.version, panel.seen[NAME]) == (3, "Nguyễn An")


def test_an_overtaken_panel_follows_the_file_and_keeps_what_was_typed() -> None:
    """The new name stands in the box, the typed weight stays, and only that is sent next."""
    over = renamed(opened(form__child__weight_g="3200"))
    now = correction_texts(over)
    panel, problems, followed = caught_up(over.typed, now, part_of(over.file, over.procedure).boxes())
    assert (panel[NAME], panel[WEIGHT], problems) == (("Nguyễn Bình",), ("3200",), [])
    assert changed_boxes(panel, now) == [WEIGHT]
    assert len(followed) == 1
    assert followed[0] in overtaken_notice(followed)


def test_two_words_for_one_box_are_both_shown() -> None:
    """The officer's stays in the box, the file's is told at it; sent again it is a change on purpose."""
    over = renamed(opened(form__child__intended_name="Nguyễn Cường"))
    now = correction_texts(over)
    panel, problems, followed = caught_up(over.typed, now, part_of(over.file, over.procedure).boxes())
    assert (panel[NAME], followed) == (("Nguyễn Cường",), ())
    assert [name for name, _ in problems] == [NAME]
    assert "Nguyễn Bình" in problems[0][1]
    assert changed_boxes(panel, now) == [NAME]


def test_how_a_browser_ends_lines_is_no_change() -> None:
    """CR LF against LF."""
    assert changed_boxes({"a": ("x\r\ny",)}, {"a": "x\ny "}) == []

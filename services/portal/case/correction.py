"""Correcting the file of a dossier, while somebody else may be correcting it too. Pure.

A panel tells with each box what the box held when it was opened (`goc.<box>`): what the officer changed is what differs
from that, not from what the file says by the time the panel is sent.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from services.portal.case.file_sections import as_of, as_typed, part_of, value_at
from services.portal.case.matter import EXPLANATION_LENGTH_MAX, Matter, Order, Typed, Wrong
from services.portal.forms.fields import Box, Part
from services.portal.forms.reading import PREFIX, Problems, Reader

SEEN = "goc."
Texts = Mapping[str, str]


def seen_texts(typed: Typed, now: Texts) -> dict[str, str]:
    """What each box held when the panel was opened; where the panel does not tell, what the file says `now`."""
    return {name: next(iter(typed.get(SEEN + name, ())), text) for name, text in now.items()}


def changed_boxes(typed: Typed, now: Texts) -> list[str]:
    """The boxes the officer changed."""
    seen = seen_texts(typed, now)
    return [name for name in now if typed.get(name) and _differs(typed[name][0], seen[name])]


def caught_up(typed: Typed, now: Texts, boxes: Iterable[Box]) -> tuple[Typed, Problems, tuple[str, ...]]:
    """The panel over what the file says `now`: what was typed, at which of these boxes the file says something else
    by now, and the labels of the other boxes that follow the file.
    """
    mine, seen = frozenset(changed_boxes(typed, now)), seen_texts(typed, now)
    panel: dict[str, tuple[str, ...]] = dict(typed)
    problems: Problems = []
    followed = []
    for box in boxes:
        name = PREFIX + box.path
        text = now[name]
        panel[SEEN + name] = (text,)
        if name not in mine:
            panel[name] = (text,)
        if not _differs(text, seen[name]):
            continue
        if name not in mine:
            followed.append(box.label)
        elif _differs(text, typed[name][0]):
            words = dict(box.choices).get(text, text)
            told = f"hồ sơ nay ghi “{words}”" if words else "hồ sơ nay để trống"
            problems.append((name, f"{box.label}: {told}, khác với nội dung ông/bà nhập."))
    return panel, problems, tuple(followed)


def overtaken_notice(followed: tuple[str, ...]) -> str:
    """The sentence above the panel: what of it is new, and that nothing typed is lost."""
    new = f" Đã lấy theo hồ sơ mới: {', '.join(followed)}." if followed else ""
    return (
        f"Hồ sơ vừa được người khác sửa, nên nội dung ông/bà gửi chưa được ghi.{new} "
        "Nội dung ông/bà đã sửa vẫn còn bên dưới: hãy đối chiếu rồi gửi lại."
    )


def correction_texts(matter: Matter) -> dict[str, str]:
    """What the file says, as its boxes hold it."""
    file, catalogue = matter.file, matter.catalogue
    return {
        PREFIX + box.path: as_typed(
            box, value_at(file.file, box.path), catalogue, as_of(box, file.file, matter.today)
        )
        for box in part_of(file, matter.procedure).boxes()
    }


def correct(matter: Matter) -> Order:
    """Correct what the officer changed, with the reason why."""
    part, before = part_of(matter.file, matter.procedure), correction_texts(matter)
    boxes = {PREFIX + box.path: box for box in part.boxes()}
    changed = changed_boxes(matter.typed, before)
    problems: Problems = []
    entries = []
    for name in changed:
        value, wrong = value_of_box(boxes[name], matter)
        problems += wrong
        entries.append({"path": boxes[name].path, "value": value})
    if not changed:
        problems.append(("", "Chưa có mục nào được sửa."))
    if not matter.text("ghi-chu"):
        problems.append(("ghi-chu", "Hãy ghi vì sao phải sửa."))
    if problems:
        raise Wrong(problems)
    explanation = matter.text("ghi-chu")[:EXPLANATION_LENGTH_MAX]
    body: dict[str, Any] = {"changes": entries, "reason": "declared-wrong", "explanation": explanation}
    if matter.version is not None:
        body["file_version"] = matter.version
    return Order(service="intake", path=f"/dossiers/{matter.file.dossier.id}/corrections", body=body)


def value_of_box(box: Box, matter: Matter) -> tuple[Any, Problems]:
    """The value of one box by itself; None where it was emptied."""
    part = Part(path="", label="", required=True, inner=(box,))
    texts = {PREFIX + box.path: matter.text(PREFIX + box.path)}
    data, problems = Reader(matter.catalogue, matter.today).read(part, texts)
    return data.get(box.path.rpartition(".")[2]), problems


def _differs(one: str, other: str) -> bool:
    """Whether two texts differ by more than blanks around them and how a browser ends lines."""
    return one.strip().splitlines() != other.strip().splitlines()

"""What the applicant brings because it was asked for: papers with their scans, data of the file put right. Pure."""

from typing import Any

from libs.catalogue import Procedure
from services.portal.case.answers import File
from services.portal.case.correction import changed_boxes, correction_texts, value_of_box
from services.portal.case.file_sections import Paper, papers_of, part_of
from services.portal.case.matter import Matter, Order, Wrong
from services.portal.forms.fields import Box, Part
from services.portal.forms.reading import PREFIX, Problems

# A scan of a paper: prefix of the name of its box.
SCAN = "tep."


def asked_papers(file: File, procedure: Procedure) -> tuple[Paper, ...]:
    """The papers that are still wanted."""
    wanted = frozenset(file.dossier.wanted)
    return tuple(paper for paper in papers_of(file, procedure) if paper.code in wanted)


def asked_part(file: File, procedure: Procedure) -> Part:
    """The boxes of the file that are still wanted; those below a group that was asked for as a whole too."""
    whole = part_of(file, procedure)
    boxes = tuple(box for box in whole.boxes() if _asked(box, file.dossier.wanted))
    return Part(path="", label=whole.label, required=False, inner=boxes)


def _asked(box: Box, wanted: tuple[str, ...]) -> bool:
    return any(box.path == path or box.path.startswith(f"{path}.") for path in wanted)


def supply(matter: Matter) -> Order:
    """Hand in what has come of it: the rest may follow."""
    boxes = {PREFIX + box.path: box for box in asked_part(matter.file, matter.procedure).boxes()}
    changed = [name for name in changed_boxes(matter.typed, correction_texts(matter)) if name in boxes]
    problems: Problems = []
    entries = []
    for name in changed:
        value, wrong = value_of_box(boxes[name], matter)
        problems += wrong
        entries.append({"path": boxes[name].path, "value": value})
    if not entries and not matter.all("giay-to"):
        first = "giay-to" if asked_papers(matter.file, matter.procedure) else next(iter(boxes), "")
        problems.append((first, "Hãy đánh dấu giấy tờ đã nhận hoặc sửa thông tin được yêu cầu."))
    if problems:
        raise Wrong(problems)
    body: dict[str, Any] = {"components": matter.all("giay-to"), "fields": entries}
    if matter.version is not None:
        body["file_version"] = matter.version
    return Order(service="intake", path=f"/dossiers/{matter.file.dossier.id}/supplements", body=body)

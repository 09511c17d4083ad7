"""What stands in the intake form of a counter, and what of it goes to intake. Pure.

Names of the boxes: `form.<path>` data, `nguon.<path>` where each came from, `giay.<code>` a paper of the procedure,
`chon.<code>` an option, `hang.<path>` how many rows of a list are shown.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from libs.catalogue import Component, Procedure
from libs.http.problems import FieldError
from services.portal.forms.fields import Part, Rows
from services.portal.forms.reading import PREFIX, Problems
from services.portal.wording import ORIGINS

PROCEDURE, SEARCH_PROCEDURE = "thu-tuc", "tim-thu-tuc"
ORIGIN, PAPER, OPTION, ROWS = "nguon.", "giay.", "chon.", "hang."
SLIP, SCRIBE, READ_BACK, APPOINTMENT, ADD_ROW = (
    "phieu-bo-sung",
    "viet-ho",
    "da-doc-lai",
    "ngay-hen",
    "them-dong",
)
# Ticked by who wants a second dossier although the first sending made one; its value is the second one's key.
KEY_ANEW = "khoa-moi"
GIVEN, MISSING, NOT_NEEDED = "co", "thieu", "khong"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Everything typed so far, by the names of the boxes."""

    typed: Mapping[str, str] = {}

    def text(self, name: str) -> str:
        """What stands in the box."""
        return self.typed.get(name, "").strip()

    def typed_any(self, names: Iterable[str]) -> bool:
        """Whether something stands in one of the boxes."""
        return any(self.text(name) for name in names)

    @property
    def key(self) -> str:
        """The idempotency key made when the form was opened; another once the officer wants a second dossier."""
        return self.text(KEY_ANEW) or self.text("khoa")

    @property
    def scribe(self) -> bool:
        """Whether the officer writes for the citizen (viết hộ)."""
        return bool(self.text(SCRIBE))

    @property
    def read_back(self) -> bool:
        """Whether what was written has been read back to them."""
        return self.scribe and bool(self.text(READ_BACK))

    @property
    def slip(self) -> bool:
        """Whether a dossier that lacks papers is to be received with a request for them (form 02)."""
        return bool(self.text(SLIP))

    @property
    def rows(self) -> Rows:
        """How many rows of each list are shown; the button for another one counts."""
        counts = {
            name.removeprefix(ROWS): int(value)
            for name, value in self.typed.items()
            if name.startswith(ROWS) and value.isascii() and value.isdigit() and len(value) <= 2
        }
        if more := self.text(ADD_ROW):
            counts[more] = counts.get(more, 1) + 1
        return Rows(counts=counts)

    def mark(self, component: str) -> str:
        """What the officer said of a paper: co, thieu, khong, or nothing yet."""
        return self.text(PAPER + component)

    def options(self, procedure: Procedure) -> dict[str, bool | str]:
        """The options of the procedure as chosen, with the defaults of the others."""
        chosen: dict[str, bool | str] = {}
        for option in procedure.options:
            value = self.text(OPTION + option.code)
            if not value:
                chosen[option.code] = option.default
            else:
                chosen[option.code] = value if option.choices else value == "yes"
        return chosen

    def origins(self, part: Part) -> dict[str, str]:
        """Where each filled box came from, by the path in the form."""
        return {
            box.path: found if (found := self.text(ORIGIN + box.path)) in ORIGINS else "typed"
            for box in part.boxes()
            if self.text(PREFIX + box.path)
        }


def given_components(draft: Draft, procedure: Procedure) -> tuple[str, ...]:
    """Papers that are there, or in whose place the officer looks the data up."""
    return tuple(
        one.code
        for one in procedure.components
        if draft.mark(one.code) == GIVEN or (draft.mark(one.code) == NOT_NEEDED and one.replaced_by_data)
    )


def missing_components(draft: Draft, procedure: Procedure) -> list[Component]:
    """The papers the dossier still needs with these options."""
    return procedure.missing_components(given_components(draft, procedure), draft.options(procedure))


def paper_problems(draft: Draft, procedure: Procedure) -> Problems:
    """Papers nobody has looked at, and those that lack while no slip for them is wanted."""
    found: Problems = []
    for one in missing_components(draft, procedure):
        name, mark = PAPER + one.code, draft.mark(one.code)
        if not mark:
            found.append((name, f"Chưa kiểm tra: {one.name_vi}."))
        elif mark == NOT_NEEDED:
            found.append((name, f"Giấy tờ này bắt buộc, hãy chọn Có hoặc Thiếu: {one.name_vi}."))
        elif not draft.slip:
            found.append((name, f"Còn thiếu: {one.name_vi}."))
    return found


def application(
    draft: Draft, procedure: Procedure, part: Part, form: Mapping[str, Any], appointment_at: datetime | None
) -> dict[str, Any]:
    """What is sent to intake."""
    body: dict[str, Any] = {
        "procedure": procedure.code,
        "form": form,
        "options": draft.options(procedure),
        "components": given_components(draft, procedure),
        "channel": "counter",
    }
    if appointment_at is not None:
        body["appointment_at"] = appointment_at
    if draft.scribe:
        body["provenance"] = draft.origins(part)
        body["read_back"] = draft.read_back
    return body


def told_problems(errors: Iterable[FieldError], procedure: Procedure, part: Part) -> Problems:
    """Intake's errors at the boxes they are about, each once."""
    boxes = [PREFIX + box.path for box in part.boxes()]
    found = [(_place(error.field, boxes, procedure), error.message) for error in errors]
    return list(dict.fromkeys(found))


def _place(field: str, boxes: list[str], procedure: Procedure) -> str:
    if field in boxes:
        return field
    if field.startswith(PREFIX):
        # A group is wrong as a whole: its first box is where one begins.
        return next((box for box in boxes if box.startswith(f"{field}.")), "")
    if field.startswith("options."):
        code = field.removeprefix("options.")
        return OPTION + code if any(option.code == code for option in procedure.options) else ""
    if field == "procedure":
        return SEARCH_PROCEDURE
    return APPOINTMENT if field == "appointment_at" else ""

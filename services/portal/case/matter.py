"""What a panel of a dossier's page is about, and what many acts read from it: a reason, a note, a choice. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from libs.catalogue import Catalogue, Procedure
from services.portal.case.answers import Apology, CaseDesk, Choice, File, LegalAct, StepDesk
from services.portal.forms.reading import Problems

NOTE_LENGTH_MAX = 2000
# Words an applicant reads when a dossier is not taken, and why a file was corrected.
EXPLANATION_LENGTH_MAX = 1000
Typed = Mapping[str, tuple[str, ...]]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What one service is asked to do."""

    service: str
    path: str
    body: dict[str, Any]


class Wrong(Exception):
    """What was typed cannot be sent: (field, message) of each place."""

    def __init__(self, problems: Problems) -> None:
        super().__init__("wrong")
        self.problems = problems


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """What a panel is about: the dossier, the step and how it may be worked on, what was typed, and today.

    `version` is that of what the panel changes as the officer saw it: the step's, or the file's for a correction.
    """

    file: File
    procedure: Procedure
    catalogue: Catalogue
    today: date
    desk: CaseDesk | None = None
    step: StepDesk | None = None
    legal: LegalAct | None = None
    apology: Apology | None = None
    outcome: dict[str, Any] = {}
    version: int | None = None
    typed: Typed = {}

    @property
    def case_path(self) -> str:
        """The case at routing."""
        return f"/cases/{self.file.dossier.id}"

    def text(self, name: str) -> str:
        """What was typed into a field, without blanks around it."""
        return next(iter(self.typed.get(name, ())), "").strip()

    def all(self, name: str) -> tuple[str, ...]:
        """Every box ticked under a name."""
        return self.typed.get(name, ())

    def step_path(self, verb: str) -> str:
        """The step at routing. Raises Wrong without one."""
        return f"{self.case_path}/steps/{self.needed_step.step}/{verb}"

    @property
    def needed_step(self) -> StepDesk:
        """The step. Raises Wrong without one."""
        if self.step is None:
            raise Wrong([("", "Bước này không còn ở cơ quan của ông/bà.")])
        return self.step


def reason_of(matter: Matter, move: str) -> str:
    """The reason that was chosen among those there are for a move. Raises Wrong."""
    known = {one.code for one in (matter.desk.reasons.get(move, ()) if matter.desk else ())}
    if (reason := matter.text("ly-do")) in known:
        return reason
    raise Wrong([("ly-do", "Hãy chọn một lý do.")])


def note_of(matter: Matter, *, needed: str = "") -> str:
    """The note; where one is `needed`, that says so when it is empty. Raises Wrong."""
    note = matter.text("ghi-chu")
    if needed and not note:
        raise Wrong([("ghi-chu", needed)])
    if len(note) > NOTE_LENGTH_MAX:
        raise Wrong([("ghi-chu", f"Nội dung dài quá {NOTE_LENGTH_MAX} ký tự.")])
    return note


def choice_of(matter: Matter) -> Choice:
    """What the act is done with, of what the law offers for it. Raises Wrong."""
    choices = matter.legal.choices if matter.legal else ()
    number = matter.text("lua-chon")
    if number.isascii() and number.isdigit() and len(number) <= 2 and int(number) < len(choices):
        return choices[int(number)]
    raise Wrong([("lua-chon", "Hãy chọn một mục.")])

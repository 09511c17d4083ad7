"""Prints papers in this process: the form in force on the day, filled in, as an accessible PDF/A."""

from datetime import date, datetime, time
from pathlib import Path

import typst

from libs.catalogue.calendar import VIETNAM
from libs.catalogue.paper_forms import FOLDER, load_forms
from libs.papers.papers import Paper
from libs.papers.values import values_of
from libs.printing.typesetting import Standard, Typesetter, vietnamese_serif
from libs.printing.workers import CannotPrint

# The least size on papers old people read (reference/interface.md c9).
POINTS = 11.0
# PDF/A-2a is kept for decades with its text readable; PDF/UA-1 can be read out by a screen reader.
STANDARDS = ("a-2a", "ua-1")


class Printer:
    """Prints the papers of one catalogue. Not for use by two threads at once."""

    def __init__(self, catalogue: Path, *, system_fonts: bool = True) -> None:
        """Fonts are loaded here (a tenth of a second). Raises CatalogueError when the list of forms is wrong."""
        self._forms = load_forms(catalogue)
        fonts = typst.Fonts(include_system_fonts=system_fonts)
        self._typesetter = Typesetter(catalogue / FOLDER, fonts, serif=vietnamese_serif(fonts), points=POINTS)

    def render(self, form: str, data: Paper, on_date: date) -> bytes:
        """The PDF of the paper in the version in force on its date, which also stands on it.

        The same paper gives the same bytes. Raises UnknownForm, TypeError when the form is not for such data, and
        ValueError for values no paper can say (a moment without a zone, a fee below nought).
        """
        version = self._forms.form(form, on_date)
        made = datetime.combine(on_date, time(), VIETNAM)
        return self._typesetter.set(
            version.template, values_of(version, data, on_date), Standard(*STANDARDS, moment=made)
        )


class _Worker:
    """What a worker process of the press has loaded, once."""

    printer: Printer


def start_worker(catalogue: Path) -> None:
    """Make this process one of the press. Raises CatalogueError when the list of forms is wrong."""
    _Worker.printer = Printer(catalogue)


def print_in_worker(form: str, data: Paper, on_date: date) -> bytes:
    """The PDF, printed in this worker process. Raises CannotPrint."""
    try:
        return _Worker.printer.render(form, data, on_date)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must reach the caller without its text
        raise CannotPrint(type(error).__name__) from None

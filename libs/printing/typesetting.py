"""Typst templates filled in with values: the values go in as data, never as source, so none can change a template."""

import io
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import typst
from pyhanko.pdf_utils.reader import PdfFileReader

from libs.printing.letters import MISSING

# The size of a paper's text, and how small it may become on a paper that must fit on one page.
POINTS, POINTS_MIN, POINTS_STEP = 11.5, 3.0, 0.5
# What a template says of itself.
_ONE_PAGE = re.compile(r"\bone-page:\s*true\b")
# Typst brings this type along; its licence (OFL) lets it be embedded, and it has every Vietnamese letter.
EMBEDDED_SERIF = "Libertinus Serif"
# The type of legal papers and those of equal widths. Some versions lack Vietnamese letters (Liberation 1.x has no ơ).
TIMES_LIKE = ("Times New Roman", "Liberation Serif", "Tinos")
_VIETNAMESE = "ẰẲẴẮẶẤẦẨẪẬẾỀỂỄỆỐỒỔỖỘƠỚỜỞỠỢƯỨỪỬỮỰĐĂẠẢẸẺẼỊỈỌỎỤỦỲỴỶỸ"
_PROBE = """#set document(title: "probe")
#set text(font: sys.inputs.family, fallback: false, lang: "vi")
#sys.inputs.letters #strong(sys.inputs.letters) #emph(sys.inputs.letters)
"""


class Standard:
    """How a PDF is written: the standards it keeps, and the moment it says it was made at."""

    def __init__(self, *standards: str, moment: datetime | None = None) -> None:
        self.options: dict[str, Any] = {"pdf_standards": list(standards)} if standards else {}
        if moment is not None:
            self.options["timestamp"] = int(moment.timestamp())


PLAIN = Standard()


class Typesetter:
    """Sets papers from the templates of one folder; each template is read once. Not for use by two threads at once."""

    def __init__(
        self, templates: Path, fonts: typst.Fonts, *, serif: str = "", points: float = POINTS
    ) -> None:
        """`serif` is told to templates that ask for it; `points` is the size a paper's text begins with."""
        self._folder = templates
        self._fonts = fonts
        self._serif = serif or EMBEDDED_SERIF
        self._points = points
        self._read: dict[str, _Template] = {}

    def set(self, name: str, values: dict[str, Any], standard: Standard = PLAIN) -> bytes:
        """The PDF of `<name>.typ` with these values, on one page where the template says so.

        Raises typst.TypstError for values it cannot set.
        """
        template = self._read.get(name)
        if template is None:
            template = self._read[name] = _Template(self._folder, name, self._fonts)
        data = {"data": json.dumps(values, ensure_ascii=False), "serif": self._serif}
        points = self._points
        pdf = template.fill(data, points, standard)
        while template.one_page and points > POINTS_MIN and pages_of(pdf) > 1:
            points -= POINTS_STEP
            pdf = template.fill(data, points, standard)
        return pdf


class _Template:
    """A template ready to be filled in."""

    def __init__(self, folder: Path, name: str, fonts: typst.Fonts) -> None:
        source = folder / f"{name}.typ"
        self.one_page = _ONE_PAGE.search(source.read_text(encoding="utf-8")) is not None
        self._compiler = typst.Compiler(
            str(source), root=str(folder), font_paths=fonts, ignore_system_fonts=True
        )

    def fill(self, data: dict[str, str], points: float, standard: Standard) -> bytes:
        """The PDF with these values."""
        inputs = {**data, "points": str(points)}
        return cast(bytes, self._compiler.compile(sys_inputs=inputs, **standard.options))


def pages_of(pdf: bytes) -> int:
    """How many pages it has."""
    return int(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Count"])


def vietnamese_serif(fonts: typst.Fonts) -> str:
    """The first Times-like family that has every Vietnamese letter, upright, bold and italic; else the embedded one."""
    installed = set(fonts.families())
    return next((f for f in TIMES_LIKE if f in installed and _has_vietnamese(fonts, f)), EMBEDDED_SERIF)


def _has_vietnamese(fonts: typst.Fonts, family: str) -> bool:
    letters = f"{_VIETNAMESE} {_VIETNAMESE.lower()} ₫{MISSING}"
    try:
        # PDF/A has no place for a letter without a glyph, so setting them is the question whether they are there.
        typst.compile(
            _PROBE.encode(),
            font_paths=fonts,
            ignore_system_fonts=True,
            sys_inputs={"family": family, "letters": letters},
            pdf_standards=["a-2a"],
        )
    except typst.TypstError:
        return False
    return True

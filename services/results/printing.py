"""Turns values into signed PDFs: Typst renders, the signer signs. Runs in worker processes, off the event loop."""

import hashlib
import io
import json
import os
import re
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, cast

import segno
import typst
from pyhanko.pdf_utils.reader import PdfFileReader

from services.results.jobs import CannotPrint, Job, Printed
from services.results.signing import Signers
from services.results.signing_keys import SigningKeys

# The size of a paper's text, and how small it may become on a paper that must fit on one page.
POINTS, POINTS_MIN, POINTS_STEP = 11.5, 3.0, 0.5
# What a template says of itself to frame.typ's `paper`.
_ONE_PAGE = re.compile(r"\bone-page:\s*true\b")
# Any of the eight masks reads alike where the data is a random token (decoded under blur and noise as often as with
# the mask of least penalty); trying all eight takes 2.2 of the 2.7 ms that a code takes.
_QR_MASK = 4


class _Worker:
    """What one worker process has loaded, once."""

    templates: Path
    fonts: typst.Fonts
    signers: Signers
    papers: dict[str, "_Template"]


class _Template:
    """A template ready to be filled in."""

    def __init__(self, name: str) -> None:
        source = _Worker.templates / f"{name}.typ"
        self.one_page = _ONE_PAGE.search(source.read_text(encoding="utf-8")) is not None
        self._compiler = typst.Compiler(
            str(source), root=str(_Worker.templates), font_paths=_Worker.fonts, ignore_system_fonts=True
        )

    def fill(self, values: dict[str, Any], points: float) -> bytes:
        """The PDF with these values."""
        data = {"data": json.dumps(values, ensure_ascii=False), "points": str(points)}
        return cast(bytes, self._compiler.compile(sys_inputs=data))


def start_worker(templates: str, signing: SigningKeys) -> None:
    """Prepare this process: load fonts and the signing key once. Raises ValueError when the key cannot be read."""
    # Ctrl-C reaches the whole group of processes; what is being printed is finished all the same.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    prepare(Path(templates), signing)


def prepare(templates: Path, signing: SigningKeys) -> None:
    """Load fonts and the signing keys into this process. Raises ValueError when a key cannot be read."""
    _Worker.templates = templates
    _Worker.fonts = typst.Fonts(include_system_fonts=False)
    _Worker.signers = Signers(signing)
    _Worker.papers = {}


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for jobs for ever."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def print_all(jobs: list[Job]) -> list[Printed]:
    """Render and sign each job in turn, in this worker process. Raises CannotPrint."""
    try:
        return [_print(job) for job in jobs]
    except Exception as error:  # noqa: BLE001 - whatever it is, it must reach the press without its text
        raise CannotPrint(type(error).__name__) from None


def _print(job: Job) -> Printed:
    values = job.values
    if job.verify_url:
        values = {**values, "qr": qr_svg(job.verify_url), "verify_url": job.verify_url}
    signer = _Worker.signers.of(job.signer)
    if job.sign:
        values = {**values, "signed_by": signer.holder}
    pdf = _render(job.template, values)
    if job.sign:
        pdf = signer.sign(pdf, reason=job.reason, location=job.location)
    return Printed(pdf=pdf, sha256=hashlib.sha256(pdf).digest())


def _render(name: str, values: dict[str, Any]) -> bytes:
    template = _Worker.papers.get(name)
    if template is None:
        template = _Worker.papers[name] = _Template(name)
    points = POINTS
    pdf = template.fill(values, points)
    while template.one_page and points > POINTS_MIN and _pages(pdf) > 1:
        points -= POINTS_STEP
        pdf = template.fill(values, points)
    return pdf


def _pages(pdf: bytes) -> int:
    return int(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Count"])


def qr_svg(text: str) -> str:
    """The QR code of `text` as SVG, error correction M (15 %: a stamp or fold may hide a corner)."""
    out = io.BytesIO()
    code = segno.make(text, error="m", micro=False, mask=_QR_MASK)
    code.save(out, kind="svg", xmldecl=False, svgns=True, border=2)
    return out.getvalue().decode()

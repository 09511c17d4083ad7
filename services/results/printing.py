"""Turns values into signed PDFs: Typst renders, the signer signs. Runs in worker processes, off the event loop."""

import hashlib
from pathlib import Path

import typst

from libs.printing.qr import qr_svg
from libs.printing.typesetting import Typesetter
from libs.printing.workers import CannotPrint
from services.results.jobs import Job, Printed
from services.results.signing import Signers
from services.results.signing_keys import SigningKeys


class _Worker:
    """What one worker process has loaded, once."""

    typesetter: Typesetter
    signers: Signers


def prepare(templates: Path, signing: SigningKeys) -> None:
    """Load fonts and the signing keys into this process. Raises ValueError when a key cannot be read."""
    # The embedded type only: a signed paper looks the same whatever is installed.
    _Worker.typesetter = Typesetter(templates, typst.Fonts(include_system_fonts=False))
    _Worker.signers = Signers(signing)


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
    pdf = _Worker.typesetter.set(job.template, values)
    if job.sign:
        pdf = signer.sign(pdf, reason=job.reason, location=job.location)
    return Printed(pdf=pdf, sha256=hashlib.sha256(pdf).digest())

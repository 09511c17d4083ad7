"""Turns values into signed PDFs: Typst renders, pyHanko signs (PAdES). Runs in worker processes, off the event loop."""

import hashlib
import io
import json
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import msgspec
import typst
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

# Room for the signature in the file. pyHanko would otherwise sign once more only to learn the size (measured: 22 ms
# instead of 11 ms a document); a P-256 signature with a two-certificate chain takes about 3,000 hex digits.
SIGNATURE_BYTES_RESERVED = 8192
SIGNATURE_FIELD = "ChuKySo"


class CannotPrint(Exception):
    """A job gives no paper, whatever is tried; the message is the error's type, for its text may hold values."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One paper to print: template, values, and what the signature says. `sign` is off for receipts."""

    template: str
    values: dict[str, Any]
    reason: str = ""
    location: str = ""
    sign: bool = True


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """A finished PDF and its SHA-256."""

    pdf: bytes
    sha256: bytes


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """Paths of the PEM files that sign: private key, certificate, and the chain up to the authority."""

    key: str
    certificate: str
    chain: str


class _Worker:
    """What one worker process has loaded, once."""

    templates: Path
    fonts: typst.Fonts
    signer: signers.SimpleSigner


def start_worker(templates: str, signing: SigningKey) -> None:
    """Prepare this process: load fonts and the signing key once. Raises ValueError when the key cannot be read."""
    # Ctrl-C reaches the whole group of processes; what is being printed is finished all the same.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent-watch", daemon=True).start()
    _Worker.templates = Path(templates)
    _Worker.fonts = typst.Fonts(include_system_fonts=False)
    _Worker.signer = load_signer(signing)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for jobs for ever."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def load_signer(signing: SigningKey) -> signers.SimpleSigner:
    """The signer of these files. Raises ValueError when they cannot be used."""
    load: Callable[..., signers.SimpleSigner | None] = signers.SimpleSigner.load
    signer = load(signing.key, signing.certificate, ca_chain_files=(signing.chain,), key_passphrase=None)
    if signer is None:
        raise ValueError("the signing key or its certificate cannot be read")
    return signer


def print_all(jobs: list[Job]) -> list[Printed]:
    """Render and sign each job in turn, in this worker process. Raises CannotPrint."""
    try:
        return [_print(job) for job in jobs]
    except Exception as error:  # noqa: BLE001 - whatever it is, it must reach the press without its text
        raise CannotPrint(type(error).__name__) from None


def _print(job: Job) -> Printed:
    source = _Worker.templates / f"{job.template}.typ"
    pdf: bytes = typst.compile(
        str(source),
        root=str(_Worker.templates),
        font_paths=_Worker.fonts,
        sys_inputs={"data": json.dumps(job.values, ensure_ascii=False)},
    )
    if job.sign:
        pdf = _sign(pdf, job)
    return Printed(pdf=pdf, sha256=hashlib.sha256(pdf).digest())


def _sign(pdf: bytes, job: Job) -> bytes:
    metadata = signers.PdfSignatureMetadata(
        field_name=SIGNATURE_FIELD,
        md_algorithm="sha256",
        subfilter=fields.SigSeedSubFilter.PADES,
        reason=job.reason,
        location=job.location,
    )
    out = signers.sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(pdf)),
        metadata,
        signer=_Worker.signer,
        bytes_reserved=SIGNATURE_BYTES_RESERVED,
    )
    return bytes(out.getbuffer())

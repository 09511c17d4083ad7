"""One claimed file: read, handed to intake, acknowledged, put away. Doing it twice does nothing twice.

The record of what was done is intake's: the same content gets the same report, so acknowledgements can be written anew
after a crash, under names that follow from the content.
"""

import asyncio
import hashlib
import os
import re

import msgspec

from libs.http.client import Refused
from libs.telemetry.logs import log
from libs.telemetry.metrics import counter
from services.gateway.dropping.acks import Ack, Summary, Wrong, fhir_acks, summary, wrongs, xml9_acks
from services.gateway.dropping.folders import Folder, claimed_as, is_plain_name, read_all
from services.gateway.fhir.bundles import BYTES_MAX
from services.gateway.fhir.desk import FhirDesk
from services.gateway.partners.partner import Partner
from services.gateway.submissions.xml9 import FILE_BYTES_MAX, Report, Uploads

_FILES = counter("drop_files_total")
_SUMMARY = ".summary.json"
# Statuses that say "not now", and those an operator has to look at: a right that was not given, a key not known.
_LATER = (401, 403, 408, 429, 503)


class Later(Exception):
    """The file waits: intake cannot take it now."""


class Taking:
    """Hands claimed files to intake in the partner's name."""

    def __init__(self, uploads: Uploads, fhir: FhirDesk) -> None:
        self._uploads = uploads
        self._fhir = fhir

    async def take(self, partner: Partner, folder: Folder, claimed: str) -> None:
        """Take one claimed file to its end, unless another process has it in hand.

        Raises Later, Changed, Unavailable of libs.http.client, or OSError; then it is tried again.
        """
        name = claimed_as(claimed)
        with folder.held(claimed) as descriptor:
            if descriptor is None:
                return
            if not is_plain_name(name):
                text = "Tên tệp có ký tự không được phép hoặc quá dài."
                await asyncio.to_thread(self._aside, folder, claimed, "name", text, b"")
                return
            limit = FILE_BYTES_MAX if name.lower().endswith(".xml") else BYTES_MAX
            content = await asyncio.to_thread(read_all, descriptor, limit)
            if len(content) > limit:
                text = f"Tệp lớn hơn {limit // (1024 * 1024)} MiB."
                await asyncio.to_thread(self._aside, folder, claimed, "too-large", text, content)
            elif name.lower().endswith(".xml"):
                await self._xml9(partner, folder, claimed, content)
            else:
                await self._bundle(partner, folder, claimed, content)

    def refuse(self, folder: Folder, claimed: str) -> None:
        """Set aside what is no plain file, unopened."""
        self._aside(folder, claimed, "not-a-file", "Đây không phải một tệp thường.", b"")

    async def _xml9(self, partner: Partner, folder: Folder, claimed: str, content: bytes) -> None:
        try:
            report = msgspec.json.decode(await self._uploads.send(partner, content, "folder"), type=Report)
        except Refused as refused:
            if refused.status in _LATER or refused.status >= 500:
                raise Later(refused.slug) from None
            told = refused.told
            text = " ".join(part for part in (told.title, told.detail) if part) or "Tệp không được nhận."
            await asyncio.to_thread(self._aside, folder, claimed, refused.slug, text, content)
            return
        if report.failed:
            # Storing did not work for some; the same file gets them in.
            log.warning("drop-records-failed", count=report.failed)
        acks = list(xml9_acks(claimed_as(claimed), report))
        await asyncio.to_thread(self._away, folder, claimed, content, acks, report.summary)

    async def _bundle(self, partner: Partner, folder: Folder, claimed: str, content: bytes) -> None:
        answered = await self._fhir.submit(partner, content, "folder")
        if answered.status in _LATER:
            raise Later(str(answered.status))
        name = claimed_as(claimed)
        if answered.bundle is None or not answered.births:
            issue = answered.issues[0]
            problems = wrongs(answered.issues)
            await asyncio.to_thread(self._aside, folder, claimed, issue.slug, issue.text, content, problems)
            return
        acks = list(fhir_acks(name, answered))
        states = [ack.state for ack in acks]
        text = (
            f"Bundle có {len(acks)} trẻ: nhận {states.count('accepted')}, đã có từ trước {states.count('duplicate')}, "
            f"không nhận {states.count('refused')}."
        )
        await asyncio.to_thread(self._away, folder, claimed, content, acks, text)

    def _away(self, folder: Folder, claimed: str, content: bytes, acks: list[Ack], message: str) -> None:
        """Acknowledge and move to `done`; the summary comes last, so that who sees it finds everything."""
        sha256 = hashlib.sha256(content).hexdigest()
        name = _out_name(folder, claimed_as(claimed), sha256)
        for ack in acks:
            folder.write("out", f"{name}.{ack.record}.ack.json", _written(ack))
        told = summary(claimed_as(claimed), sha256, acks, message)
        folder.write("out", f"{name}{_SUMMARY}", _written(told))
        folder.finish(claimed, "done", f"{sha256[:16]}-{claimed_as(claimed)}")
        _FILES.labels("done").inc()
        log.info("drop-file-done", count=len(acks))

    def _aside(
        self,
        folder: Folder,
        claimed: str,
        code: str,
        message: str,
        content: bytes,
        problems: tuple[Wrong, ...] = (),
    ) -> None:
        """Move to `bad`, with the reason beside it and in `out`."""
        sha256 = hashlib.sha256(content).hexdigest() if content else ""
        safe = _safe(claimed_as(claimed))
        told = Summary(
            file=safe,
            sha256=sha256,
            state="refused",
            message=message,
            problems=problems or (Wrong(where="", code=code, message=message),),
        )
        kept = f"{sha256[:16]}-{safe}" if sha256 else f"{claimed.partition('--')[0]}-{safe}"
        folder.write("bad", f"{kept}.reason.json", _written(told))
        folder.write("out", f"{_out_name(folder, safe, sha256)}{_SUMMARY}", _written(told))
        folder.finish(claimed, "bad", kept)
        _FILES.labels("bad").inc()
        log.warning("drop-file-bad", reason=code)


def _out_name(folder: Folder, name: str, sha256: str) -> str:
    """The name acknowledgements begin with: the file's; with its digest when that stands for other content already."""
    there = folder.read("out", f"{name}{_SUMMARY}", 1 << 20)
    if there is None:
        return name
    try:
        same = msgspec.json.decode(there, type=Summary).sha256 == sha256
    except msgspec.MsgspecError:
        same = False
    return name if same else f"{name}.{(sha256 or os.urandom(8).hex())[:16]}"


def _safe(name: str) -> str:
    """A name that can be written anywhere, for one that could not be read."""
    if is_plain_name(name):
        return name
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:60].lstrip(".")
    return plain or "tep"


def _written(value: Ack | Summary) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"

"""Attachments: told by their bytes, kept under random keys, given back only as downloads to who may read."""

import io
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfWriter

from services.intake.attachments import BYTES_MAX
from tests.integration.intake.conftest import Intake
from tests.integration.intake.samples import insurance_card


def picture(kind: str) -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 30, 30)).save(out, kind)
    return out.getvalue()


def document() -> bytes:
    """A PDF of one blank page."""
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# The data a hospital's software sent, kept as they came.
BUNDLE = b'{"resourceType": "Bundle", "type": "document",\n "entry": [] }'


async def new_dossier(intake: Intake) -> str:
    """Where a dossier's attachments are."""
    receipt = (await intake.post("/dossiers", insurance_card(), intake.counter())).json()
    return f"/dossiers/{receipt['dossier_id']}/attachments"


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (document(), "application/pdf"),
        (picture("JPEG"), "image/jpeg"),
        (picture("PNG"), "image/png"),
        (BUNDLE, "application/fhir+json"),
    ],
)
async def test_a_paper_comes_back_as_it_was(intake: Intake, content: bytes, media_type: str) -> None:
    """PDF, JPEG, PNG and FHIR are stored and given back unchanged, as a download under a harmless name."""
    where = await new_dossier(intake)
    answer = await intake.post(f"{where}?component=declaration", content, intake.counter())
    assert answer.status_code == 201, answer.text
    stored = answer.json()
    assert (stored["number"], stored["media_type"], stored["bytes"]) == (1, media_type, len(content))
    got = await intake.get(answer.headers["location"], intake.counter(), purpose="check-dossier")
    assert got.content == content
    assert got.headers["content-type"] == media_type
    assert got.headers["content-disposition"].startswith('attachment; filename="')
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in got.headers["content-security-policy"]
    assert got.headers["cache-control"] == "no-store"
    keys = await intake.rows("SELECT key FROM attachment")
    assert keys[0]["key"].startswith("attachments/")
    logged = await intake.rows("SELECT what, purpose FROM http.read_log")
    assert [(row["what"], row["purpose"]) for row in logged] == [("attachment", "check-dossier")]


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (b"<html><script>alert(1)</script></html>", "attachment-type"),
        (b"MZ" + bytes(200), "attachment-type"),
        (b"", "attachment-type"),
        (picture("GIF"), "attachment-type"),
        (b'{"resourceType": "Bundle", "type": ', "attachment-broken"),
        (b'{"resourceType": "Patient"}', "attachment-type"),
        (picture("PNG")[:-20], "attachment-broken"),
        (picture("PNG") + b"<script>", "attachment-appended"),
        (picture("PNG").replace(b"\x00\x00\x00\x28", b"\x00\x00\x00\x29", 1), "attachment-broken"),
        (picture("JPEG")[:200], "attachment-broken"),
        (document()[:-40], "attachment-broken"),
        (
            document().replace(b"/Catalog", b"/Catalog /OpenAction << /S /JavaScript >>"),
            "attachment-active-content",
        ),
    ],
)
async def test_what_is_no_paper_is_refused(intake: Intake, content: bytes, slug: str) -> None:
    """Other types, torsos, tails and scripts are a 415 with the reason, whatever they are called."""
    where = await new_dossier(intake)
    answer = await intake.post(
        f"{where}?component=declaration", content, {**intake.counter(), "Content-Type": "application/pdf"}
    )
    assert answer.status_code == 415, answer.text
    assert answer.json()["type"].endswith(slug)
    assert (await intake.rows("SELECT count(*) AS n FROM attachment"))[0]["n"] == 0


async def test_a_paper_too_large_is_refused(intake: Intake) -> None:
    """More than the limit is a 413."""
    where = await new_dossier(intake)
    answer = await intake.post(f"{where}?component=declaration", bytes(BYTES_MAX + 1), intake.counter())
    assert answer.status_code == 413


async def test_the_same_paper_twice_is_one(intake: Intake) -> None:
    """The same content again answers with the attachment that is there."""
    where, content = await new_dossier(intake), document()
    first = await intake.post(f"{where}?component=declaration", content, intake.counter())
    second = await intake.post(f"{where}?component=declaration", content, intake.counter())
    assert first.json() == second.json()
    assert len(await intake.office.archive.keys("attachments/")) == 1
    third = await intake.post(f"{where}?component=declaration", picture("PNG"), intake.counter())
    assert third.json()["number"] == 2


async def test_an_acknowledged_paper_is_on_the_disk(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can print it again: before the 201 its content is forced to disk."""
    forced: list[str] = []
    really = os.fsync

    def noted(opened: int) -> None:
        forced.append(Path(f"/proc/self/fd/{opened}").readlink().suffix)
        really(opened)

    where = await new_dossier(intake)
    monkeypatch.setattr(os, "fsync", noted)
    answer = await intake.post(f"{where}?component=declaration", document(), intake.counter())
    assert answer.status_code == 201
    assert ".pdf" in forced


async def test_one_scan_of_two_papers_serves_both(intake: Intake) -> None:
    """The same content for another component is not lost: one attachment that says what all it is for."""
    where, content = await new_dossier(intake), document()
    for component, also in (("declaration", []), ("birth_certificate", ["birth_certificate"])) * 2:
        answer = await intake.post(f"{where}?component={component}", content, intake.counter())
        assert answer.status_code == 201, answer.text
        told = answer.json()
        assert (told["number"], told["component"]) == (1, "declaration")
        assert set(told["also_for"]) >= set(also)
    file = (await intake.get(where.removesuffix("/attachments"), intake.counter(), purpose="audit")).json()
    assert [(a["number"], a["also_for"]) for a in file["attachments"]] == [(1, ["birth_certificate"])]


async def test_nothing_is_attached_to_a_dossier_that_has_ended(intake: Intake) -> None:
    """After a withdrawal a paper is a 409, and its content is not kept."""
    where = await new_dossier(intake)
    withdrawn = await intake.post(where.replace("attachments", "withdrawal"), {}, intake.counter())
    assert withdrawn.status_code == 200
    answer = await intake.post(f"{where}?component=declaration", document(), intake.counter())
    assert answer.status_code == 409
    assert answer.json()["type"].endswith(":already-ended")
    assert await intake.office.archive.keys("attachments/") == []


@pytest.mark.parametrize("number", ["0", "51", "2147483648", "99999999999999999999"])
async def test_a_number_no_paper_can_have_is_refused(intake: Intake, number: str) -> None:
    """Also one the database has no type for."""
    where = await new_dossier(intake)
    answer = await intake.get(f"{where}/{number}", intake.counter(), purpose="audit")
    assert answer.status_code == 422


async def test_a_component_the_procedure_has_not_is_refused(intake: Intake) -> None:
    """Papers belong to a component of the procedure."""
    where = await new_dossier(intake)
    answer = await intake.post(f"{where}?component=passport", document(), intake.counter())
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "component")


async def test_strangers_neither_attach_nor_read(intake: Intake) -> None:
    """For another agency the dossier does not exist, and a paper that is not there is a 404."""
    where = await new_dossier(intake)
    added: Any = await intake.post(f"{where}?component=declaration", document(), intake.counter())
    assert (await intake.get(f"{where}/1", intake.police(), purpose="audit")).status_code == 404
    refused = await intake.post(f"{where}?component=declaration", document(), intake.hospital("93007"))
    assert refused.status_code == 404
    assert (await intake.get(f"{where}/2", intake.counter(), purpose="audit")).status_code == 404
    assert added.status_code == 201

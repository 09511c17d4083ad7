"""The press prints what was called for, signs it, and issues it once."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pypdf
import pypdfium2  # type: ignore[import-untyped]
import pytest
import zxingcpp
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from services.results import desk_store, domain
from services.results.domain import Custody
from services.results.press import Press
from tests.fixtures.servers import eventually
from tests.integration.results.conftest import INSURANCE, MOTHER, Workshop

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def running(*presses: Press) -> AsyncIterator[None]:
    stop = asyncio.Event()
    tasks = [asyncio.create_task(press.run(stop)) for press in presses]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def until_printed(workshop: Workshop, custody: Custody, state: str = "issued") -> None:
    async def printed() -> bool:
        now = await workshop.custody(custody.dossier_id)
        return bool(now.results) and all(r.state in (state, "ready") for r in now.results)

    await eventually(printed, deadline_seconds=60)


async def documents(workshop: Workshop, custody: Custody) -> dict[str, bytes]:
    async with workshop.pool.acquire() as conn:
        rows = await desk_store.results_of(conn, custody.dossier_id)
    return {r["code"]: await workshop.archive.get(r["document_key"], r["document_sha256"]) for r in rows}


async def test_results_are_printed_signed_and_verifiable(workshop: Workshop) -> None:
    """Certificate, card and notice have a trusted PAdES signature, the right words and a QR to verification."""
    custody = await workshop.completed("register_birth", "issue_insurance_card", "register_residence")
    async with running(workshop.press()):
        await until_printed(workshop, custody)
    chains = (workshop.signing.chain, workshop.keys / INSURANCE / "authority.pem")
    roots = [load_cert_from_pemder(str(chain)) for chain in chains]  # type: ignore[no-untyped-call]
    for code, pdf in (await documents(workshop, custody)).items():
        signature = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0]
        status = await asyncio.to_thread(
            validate_pdf_signature, signature, ValidationContext(trust_roots=roots)
        )
        assert status.bottom_line, code
        assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    pdf = (await documents(workshop, custody))["birth_certificate"]
    text = pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    for word in ("Trần Gia Hân", "Nguyễn Thị Mai", "125/2026", "092326000125", "hai mươi mốt tháng mười một"):
        assert word in text
    image = pypdfium2.PdfDocument(pdf)[0].render(scale=3).to_pil()
    async with workshop.pool.acquire() as conn:
        row = next(
            r
            for r in await desk_store.results_of(conn, custody.dossier_id)
            if r["code"] == "birth_certificate"
        )
    assert zxingcpp.read_barcodes(image)[0].text == f"http://verify.example/xac-minh/{row['verify_token']}"


async def test_each_agency_signs_its_own_papers(workshop: Workshop) -> None:
    """The card's certificate is the insurance's and says so; where an agency has no key the paper names who signed."""
    custody = await workshop.completed("register_birth", "issue_insurance_card")
    async with running(workshop.press()):
        await until_printed(workshop, custody)
    papers = await documents(workshop, custody)
    for code, holder in (
        ("insurance_card", "Bảo hiểm xã hội Ngã Bảy"),
        ("birth_certificate", "UBND phường Ngã Bảy"),
    ):
        signature = PdfFileReader(io.BytesIO(papers[code])).embedded_signatures[0]
        assert signature.signer_cert.subject.native["common_name"] == holder
        text = pypdf.PdfReader(io.BytesIO(papers[code])).pages[0].extract_text()
        assert f"Đã ký số: {holder}" in " ".join(text.split())


async def test_later_papers_bear_the_name_that_was_registered(workshop: Workshop) -> None:
    """The child had no name when the hospital declared it; card and notice have the one on its certificate."""
    custody = await workshop.completed("register_birth", "issue_insurance_card", "register_residence")
    async with running(workshop.press()):
        await until_printed(workshop, custody)
    for code, pdf in (await documents(workshop, custody)).items():
        text = pypdf.PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
        assert "Trần Gia Hân" in text, code
        assert "Con của" not in text, code


async def test_a_changed_document_is_not_given_out(workshop: Workshop) -> None:
    """A stored PDF that no longer has its hash is refused by the archive."""
    custody = await workshop.completed("register_birth")
    async with running(workshop.press()):
        await until_printed(workshop, custody)
    async with workshop.pool.acquire() as conn:
        row = (await desk_store.results_of(conn, custody.dossier_id))[0]
    (workshop.folder / row["document_key"]).write_bytes(b"%PDF-forged")
    with pytest.raises(ValueError, match="changed"):
        await workshop.archive.get(row["document_key"], row["document_sha256"])


async def test_two_presses_issue_each_result_once(workshop: Workshop) -> None:
    """Two presses on one database, with leases that end at once: every result is issued exactly once."""
    dossiers = [await workshop.completed("register_birth", "issue_insurance_card") for _ in range(6)]
    presses = [workshop.press(lease_seconds=0.01, batch=4) for _ in range(2)]
    async with running(*presses):
        for custody in dossiers:
            await until_printed(workshop, custody)
    for custody in dossiers:
        assert await workshop.said(custody.dossier_id) == ["results.result-issued.v1"] * 2


async def test_the_press_waits_for_its_neighbours(workshop: Workshop) -> None:
    """While intake is away nothing is issued or rejected; when it is back the result is printed."""
    custody = await workshop.completed("register_birth")
    workshop.town.away = True
    async with running(workshop.press()):

        async def tried() -> bool:
            async with workshop.pool.acquire() as conn:
                return bool((await desk_store.results_of(conn, custody.dossier_id))[0]["attempts"])

        await eventually(tried)
        assert (await workshop.custody(custody.dossier_id)).results[0].state == "pending"
        workshop.town.away = False
        await until_printed(workshop, custody)


async def test_a_result_that_cannot_be_made_goes_back_to_its_agency(workshop: Workshop) -> None:
    """An outcome without a register number is rejected with a code, and the step's agency will do it again."""
    custody = await workshop.completed("register_birth")
    record = workshop.town.records[custody.dossier_id]
    workshop.town.records[custody.dossier_id] = type(record)(
        dossier_id=record.dossier_id,
        code=record.code,
        procedure=record.procedure,
        procedure_from=record.procedure_from,
        mother=MOTHER,
    )
    async with running(workshop.press()):
        await until_printed(workshop, custody, state="rejected")
    assert await workshop.said(custody.dossier_id) == ["results.result-rejected.v1"]


async def test_without_rendering_results_are_records(workshop: Workshop) -> None:
    """A city whose agencies print themselves issues results without a document."""
    custody = await workshop.completed("register_birth")
    async with running(workshop.press(render=False)):
        await until_printed(workshop, custody)
    async with workshop.pool.acquire() as conn:
        row = (await desk_store.results_of(conn, custody.dossier_id))[0]
    assert row["document_key"] is None
    assert row["verify_token"]


async def test_the_database_holds_at_most_one_valid_version(workshop: Workshop) -> None:
    """Even a faulty program cannot store two valid versions of one result."""
    custody = await workshop.completed("register_birth")
    issued, _ = domain.issue(custody, custody.results[0].id, custody.results[0].changed_at)
    await workshop.save(custody, issued)
    async with workshop.pool.acquire() as conn:
        with pytest.raises(asyncpg.UniqueViolationError):
            await conn.execute(
                """
                INSERT INTO result (id, dossier_id, code, step, agency, version, delivery, place, state, changed_at)
                SELECT gen_random_uuid(), dossier_id, code, step, agency, 2, delivery, place, 'issued', changed_at
                FROM result WHERE dossier_id = $1
                """,
                custody.dossier_id,
            )


async def test_hand_overs_cannot_be_changed_by_the_service(workshop: Workshop) -> None:
    """The service's own database role may add hand-overs and acts, not change or delete them."""
    async with workshop.pool.acquire() as conn:
        for table in ("handover", "handover_result", "custody_log"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await conn.execute(f"DELETE FROM {table}")

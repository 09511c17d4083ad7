"""The press when something is wrong: amendments in between, bad papers, dying workers, stores that are away."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path
from uuid import uuid4

import asyncpg
import msgspec
import psutil
import pypdf
import pytest

from libs.bus.handling import Change
from services.results import calling, desk_store, store
from services.results.domain import Custody
from tests.fixtures.servers import ROOT, eventually, is_alive
from tests.integration.results.conftest import COUNTER, NOW, PRODUCED, PrintShop, Workshop
from tests.integration.results.test_press import documents, running, until_printed

pytestmark = pytest.mark.timeout(120)


async def row_of(workshop: Workshop, custody: Custody, code: str = "") -> asyncpg.Record:
    async with workshop.pool.acquire() as conn:
        rows = await desk_store.results_of(conn, custody.dossier_id)
    return next(row for row in rows if not code or row["code"] == code)


def stored(workshop: Workshop, custody: Custody) -> list[Path]:
    return sorted(workshop.folder.glob(f"results/{custody.results[0].id}/*.pdf"))


async def test_an_amendment_while_printing_is_printed(workshop: Workshop) -> None:
    """The press has read the old outcome when the amendment comes: only the amended document is issued and kept."""
    custody = await workshop.completed("register_birth")

    async def amend() -> None:
        workshop.town.outcomes_now["register_birth"]["child_name"] = "Trần Gia Huy"
        agency, produced = PRODUCED["register_birth"]
        async with workshop.pool.acquire() as conn, conn.transaction():
            before = (await store.load(conn, [custody.dossier_id])).get(custody.dossier_id)
            assert before is not None
            now = await conn.fetchval("SELECT now()")
            after = calling.call_for(before, uuid4(), "register_birth", agency, (produced,), now)
            await store.save(conn, [Change(dossier_id=custody.dossier_id, before=before, after=after)])

    workshop.town.after_reading = amend
    async with running(workshop.press()):
        await until_printed(workshop, custody)
    text = pypdf.PdfReader(stored(workshop, custody)[0]).pages[0].extract_text()
    assert "Trần Gia Huy" in text
    assert len(stored(workshop, custody)) == 1
    assert await workshop.said(custody.dossier_id) == ["results.result-issued.v1"]


async def test_one_bad_paper_stops_no_other(workshop: Workshop, tmp_path: Path) -> None:
    """A paper whose template fails stays pending and counts its tries; its batch is issued."""
    templates = tmp_path / "templates"
    shutil.copytree(workshop.templates, templates)
    card = templates / "insurance_card.typ"
    card.write_text('#panic("a fault in the template")\n' + card.read_text())
    bad = await workshop.completed("issue_insurance_card")
    good = [await workshop.completed("register_birth") for _ in range(4)]
    with closing(PrintShop(tmp_path, templates)) as shop:
        workshop.workers = shop.workers
        async with running(workshop.press()):
            for custody in good:
                await until_printed(workshop, custody)

            async def counted() -> bool:
                return bool((await row_of(workshop, bad))["failures"])

            await eventually(counted)
    assert (await row_of(workshop, bad))["state"] == "pending"
    assert await workshop.said(bad.dossier_id) == []


async def test_a_result_the_catalogue_does_not_know_stops_no_other(workshop: Workshop) -> None:
    """An unknown agency is the catalogue's fault: that result waits, the step is not sent back, others are issued."""
    bad = await workshop.completed("issue_insurance_card")
    await workshop.pool.execute("UPDATE result SET agency = 'nowhere' WHERE id = $1", bad.results[0].id)
    good = await workshop.completed("register_birth")
    async with running(workshop.press()):
        await until_printed(workshop, good)
    row = await row_of(workshop, bad)
    assert (row["state"], row["failures"]) == ("pending", 1)


@pytest.mark.parametrize(
    ("procedure", "first_day"), [("9.999999", date(2024, 7, 1)), ("2.002621", date(2000, 1, 1))]
)
async def test_a_procedure_the_catalogue_lacks_stops_no_other(
    workshop: Workshop, procedure: str, first_day: date
) -> None:
    """An unknown procedure, or none in force on its day: that result alone waits, the batch it is in is issued."""
    bad = await workshop.completed("register_birth")
    record = workshop.town.records[bad.dossier_id]
    workshop.town.records[bad.dossier_id] = msgspec.structs.replace(
        record, procedure=procedure, procedure_from=first_day
    )
    good = await workshop.completed("register_birth")
    async with running(workshop.press()):
        await until_printed(workshop, good)

        async def counted() -> bool:
            return bool((await row_of(workshop, bad))["failures"])

        await eventually(counted)
    assert (await row_of(workshop, bad))["state"] == "pending"


async def test_a_hospital_that_has_closed_keeps_no_paper(workshop: Workshop) -> None:
    """A birth declared by a hospital no longer in force is certified; its counter may ask for the paper."""
    custody = await workshop.completed("register_birth", facility="99999")
    async with running(workshop.press()):
        await until_printed(workshop, custody)
    assert (await row_of(workshop, custody))["desk"] == COUNTER


async def test_missing_data_are_sent_back_after_many_tries_only(workshop: Workshop) -> None:
    """An outcome that routing does not have is waited for; after twelve tries of its own the step is sent back."""
    custody = await workshop.completed("register_birth")
    workshop.town.missing_outcomes.add("register_birth")
    async with running(workshop.press()):

        async def counted() -> bool:
            return bool((await row_of(workshop, custody))["failures"])

        await eventually(counted)
        assert (await row_of(workshop, custody))["state"] == "pending"
        await workshop.pool.execute("UPDATE result SET failures = 11, next_attempt_at = now()")
        await until_printed(workshop, custody, state="rejected")
    assert await workshop.said(custody.dossier_id) == ["results.result-rejected.v1"]


async def test_neighbours_away_for_long_reject_nothing(workshop: Workshop) -> None:
    """However often intake was away, that counts against no result."""
    custody = await workshop.completed("register_birth")
    workshop.town.away = True
    async with running(workshop.press()):
        for _ in range(3):
            await workshop.pool.execute("UPDATE result SET attempts = 50, next_attempt_at = now()")

            async def tried() -> bool:
                # The press may still be postponing what it tried before: ask it again until it comes.
                await workshop.pool.execute("UPDATE result SET next_attempt_at = now() WHERE attempts = 50")
                return bool((await row_of(workshop, custody))["attempts"] > 50)

            await eventually(tried)
    row = await row_of(workshop, custody)
    assert (row["state"], row["failures"]) == ("pending", 0)


async def test_a_killed_worker_is_replaced(workshop: Workshop) -> None:
    """The worker process is killed with -9, twice; papers go on being printed."""
    async with running(workshop.press()):
        for _ in range(2):
            custody = await workshop.completed("register_birth")
            await until_printed(workshop, custody)
            for worker in _workers():
                worker.kill()
        custody = await workshop.completed("register_birth", "issue_insurance_card")
        await until_printed(workshop, custody)
    assert await workshop.said(custody.dossier_id) == ["results.result-issued.v1"] * 2


def _workers() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]


async def test_workers_end_with_their_process(workshop: Workshop, tmp_path: Path) -> None:
    """A results process killed with -9 leaves no printing worker behind."""
    signing = workshop.signing
    program = tmp_path / "prints.py"
    program.write_text(
        f"""
import asyncio
from pathlib import Path
import psutil
from libs.printing.workers import CannotPrint
from services.results.jobs import Job
from services.results.signing_keys import SigningKey, SigningKeys
from services.results.workers import Workers

async def main():
    signing = SigningKey(key={signing.key!r}, certificate={signing.certificate!r}, chain={signing.chain!r})
    workers = Workers(Path({str(workshop.templates)!r}), SigningKeys(default=signing), 1)
    try:
        await workers.print([Job(template="certificate", values={{}})])
    except CannotPrint:
        pass
    print(*(child.pid for child in psutil.Process().children()), flush=True)
    await asyncio.sleep(60)

if __name__ == "__main__":
    asyncio.run(main())
"""
    )
    child = subprocess.Popen(
        [sys.executable, str(program)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert child.stdout is not None
        pids = [int(pid) for pid in (await asyncio.to_thread(child.stdout.readline)).split()]
        assert pids
        child.send_signal(signal.SIGKILL)
        child.wait(10)
        await eventually(lambda: not any(is_alive(pid) for pid in pids))
    finally:
        child.kill()
        child.wait(10)
        if child.stdout is not None:
            child.stdout.close()


async def test_the_press_waits_for_its_store(workshop: Workshop) -> None:
    """While documents cannot be stored nothing is issued; when they can the result is, with its document."""
    custody = await workshop.completed("register_birth")
    blocked = workshop.folder / "results"
    blocked.write_text("a file where the folder should be")
    async with running(workshop.press()):

        async def tried() -> bool:
            return bool((await row_of(workshop, custody))["attempts"] > 1)

        await eventually(tried, deadline_seconds=30)
        row = await row_of(workshop, custody)
        assert (row["state"], row["failures"]) == ("pending", 0)
        assert await workshop.said(custody.dossier_id) == []
        blocked.unlink()
        await until_printed(workshop, custody)
    assert (await documents(workshop, custody))["birth_certificate"].startswith(b"%PDF")


async def test_what_an_earlier_try_left_is_cleared_away(workshop: Workshop) -> None:
    """A press crashed after storing: when the result is issued only its own document remains."""
    custody = await workshop.completed("register_birth")
    key = f"results/{custody.results[0].id}/0123456789abcdef.pdf"
    await workshop.archive.put(key, b"%PDF of a press that crashed")
    await workshop.pool.execute("UPDATE result SET attempts = 1")
    async with running(workshop.press()):
        await until_printed(workshop, custody)
        await eventually(lambda: len(stored(workshop, custody)) == 1)
    assert (await documents(workshop, custody))["birth_certificate"].startswith(b"%PDF-")


async def test_a_result_cancelled_while_printing_leaves_no_document(workshop: Workshop) -> None:
    """The dossier is withdrawn after the press has read its data: nothing is issued, nothing is kept."""
    custody = await workshop.completed("register_birth")

    async def withdraw() -> None:
        await workshop.save(custody, calling.withdraw(custody, NOW))

    workshop.town.after_reading = withdraw
    async with running(workshop.press()):
        await until_printed(workshop, custody, state="cancelled")
        await eventually(lambda: workshop.town.after_reading is None)
    assert stored(workshop, custody) == []
    assert await workshop.said(custody.dossier_id) == []


async def test_two_transactions_cannot_both_open_a_custody(workshop: Workshop) -> None:
    """A completion and a withdrawal heard at once from two producers: the second tries again, nothing is lost."""
    dossier_id = uuid4()
    agency, produced = PRODUCED["register_birth"]
    called = calling.call_for(
        Custody(dossier_id=dossier_id), uuid4(), "register_birth", agency, (produced,), NOW
    )
    withdrawn = calling.withdraw(Custody(dossier_id=dossier_id), NOW)
    async with workshop.pool.acquire() as one, workshop.pool.acquire() as two:
        first, second = one.transaction(), two.transaction()
        await first.start()
        await second.start()
        assert await store.load(one, [dossier_id]) == await store.load(two, [dossier_id]) == {}
        await store.save(one, [Change(dossier_id=dossier_id, before=None, after=called)])
        late = asyncio.create_task(
            store.save(two, [Change(dossier_id=dossier_id, before=None, after=withdrawn)])
        )
        await first.commit()
        with pytest.raises(asyncpg.SerializationError):
            await late
        await second.rollback()
    assert (await workshop.custody(dossier_id)).results == called.results

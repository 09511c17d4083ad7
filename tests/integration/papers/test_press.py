"""The press of the one-stop shop's papers, in processes of its own."""

import asyncio
import os
import signal
from collections.abc import Iterator
from datetime import date

import msgspec
import psutil
import pytest

from libs.papers import FormPress, Receipt, TooManyWaiting
from libs.printing.workers import CannotPrint, WorkersLost
from tests.fixtures.servers import ROOT
from tests.unit.papers.samples import MOTHER, ON, SAMPLES, paper

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def press() -> Iterator[FormPress]:
    made = FormPress(ROOT / "catalogue", count=1, waiting_max=len(SAMPLES))
    yield made
    made.close()


def children() -> list[psutil.Process]:
    """The processes of the press: spawned Pythons that are not the tracker of resources."""
    found = psutil.Process().children()
    return [child for child in found if "spawn_main" in " ".join(child.cmdline())]


async def test_every_paper_comes_out_of_the_press(press: FormPress) -> None:
    """Asked for all at once, printed one after another; the event loop goes on meanwhile."""
    turns = 0

    async def serve() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    serving = asyncio.create_task(serve())
    found = await asyncio.gather(*(press.render(form, paper(form), ON) for form in SAMPLES))
    serving.cancel()
    assert all(pdf.startswith(b"%PDF-") for pdf in found)
    assert turns > len(SAMPLES)


async def test_more_than_the_press_takes_on_are_turned_away(press: FormPress) -> None:
    """At once, not after a wait; those it took on are printed."""
    room = len(SAMPLES) + 1
    asked = [asyncio.create_task(press.render("bed-card", paper("bed-card"), ON)) for _ in range(room + 2)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in found] == [bytes] * room + [TooManyWaiting] * 2
    assert (await press.render("bed-card", paper("bed-card"), ON)).startswith(b"%PDF-")


async def test_nobody_waits_for_his_turn_without_end(
    press: FormPress, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has waited long enough is told so, and may come again."""
    monkeypatch.setattr("libs.papers.press.WAIT_SECONDS_MAX", 0.01)
    first = asyncio.create_task(press.render("bed-card", paper("bed-card"), ON))
    await asyncio.sleep(0)
    with pytest.raises(TooManyWaiting):
        await press.render("bed-card", paper("bed-card"), ON)
    assert (await first).startswith(b"%PDF-")
    assert (await press.render("bed-card", paper("bed-card"), ON)).startswith(b"%PDF-")


async def test_a_mistake_says_its_kind_and_no_name(press: FormPress) -> None:
    """The text of an error may hold what was to be printed; a wrong paper stops no other."""
    receipt = paper("receipt")
    assert isinstance(receipt, Receipt)
    for form, data, on, kind in (
        ("refusal", receipt, ON, "TypeError"),
        ("receipt", msgspec.structs.replace(receipt, fee_dong=-1), ON, "ValueError"),
        ("receipt", receipt, date(2001, 1, 1), "UnknownForm"),
    ):
        with pytest.raises(CannotPrint) as caught:
            await press.render(form, data, on)
        assert str(caught.value) == kind
        assert MOTHER.name not in repr(caught.value.__cause__)
    assert (await press.render("receipt", receipt, ON)).startswith(b"%PDF-")


async def test_a_worker_that_dies_is_replaced(press: FormPress) -> None:
    """Whoever asks next hears that it may try again, or has its paper; the one after has it."""
    await press.render("bed-card", paper("bed-card"), ON)
    (worker,) = children()
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait(10)
    try:
        await press.render("bed-card", paper("bed-card"), ON)
    except WorkersLost:
        assert (await press.render("bed-card", paper("bed-card"), ON)).startswith(b"%PDF-")


async def test_who_goes_away_leaves_the_place_to_others(press: FormPress) -> None:
    """A browser that is closed while its paper waits does not keep a place for ever."""
    asked = [asyncio.create_task(press.render("bed-card", paper("bed-card"), ON)) for _ in range(5)]
    await asyncio.sleep(0)
    for task in asked[1:]:
        task.cancel()
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(answer) for answer in found] == [bytes] + [asyncio.CancelledError] * 4
    assert all(
        pdf.startswith(b"%PDF-")
        for pdf in await asyncio.gather(*(press.render(form, paper(form), ON) for form in SAMPLES))
    )

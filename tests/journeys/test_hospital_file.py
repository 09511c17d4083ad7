"""An XML9 file of the hospital's own software, chosen with the keyboard or dropped onto the ward's page."""

import base64
from datetime import datetime

import pytest
from playwright.async_api import expect

from deploy.local.sample_xml9 import Births, envelope, sample_upload
from libs.catalogue.calendar import VIETNAM
from tests.journeys.conftest import Heard, NewScreen
from tests.journeys.midwife import opened
from tests.journeys.screen import Screen

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]
WARD = "/dang-nhap?tiep=/bv"
# A file manager's drag: a file enters the page, is held over it, and is let go.
DROP = """([name, content]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([Uint8Array.from(atob(content), (sign) => sign.charCodeAt(0))], name));
  const at = document.querySelector("main");
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const told = new DragEvent(kind, { dataTransfer: carried, bubbles: true, cancelable: true });
    const taken = !at.dispatchEvent(told);
    if (kind === "dragover" && !taken) throw new Error("the page does not take what is dragged over it");
    if (kind === "dragover" && !document.body.classList.contains("dropping")) throw new Error("nothing shows it");
  }
}"""


async def drop(screen: Screen, name: str, content: bytes) -> None:
    """Drop a file onto the page, which opens its report."""
    await opened(screen)
    async with screen.page.expect_navigation():
        await screen.page.evaluate(DROP, [name, base64.b64encode(content).decode()])
    await opened(screen)


async def test_a_dropped_file_tells_the_fate_of_each_record(new_screen: NewScreen, heard: Heard) -> None:
    """A number that is none spoils its own record only; the dropped file again makes nothing twice."""
    today = datetime.now(VIETNAM).date()
    births = Births(66, today=today)
    good, bad = births.single(), births.single()
    number, bad[0]["SO_CCCD_NND"] = bad[0]["SO_CCCD_NND"], "12345"
    file = envelope([good, bad], made_on=today)
    screen: Screen = await new_screen("hospital", path=WARD)
    screen.expected_status.add(422)
    await drop(screen, "xml9.xml", file)
    report = screen.at("bao-cao")
    await expect(screen.at("tom-tat")).to_be_focused()
    await expect(report.locator("[data-trang-thai=accepted]")).to_have_count(1)
    await expect(report.locator("[data-trang-thai=refused]")).to_have_count(1)
    await expect(report.locator("[data-trang-thai=refused]")).to_contain_text("SO_CCCD_NND")
    await screen.check("a report with a bad record", picture="hospital-xml9")
    dossier = str(await report.locator("[data-trang-thai=accepted] a").get_attribute("href")).rpartition("/")[
        2
    ]
    await heard.until("intake.dossier-accepted.v1", dossier)
    code = await report.locator("[data-trang-thai=accepted] a").inner_text()
    # Mended in the hospital's own software and dropped once more: the good one is known, the other is taken now.
    bad[0]["SO_CCCD_NND"] = number
    await drop(screen, "xml9-sua.xml", envelope([good, bad], made_on=today))
    await expect(report.locator("[data-trang-thai=refused]")).to_have_count(0)
    await expect(report.locator("tbody tr")).to_have_count(2)
    await expect(report.locator("tbody tr").first).to_contain_text(code)


async def test_a_file_that_is_not_what_it_says_is_refused(new_screen: NewScreen) -> None:
    """A picture called .xml, and an envelope with nothing in it: the summary has the focus and says what to do."""
    screen: Screen = await new_screen("hospital", path=WARD)
    screen.expected_status |= {415, 422}
    for name, content in (("xml9.xml", b"\x89PNG\r\n\x1a\n" + bytes(64)), ("hong.xml", b"<GIAMDINHHS/>")):
        await drop(screen, name, content)
        await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("a file that is none")
    await screen.press("Tab", "Enter")
    await expect(screen.at("tep-xml9")).to_be_focused()


async def test_a_file_is_chosen_with_the_keyboard(new_screen: NewScreen) -> None:
    """The button is in the order of the page and says in Vietnamese what it does; the same file again is known."""
    screen: Screen = await new_screen("hospital", path=WARD)
    file = sample_upload(65, today=datetime.now(VIETNAM).date(), births=("single", "twins"))
    for _ in range(2):
        await opened(screen)
        async with screen.page.expect_file_chooser() as chosen:
            # The browser hears of our wish to choose in its place before it hears of the key.
            await screen.at("tep-xml9").focus()
            await expect(screen.at("tep-xml9")).to_be_focused()
            await screen.press("Enter")
        chooser = await chosen.value
        async with screen.page.expect_navigation():
            await chooser.set_files({"name": "xml9.xml", "mimeType": "application/xml", "buffer": file})
        await expect(screen.at("bao-cao").locator("[data-trang-thai=accepted]")).to_have_count(3)
    await screen.check("a report of a file")

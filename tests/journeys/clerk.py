"""What a clerk at the counter does in every journey: sits down, types, scans, prints."""

from io import BytesIO

from playwright.async_api import expect
from pypdf import PdfReader

from tests.journeys.conftest import NewScreen
from tests.journeys.screen import Screen

CARD = "{number}|361234567|{name}|02091995|Nữ|Khu vực 2, phường Ngã Bảy, thành phố Cần Thơ|01012022"


async def counter(new_screen: NewScreen) -> Screen:
    """A clerk of the ward's counter, signed in, with the cursor in the scan box."""
    screen: Screen = await new_screen("counter", path="/dang-nhap?tiep=/tai-khoan")
    await screen.go("/quay")
    await expect(screen.at("o-quet")).to_be_focused()
    return screen


async def applicant_and_procedure(screen: Screen, number: str, name: str, words: str) -> None:
    """Scan the card, choose the procedure by words without accents."""
    await screen.scan(CARD.format(number=number, name=name))
    await expect(screen.at("nguoi-nop")).to_have_value(name)
    await expect(screen.at("thu-tuc")).to_be_focused()
    await screen.type(words)
    await screen.press("Enter")
    await expect(screen.at("form.applicant.phone")).to_be_focused()


async def pdf(screen: Screen, path: str) -> PdfReader:
    """A paper, as the officer's browser gets it."""
    answer = await screen.context.request.get(screen.url + path)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/pdf")
    assert answer.headers["cache-control"] == "no-store"
    return PdfReader(BytesIO(await answer.body()))


def words_of(paper: PdfReader) -> str:
    """The text of a paper, on one line."""
    return " ".join(" ".join(page.extract_text() for page in paper.pages).split())


async def printed(screen: Screen) -> str:
    """Where the paper that was printed comes from."""
    address = await screen.page.locator("[data-print]").first.get_attribute("data-print")
    assert address is not None
    await expect(screen.page.locator("iframe.print-frame")).to_have_attribute("src", address)
    return address

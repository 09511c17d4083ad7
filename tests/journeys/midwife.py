"""What a midwife at the ward's desk does in every journey: she scans, types and declares; and for which families."""

from datetime import datetime, timedelta
from typing import Any

from playwright.async_api import expect

from deploy.local.sample_xml9 import Births
from libs.catalogue.calendar import VIETNAM
from tests.journeys.screen import Screen

DECLARE = "/dang-nhap?tiep=/bv/khai-bao"
ADDRESS = "Khu vực 2, Phường Ngã Bảy, Thành phố Cần Thơ"


def mojibake(text: str) -> str:
    """What a scanner in keyboard mode makes of UTF-8: each byte a letter of its own."""
    return text.encode().decode("latin-1")


class Family:
    """A mother and a father with cards, as their QR codes say it."""

    def __init__(self, seed: int) -> None:
        today = datetime.now(VIETNAM).date()
        record = Births(seed, today=today).single()[0]
        born = datetime.strptime(record["NGAYSINH_NND"], "%Y%m%d").date()  # noqa: DTZ007 - a calendar day
        self.mother: str = record["HO_TEN_NND"]
        self.number: str = record["SO_CCCD_NND"]
        self.father: str = record["HO_TEN_CHA"]
        self.certificate = f"{seed:06d}"
        self.mother_card = mojibake(f"{self.number}||{self.mother}|{born:%d%m%Y}|Nữ|{ADDRESS}|01022022")
        self.father_number = f"093{2 * (born.year >= 2000)}{born:%y}{seed % 1_000_000:06d}"
        self.father_card = mojibake(
            f"{self.father_number}||{self.father}|{born:%d%m%Y}|Nam|{ADDRESS}|01022022"
        )


async def opened(screen: Screen) -> None:
    """Wait until the page has its keys and its outbox."""
    await expect(screen.page.locator("html[data-san=sang]")).to_be_attached()


async def declare(screen: Screen, family: Family, *, send: str = "Control+Enter") -> None:
    """Eleven steps at the keyboard: two scans, what only the desk knows, and send."""
    await expect(screen.at("me-so")).to_be_focused()
    await screen.scan(family.mother_card)
    await expect(screen.at("me-ten")).to_have_value(family.mother)
    await expect(screen.at("me-dien-thoai")).to_be_focused()
    await screen.type("0912345678")
    # Ethnic group and insurance card are passed over.
    await screen.press("Enter", "Enter", "Enter")
    await screen.type("3")
    await screen.press("Enter")
    await screen.type("12")
    await screen.press("Enter")
    await screen.type((datetime.now(VIETNAM) + timedelta(days=2)).strftime("%d%m%Y"))
    await screen.press("Enter", "Enter", "Enter", "Enter")
    await screen.press("2", "Enter")
    await expect(screen.at("can-nang")).to_be_focused()
    await screen.type("3100")
    await screen.press("Enter")
    await expect(screen.at("be-ten")).to_be_focused()
    await screen.type("Trần Bảo An")
    await screen.scan(family.father_card)
    await expect(screen.at("be-ten")).to_have_value("Trần Bảo An")
    await expect(screen.at("cha-ten")).to_have_value(family.father)
    await expect(screen.at("cu-tru")).to_be_focused()
    await screen.press("Enter", "Enter")
    await expect(screen.at("gcs-so")).to_be_focused()
    await screen.type(family.certificate)
    await screen.press("Enter", "Enter", "Enter")
    await screen.type("Lê Thị Hoa")
    await screen.press("Enter", "Space", send)


class WithoutNetwork(list[str]):
    """Complaints of a browser whose network is away, but those that say so."""

    def append(self, complaint: str) -> None:
        """Note one."""
        if "net::ERR_" not in complaint:
            super().append(complaint)


def drafts(screen: Screen, state: str = "") -> Any:
    """Declarations in the outbox as it is shown, newest first."""
    return screen.page.locator(f"[data-testid=khai-bao]{f'[data-trang-thai={state}]' if state else ''}")


def card_of(person: dict[str, Any]) -> str:
    """The QR code of the card of somebody in a declaration, as a scanner types it."""
    born = datetime.fromisoformat(str(person["birth_date"]))
    return mojibake(f"{person['document']['number']}||{person['name']}|{born:%d%m%Y}|Nữ|{ADDRESS}|01022022")

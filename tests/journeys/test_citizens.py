"""Citizens: following a dossier by code and by link, verifying a paper. J9; J14 is in test_procedures.py."""

import hashlib
import itertools
import re
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from deploy.local.city import City
from tests.journeys.conftest import NewScreen
from tests.journeys.screen import Screen
from tests.pipeline.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
HTML = {"Accept": "text/html"}
# The live part anew, as the server would send it.
NEWS = """async () => {
  const { put } = await import(document.querySelector("script[src$='/page.js']").src.replace("page.js", "live.js"));
  const part = document.querySelector("[data-live]");
  put(part, part.innerHTML);
}"""
UNKNOWN_TOKEN = "A" * 24
NewCitizen = Callable[[], httpx.AsyncClient]


class Family:
    """A birth with its receipt, and what a stranger must not learn of it."""

    def __init__(self, receipt: dict[str, Any], file: dict[str, Any]) -> None:
        self.id: str = receipt["dossier_id"]
        self.code: str = receipt["code"]
        self.token: str = receipt["tracking_token"]
        self.mother: str = file["mother"]["name"]
        self.digits: str = file["mother"]["document"]["number"][-4:]

    @property
    def end(self) -> str:
        """What of the code stands in large letters: day and number."""
        return self.code[-11:]


async def family_of(town: Town) -> Family:
    """A birth declared at the hospital."""
    receipt = await town.declare()
    told = await town.people["hospital"].get(
        "intake", f"/dossiers/{receipt['dossier_id']}", purpose="check-dossier"
    )
    return Family(receipt, told["file"])


@pytest_asyncio.fixture(loop_scope="session")
async def family(town: Town) -> Family:
    """A family whose dossier is under way."""
    return await family_of(town)


# All of 127/8 is this machine: everybody in these tests asks from an address of their own, with tries of their own.
_HOSTS = itertools.count(11)


@pytest.fixture
def new_citizen(city: City) -> NewCitizen:
    """Makes citizens without a browser, each at another address."""

    def make() -> httpx.AsyncClient:
        transport = httpx.AsyncHTTPTransport(local_address=f"127.0.7.{next(_HOSTS)}")
        return httpx.AsyncClient(transport=transport, base_url=city.urls["portal"], headers=HTML, timeout=30)

    return make


async def test_a_code_shows_status_and_day_and_nobodys_name(new_screen: NewScreen, family: Family) -> None:
    """J9: the end of the code, typed with a blank; status, day, what to do; the name only with four digits."""
    screen: Screen = await new_screen(phone=True)
    await screen.go("/tra-cuu")
    await screen.check("tracking, empty")
    began = time.monotonic()
    await screen.at("ma").focus()
    await screen.type(family.end.replace("-", " "))
    await screen.press("Enter")
    await expect(screen.at("tinh-trang")).to_be_visible()
    # A second on the machine of the budget, five on one that is five times slower.
    assert time.monotonic() - began < 5
    html = await screen.page.content()
    assert family.mother not in html
    assert family.token not in html
    assert family.code in html
    order = [await screen.at(name).bounding_box() for name in ("tinh-trang", "ngay", "can-lam")]
    tops = [box["y"] for box in order if box]
    assert tops == sorted(tops)
    await screen.check("status by code", picture="tra-cuu")
    screen.expected_status.add(422)
    await screen.at("bon-so").fill("12")
    await screen.at("bon-so").press("Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("digits of a wrong shape")
    await screen.at("bon-so").fill(family.digits)
    await screen.at("bon-so").press("Enter")
    await expect(screen.page.get_by_text(family.mother)).to_be_visible()
    await screen.check("dossier by code and digits")


async def test_a_link_shows_names_and_changes_by_itself(
    new_screen: NewScreen, town: Town, family: Family
) -> None:
    """The receipt's link: names, course, results; when the ward has registered the birth the page says so unasked."""
    screen: Screen = await new_screen(phone=True)
    await screen.go(f"/track/{family.token}")
    assert screen.page.url.endswith(f"/h/{family.token}")
    await expect(screen.page.get_by_text(family.mother)).to_be_visible()
    await expect(screen.page.locator("[data-live-state=on]")).to_be_attached()
    await screen.check("dossier by link")
    await town.settle(family.id)
    await expect(screen.at("tinh-trang")).to_contain_text("Có kết quả", timeout=60_000)
    await expect(screen.at("tinh-trang")).to_contain_text("Trả sớm")
    await expect(screen.at("dong")).to_contain_text("Công an phường Ngã Bảy")
    certificate = await town.until_result(family.id, "birth_certificate")
    await town.post("hospital", "results", f"/results/{certificate['id']}/arrive", {})
    await expect(screen.at("can-lam")).to_contain_text("Giấy khai sinh", timeout=60_000)
    await expect(screen.at("ket-qua").first).to_contain_text("Bệnh viện")
    await screen.check("dossier with results", picture="ho-so-gia-dinh")


async def test_an_electronic_result_is_fetched_with_four_digits(
    new_screen: NewScreen, town: Town, family: Family
) -> None:
    """Wrong digits say so on the same page; the right ones bring the signed PDF."""
    await town.settle(family.id)
    screen: Screen = await new_screen(phone=True)
    await screen.go(f"/h/{family.token}")
    await expect(screen.at("tai-ve")).to_be_visible(timeout=60_000)
    screen.expected_status.add(422)
    await screen.at("bon-so").fill("zzzz")
    await screen.at("tai-ve").click()
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("wrong digits for a result")
    await screen.at("bon-so").fill(family.digits)
    # News that come while they are typed leave them where they are.
    await screen.page.evaluate(NEWS)
    async with screen.page.expect_download() as fetching:
        await screen.at("tai-ve").click()
    path = await (await fetching.value).path()
    assert path.read_bytes().startswith(b"%PDF-")


async def test_a_wrong_code_gets_help(new_screen: NewScreen) -> None:
    """What codes look like and where they stand on the receipt."""
    screen: Screen = await new_screen()
    screen.expected_status.add(404)
    await screen.go("/tra-cuu?ma=000.00.13.H30-211130-0001")
    await expect(screen.page.get_by_role("alert")).to_be_focused()
    await screen.sees("Mã hồ sơ ở đâu?")
    await screen.check("wrong code")
    await screen.go(f"/h/{UNKNOWN_TOKEN}")
    await screen.sees("Không tìm thấy hồ sơ")
    await screen.check("unknown link")
    await screen.go("/khong-co-trang-nay")
    await screen.check("no such page")


async def test_the_twenty_first_try_in_a_minute_waits(new_citizen: NewCitizen, family: Family) -> None:
    """429 in Vietnamese with how long; somebody else is not kept waiting, nor whoever has a link."""
    async with new_citizen() as guesser, new_citizen() as other:
        for number in range(20):
            answer = await guesser.get("/tra-cuu", params={"ma": f"313.40.00.H13-251231-{number + 1:04d}"})
            assert answer.status_code == 404
        refused = await guesser.get("/tra-cuu", params={"ma": family.code})
        assert refused.status_code == 429
        assert re.search(r"Vui lòng chờ \d+ giây", refused.text)
        assert 0 < int(refused.headers["retry-after"]) <= 60
        assert 'lang="vi"' in refused.text
        assert (await other.get("/tra-cuu", params={"ma": family.code})).status_code == 200
        assert (await guesser.get(f"/h/{family.token}")).status_code == 200
        assert (await guesser.get(f"/h/{UNKNOWN_TOKEN}")).status_code == 429


async def test_four_digits_cannot_be_found_by_trying(new_citizen: NewCitizen, town: Town) -> None:
    """Five wrong ones, and even the right ones wait; the page says how long."""
    family = await family_of(town)
    async with new_citizen() as guesser:
        page = await guesser.get("/tra-cuu", params={"ma": family.code})
        csrf = re.search(r'name="_csrf" value="([0-9a-f]+)"', page.text)
        assert csrf
        form = {"_csrf": csrf[1], "ma": family.code}
        for digits in ("zzz1", "zzz2", "zzz3", "zzz4", "zzz5"):
            wrong = await guesser.post("/tra-cuu", data=form | {"bon-so": digits})
            assert wrong.status_code == 422
            assert family.mother not in wrong.text
        refused = await guesser.post("/tra-cuu", data=form | {"bon-so": family.digits})
        assert refused.status_code == 429
        assert "phút" in refused.text
        assert family.mother not in refused.text
        assert (await guesser.get(f"/h/{family.token}")).status_code == 200


async def test_whatever_is_typed_is_answered_with_a_page(new_citizen: NewCitizen, family: Family) -> None:
    """Percent signs, an emoji, decomposed and full-width signs, headers, long texts: helpful, never 500."""
    wide = "".join(chr(ord(sign) + 0xFEE0) if sign.isdigit() else sign for sign in family.code)
    odd = [
        "%", "%%00", "100%", "👶🏽", "a" * 200, "9" * 3000, "\u202e", "'; DROP TABLE dossier; --",
        "<script>alert(1)</script>", f"{family.code}\r\nSet-Cookie: a=b", "../../etc/passwd", "{{7*7}}",
    ]  # fmt: skip
    async with new_citizen() as citizen:
        for typed in odd:
            answer = await citizen.get("/tra-cuu", params={"ma": typed})
            assert answer.status_code == 404, typed
            assert "Mã hồ sơ ở đâu?" in answer.text
            assert "set-cookie" not in answer.headers
            assert "<script>alert" not in answer.text
        for typed in (wide, unicodedata.normalize("NFD", family.code.lower()), family.code.replace(".", "")):
            assert (await citizen.get("/tra-cuu", params={"ma": typed})).status_code == 200, typed
    async with new_citizen() as citizen:
        for typed in [*odd, "khai sinh" * 300]:
            assert (await citizen.get("/thu-tuc", params={"q": typed})).status_code == 200, typed
            for path in ("/h/", "/xac-minh/", "/thu-tuc/"):
                status = (await citizen.get(path + quote(typed, safe=""))).status_code
                assert status in (400, 404, 429), (path, typed)
        for path in (
            f"/h/{family.token[:-1]}",
            f"/h/{family.token}x",
            "/tra-cuu?ma=1&ma=2",
            "/tra-cuu?ma=%00",
        ):
            assert (await citizen.get(path)).status_code in (400, 404, 429), path
        nobodys = f"/h/{family.token}/ket-qua/{family.id}"
        assert (await citizen.post(nobodys, data={"bon-so": family.digits})).status_code == 403
        assert (await citizen.get("/tra-cuu?ma=" + "a" * 9000)).status_code == 414


async def test_a_result_of_another_dossier_is_not_given_out(
    new_citizen: NewCitizen, town: Town, family: Family
) -> None:
    """One family's token and digits open nothing of another's."""
    other = await family_of(town)
    await town.settle(other.id)
    notice = await town.until_result(other.id, "residence_notice", who="police")
    async with new_citizen() as citizen:
        page = await citizen.get(f"/h/{family.token}")
        csrf = re.search(r'name="csrf" content="([0-9a-f]+)"', page.text)
        assert csrf
        form = {"_csrf": csrf[1], "bon-so": family.digits}
        answer = await citizen.post(f"/h/{family.token}/ket-qua/{notice['id']}", data=form)
        assert answer.status_code == 404
        assert b"%PDF" not in answer.content


async def test_a_token_stays_where_it_is(new_citizen: NewCitizen, city: City, family: Family) -> None:
    """No cache keeps the page, no other page is told its address, no log line has the token or a name."""
    async with new_citizen() as citizen:
        answer = await citizen.get(f"/h/{family.token}")
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "strict-origin"
        assert "noindex" in answer.headers["x-robots-tag"]
        robots = (await citizen.get("/robots.txt")).text
        assert "Disallow: /h/" in robots
    logs = "".join(path.read_text() for path in (city.folder / "logs").glob("*.log"))
    assert "/h/{token}" in logs
    assert family.token not in logs
    assert family.mother not in logs


async def test_everything_works_without_javascript(city: City, browser: Browser, family: Family) -> None:
    """Following a dossier, finding a procedure and reading it, on a telephone whose browser runs no script."""
    context = await browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    page = await context.new_page()
    await page.goto(f"{city.urls['portal']}/")
    await page.get_by_role("link", name="Tra cứu hồ sơ Xem").click()
    await page.get_by_test_id("ma").fill(family.end)
    await page.get_by_test_id("tra-cuu").click()
    await expect(page.get_by_test_id("tinh-trang")).to_be_visible()
    await page.get_by_test_id("bon-so").fill(family.digits)
    await page.get_by_test_id("xem").click()
    await expect(page.get_by_text(family.mother)).to_be_visible()
    await page.goto(f"{city.urls['portal']}/h/{family.token}")
    await expect(page.get_by_text(family.mother)).to_be_visible()
    await page.goto(f"{city.urls['portal']}/thu-tuc")
    await page.get_by_test_id("tim-thu-tuc").fill("kai sinh")
    await page.get_by_role("button", name="Tìm").click()
    await page.get_by_test_id("thu-tuc").first.get_by_role("link").click()
    await expect(page.get_by_role("heading", name="Đăng ký khai sinh")).to_be_visible()
    assert await page.get_by_test_id("giay-to").count() == 5
    await context.close()


async def test_a_papers_qr_says_whether_it_is_valid(
    new_screen: NewScreen, town: Town, family: Family, tmp_path: Path
) -> None:
    """Valid in big words and no name; the very file is recognised without leaving the device; another is not."""
    await town.settle(family.id)
    result = await town.until_result(family.id, "birth_certificate")
    pdf = await town.people["hospital"].get_bytes("results", f"/results/{result['id']}/document")
    token = await verify_token(town, result["id"])
    good, other = tmp_path / "good.pdf", tmp_path / "other.pdf"
    good.write_bytes(pdf)
    other.write_bytes(pdf + b" ")
    screen: Screen = await new_screen(phone=True)
    await screen.go(f"/verify/{token}")
    await expect(screen.at("ket-luan")).to_contain_text("CÒN HIỆU LỰC")
    html = await screen.page.content()
    assert family.mother not in html
    assert hashlib.sha256(pdf).hexdigest() in html
    sent: list[str] = []
    screen.page.on("request", lambda request: sent.append(request.url))
    await screen.at("tep").set_input_files(good)
    await expect(screen.at("so-khop")).to_contain_text("KHỚP: tệp này đúng")
    await screen.check("valid paper", picture="xac-minh")
    await screen.at("tep").set_input_files(other)
    await expect(screen.at("so-khop")).to_contain_text("KHÔNG KHỚP")
    await screen.check("another file")
    assert sent == []
    body = {"reason": "wrong-content"}
    await town.post("civil_status", "results", f"/results/{result['id']}/supersede", body)
    await town.until_result(family.id, "birth_certificate", version=2)
    await screen.go(f"/xac-minh/{token}")
    await expect(screen.at("ket-luan")).to_contain_text("BẢN MỚI")
    await screen.check("superseded paper")
    newest = await town.until_result(family.id, "birth_certificate", version=2)
    newer = await verify_token(town, newest["id"])
    await town.post("leader", "results", f"/results/{newest['id']}/revoke", {"reason": "issued-in-error"})
    await screen.go(f"/xac-minh/{newer}")
    await expect(screen.at("ket-luan")).to_contain_text("THU HỒI")
    await screen.check("revoked paper")
    screen.expected_status.add(404)
    await screen.go("/xac-minh/" + "A" * 22)
    await expect(screen.at("ket-luan")).to_contain_text("KHÔNG CÓ")
    await screen.check("unknown paper")


async def verify_token(town: Town, result_id: str) -> str:
    """What the QR code on a paper carries."""
    connection = await asyncpg.connect(town.city.dsn("results", "migrator"), timeout=10)
    try:
        query = "SELECT verify_token FROM result WHERE id = $1::uuid"
        return str(await connection.fetchval(query, result_id))
    finally:
        await connection.close(timeout=10)

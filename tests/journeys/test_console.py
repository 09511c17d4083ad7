"""Officers at their lists and dossiers, with the keyboard only: begin, take back, complete, ask, refuse, apologise."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
from playwright.async_api import expect

from deploy.local.city import City
from deploy.local.partners import HOSPITAL_PARTNER
from tests.fixtures.fhir import bundle, one_birth
from tests.journeys.clerk import pdf, words_of
from tests.journeys.conftest import Heard, NewScreen
from tests.journeys.officers import INSURANCE, POLICE, WARD, confirm, fill, open_from, press_act
from tests.journeys.screen import WAIT_MS, Screen
from tests.pipeline.papers import outcome_of
from tests.pipeline.software import Software
from tests.pipeline.town import Town
from tests.pipeline.ways import FHIR, of_these_days

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
LONG_NAME = "Nguyễn " + "Thị Ái " * 26 + "D'Ân 👶"
EXPLANATION = "Giấy chứng sinh ghi sai năm sinh của mẹ; ông/bà xin cấp lại tại bệnh viện rồi nộp lại hồ sơ."
CLOCK = re.compile(r"\d\d:\d\d:\d\d")
WRONG_ADDRESSES = (
    "000.00.99.H30-990101-0001",
    "0197f3a0-0000-7000-8000-000000000000",
    "abc",
    "9" * 90,
)


async def complete(screen: Screen, town: Town, dossier: str, step: str, number: int) -> None:
    """Begin the step from the list and complete it with its outcome."""
    await open_from(screen, "cho-xu-ly", dossier)
    await press_act(screen, "start")
    await expect(screen.at("da-xong")).to_be_visible()
    await press_act(screen, "complete")
    await fill(screen, outcome_of(step, number, town.today))
    await screen.press("Control+Enter")
    await expect(screen.at("da-xong")).to_contain_text("Đã hoàn thành")


async def test_three_desks_settle_a_birth(new_screen: NewScreen, town: Town, heard: Heard) -> None:
    """Ward, police and insurance complete their steps from their own lists; the dossier is settled on the bus."""
    dossier = (await town.declare())["dossier_id"]
    ward = await new_screen(WARD)
    await ward.go("/viec/cho-tra-ket-qua")
    await expect(ward.page.get_by_role("heading", level=1)).to_contain_text("Không tìm thấy")
    ward.expected_status.add(404)
    await complete(ward, town, dossier, "register_birth", 930_001)
    await heard.until("routing.step-completed.v1", dossier)
    await ward.check("a completed step", picture="dossier")
    police = await new_screen(POLICE)
    await complete(police, town, dossier, "register_residence", 930_002)
    insurance = await new_screen(INSURANCE)
    await complete(insurance, town, dossier, "issue_insurance_card", 930_003)
    await heard.until("routing.dossier-settled.v1", dossier)
    await expect(ward.at("trang-thai")).to_contain_text("Có kết quả")
    await expect(ward.at("ket-qua-birth_certificate")).not_to_have_text("Đang chờ phát hành")
    # What one agency entered another does not see.
    assert "930002" not in await ward.page.content()


async def test_lists_are_worked_with_arrows_and_tell_how_old_they_are(
    new_screen: NewScreen, town: Town
) -> None:
    """Counts and lines change by themselves; → shows a line beside the list, ← puts it away."""
    screen = await new_screen(WARD)
    await screen.go("/viec/xin-loi")
    await expect(screen.at("trong")).to_be_visible()
    await screen.check("an empty list")
    await screen.go("/viec/cho-xu-ly")
    dossier = (await town.declare())["dossier_id"]
    line = screen.page.locator(f"a[data-row][href='/ho-so/{dossier}']")
    await expect(line).to_be_visible(timeout=WAIT_MS)
    await expect(screen.at("du-lieu-luc")).to_have_text(CLOCK)
    await line.focus()
    await screen.press("ArrowRight")
    await expect(screen.page.locator("#xem-nhanh")).to_contain_text("Đăng ký khai sinh")
    await screen.check("a list with a line beside it", picture="queue")
    await screen.press("ArrowLeft")
    await expect(screen.page.locator("#xem-nhanh")).to_be_hidden()
    # A letter by itself does nothing (WCAG 2.1.4).
    before = screen.page.url
    for letter in "abcxyz1":
        await screen.press(letter)
    assert screen.page.url == before


async def test_what_was_begun_by_mistake_is_taken_back(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """Begin, then Escape within ten seconds: the step waits again, for all to hear."""
    dossier = (await town.declare())["dossier_id"]
    screen = await new_screen(WARD)
    await open_from(screen, "cho-xu-ly", dossier)
    await press_act(screen, "start")
    await expect(screen.at("buoc-register_birth")).to_have_text("Đang xử lý")
    await screen.check("just begun")
    await screen.press("Escape")
    await expect(screen.at("da-xong")).to_contain_text("Đã hoàn tác")
    await expect(screen.at("buoc-register_birth")).to_have_text("Chờ xử lý")
    await heard.until("routing.step-released.v1", dossier)


async def test_a_refusal_names_reason_and_law_and_is_asked_once_more(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """J4: down, Enter, refuse, a digit, the words, Ctrl+Enter, Tab, Enter; the family's page tells it."""
    receipt = await town.declare()
    dossier = receipt["dossier_id"]
    screen = await new_screen(WARD)
    await open_from(screen, "cho-xu-ly", dossier)
    await press_act(screen, "refuse")
    screen.expected_status.add(422)
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("refusal without a reason")
    await screen.at("ly-do-1").focus()
    await screen.press("4")
    await expect(screen.at("ly-do-4")).to_be_checked()
    await screen.at("ghi-chu").focus()
    await screen.type(EXPLANATION)
    await screen.check("refusal filled in", picture="refusal")
    await screen.press("Control+Enter")
    await screen.sees("Căn cứ")
    await screen.check("refusal asked once more")
    await confirm(screen)
    await expect(screen.at("quay-in")).to_be_visible()
    await heard.until("routing.dossier-settled.v1", dossier)
    await expect(screen.at("trang-thai")).to_contain_text("Từ chối")
    await screen.check("refused")
    # The ward prints what it told the applicant, and nothing that is the counter's to give.
    await expect(screen.at("giay-03")).to_be_visible(timeout=WAIT_MS)
    await expect(screen.at("giay-05")).to_have_count(0)
    paper = words_of(await pdf(screen, f"/giay-to/{dossier}/03.pdf"))
    assert EXPLANATION in paper
    refused = await screen.context.request.get(f"{screen.url}/giay-to/{dossier}/01.pdf")
    assert refused.status == 403
    police = await new_screen("police-31411-2025")
    assert (await police.context.request.get(f"{police.url}/giay-to/{dossier}/03.pdf")).status == 404
    family = await new_screen(phone=True)
    await family.go(f"/h/{receipt['tracking_token']}")
    await family.sees("Từ chối")


async def test_the_counter_does_not_take_a_dossier(new_screen: NewScreen, town: Town, heard: Heard) -> None:
    """What was handed in without its papers waits at the door; it is not taken, with a reason the applicant reads."""
    applicant = {"name": LONG_NAME.strip()[:200], "phone": "0912345678"}
    form = {"applicant": applicant, "documents": [{"name": "Bằng tốt nghiệp", "pages": 1, "copies": 2}]}
    body = {"procedure": "2.000815", "channel": "counter", "form": form, "components": [], "unit": "31340"}
    dossier = (await town.post("counter", "intake", "/dossiers", body))["dossier_id"]
    screen = await new_screen("counter", path="/dang-nhap?tiep=/viec/cua-toi")
    await open_from(screen, "cho-tiep-nhan", dossier)
    await screen.sees("Thiếu")
    await expect(screen.at("trang-thai")).to_have_text("Chờ bổ sung")
    await expect(screen.page.locator(".standing")).to_contain_text("khi nhận đủ giấy tờ")
    await press_act(screen, "not-accept")
    await screen.at("ly-do-1").focus()
    await screen.press("1")
    await screen.at("ghi-chu").focus()
    await screen.type("Chưa có bản chính; ông/bà mang bản chính đến quầy.")
    await screen.press("Control+Enter")
    await expect(screen.at("bang-not-accept")).to_contain_text("không hoàn tác được")
    await confirm(screen)
    await expect(screen.at("da-xong")).to_contain_text("Đã từ chối tiếp nhận")
    await expect(screen.at("in-giay")).to_be_focused()
    await expect(screen.page.locator(".case-story")).to_contain_text("Từ chối tiếp nhận")
    await expect(screen.page.locator(".standing")).not_to_contain_text("Ngày hẹn")
    paper = await screen.context.request.get(f"{screen.url}/giay-to/{dossier}/03.pdf")
    assert (paper.status, (await paper.body())[:5]) == (200, b"%PDF-")
    await heard.until("intake.dossier-refused.v1", dossier)
    await screen.check("not taken")


async def test_everything_missing_is_asked_for_at_once_and_answered(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """The ward asks for a paper, sees the clock stand still, and without reload that the answer has come."""
    dossier = (await town.declare())["dossier_id"]
    screen = await new_screen(WARD)
    await open_from(screen, "cho-xu-ly", dossier)
    await press_act(screen, "supplement-request")
    screen.expected_status.add(422)
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("nothing asked for")
    await screen.at("giay-to-declaration").focus()
    await screen.press("Space")
    await screen.at("ly-do-1").focus()
    await screen.press("2")
    await screen.at("ghi-chu").focus()
    await screen.type("Nộp tờ khai có chữ ký tại bàn hộ sinh.")
    await screen.press("Control+Enter")
    await expect(screen.at("quay-in")).to_be_visible()
    await heard.until("routing.supplement-requested.v1", dossier)
    await expect(screen.at("trang-thai")).to_contain_text("Chờ bổ sung")
    await screen.check("asked for papers")
    # What is being typed while the page changes by itself is left alone.
    await press_act(screen, "refuse")
    await screen.at("ghi-chu").focus()
    await screen.type("Đang viết dở")
    await town.until_status(dossier, 5)
    await expect(screen.at("giay-02")).to_be_visible(timeout=WAIT_MS)
    assert "Tờ khai" in words_of(await pdf(screen, f"/giay-to/{dossier}/02.pdf"))
    await town.post("hospital", "intake", f"/dossiers/{dossier}/supplements", {"components": ["declaration"]})
    await expect(screen.at("trang-thai")).to_contain_text("Đang xử lý", timeout=WAIT_MS)
    assert await screen.at("ghi-chu").input_value() == "Đang viết dở"


async def test_a_leader_signs_the_apology_that_is_already_written(
    new_screen: NewScreen, town: Town, city: City, heard: Heard
) -> None:
    """The day before the promise breaks the letter is in the list; a past date is refused, a later one signed."""
    dossier = (await town.declare())["dossier_id"]
    await town.start(dossier, "register_birth")
    await _let_the_apology_be_due(city, UUID(dossier))
    leader = await new_screen("leader")
    await leader.go("/viec/xin-loi")
    await expect(leader.page.locator(f"a[href^='/ho-so/{dossier}/viec/sign-apology']")).to_be_visible(
        timeout=WAIT_MS
    )
    await leader.page.locator(f"a[href^='/ho-so/{dossier}/viec/sign-apology']").focus()
    await leader.press("Enter")
    await expect(leader.at("ngay-hen")).to_be_focused()
    await leader.check("an apology to be signed", picture="apology")
    leader.expected_status |= {409, 422}
    for wrong in ("ngày mai", "08:00 01/01/2020"):
        await leader.at("ngay-hen").fill(wrong)
        await leader.press("Control+Enter")
        await expect(leader.page.get_by_role("alert")).to_be_focused()
        assert await leader.at("ngay-hen").input_value() == wrong
    later = town.today + timedelta(days=20)
    await leader.at("ngay-hen").fill(f"16:00 {later:%d/%m/%Y}")
    await leader.press("Control+Enter")
    await expect(leader.at("quay-in")).to_be_visible()
    await heard.until("routing.appointment-moved.v1", dossier)
    await leader.sees("Hẹn trả 16 giờ 00 phút")
    await leader.check("an apology signed")


async def _let_the_apology_be_due(city: City, dossier: UUID) -> None:
    """As if the day before the appointment had come. `state` is JSON that only routing reads."""
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    connection = await asyncpg.connect(city.dsn("routing", "migrator"), timeout=10)
    try:
        async with connection.transaction():
            await connection.execute(
                """
                UPDATE case_state SET state = convert_to(jsonb_set(
                    convert_from(state, 'UTF8')::jsonb, '{appointment,near_at}', to_jsonb($2::text)
                )::text, 'UTF8') WHERE dossier_id = $1
                """,
                dossier,
                past,
            )
            await connection.execute(
                "UPDATE timer SET due_at = now() WHERE dossier_id = $1 AND kind = 'apology'", dossier
            )
    finally:
        await connection.close()


async def test_the_counter_sees_papers_and_readers_and_corrects(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """Scans beside the data, under their own type; who looked is listed; a correction names what it changes."""
    receipt = await town.declare()
    dossier = receipt["dossier_id"]
    screen = await new_screen("counter", path="/dang-nhap?tiep=/viec/cua-toi")
    picture = await screen.page.screenshot()
    await town.people["hospital"].post_bytes(
        "intake", f"/dossiers/{dossier}/attachments?component=declaration", picture, "image/png"
    )
    await screen.go(f"/ho-so/{receipt['code']}")
    await expect(screen.at("ma-ho-so")).to_have_text(receipt["code"])
    await expect(screen.at("ban-chup")).to_have_js_property("complete", True)
    assert await screen.at("ban-chup").evaluate("image => image.naturalWidth") > 0
    answer = await screen.context.request.get(f"{screen.url}/ho-so/{dossier}/tep/1")
    assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == (
        "image/png",
        "nosniff",
    )
    assert "sandbox" in answer.headers["content-security-policy"]
    await press_act(screen, "correct")
    await screen.at("form.child.intended_name").fill("Nguyễn D'Ân 👶")
    screen.expected_status.add(422)
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    assert await screen.at("form.child.intended_name").input_value() == "Nguyễn D'Ân 👶"
    await screen.check("a correction refused")
    await screen.at("form.child.intended_name").fill("Nguyễn D'Ân")
    await screen.at("ghi-chu").fill("Gia đình đặt lại tên.")
    await screen.press("Control+Enter")
    await expect(screen.at("da-xong")).to_contain_text("Đã sửa")
    await heard.until("intake.dossier-corrected.v1", dossier)
    await screen.sees("Nguyễn D'Ân")
    await screen.at("nhat-ky").focus()
    await screen.press("Enter")
    await screen.sees("Kiểm tra, tiếp nhận hồ sơ tại bộ phận một cửa")
    await screen.check("who looked")


async def test_an_officer_gets_the_data_a_hospitals_software_sent(new_screen: NewScreen, town: Town) -> None:
    """Under the paper it is: the Bundle as it came, as a file to keep and not as a page or a picture."""
    sent = of_these_days(bundle("document", one_birth(9)), town)
    async with Software(town, HOSPITAL_PARTNER) as hospital:
        answer = await hospital.http.post("/fhir", content=sent, headers=FHIR)
    assert answer.status_code == 201, answer.text
    ward = await new_screen(WARD)
    await ward.go(f"/ho-so/{answer.headers['location'].rpartition('/')[2]}")
    link = ward.page.get_by_role("link", name="Tải dữ liệu điện tử của bệnh viện (FHIR)")
    await expect(link).to_be_visible()
    await ward.check("a dossier with a Bundle")
    async with ward.page.expect_download() as downloading:
        await link.click()
    download = await downloading.value
    assert Path(await download.path()).read_bytes() == sent


async def test_bad_input_never_breaks_the_page(new_screen: NewScreen, town: Town) -> None:
    """A number with a letter, a name of 200 letters, a dossier of somebody else, an address that means nothing."""
    dossier = (await town.declare())["dossier_id"]
    await town.start(dossier, "register_birth")
    screen = await new_screen("leader")
    screen.expected_status |= {404, 422}
    await screen.go(f"/ho-so/{dossier}/viec/complete?buoc=register_birth")
    await fill(screen, {"register_number": "12a", "registered_on": "31/02/2026", "child_name": LONG_NAME})
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    assert await screen.at("form.child_name").input_value() == LONG_NAME
    assert await screen.at("form.register_number").input_value() == "12a"
    await screen.check("an outcome that is wrong")
    for act in ("nonsense", "start"):
        await screen.go(f"/ho-so/{dossier}/viec/{act}?buoc=register_birth")
        await screen.sees("Không tìm thấy")
    await screen.go(f"/ho-so/{dossier}/viec/complete?buoc=khong-co")
    await expect(screen.at("khong-lam-duoc")).to_be_visible()
    for address in WRONG_ADDRESSES:
        await screen.go(f"/ho-so/{address}")
        await screen.sees("Không tìm thấy")
    other = await new_screen("police-31411-2025")
    other.expected_status.add(404)
    await other.go(f"/ho-so/{dossier}")
    await other.sees("Không tìm thấy")
    await other.check("a dossier of somebody else")


async def test_what_was_typed_outlives_the_session(new_screen: NewScreen, town: Town) -> None:
    """The session ends in the middle of a form: after signing in again it is sent as it was."""
    dossier = (await town.declare())["dossier_id"]
    screen = await new_screen(INSURANCE)
    screen.expected_status |= {401, 404, 422}
    await town.complete(dossier, "register_birth")
    await open_from(screen, "cho-xu-ly", dossier)
    await press_act(screen, "supplement-request")
    await screen.at("giay-to-declaration").focus()
    await screen.press("Space")
    await screen.at("ly-do-1").focus()
    await screen.press("1")
    await screen.at("ghi-chu").fill("Nộp lại tờ khai.")
    await screen.context.clear_cookies()
    await screen.press("Control+Enter")
    await screen.sees("Nội dung đã nhập vẫn được giữ")
    await screen.check("signed out in the middle")

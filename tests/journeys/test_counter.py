"""The counter: a dossier is received with the keyboard alone (J1), with a paper missing (J2), written for another (J3);
its result is promised at another counter; nothing typed is lost.
"""

import re
import time

import pytest
from playwright.async_api import FilePayload, expect

from deploy.local.city import City
from tests.journeys.clerk import applicant_and_procedure, counter, pdf, printed, words_of
from tests.journeys.conftest import Heard, NewScreen, account_of
from tests.pipeline.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]
CODE = re.compile(r"^\d{3}\.\d\d\.\d\d\.H\d\d-\d{6}-\d{4}$")
# reference/interface.md (a): F9 → code on the screen, F9 with errors → focus on the summary; the machines tests run on
# may be five times slower than a desk.
SLOW = 5
F9_SECONDS, F9_ERRORS_SECONDS = 0.3, 0.2
# About thirty letters at 1280 px.
SEARCH_WIDTH_MIN = 220
A5_POINTS = (419.5, 595.3)


async def test_a_dossier_is_received_in_ten_steps(new_printing_screen: NewScreen, heard: Heard) -> None:
    """J1: card, procedure, telephone, papers, fee, F9: code, printed receipt, cursor in the scan box, event."""
    screen = await counter(new_printing_screen)
    await screen.check("counter empty")
    await applicant_and_procedure(screen, "092195001234", "Trần Thị Bé", "chung thuc ban")
    await screen.type("0912345678")
    await screen.press("Enter", " ", " ")
    await screen.type("Bằng tốt nghiệp")
    await screen.press("Enter", "Enter")
    await expect(screen.at("xem-truoc")).to_contain_text("Bản chính giấy tờ làm cơ sở để chứng thực")
    await expect(screen.at("ngay-hen-tra")).to_contain_text("Hẹn trả kết quả trước")
    await screen.check("counter filled", picture="counter")
    began = time.monotonic()
    await screen.press("F9")
    await expect(screen.at("ma-ho-so")).to_be_visible()
    assert time.monotonic() - began < F9_SECONDS * SLOW
    code = await screen.at("ma-ho-so").inner_text()
    assert CODE.match(code)
    await expect(screen.at("o-quet")).to_be_focused()
    paper = await pdf(screen, await printed(screen))
    assert len(paper.pages) == 1
    size = tuple(round(float(side), 1) for side in paper.pages[0].mediabox[2:])
    assert size == pytest.approx(A5_POINTS, abs=0.5)
    text = words_of(paper)
    assert code in text
    assert "Hẹn trả kết quả" in text
    await screen.check("counter done")
    await heard.until("intake.dossier-accepted.v1")
    await expect(screen.page.locator("iframe.print-frame")).to_have_count(1)
    assert await screen.page.evaluate("window.papersPrinted") == 1
    # Shift+F9 prints it again, F1 shows the keys from the same table.
    await screen.press("Shift+F9")
    await screen.press("F1")
    await expect(screen.page.get_by_role("dialog")).to_contain_text("Tiếp nhận và in")
    await screen.press("Escape")


async def test_the_result_may_be_promised_at_another_counter(new_screen: NewScreen, heard: Heard) -> None:
    """Two keys choose another way; its place is asked for, read on the preview, and goes along with the dossier."""
    screen = await counter(new_screen)
    screen.expected_status.add(422)
    await applicant_and_procedure(screen, "092195001234", "Trần Thị Bé", "chung thuc ban")
    await screen.type("0912345678")
    await screen.press("Enter", " ", " ")
    await screen.type("Bằng tốt nghiệp")
    way, place = screen.at("nhan.certified_copy"), screen.at("noi.certified_copy")
    await way.focus()
    await screen.press("ArrowDown")
    await expect(place).to_be_visible()
    await expect(way).to_be_focused()
    await screen.press("F9")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.press("Tab", "Enter")
    await expect(place).to_be_focused()
    await screen.check("counter another place")
    await screen.type("dai thanh can tho")
    await screen.press("Enter")
    await expect(place).to_have_value(re.compile(r"Phường Đại Thành.*\(31411\)"))
    await expect(screen.at("xem-truoc")).to_contain_text("Phường Đại Thành")
    await screen.press("F9")
    await expect(screen.at("ma-ho-so")).to_be_visible()
    await heard.until("intake.dossier-accepted.v1")
    text = words_of(await pdf(screen, await printed(screen)))
    assert "Trung tâm Phục vụ hành chính công phường Đại Thành" in text


async def test_a_missing_paper_is_told_first_and_then_listed_on_a_slip(new_screen: NewScreen) -> None:
    """J2: F9 stops at the paper; with the slip chosen the dossier is received and form 02 lists all that lacks."""
    screen = await counter(new_screen)
    screen.expected_status.add(422)
    before = await screen.at("cho-bo-sung").count() and int(await screen.at("cho-bo-sung").inner_text())
    await applicant_and_procedure(screen, "092195001234", "Trần Thị Bé", "tinh trang hon nhan")
    await screen.type("0912345678")
    await screen.press("Enter", "2", "ArrowDown", "2")
    await screen.at("form.subject.name").focus()
    await screen.type("Trần Bé")
    await screen.at("form.purpose").focus()
    await screen.type("Vay vốn")
    began = time.monotonic()
    await screen.press("F9")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    assert time.monotonic() - began < F9_ERRORS_SECONDS * SLOW
    assert (await screen.page.title()).startswith("Lỗi: ")
    links = screen.at("tom-tat-loi").locator("a")
    assert await links.first.get_attribute("href") == "#giay.declaration"
    await screen.check("counter with a missing paper")
    await links.first.focus()
    await screen.press("Enter")
    await screen.at("phieu-bo-sung").focus()
    await screen.press(" ", "F9")
    await expect(screen.at("ma-ho-so")).to_be_visible()
    address = await printed(screen)
    assert address.endswith("/02.pdf")
    text = words_of(await pdf(screen, address))
    assert "Tờ khai theo mẫu" in text
    assert "Giấy tờ tùy thân của người yêu cầu" in text
    await expect(screen.at("cho-bo-sung")).to_have_text(str(before + 1))
    # The list holds what the count says, this dossier among them, and takes in what comes of it.
    dossier = address.split("/")[2]
    await screen.go("/viec/cho-bo-sung")
    await expect(screen.at("hang-cho-bo-sung").locator(".count")).to_have_text(f"{before + 1} hồ sơ")
    await expect(screen.page.locator("[data-row]")).to_have_count(before + 1)
    line = screen.page.locator("tr", has=screen.page.locator(f"a[data-row][href='/ho-so/{dossier}']"))
    await expect(line).to_contain_text("Còn thiếu 2 giấy tờ")
    await screen.check("a list of what the family still has to bring")
    await line.get_by_role("link", name="Nhận bổ sung").focus()
    await screen.press("Enter")
    await expect(screen.at("bang-supply")).to_be_visible()


async def test_what_an_officer_writes_for_somebody_is_read_back_first(
    new_screen: NewScreen, town: Town
) -> None:
    """J3: each value knows where it came from; F9 waits until it was read back, in letters an old person can read."""
    screen = await counter(new_screen)
    screen.expected_status.add(422)
    await screen.press("F4")
    await screen.at("viet-ho").focus()
    await screen.press(" ")
    await expect(screen.at("doc-lai")).to_be_visible()
    await screen.press("F2")
    await applicant_and_procedure(screen, "092195001234", "Trần Thị Bé", "tinh trang hon nhan")
    await screen.type("0912345678")
    await screen.press("Enter", " ", " ")
    await screen.at("form.subject.name").focus()
    await screen.type("Trần Bé")
    await screen.at("form.purpose").focus()
    await screen.type("Vay vốn")
    await screen.at("nguon.purpose").focus()
    await screen.press("ArrowUp")
    await screen.press("F9")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.press("Control+Enter")
    page_read = screen.at("doc-lai-trang")
    await expect(page_read).to_be_visible()
    size = await page_read.locator("dd").first.evaluate("dd => parseFloat(getComputedStyle(dd).fontSize)")
    assert size >= 24
    await screen.check("read back")
    await screen.at("da-doc-lai").focus()
    await screen.press(" ", "F9")
    await expect(screen.at("ma-ho-so")).to_be_visible()
    dossier = (await printed(screen)).split("/")[2]
    kept = await town.people["counter"].get("intake", f"/dossiers/{dossier}", purpose="check-dossier")
    assert kept["read_back"] is True
    assert kept["provenance"]["applicant.name"] == "scanned"
    assert kept["provenance"]["applicant.phone"] == "read-out"
    assert kept["provenance"]["purpose"] == "typed"
    # Whoever opens the dossier later reads where each value came from, and that it was read back.
    await screen.go(f"/ho-so/{dossier}")
    await expect(screen.at("da-doc-lai")).to_contain_text("đã đọc lại cho người dân nghe")
    said = screen.page.locator(".data dd")
    await expect(said.filter(has_text="Trần Thị Bé").first).to_contain_text("(quét thẻ)")
    await expect(said.filter(has_text="0912345678").first).to_contain_text("(người dân đọc)")
    await expect(said.filter(has_text="Vay vốn").first).to_contain_text("(cán bộ nhập)")
    await screen.check("a dossier with the origin of its values")


async def test_a_lost_session_costs_nothing_that_was_typed(
    new_screen: NewScreen, city: City, heard: Heard
) -> None:
    """The cookie is gone in the middle of a form: sign in, and it is there; F9 pressed twice makes one dossier."""
    screen = await counter(new_screen)
    screen.expected_status.add(401)
    name = "Nguyễn Thị H'Linh " + "A" * 182
    await applicant_and_procedure(screen, "092195001234", "Trần Thị Bé", "chung thuc ban")
    await screen.press("Enter", " ", " ")
    await screen.type("Bằng lái")
    await screen.at("nguoi-nop").fill(name)
    await screen.context.clear_cookies()
    await screen.press("F9")
    await expect(screen.at("ten")).to_be_visible()
    await screen.sign_in(account_of(city, "counter"), path="/dang-nhap?tiep=/quay")
    await expect(screen.at("nguoi-nop")).to_have_value(name)
    await expect(screen.at("form.documents.0.name")).to_have_value("Bằng lái")
    await screen.press("F9", "F9")
    await expect(screen.at("ma-ho-so")).to_be_visible()
    first = await heard.until("intake.dossier-accepted.v1")
    await screen.page.go_back()
    await screen.go("/quay")
    await expect(screen.at("nguoi-nop")).to_have_value("")
    received = {dossier for said, dossier in heard.events if said == "intake.dossier-received.v1"}
    assert received == {first}


async def test_a_file_that_is_not_what_it_says_is_told_at_its_paper(new_screen: NewScreen) -> None:
    """intake looks at the content: the dossier is received, the scan is not, and both are said."""
    screen = await counter(new_screen)
    screen.expected_status.add(422)
    await applicant_and_procedure(screen, "092195001234", "Trần Thị Bé", "chung thuc ban")
    await screen.press("Enter", " ", " ")
    await screen.type("Bằng lái")
    wrong = FilePayload(name="ban-chinh.pdf", mimeType="application/pdf", buffer=b"MZ not a pdf at all")
    await screen.at("tep.original").set_input_files(files=[wrong])
    await screen.press("F9")
    await expect(screen.at("ma-ho-so")).to_be_visible()
    await expect(screen.at("tep-original")).to_contain_text("ban-chinh.pdf")
    await expect(screen.at("tep-original")).to_have_class("wrong")


async def test_an_emoji_in_a_name_is_refused_at_its_box_and_kept(new_screen: NewScreen) -> None:
    """intake's own words stand at the box; what was typed is still there, and so is the chosen scan."""
    screen = await counter(new_screen)
    screen.expected_status.add(422)
    await applicant_and_procedure(screen, "092195001234", "Trần Thị Bé", "chung thuc ban")
    await screen.press("Enter", " ", " ")
    await screen.type("Bằng lái")
    scan = FilePayload(name="ban-chinh.png", mimeType="image/png", buffer=b"\x89PNG")
    await screen.at("tep.original").set_input_files(files=[scan])
    await screen.at("nguoi-nop").fill("Trần Bé 😀")
    await screen.press("F9")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    assert await screen.at("tom-tat-loi").locator("a").first.get_attribute("href") == "#form.applicant.name"
    await expect(screen.at("nguoi-nop")).to_have_value("Trần Bé 😀")
    assert await screen.at("tep.original").evaluate("input => input.files.length") == 1


async def test_looking_for_nobody_leaves_the_desk_as_it_is(new_screen: NewScreen) -> None:
    """What is typed into the search box, and Enter where nothing fits, cost nothing of the dossier that was begun."""
    screen = await counter(new_screen)
    await applicant_and_procedure(screen, "092195001234", "Trần Thị Bé", "chung thuc ban")
    await screen.press("F2")
    await screen.type("khong co ai nhu the")
    for _ in range(2):
        await expect(screen.page.locator("#tim-ds")).to_have_text("Không tìm thấy hồ sơ phù hợp.")
        await screen.press("Enter")
        await expect(screen.at("tim-noi")).to_have_text("Không tìm thấy hồ sơ phù hợp.")
    await screen.check("nobody was found at the desk")
    async with screen.page.expect_response("**/tim"):
        await screen.press("Enter", "Escape")
    await expect(screen.page.locator("#tim-ds")).to_be_hidden()
    screen.forgives_lost_connections = True
    await screen.context.set_offline(True)
    await screen.press("Enter")
    for place in (screen.page.locator("#tim-ds"), screen.at("tim-noi")):
        await expect(place).to_have_text("Chưa tìm được vì mất kết nối. Hãy thử lại sau ít giây.")
    await screen.context.set_offline(False)
    await screen.press("Escape")
    await expect(screen.page.locator("#tim-ds")).to_be_hidden()
    await expect(screen.at("o-quet")).to_be_focused()
    await expect(screen.at("nguoi-nop")).to_have_value("Trần Thị Bé")
    assert screen.page.url == f"{screen.url}/quay"


async def test_who_asks_for_themselves_is_not_asked_twice(new_screen: NewScreen) -> None:
    """Self as the relation fills what is empty of the person concerned; what was typed there stays (WCAG 3.3.7)."""
    screen = await counter(new_screen)
    await screen.page.set_viewport_size({"width": 1280, "height": 720})
    box = await screen.at("o-quet").bounding_box()
    assert box is not None
    assert box["width"] > SEARCH_WIDTH_MIN
    # One row, with the line of help in it, however long the name of the desk is.
    line = await screen.page.locator(".top .help").bounding_box()
    assert line is not None
    assert abs((line["y"] + line["height"] / 2) - (box["y"] + box["height"] / 2)) < box["height"] / 2
    await applicant_and_procedure(screen, "092195001234", "Trần Thị Bé", "tinh trang hon nhan")
    await screen.page.locator("details.more").evaluate_all(
        "all => all.forEach((one) => { one.open = true; })"
    )
    await screen.at("form.subject.address").fill("Ấp 3")
    await screen.at("form.applicant.address").fill("Ấp 5")
    await screen.at("form.applicant.relation").select_option("self")
    await expect(screen.at("form.subject.name")).to_have_value("Trần Thị Bé")
    await expect(screen.at("form.subject.identity.number")).to_have_value("092195001234")
    await expect(screen.at("form.subject.address")).to_have_value("Ấp 3")
    await screen.press("Control+Enter")
    await screen.sees("Để tiếp nhận và in, bấm F9.")

"""Officers' acts on a step and on a file, with the keyboard only: the clock, a finding, giving back and assigning,
amending, taking in, withdrawing, correcting; what law lets them take back is taken back.
"""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import FilePayload, Route, expect

from deploy.local.city import City
from libs.http.auth import TokenSigner
from tests.journeys.conftest import Heard, NewScreen
from tests.journeys.officers import POLICE, SECOND_PRESS_MS, WARD, choose, done, fill, open_from, press_act
from tests.journeys.screen import WAIT_MS, Screen
from tests.pipeline.papers import outcome_of
from tests.pipeline.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]
MARITAL_STATUS = "1.004873"
APPLICANT = {"name": "Trần Thị Bé", "identity": {"kind": "citizen_id", "number": "092195001234"}}


async def test_the_clock_stops_for_what_the_law_does_not_count(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """The police take a mistaken stop back, wait for the householder, go on, and find that they must verify."""
    receipt = await town.declare()
    dossier = receipt["dossier_id"]
    await town.complete(dossier, "register_birth")
    screen = await new_screen(POLICE)
    await open_from(screen, "cho-xu-ly", dossier)
    await press_act(screen, "start")
    await done(screen, "Đã bắt đầu xử lý")
    await expect(screen.at("viec-complete")).to_be_focused()
    promised = await screen.page.locator(".standing").inner_text()
    await press_act(screen, "pause")
    await expect(screen.at("lua-chon-1")).to_be_focused()
    screen.expected_status.add(422)
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("a stop of the clock without its ground")
    await choose(screen, "lua-chon", 1)
    await screen.press("Control+Enter")
    await done(screen, "Đã tạm dừng thời hạn")
    await heard.until("routing.clock-paused.v1", dossier)
    await screen.check("the clock stands still")
    await screen.press("Escape")
    await done(screen, "Đã hoàn tác việc tạm dừng")
    await heard.until("routing.clock-resumed.v1", dossier)
    await press_act(screen, "pause")
    await choose(screen, "lua-chon", 2)
    await screen.press("Enter")
    await done(screen, "Đã tạm dừng thời hạn")
    await press_act(screen, "resume")
    await expect(screen.at("bang-resume")).to_contain_text("Chủ hộ xác nhận trên VNeID")
    await screen.check("the clock may go on")
    await the_family_reads_what_is_waited_for(await new_screen(phone=True), receipt)
    await choose(screen, "lua-chon", 1)
    await screen.press("Enter")
    await done(screen, "Thời hạn được tính tiếp")
    await press_act(screen, "finding")
    await choose(screen, "lua-chon", 1)
    await expect(screen.at("bang-finding")).to_contain_text("Phải xác minh nơi cư trú: có")
    await screen.check("a finding")
    await screen.press("Control+Enter")
    await done(screen, "Đã ghi kết luận")
    await heard.until("routing.appointment-moved.v1", dossier)
    assert await screen.page.locator(".standing").inner_text() != promised


async def the_family_reads_what_is_waited_for(screen: Screen, receipt: dict[str, Any]) -> None:
    """With the code that the clock stands still for somebody outside, with the receipt at which step and for what."""
    await screen.go(f"/tra-cuu?ma={receipt['code']}")
    await expect(screen.at("tinh-trang")).to_contain_text("Đang dừng tính hạn")
    await expect(screen.at("tinh-trang")).to_contain_text(
        "chờ ông/bà hoặc người có liên quan thực hiện một việc"
    )
    await expect(screen.page.get_by_text("VNeID")).to_have_count(0)
    await screen.check("status by code while the clock stands still")
    await screen.go(f"/h/{receipt['tracking_token']}")
    await expect(screen.at("dang-cho")).to_contain_text("chờ chủ hộ xác nhận trên VNeID")
    await screen.check("a receipt's page while the clock stands still")


async def test_what_came_to_the_wrong_desk_is_given_back_and_assigned(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """The ward gives a step back, takes that back, gives it back for good; the counter assigns it."""
    dossier = (await town.declare())["dossier_id"]
    ward = await new_screen(WARD)
    await open_from(ward, "cho-xu-ly", dossier)
    for again in (False, True):
        await press_act(ward, "return")
        await choose(ward, "ly-do", 3)
        await ward.at("ghi-chu").focus()
        await ward.type("Người nộp là người nhà.")
        await ward.press("Control+Enter")
        await expect(ward.page.locator("#bang-ten")).to_be_focused()
        await ward.press("Tab")
        await expect(ward.at("xac-nhan")).to_be_focused()
        # Two presses are one act.
        await ward.press("Enter", "Enter")
        await done(ward, "Đã chuyển trả")
        if not again:
            await ward.check("given back")
            await ward.press("Escape")
            await done(ward, "Đã hoàn tác việc chuyển trả")
            await open_from(ward, "cho-xu-ly", dossier)
    await heard.until("routing.step-returned.v1", dossier)
    counter = await new_screen("counter", path="/dang-nhap?tiep=/viec/tra-lai")
    await open_from(counter, "tra-lai", dossier)
    await press_act(counter, "assign")
    await expect(counter.at("lua-chon-1")).to_be_focused()
    await counter.check("to whom a step is assigned")
    await choose(counter, "lua-chon", 1)
    await counter.at("ghi-chu").focus()
    await counter.type("Cán bộ khác của phường giải quyết.")
    await counter.press("Control+Enter")
    await done(counter, "Đã phân công cơ quan giải quyết")
    await expect(counter.at("viec-tiep")).to_be_focused()
    await heard.until("routing.step-assigned.v1", dossier)
    await counter.check("assigned")


async def test_a_request_for_papers_and_an_outcome_are_put_right(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """A mistaken request is taken back; the step is completed, and sent again from before; its outcome is amended."""
    dossier = (await town.declare())["dossier_id"]
    screen = await new_screen(WARD)
    await open_from(screen, "cho-xu-ly", dossier)
    await press_act(screen, "start")
    await done(screen, "Đã bắt đầu xử lý")
    await press_act(screen, "supplement-request")
    await screen.at("giay-to-declaration").focus()
    await screen.press("Space")
    await choose(screen, "ly-do", 1)
    await screen.press("Control+Enter")
    await done(screen, "Đã yêu cầu bổ sung")
    await screen.press("Escape")
    await done(screen, "Đã thu hồi yêu cầu bổ sung")
    await heard.until("routing.supplement-withdrawn.v1", dossier)
    await press_act(screen, "complete")
    await fill(screen, outcome_of("register_birth", 940_001, town.today))
    await screen.press("Control+Enter")
    await done(screen, "Đã hoàn thành")
    await heard.until("routing.step-completed.v1", dossier)
    # Back to the form that was sent: sent again, the officer is told that the step is done.
    screen.expected_status |= {409, 422}
    await screen.page.go_back()
    await fill(screen, {"child_name": "Nguyễn An Nhi"})
    await screen.press("Control+Enter")
    await expect(screen.page.get_by_role("alert").first).to_be_focused()
    await screen.check("sent again from before")
    await screen.press("Escape")
    await press_act(screen, "amend")
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("an amendment that changes nothing")
    await fill(screen, {"child_name": "Nguyễn An Nhi"})
    await screen.press("Control+Enter")
    await done(screen, "Đã sửa kết quả")
    await heard.until("routing.step-amended.v1", dossier)
    await screen.check("amended")


async def test_what_was_sent_online_is_taken_in_and_withdrawn(
    new_screen: NewScreen, city: City, heard: Heard
) -> None:
    """What lacks is brought to the counter first; then it is taken in, and later the applicant takes it back."""
    dossier = await sent_online(city)
    screen = await new_screen("counter", path="/dang-nhap?tiep=/viec/cua-toi")
    await open_from(screen, "cho-tiep-nhan", dossier)
    await expect(screen.at("viec-supply")).to_be_focused()
    await expect(screen.at("viec-accept")).to_have_count(0)
    await screen.check("at the door")
    await press_act(screen, "supply")
    await expect(screen.at("giay-to-declaration")).to_be_focused()
    await screen.press("Space", "Control+Enter")
    await done(screen, "Đã ghi nhận nội dung bổ sung")
    await heard.until("intake.dossier-supplemented.v1", dossier)
    await screen.at("viec-accept").focus()
    await screen.press("Enter", "Enter")
    await done(screen, "Đã tiếp nhận hồ sơ")
    await heard.until("intake.dossier-accepted.v1", dossier)
    await expect(screen.at("trang-thai")).to_contain_text("Đang xử lý", timeout=WAIT_MS)
    await screen.check("taken in")
    await press_act(screen, "withdraw")
    await expect(screen.page.get_by_role("heading", name="Rút hồ sơ")).to_be_focused()
    await screen.check("a withdrawal")
    await screen.press("Control+Enter")
    await done(screen, "Đã ghi nhận việc rút hồ sơ")
    await heard.until("intake.dossier-withdrawn.v1", dossier)
    await expect(screen.at("trang-thai")).to_contain_text("Rút hồ sơ", timeout=WAIT_MS)
    await screen.check("withdrawn")


async def test_news_between_two_presses_make_no_second_act_of_them(new_screen: NewScreen, city: City) -> None:
    """What is live on the page is not made anew while it is being sent: the second press would be another act."""
    dossier = await sent_online(city, "declaration")
    screen = await new_screen("counter")
    news, pressed, sent = asyncio.Event(), asyncio.Event(), list[str]()

    async def hold_news(route: Route) -> None:
        await news.wait()
        await route.continue_()

    async def hold_act(route: Route) -> None:
        sent.append(route.request.post_data or "")
        await pressed.wait()
        await route.continue_()

    await screen.page.route("**/dong", hold_news)
    await screen.page.route("**/viec/accept", hold_act)
    await screen.go(f"/ho-so/{dossier}")
    await screen.at("viec-accept").focus()
    await screen.press("Enter")
    async with screen.page.expect_response("**/dong"):
        news.set()
    await screen.page.wait_for_timeout(SECOND_PRESS_MS)
    await screen.press("Enter")
    pressed.set()
    await done(screen, "Đã tiếp nhận hồ sơ")
    assert len(sent) == 1


async def sent_online(city: City, *brought: str) -> str:
    """A dossier as the citizens' entrance hands it in, seen by nobody of ours: without its declaration, or with it."""
    token = TokenSigner.from_file("portal", city.keys / "portal.pem").token("intake")
    form = {"applicant": APPLICANT, "subject": {"name": "Trần Thị Bé"}, "purpose": "Đăng ký kết hôn"}
    body = {
        "procedure": MARITAL_STATUS,
        "channel": "online",
        "form": form,
        "components": ["identity_paper", *brought],
        "unit": "31340",
    }
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid4())}
    async with httpx.AsyncClient(trust_env=False) as line:
        answer = await line.post(f"{city.urls['intake']}/dossiers", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["dossier_id"])


async def test_what_was_asked_for_is_brought_to_the_counter(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """A paper with its scan and a name put right answer the ward's request: the clock runs again."""
    dossier = (await town.declare())["dossier_id"]
    await town.start(dossier, "register_birth")
    asked = {"step": "register_birth", "reason": "not-signed", "fields": ["child.intended_name"]}
    asked |= {"components": ["declaration"]}
    await town.post("civil_status", "routing", f"/cases/{dossier}/supplement-requests", asked)
    await town.until_status(dossier, 5)
    screen = await new_screen("counter", path="/dang-nhap?tiep=/viec/cua-toi")
    await screen.go(f"/ho-so/{dossier}")
    await press_act(screen, "supply")
    screen.expected_status.add(422)
    await screen.press("Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.check("nothing brought")
    await screen.at("giay-to-declaration").focus()
    await screen.press("Space")
    scan = FilePayload(name="to-khai.png", mimeType="image/png", buffer=await screen.page.screenshot())
    await screen.at("tep.declaration").set_input_files(scan)
    await fill(screen, {"child.intended_name": "Nguyễn Minh Khôi"})
    await screen.check("what was asked for is there")
    await screen.press("Control+Enter")
    await done(screen, "Đã ghi nhận nội dung bổ sung")
    await heard.until("routing.clock-resumed.v1", dossier)
    await screen.sees("Nguyễn Minh Khôi")
    await expect(screen.at("ban-chup")).to_be_visible()
    await expect(screen.at("trang-thai")).to_contain_text("Đang xử lý", timeout=WAIT_MS)


async def test_two_who_correct_one_file_see_each_others_words(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """The second is told what the file says by now and loses nothing; sent again, theirs is what it says."""
    receipt = await town.declare()
    dossier = receipt["dossier_id"]
    first = await new_screen("counter", path="/dang-nhap?tiep=/viec/cua-toi")
    await first.go(f"/ho-so/{receipt['code']}")
    await press_act(first, "correct")
    await fill(first, {"child.intended_name": "Nguyễn An"})
    await first.at("ghi-chu").focus()
    await first.type("Gia đình đặt lại tên.")
    version = (await town.people["hospital"].get("intake", f"/dossiers/{dossier}", purpose="check-dossier"))[
        "file_version"
    ]
    change = {
        "changes": [{"path": "child.intended_name", "value": "Nguyễn Bình"}],
        "explanation": "Mẹ báo lại.",
    }
    await town.post(
        "hospital", "intake", f"/dossiers/{dossier}/corrections", change | {"file_version": version}
    )
    first.expected_status.add(409)
    await first.press("Control+Enter")
    await expect(first.at("xung-dot")).to_be_focused()
    await expect(first.page.locator("[id='form.child.intended_name-loi']")).to_contain_text("Nguyễn Bình")
    assert await first.at("form.child.intended_name").input_value() == "Nguyễn An"
    await first.check("corrected by two")
    await first.press("Control+Enter")
    await done(first, "Đã sửa")
    await first.sees("Nguyễn An")

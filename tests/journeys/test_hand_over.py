"""At the counter results go to the right person (J5) and to a doubtful one with a reason (J5b); papers are printed for
who handles the dossier; the search box finds it.
"""

from collections.abc import Mapping, Sequence

import pytest
from playwright.async_api import expect

from tests.integration.intake.samples import insurance_card
from tests.journeys.clerk import CARD, counter, pdf, printed, words_of
from tests.journeys.conftest import Heard, NewScreen
from tests.journeys.midwife import opened
from tests.journeys.screen import Screen
from tests.pipeline.town import Town, until

AT_WARD = "hospital-93016"
pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


async def ready_result(
    town: Town, name: str, number: str, results: Sequence[Mapping[str, str]] = (), *, at: str = "counter"
) -> tuple[str, str]:
    """A certified copy that has been issued for somebody: dossier and the link on their receipt."""
    body = {
        "procedure": "2.000815",
        "form": {
            "applicant": {
                "name": name,
                "birth_date": "1995-09-02",
                "identity": {"kind": "citizen_id", "number": number},
            },
            "documents": [{"name": "Bằng tốt nghiệp"}],
        },
        "components": ["original"],
        "channel": "counter",
        "results": results,
    }
    receipt = await town.post("counter", "intake", "/dossiers", body)
    await town.complete(receipt["dossier_id"], "certify")
    await town.until_result(receipt["dossier_id"], "certified_copy", who=at)
    return receipt["dossier_id"], receipt["link"]


async def open_hand_over(screen: Screen, link: str) -> None:
    """Scan the receipt, and take the paper in that has come to the counter."""
    await screen.scan(link)
    await screen.at("nhan-ve-quay").focus()
    await screen.press("Enter")
    await expect(screen.at("ho-ten")).to_be_focused()


async def test_a_result_goes_to_the_person_of_the_dossier(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """J5: receipt scanned, collector's card scanned and matched, fee, Ctrl+Enter, receipt printed."""
    dossier, link = await ready_result(town, "Trần Thị Bé", "092195001234")
    screen = await counter(new_screen)
    await open_hand_over(screen, link)
    await screen.check("hand over empty")
    await screen.scan(CARD.format(number="092195001234", name="Trần Thị Bé"))
    await expect(screen.at("doi-chieu")).to_contain_text("Khớp")
    await expect(screen.at("da-thu")).to_be_focused()
    await screen.check("hand over matched", picture="hand-over")
    await screen.press("Enter", "Control+Enter")
    await expect(screen.at("da-trao")).to_be_visible()
    await expect(screen.at("o-quet")).to_be_focused()
    text = words_of(await pdf(screen, await printed(screen)))
    assert "Trần Thị Bé" in text
    await screen.check("hand over done")
    await heard.until("results.result-handed-over.v1", dossier)


async def test_a_result_is_fetched_at_another_ward_s_counter(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """The citizen chose a third counter: its clerk finds the dossier by the name, is shown the result and not the file,
    takes the paper in and hands it over.
    """
    place = "one-stop-31411-2025"
    chosen = [{"code": "certified_copy", "delivery": "counter", "place": place}]
    number = "092195005678"
    dossier, _ = await ready_result(town, "Võ Thị Kim Sen", number, chosen, at="other_counter")
    screen: Screen = await new_screen("counter-2", path="/dang-nhap?tiep=/quay")
    await screen.press("F2")
    await screen.type("vo thi kim sen")
    await expect(screen.page.get_by_role("option").first).to_contain_text("Võ Thị Kim Sen")
    await screen.press("ArrowDown", "Enter")
    await screen.page.wait_for_url(f"**/quay/tra-ket-qua/{dossier}")
    await expect(screen.at("noi-nhan-ho-so")).to_contain_text("phường Ngã Bảy")
    await screen.check("hand over elsewhere")
    await screen.at("nhan-ve-quay").focus()
    await screen.press("Enter")
    await expect(screen.at("ho-ten")).to_be_focused()
    await screen.scan(CARD.format(number=number, name="Võ Thị Kim Sen"))
    await expect(screen.at("doi-chieu")).to_contain_text("Khớp")
    await screen.at("da-thu").focus()
    await screen.press("Enter", "Control+Enter")
    await expect(screen.at("da-trao")).to_be_visible()
    await heard.until("results.result-handed-over.v1", dossier)
    (result,) = (await town.people["other_counter"].get("results", f"/dossiers/{dossier}/results"))["results"]
    assert (result["place"], result["state"]) == (place, "handed-over")
    # Then the dossier is its business no longer: its receipt is, the applicant's name is not.

    async def returned() -> bool | None:
        file = await town.people["counter"].get("intake", f"/dossiers/{dossier}", purpose="check-dossier")
        return True if file["status"] == 10 else None

    await until(returned)
    await screen.go(f"/quay/tra-ket-qua/{dossier}?xong={result['id']}")
    await expect(screen.at("da-trao")).to_be_visible()
    await expect(screen.at("tra-het")).to_be_visible()
    await expect(screen.page.get_by_text("Võ Thị Kim Sen")).to_have_count(0)
    await screen.check("hand over elsewhere done")
    # Whoever only knows the name of another dossier of that counter still opens nothing.
    other, _ = await ready_result(town, "Võ Thị Kim Súng", "092195005679")
    for closed in (f"/ho-so/{other}", f"/quay/tra-ket-qua/{other}"):
        assert (await screen.context.request.get(screen.url + closed)).status == 404


async def test_a_hospital_that_only_hands_over_is_led_there_by_a_scan(
    new_screen: NewScreen, town: Town
) -> None:
    """A counter received it, so it has no bed: the midwife's scan of the receipt shows what lies here."""
    body = insurance_card(results=[{"code": "insurance_card", "delivery": "hospital", "place": AT_WARD}])
    receipt = await town.post("counter", "intake", "/dossiers", {**body, "channel": "counter"})
    screen = await new_screen("hospital", path="/dang-nhap?tiep=/bv")
    await opened(screen)
    await screen.scan(receipt["link"])
    await screen.page.wait_for_url(f"**/quay/tra-ket-qua/{receipt['dossier_id']}")
    await expect(screen.at("noi-nhan-ho-so")).to_contain_text("phường Ngã Bảy")


async def test_papers_that_differ_need_a_reason_the_officer_answers_for(
    new_screen: NewScreen, town: Town
) -> None:
    """J5b: another number is a warning; without a reason nothing is handed over; with one it is in the custody log."""
    dossier, link = await ready_result(town, "Lê Thị Hoa", "092195004321")
    screen = await counter(new_screen)
    screen.expected_status.add(422)
    await open_hand_over(screen, link)
    await screen.scan(CARD.format(number="092195009999", name="Lê Thị Hoa"))
    await expect(screen.at("doi-chieu")).to_contain_text("không khớp")
    await expect(screen.at("quan-he")).to_be_focused()
    await screen.press("ArrowDown", "Control+Enter")
    await expect(screen.at("tom-tat-loi")).to_be_focused()
    await screen.sees("cán bộ chịu trách nhiệm và việc này được ghi lại")
    await screen.check("hand over refused")
    await screen.at("ly-do").focus()
    await screen.press("ArrowDown")
    await screen.at("giay-chung-minh").focus()
    await screen.type("Căn cước mới cấp")
    await screen.press("Control+Enter")
    await expect(screen.at("da-trao")).to_be_visible()
    acts = await town.people["counter"].get("results", f"/dossiers/{dossier}/custody")
    assert any("document-renewed" in act["note"] for act in acts)


async def test_the_register_and_the_papers_are_for_who_handles_the_dossier(
    new_screen: NewScreen, town: Town
) -> None:
    """The register of the day on A4, the control slip; another counter gets no paper of the dossier."""
    dossier, _ = await ready_result(town, "Phạm Thị Lan", "092195001111")
    screen = await counter(new_screen)
    await screen.go("/so-theo-doi")
    await screen.check("register")
    await screen.at("tu").focus()
    await screen.press("Enter")
    # The words end above the button: none of them runs on beside or under it.
    words = await screen.at("so-da-lap").locator("p").bounding_box()
    button = await screen.at("in-so").bounding_box()
    assert words is not None
    assert button is not None
    assert words["y"] + words["height"] <= button["y"]
    address = await screen.at("in-so").get_attribute("href")
    assert "Phạm Thị Lan" in words_of(await pdf(screen, address or ""))
    assert "Tư pháp" in words_of(await pdf(screen, f"/giay-to/{dossier}/05.pdf"))
    for absent in ("02", "03", "04", "thu-chuc-mung", "99"):
        answer = await screen.context.request.get(f"{screen.url}/giay-to/{dossier}/{absent}.pdf")
        assert answer.status == 404, absent
    other = await new_screen("counter-2", path="/dang-nhap?tiep=/tai-khoan")
    answer = await other.context.request.get(f"{other.url}/giay-to/{dossier}/01.pdf")
    assert answer.status == 404


async def test_a_refusal_and_a_letter_to_a_newborn_s_family_are_printed(
    new_screen: NewScreen, town: Town
) -> None:
    """Form 03 with the words of the catalogue and of the officer; the letter names the child and its day."""
    body = {
        "procedure": "2.000815",
        "form": {"applicant": {"name": "Phạm Văn Út"}, "documents": [{"name": "Bằng lái xe"}]},
        "channel": "counter",
    }
    dossier = (await town.post("counter", "intake", "/dossiers", body))["dossier_id"]
    refused = {"reason": "wrong-competence", "explanation": "Hãy nộp tại phòng công chứng."}
    await town.post("counter", "intake", f"/dossiers/{dossier}/refuse", refused)
    screen = await counter(new_screen)
    text = words_of(await pdf(screen, f"/giay-to/{dossier}/03.pdf"))
    assert "Không thuộc thẩm quyền giải quyết" in text
    assert "Hãy nộp tại phòng công chứng." in text
    born = await town.declare()
    midwife = await new_screen("hospital", path="/dang-nhap?tiep=/tai-khoan")
    letter = words_of(await pdf(midwife, f"/giay-to/{born['code']}/thu-chuc-mung.pdf"))
    assert "chúc mừng" in letter.lower()


async def test_the_search_box_opens_a_dossier_by_code_and_lists_names_after_identifiers(
    new_screen: NewScreen, town: Town
) -> None:
    """F2, a few letters without accents, ↓, Enter; and a code typed in full leads to its dossier at once."""
    await ready_result(town, "Đặng Thị Ngọc Ẩn", "092195002222")
    screen = await counter(new_screen)
    await screen.press("F2")
    await screen.type("dang thi ngoc an")
    await expect(screen.page.get_by_role("option").first).to_contain_text("Đặng Thị Ngọc Ẩn")
    await screen.sees("Theo họ tên")
    await screen.check("search")
    await screen.press("Escape", "Enter")
    await screen.sees("Tìm hồ sơ")
    await screen.check("search page")
    await screen.at("o-quet").fill("không có ai như thế")
    await screen.at("o-quet").focus()
    await screen.press("Enter")
    await screen.sees("Không tìm thấy hồ sơ phù hợp")

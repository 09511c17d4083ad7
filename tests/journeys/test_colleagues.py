"""What one officer learns of another's work: who has the dossier, who was first, and what nobody checked before."""

import pytest
from playwright.async_api import expect

from deploy.local.city import City
from tests.journeys.conftest import NewScreen, account_of
from tests.journeys.officers import WARD, confirm, open_from, press_act
from tests.pipeline.papers import birth_body, of_the_ward
from tests.pipeline.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]


async def test_the_second_of_two_officers_is_told_and_loses_nothing(
    new_screen: NewScreen, town: Town, city: City
) -> None:
    """A colleague begins the step while the leader writes: who and when is said, the words are still there."""
    dossier = (await town.declare())["dossier_id"]
    leader, officer = await new_screen("leader"), await new_screen(WARD)
    await open_from(leader, "cho-xu-ly", dossier)
    await press_act(leader, "return")
    await leader.at("ly-do-1").focus()
    await leader.press("1")
    await leader.at("ghi-chu").focus()
    await leader.type("Thuộc phường khác 👶 <b>")
    await leader.press("Control+Enter")
    await expect(leader.at("xac-nhan")).to_be_visible()
    await open_from(officer, "cho-xu-ly", dossier)
    await press_act(officer, "start")
    await expect(officer.at("da-xong")).to_be_visible()
    leader.expected_status.add(409)
    await confirm(leader)
    colleague = account_of(city, WARD)
    await expect(leader.at("xung-dot")).to_contain_text(f"vừa được thay đổi bởi {colleague.name} lúc")
    await expect(leader.at("xung-dot")).to_be_focused()
    assert await leader.at("ghi-chu").input_value() == "Thuộc phường khác 👶 <b>"
    await expect(leader.at("buoc-register_birth")).to_have_text("Đang xử lý")
    await leader.check("told of a colleague")
    # A colleague has a name in the header, in the story and in the lists; nobody reads logins.
    await expect(leader.page.locator(".step-name")).to_contain_text(f"Người giữ: {colleague.name}, từ")
    await expect(leader.page.locator(".timeline li").first).to_contain_text(colleague.name)
    assert colleague.login not in await leader.page.content()
    await officer.go("/viec/cua-toi")
    line = officer.page.locator("tr", has=officer.page.locator(f"a[href='/ho-so/{dossier}']"))
    await expect(line.locator(".holder")).to_have_text(colleague.name)
    assert colleague.login not in await officer.page.content()


async def test_a_number_typed_by_hand_is_marked_for_whoever_settles_the_birth(
    new_screen: NewScreen, town: Town
) -> None:
    """No card was read at the hospital: the ward is told before it begins; of a card that was read nothing is said."""
    births = of_the_ward(town.births, "single")
    typed = await town.declare(birth_body(births[0], town.today) | {"identity_typed": True})
    ward = await new_screen(WARD)
    await open_from(ward, "cho-xu-ly", typed["dossier_id"])
    await expect(ward.at("luu-y")).to_have_text("Giấy tờ của mẹ nhập tay, chưa đối chiếu thẻ")
    await ward.check("a number typed by hand")
    read = await town.declare()
    await open_from(ward, "cho-xu-ly", read["dossier_id"])
    await expect(ward.at("luu-y")).to_have_count(0)

"""A family leaves before a paper is there: at the alarm it chooses where that comes to (interface.md a2)."""

from datetime import datetime, timedelta

import pytest
from playwright.async_api import expect

from libs.catalogue.calendar import VIETNAM
from tests.journeys.conftest import Heard, NewScreen
from tests.pipeline.town import Town

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


async def test_at_the_alarm_the_family_chooses_the_ward_s_counter(
    new_screen: NewScreen, town: Town, heard: Heard
) -> None:
    """The card is not there and they leave in an hour: one key, and the ward's counter takes it in and hands it over;
    a colleague who still sees the old way is told.
    """
    dossier = (await town.declare())["dossier_id"]
    leaves = datetime.now(VIETNAM) + timedelta(hours=1)
    stay = {"room": "5", "bed": "12", "discharge_at": f"{leaves:%Y-%m-%dT%H:%M:00}"}
    await town.post("hospital", "intake", f"/dossiers/{dossier}/stay", stay)
    await town.until_status(dossier, 4)
    screen = await new_screen("hospital", path=f"/dang-nhap?tiep=/bv/ho-so/{dossier}")
    screen.expected_status.add(409)
    await expect(screen.at("bao-ra-vien")).to_contain_text("BHYT")
    await screen.check("bed alarm")
    # The page as it was before a colleague chose: it shows another way than the one that counts.
    seen = screen.page.locator("[name=doi-cach]").last
    await seen.evaluate("box => { box.value = 'insurance_card|post|'; }")
    await screen.at("cach-electronic").focus()
    await screen.press("Enter")
    await screen.sees("Cách nhận kết quả vừa được người khác đổi")
    await screen.check("bed alarm overtaken")
    await screen.at("cach-counter").focus()
    await screen.press("Enter")
    await screen.sees("đang làm, sẽ trả tại phường")
    await expect(screen.at("cach-nhan")).to_have_count(0)
    await heard.until("intake.delivery-changed.v1", dossier)
    await screen.go("/bv")
    await screen.sees("đang làm, sẽ trả tại phường")
    for step in ("register_birth", "register_residence", "issue_insurance_card"):
        await town.complete(dossier, step)
    card = await town.until_result(dossier, "insurance_card", who="counter")
    assert (card["delivery"], card["place"]) == ("counter", "one-stop-31340-2025")
    await town.hand_over(dossier, card["id"], by="counter")

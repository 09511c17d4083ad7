"""How a partner stands - let in or not, reachable or not - is told to its people where they look."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import expect

from deploy.local.city import City
from deploy.local.partners import BY, CARD_PARTNER, OTHER_HOSPITAL_PARTNER
from libs.database.pool import open_pool
from libs.database.transactions import Transactions
from services.gateway.partners import administration
from services.gateway.partners.partner import ACTIVE, SUSPENDED
from tests.journeys.conftest import NewScreen, account_of
from tests.journeys.screen import Screen

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]


async def test_a_person_of_a_suspended_partner_is_told_so_and_can_sign_out(
    new_screen: NewScreen, city: City
) -> None:
    """The session is good and the partner is not: a page says it, instead of asking to sign in for ever."""
    screen: Screen = await new_screen()
    screen.expected_status.add(403)
    await set_state(city, OTHER_HOSPITAL_PARTNER, SUSPENDED)
    try:
        await screen.sign_in(account_of(city, OTHER_HOSPITAL_PARTNER), path="/dang-nhap")
        for path in ("/dev", "/dev/khoa"):
            await screen.go(path)
            await screen.sees("Đối tác đang bị tạm ngưng hoặc chưa đăng ký, hãy liên hệ người vận hành")
        await screen.check("a partner that is suspended")
        await screen.page.get_by_role("button", name="Đăng xuất").press("Enter")
        await expect(screen.at("ten")).to_be_visible()
    finally:
        await set_state(city, OTHER_HOSPITAL_PARTNER, ACTIVE)


async def test_a_partner_s_contact_stands_where_its_people_look(new_screen: NewScreen, city: City) -> None:
    """Whoever is written to when its webhooks stop; that nobody is, is said in so many words."""
    screen: Screen = await new_screen(CARD_PARTNER, path="/dang-nhap")
    contact = f"it@{CARD_PARTNER}.example"
    for path in ("/dev", "/dev/khoa"):
        await screen.go(path)
        await screen.sees(contact)
        await expect(screen.at("khong-lien-he")).to_have_count(0)
    await set_contact(city, CARD_PARTNER, "")
    try:
        for path in ("/dev/khoa", "/dev"):
            await screen.go(path)
            await expect(screen.at("khong-lien-he")).to_contain_text("không ai được báo")
            await screen.check(f"no contact at {path}")
    finally:
        await set_contact(city, CARD_PARTNER, contact)


async def set_state(city: City, partner: str, state: str) -> None:
    """As the city's operator does it."""
    await _done(city, lambda conn: administration.set_state(conn, partner, state, BY))


async def set_contact(city: City, partner: str, contact: str) -> None:
    """As the city's operator does it."""
    await _done(city, lambda conn: administration.change_contact(conn, partner, contact, BY))


async def _done(city: City, deed: Callable[[Any], Awaitable[None]]) -> None:
    pool = await open_pool(city.dsn("gateway"), application_name="journey", size_max=1)
    try:
        async with Transactions(pool).transaction() as conn:
            await deed(conn)
    finally:
        await pool.close()

"""What an integrator at /dev/webhook does in several journeys."""

from playwright.async_api import expect

from tests.journeys.screen import Screen

# Where nobody listens.
NOBODY_THERE = "http://127.0.0.1:1029/nhan"


async def delete_webhook(screen: Screen, url: str) -> None:
    """Away with it, by its page."""
    await screen.go("/dev/webhook")
    await screen.at("webhook").filter(has_text=url).get_by_role("link").press("Enter")
    await screen.page.get_by_text("Xóa webhook này").press("Enter")
    await screen.push("xoa")
    await expect(screen.at("da-xong")).to_contain_text("Đã xóa")
    await expect(screen.page.get_by_text(url)).to_have_count(0)

"""Letters to partners' contacts, by real SMTP: only the gateway asks for them, and it hears what became of them."""

from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from libs.http.app import Readiness, build_app
from libs.http.auth import GATEWAY, TokenSigner, TokenVerifier
from libs.http.public_keys import JWKS_NAME, make_key
from services.notify import partner_letters
from tests.integration.notify import post_office
from tests.integration.notify.conftest import Bureau

PATH = "/partner-letters/webhooks-stopped"


@pytest_asyncio.fixture
async def ask(bureau: Bureau, tmp_path: Path) -> AsyncIterator[Any]:
    """`await ask(content)`: a request of the gateway's, or of another service."""
    signers = {name: TokenSigner.from_file(name, make_key(name, tmp_path)) for name in (GATEWAY, "routing")}

    async def is_ready() -> Readiness:
        return Readiness(ready=True, checks={})

    app = build_app(
        service="notify",
        version="test",
        lifespan=None,
        ready=is_ready,
        verifier=TokenVerifier(tmp_path / JWKS_NAME, "notify"),
    )
    app.include_router(partner_letters.build_router(bureau.channels, "https://mot-cua.example/"))

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://notify") as client:

        async def post(content: Any, by: str = GATEWAY) -> httpx.Response:
            token = signers[by].token("notify")
            return await client.post(PATH, json=content, headers={"Authorization": f"Bearer {token}"})

        yield post


def wanted(**changes: Any) -> dict[str, Any]:
    """One endpoint that is gone."""
    stopped = {
        "id": str(uuid4()),
        "host": "nhan.benh-vien.example",
        "reason": "gone",
        "since": "2026-11-27T03:00:00Z",
    }
    given = {
        "id": str(uuid4()),
        "to": "cntt@benh-vien.example",
        "partner": "Bệnh viện",
        "webhooks": [stopped],
    }
    return given | changes


async def test_the_letter_says_which_webhook_why_and_what_to_do(ask: Any, bureau: Bureau) -> None:
    """In Vietnamese, local time, with the portal's page; the id is that of the request."""
    content = wanted()
    assert (await ask(content)).status_code == 204
    (mail,) = bureau.post.mails
    assert mail.recipient == "cntt@benh-vien.example"
    assert content["id"] in mail.message_id
    text = message_from_bytes(mail.content, policy=policy.default).get_content()
    for part in ("Bệnh viện", "nhan.benh-vien.example", "410", "10:00 ngày 27/11/2026", "/dev/webhook"):
        assert part in text
    assert "https://mot-cua.example/dev/webhook" in text


@pytest.mark.parametrize(
    ("manners", "status"),
    [
        ("recipient-550", 422),
        ("recipient-450", 503),
        ("greeting-554", 503),
        (post_office.HANG_UP_AFTER_DATA, 204),
    ],
)
async def test_the_gateway_hears_whether_to_ask_again(
    ask: Any, bureau: Bureau, manners: str, status: int
) -> None:
    """Never again for an address that takes nothing, nor when the letter may have been taken."""
    bureau.post.manners = lambda _recipient: manners
    assert (await ask(wanted())).status_code == status


async def test_an_address_that_is_none_is_refused(ask: Any, bureau: Bureau) -> None:
    """Before any server hears of it."""
    assert (await ask(wanted(to="x@y\r\nRCPT TO:<z@z.example>"))).status_code == 422
    assert bureau.post.visits == 0


async def test_nobody_but_the_gateway_asks(ask: Any, bureau: Bureau) -> None:
    """And without a mail server it is told to come later."""
    assert (await ask(wanted(), by="routing")).status_code == 403
    bureau.channels.clear()
    assert (await ask(wanted())).status_code == 503

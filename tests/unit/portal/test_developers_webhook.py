"""What the page of a webhook says of what was sent is true, also where little is known."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import msgspec
import pytest
from starlette.requests import Request
from starlette.types import Message

from libs.http.auth import TokenSigner
from libs.http.client import ServiceClient
from services.portal.assets import PACKAGED, Assets
from services.portal.city import Caller
from services.portal.developers import delivery_page, webhook_page
from services.portal.developers.deliveries_wanted import ANY
from services.portal.developers.webhooks import (
    DELIVERY_STATES,
    STATES_WANTED,
    Delivery,
    Replay,
)
from services.portal.rendering import Renderer
from services.portal.sessions import Account, Person

ENDPOINT, EVENT = uuid4(), uuid4()
# Nothing listens there.
AWAY = "http://127.0.0.1:9"
NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
RECOVERED = Replay(id=uuid4(), kind="recover", since=NOW, state="done", total=1, done=1)
REFUSED = Delivery(event_id=EVENT, type="x", occurred_at=NOW, state="pending", attempts_made=1)


def pressed(person: Person) -> Request:
    """A form of theirs as it is sent."""
    content = urlencode({"_csrf": person.csrf, "khoa": str(uuid4())}).encode()

    async def receive() -> Message:
        return {"type": "http.request", "body": content, "more_body": False}

    headers = [(b"content-type", b"application/x-www-form-urlencoded")]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": headers}, receive)


@pytest.mark.parametrize("again", [False, True])
async def test_what_nobody_answered_is_not_said_to_be_sent(again: bool) -> None:
    """A gateway that is away has sent nothing; it looks like a receiver that lets one wait."""
    async with ServiceClient(AWAY, "gateway", cast(TokenSigner, None)) as gateway:
        desk = Caller({"gateway": gateway}, "token")
        person = Person(account=Account(login="a", name="A"), session="s", desk=desk)
        if again:
            answer = await delivery_page.resend(pressed(person), ENDPOINT, EVENT, person)
        else:
            answer = await webhook_page.test(pressed(person), ENDPOINT, person)
    words = webhook_page.DONE[parse_qs(urlsplit(answer.headers["location"]).query)["xong"][0]]
    assert words.startswith("Chưa rõ đã gửi được hay chưa.")


def progress(folder: Path, replay: Replay, refused: Delivery | None) -> str:
    """How far sending again has got; what is packaged with the pages is empty here."""
    for name in PACKAGED.values():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    context: dict[str, Any] = {
        "replay": replay, "refused": refused, "replays": webhook_page.REPLAYS, "endpoint_id": ENDPOINT,
        "wanted": ANY, "before": "", "last": True, "refreshed": False,
    }  # fmt: skip
    renderer = Renderer(Assets(folder), help_phone="")
    return str(renderer.fragment("developers/webhook.html", "progress", context))


def test_a_recovery_that_nobody_took_is_not_said_to_have_succeeded(tmp_path: Path) -> None:
    """All was tried once; where the receiver still refuses, that is said."""
    remains = "Webhook vẫn còn sự kiện không được nhận"
    refused = progress(tmp_path, RECOVERED, REFUSED)
    assert "1 / 1, đã thử xong." in refused
    assert remains in refused
    taken = progress(tmp_path, RECOVERED, None)
    assert "1 / 1, đã thử xong." in taken
    assert remains not in taken
    running = progress(tmp_path, msgspec.structs.replace(RECOVERED, state="running", done=0), REFUSED)
    assert "0 / 1, đang gửi…" in running
    assert remains not in running


def test_deliveries_are_looked_for_in_the_words_the_table_has() -> None:
    """Whichever way one of a state is shown, its words are in the choice, or the choice in them."""
    assert [code for code, _ in STATES_WANTED] == list(DELIVERY_STATES)
    for code, choice in STATES_WANTED:
        for attempts, test in ((0, False), (1, False), (1, True)):
            shown = msgspec.structs.replace(REFUSED, state=code, attempts_made=attempts, test=test).tag.word
            assert shown.lower() in choice.lower() or choice in shown

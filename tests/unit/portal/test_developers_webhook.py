"""What the page of a webhook says of what was sent is true, also where little is known."""

from typing import cast
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
from starlette.requests import Request
from starlette.types import Message

from libs.http.auth import TokenSigner
from libs.http.client import ServiceClient
from services.portal.city import Caller
from services.portal.developers import delivery_page, webhook_page
from services.portal.sessions import Account, Person

ENDPOINT, EVENT = uuid4(), uuid4()
# Nothing listens there.
AWAY = "http://127.0.0.1:9"


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

"""Letters to the contacts of partners, by e-mail, as the gateway asks for them.

They are of no dossier and none is kept here: whether a partner was told stands with the gateway, which asks again until
the mail server has taken the letter.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import GATEWAY, Actor, require
from libs.http.bodies import Body, body, read_body
from libs.http.problems import Problem
from libs.telemetry.logs import log
from services.notify.channels import Channel, Destination, Letter, NotTaken, Refused, Unknown
from services.notify.texts import moment_words

ASKED_BY = require(kinds=("service",), services=(GATEWAY,))
_RETRY_SECONDS = "60"
_WHY = {
    "gone": "máy nhận trả lời 410: địa chỉ này không còn dùng",
    "exhausted": "máy nhận không trả lời 2xx trong mọi lần thử",
}


class StoppedWebhook(Body, frozen=True, kw_only=True):
    """An endpoint to which nothing is sent any more; of its URL only the host, for the rest may hold a secret."""

    id: UUID
    host: Annotated[str, msgspec.Meta(max_length=300)]
    reason: Literal["gone", "exhausted"]
    since: datetime


class WebhooksStopped(Body, frozen=True, kw_only=True):
    """Whom to tell of which endpoints. The same `id` is the same letter to the receiver's mail program."""

    id: UUID
    to: Annotated[str, msgspec.Meta(max_length=320)]
    partner: Annotated[str, msgspec.Meta(max_length=200)]
    webhooks: Annotated[tuple[StoppedWebhook, ...], msgspec.Meta(min_length=1, max_length=100)]


def build_router(channels: Mapping[str, Channel], public_url: str) -> APIRouter:
    """The letters, by the channel `email`; `public_url` is the portal's."""
    router = APIRouter(tags=["partners"])
    link = f"{public_url.rstrip('/')}/dev/webhook"

    @router.post(
        "/partner-letters/webhooks-stopped", openapi_extra=body(WebhooksStopped, answers={204: None})
    )
    async def webhooks_stopped(request: Request, _actor: Annotated[Actor, Depends(ASKED_BY)]) -> Response:
        """Tell a partner's contact that endpoints were given up: 422 when the address takes no mail, 503 for later."""
        wanted = await read_body(request, WebhooksStopped)
        await _send(channels, wanted.to, letter_of(wanted, link))
        return Response(status_code=204)

    return router


def letter_of(wanted: WebhooksStopped, link: str) -> Letter:
    """The letter in words."""
    lines = [
        f"- {each.host} (mã {each.id}): {_WHY[each.reason]}; lỗi từ {moment_words(each.since)}."
        for each in wanted.webhooks
    ]
    text = "\n".join(
        (
            f"Kính gửi {wanted.partner},",
            "",
            "Một Cửa đã tắt những webhook sau của quý đơn vị và không gửi sự kiện đến đó nữa:",
            "",
            *lines,
            "",
            f"Sau khi sửa máy nhận, hãy bật lại tại {link}: mọi sự kiện từ lúc lỗi sẽ được gửi tiếp.",
            "Sự kiện vẫn đọc được bằng GET /events trong thời gian đó.",
        )
    )
    return Letter(id=wanted.id, subject="Một Cửa: webhook đã bị tắt", body=text)


async def _send(channels: Mapping[str, Channel], address: str, letter: Letter) -> None:
    """Raises Problem 422 or 503; what may have been taken counts as sent."""
    channel = channels.get("email")
    if channel is None:
        raise Problem(503, "no-mail-server", headers={"Retry-After": _RETRY_SECONDS})
    try:
        await channel.send(letter, Destination(channel=channel.name, address=address), _nothing_to_commit)
    except NotTaken as error:
        log.warning("partner-letter-waits", message_id=str(letter.id), reason=error.reason)
        raise Problem(503, headers={"Retry-After": _RETRY_SECONDS}) from None
    except Refused as error:
        log.warning("partner-letter-refused", message_id=str(letter.id), reason=error.reason)
        raise Problem(422, "address-refused", "Địa chỉ thư không nhận thư") from None
    except Unknown as error:
        log.warning("partner-letter-unknown", message_id=str(letter.id), reason=error.reason)


async def _nothing_to_commit() -> None:
    """That it is about to be sent is noted by whoever asked."""

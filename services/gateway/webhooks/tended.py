"""What the HTTP of webhooks works with, how it writes once, and how it reads a body that may be left out."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from libs.database.transactions import Transactions
from libs.http.auth import Actor
from libs.http.bodies import read_body
from libs.http.idempotency import Answer, answered_before, once
from libs.process.sealing import Sealer
from services.gateway.partners.access import CountedAccess
from services.gateway.partners.at_once import AtOnce
from services.gateway.partners.partner import Partner
from services.gateway.webhooks import tending
from services.gateway.webhooks.by_hand import ByHand
from services.gateway.webhooks.sending import Sender

BODY_BYTES_MAX = 64 << 10
# Names of one partner that are looked up at once to see whether a URL may be taken.
CHECKS_MAX = 4
T = TypeVar("T")


class Tended(msgspec.Struct, frozen=True, kw_only=True):
    """What they work with. `wake` tells the dispatcher, if it is this process's."""

    transactions: Transactions
    access: CountedAccess
    sender: Sender
    sealer: Sealer
    wake: Callable[[], None]
    by_hand: ByHand
    checks: AtOnce = msgspec.field(default_factory=lambda: AtOnce(CHECKS_MAX))

    async def check(self, request: Request, actor: Actor, partner: Partner, wanted: tending.Wanted) -> None:
        """Check what is wanted, unless it was done under this key before. Raises Problem 422 or 429."""
        if await answered_before(request, actor, self.transactions) is None:
            async with self.checks.place(partner.code, wait_seconds=0):
                await tending.check(self.sender, wanted)

    async def done(
        self, request: Request, actor: Actor, work: Callable[[Any], Awaitable[Answer]]
    ) -> Response:
        """Do `work` once, and let the dispatcher look."""
        response = await once(request, actor, self.transactions, work)
        self.wake()
        return response


async def optional(request: Request, type_: type[T], otherwise: T) -> T:
    """The body as `type_`, or `otherwise` when there is none. Raises as read_body."""
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return otherwise
    return await read_body(request, type_, limit_bytes=BODY_BYTES_MAX)

"""The door of the partners' server: every process answers who comes; the leading one sends away who may not stay."""

import time
from collections import Counter

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from libs.bus.outages import is_contention, is_outage
from libs.database.transactions import Transactions
from libs.http.limits import TokenBuckets
from services.gateway.partners import partner_store
from services.gateway.straight import key_store
from services.gateway.straight.admission import (
    Asked,
    NotAQuestion,
    code_of,
    key_of,
    let_in,
    read_question,
    refuse,
)
from services.gateway.straight.layout import OUTSIDE
from services.gateway.straight.server import CONNECTIONS, KICK
from services.gateway.straight.user_keys import Issuer

QUESTION = "$SYS.REQ.USER.AUTH"
CONNECTIONS_MAX = 4096
# Of one partner, several programs of several machines; the server has room for all partners' (deploy/k8s).
OF_ONE_MAX = 32
REQUEST_SECONDS = 5.0
# One key connects that often; as for tokens, what is beyond is a mistake.
_RATE, _BURST = 0.5, 30
# A client that is refused tries again every few seconds; its refusals are audited once a minute.
_AUDITS_RATE, _AUDITS_BURST = 1 / 60, 1
log = structlog.get_logger(__name__)


class _Connection(msgspec.Struct, frozen=True):
    cid: int
    authorized_user: str = ""


class _Listed(msgspec.Struct, frozen=True):
    server_id: str
    connections: list[_Connection] = []


class _Connections(msgspec.Struct, frozen=True):
    data: _Listed


class Door:
    """Judges connections by the keys that are registered now."""

    def __init__(self, transactions: Transactions, issuer: Issuer) -> None:
        self._transactions = transactions
        self._issuer = issuer
        self._proved = TokenBuckets(rate_per_second=_RATE, burst=_BURST)
        self._audits = TokenBuckets(rate_per_second=_AUDITS_RATE, burst=_AUDITS_BURST)

    async def open(self, client: Client) -> None:
        """Answer the server's questions over this connection, in turn with the other processes."""

        async def on_question(message: Msg) -> None:
            try:
                asked = read_question(message.data)
            except NotAQuestion:
                log.warning("partner-connection-refused", reason="malformed")
                return
            answer = await self._judged(asked)
            if answer is not None:
                await client.publish(message.reply, answer)

        await client.subscribe(QUESTION, queue="gateway", cb=on_question)

    async def _judged(self, asked: Asked) -> bytes | None:
        now = int(time.time())
        if not asked.is_proved:
            return refuse(self._issuer, asked, now)
        try:
            async with self._transactions.transaction() as conn:
                owner = await key_store.owner(conn, asked.key)
                if owner is None:
                    return refuse(self._issuer, asked, now)
                code, is_good = owner[0], owner[1] and self._proved.take(asked.key) <= 0
                if is_good or self._audits.take(asked.key) <= 0:
                    await partner_store.audit(
                        conn,
                        code,
                        "nats-admitted" if is_good else "nats-refused",
                        who=code,
                        came_from=asked.address,
                        detail=asked.key,
                    )
        except Exception as error:
            if not (is_outage(error) or is_contention(error)):
                raise
            # Without an answer the server refuses after its timeout, and the client comes again.
            log.warning("partner-connection-unjudged", error=type(error).__name__)
            return None
        return let_in(self._issuer, asked, code, now) if is_good else refuse(self._issuer, asked, now)

    async def send_away(self, client: Client, good: frozenset[str]) -> int:
        """End every connection whose key lets in no more, and of one partner's those that are too many; how many.

        Raises TimeoutError or nats.errors.Error without an answer.
        """
        body = msgspec.json.encode({"acc": OUTSIDE, "auth": True, "limit": CONNECTIONS_MAX})
        answer = await client.request(CONNECTIONS, body, timeout=REQUEST_SECONDS)
        listed = msgspec.json.decode(answer.data, type=_Connections).data
        ended = 0
        of_one: Counter[str] = Counter()
        # The oldest stay: by their numbers.
        for connection in sorted(listed.connections, key=lambda each: each.cid):
            key = key_of(connection.authorized_user)
            if not key:
                continue
            code = code_of(connection.authorized_user)
            of_one[code] += 1
            if key not in good or of_one[code] > OF_ONE_MAX:
                await _kick(client, listed.server_id, connection.cid)
                ended += 1
        if ended:
            log.info("partner-connections-ended", count=ended)
        return ended


async def _kick(client: Client, server: str, cid: int) -> None:
    await client.request(
        KICK.format(server=server), msgspec.json.encode({"cid": cid}), timeout=REQUEST_SECONDS
    )

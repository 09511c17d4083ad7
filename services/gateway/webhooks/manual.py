"""What a person sends by hand: a test event, or an event once more; at once, with its outcome as the answer."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.ids import new_id
from libs.contracts.catalogue import EVENTS
from libs.contracts.documents import examples
from libs.database.transactions import Transactions
from libs.http.limits import TokenBuckets
from libs.http.problems import FieldError, Problem
from libs.process.sealing import Sealer
from services.gateway.feed import feed_store
from services.gateway.partners.administration import By
from services.gateway.partners.partner import Partner
from services.gateway.webhooks import delivery_store, endpoint_store, signing, tending
from services.gateway.webhooks.endpoint import (
    DELIVERED,
    FAILED,
    PENDING,
    TEST_TYPE,
    Delivery,
    Endpoint,
    ShownDelivery,
    ShownRequest,
    shown_delivery,
)
from services.gateway.webhooks.letters import Letter, letter_of
from services.gateway.webhooks.sending import Attempted, Message, Sender

# What one partner may send by hand at one process; how many at once of all together (of one: by_hand.OF_ONE_MAX). A
# receiver that hangs holds its place for ten seconds.
PER_SECOND, BURST = 0.5, 30
AT_ONCE_MAX = 32


class Manual:
    """Sends for persons, beside the dispatcher."""

    def __init__(self, transactions: Transactions, sender: Sender, sealer: Sealer) -> None:
        self._transactions = transactions
        self._sender = sender
        self._sealer = sealer
        self._buckets = TokenBuckets(rate_per_second=PER_SECOND, burst=BURST)
        self._places = asyncio.Semaphore(AT_ONCE_MAX)

    async def test(self, partner: Partner, endpoint_id: UUID, type_: str, by: By) -> ShownDelivery:
        """Send a test event. Raises Problem 404, 422, 429 or 503."""
        if type_ and type_ != TEST_TYPE and type_ not in EVENTS:
            raise Problem(422, errors=[FieldError("type", "unknown", "Không có loại sự kiện này")])
        self._admit(partner)
        async with self._transactions.transaction() as conn:
            endpoint = await tending.known(conn, partner, endpoint_id)
        event = _test_event(type_ or TEST_TYPE, endpoint)
        body = msgspec.json.encode(event)
        outcome = await self._send(endpoint, UUID(event["id"]), body)
        delivery = Delivery(
            event_id=UUID(event["id"]),
            position=None,
            type=event["type"],
            dossier_id=UUID(event["subject"]),
            occurred_at=outcome.at,
            state=DELIVERED if outcome.delivered else FAILED,
            tries=1,
            next_attempt_at=outcome.at,
            attempts_made=1,
            attempts=(outcome.attempt(manual=True),),
            body=body,
        )
        async with self._transactions.transaction() as conn:
            await self._answered(conn, endpoint, outcome)
            await delivery_store.insert_test(conn, endpoint.id, delivery)
            await tending.audit(conn, endpoint, "webhook-tested", by, event["type"])
        return self._shown(endpoint, delivery, body)

    async def resend(self, partner: Partner, endpoint_id: UUID, event_id: UUID, by: By) -> ShownDelivery:
        """Send an event once more. Raises Problem 404, 403, 410, 429 or 503."""
        self._admit(partner)
        async with self._transactions.transaction() as conn:
            endpoint = await tending.known(conn, partner, endpoint_id)
            delivery = await _delivery(conn, endpoint, event_id)
            letter = await _letter(conn, delivery)
        if letter is None:
            raise Problem(410, "event-gone", "Sự kiện này không còn được lưu")
        if delivery.position is not None and not partner.may_read(letter.type, letter.readers):
            raise Problem(403)
        outcome = await self._send(endpoint, event_id, letter.body)
        async with self._transactions.transaction() as conn:
            await self._answered(conn, endpoint, outcome)
            attempt = outcome.attempt(manual=True)
            await delivery_store.manual(conn, endpoint.id, event_id, attempt, delivered=outcome.delivered)
            await tending.audit(conn, endpoint, "webhook-resent", by, str(event_id))
            delivery = await _delivery(conn, endpoint, event_id)
        return self._shown(endpoint, delivery, letter.body)

    async def look(self, partner: Partner, endpoint_id: UUID, event_id: UUID) -> ShownDelivery:
        """One delivery with its attempts and its request. Raises Problem 404."""
        async with self._transactions.transaction() as conn:
            endpoint = await tending.known(conn, partner, endpoint_id)
            delivery = await _delivery(conn, endpoint, event_id)
            letter = await _letter(conn, delivery)
            first = await _first(conn, endpoint, delivery)
        readable = letter is not None and (
            delivery.position is None or partner.may_read(letter.type, letter.readers)
        )
        shown = self._shown(endpoint, delivery, letter.body if letter and readable else None)
        return msgspec.structs.replace(shown, waits_for=first)

    def _admit(self, partner: Partner) -> None:
        if (seconds := self._buckets.take(partner.code)) > 0:
            raise Problem(429, headers={"Retry-After": str(int(seconds) + 1)})
        if self._places.locked():
            raise Problem(503, headers={"Retry-After": "2"})

    async def _send(self, endpoint: Endpoint, event_id: UUID, body: bytes) -> Attempted:
        async with self._places:
            message = Message(url=endpoint.url, keys=self._keys(endpoint), event_id=event_id, body=body)
            return await self._sender.send(message)

    def _keys(self, endpoint: Endpoint) -> tuple[bytes, ...]:
        return tuple(
            signing.key_of(self._sealer.open(each.sealed, endpoint.id))
            for each in endpoint.counting(datetime.now(UTC))
        )

    async def _answered(self, conn: Any, endpoint: Endpoint, outcome: Attempted) -> None:
        if outcome.delivered:
            await endpoint_store.answered(conn, endpoint.id, outcome.at)

    def _shown(self, endpoint: Endpoint, delivery: Delivery, body: bytes | None) -> ShownDelivery:
        request = None
        if body is not None:
            last = delivery.attempts[-1].at if delivery.attempts else datetime.now(UTC)
            headers = signing.headers(self._keys(endpoint), delivery.event_id, int(last.timestamp()), body)
            request = ShownRequest(headers=headers, body=body.decode())
        return shown_delivery(delivery, datetime.now(UTC), attempts=delivery.attempts, request=request)


async def _delivery(conn: Any, endpoint: Endpoint, event_id: UUID) -> Delivery:
    found = await delivery_store.find(conn, endpoint.id, event_id)
    if found is None:
        raise Problem(404, "delivery-not-found", "Không có lần gửi nào của sự kiện này")
    return found


async def _first(conn: Any, endpoint: Endpoint, delivery: Delivery) -> UUID | None:
    """What must be delivered before it, and was refused."""
    if delivery.state != PENDING or delivery.position is None:
        return None
    return await delivery_store.refused(
        conn, endpoint.id, dossier=delivery.dossier_id, before=delivery.position
    )


async def _letter(conn: Any, delivery: Delivery) -> Letter | None:
    if delivery.body is not None:
        return Letter(event_id=delivery.event_id, type=delivery.type, readers=frozenset(), body=delivery.body)
    entries = await feed_store.at(conn, [delivery.position or 0])
    return letter_of(entries[0]) if entries else None


def _test_event(type_: str, endpoint: Endpoint) -> dict[str, Any]:
    """An event that says of itself that it is a test: of its own type, or the golden example of another."""
    marked = {"id": str(new_id()), "time": datetime.now(UTC).isoformat(), "test": True}
    if type_ in EVENTS:
        found = examples(EVENTS[type_])
        return {**(found.get("full") or next(iter(found.values()))), **marked}
    return {
        "specversion": "1.0",
        "source": "gateway",
        "type": type_,
        "subject": str(new_id()),
        "datacontenttype": "application/json",
        "sequence": "1",
        **marked,
        "data": {"endpoint": str(endpoint.id)},
    }

"""Reading a stream back: what it really holds, by sequence."""

import asyncio
from uuid import UUID

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from libs.bus.jetstream import REQUEST_TIMEOUT_SECONDS, NoAnswer
from libs.contracts.cloudevents import MESSAGE_ID

# Messages of one batched direct get (nats-server 2.11, ADR-31).
READ_MESSAGES_MAX = 256


class Found(msgspec.Struct, frozen=True):
    """One message as the stream has it; `event_id` is None when its header is missing or unreadable."""

    event_id: UUID | None
    subject: str
    payload: bytes


async def read(client: Client, stream: str, first: int, count: int) -> dict[int, Found]:
    """The messages first … first + count - 1 that the stream can still give, by sequence.

    The server leaves out what it cannot read any more (a failed checksum) without a word: whoever asks knows which
    sequences must be there. Raises NoAnswer when the answer does not come to its end in time.
    """
    if not 0 < count <= READ_MESSAGES_MAX:
        raise ValueError(f"1 to {READ_MESSAGES_MAX} messages, not {count}")
    found: dict[int, Found] = {}
    ended = asyncio.Event()

    async def take(message: Msg) -> None:
        headers = message.headers or {}
        if "Status" in headers:
            ended.set()
            return
        sequence = int(headers.get("Nats-Sequence", "0"))
        if first <= sequence < first + count:
            found[sequence] = Found(
                _uuid(headers.get(MESSAGE_ID, "")), headers.get("Nats-Subject", ""), message.data
            )

    inbox = client.new_inbox()
    # Large payloads: 256 messages of at most 256 KiB.
    subscription = await client.subscribe(inbox, cb=take, pending_bytes_limit=0)
    try:
        body = msgspec.json.encode({"seq": first, "batch": count})
        await client.publish(f"$JS.API.DIRECT.GET.{stream}", body, reply=inbox)
        async with asyncio.timeout(REQUEST_TIMEOUT_SECONDS):
            await ended.wait()
    except TimeoutError:
        raise NoAnswer(0, "reading stopped") from None
    finally:
        if not client.is_closed:
            await subscription.unsubscribe()
    return found


async def holds(client: Client, stream: str, expected: dict[int, UUID]) -> bool:
    """Whether the stream really has these events at these sequences. Raises NoAnswer."""
    waiting = sorted(expected)
    while waiting:
        found = await read(client, stream, waiting[0], READ_MESSAGES_MAX)
        near = [sequence for sequence in waiting if sequence < waiting[0] + READ_MESSAGES_MAX]
        for sequence in near:
            if sequence not in found or found[sequence].event_id != expected[sequence]:
                return False
        waiting = waiting[len(near) :]
    return True


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

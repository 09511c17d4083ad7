"""A stream that is not to be trusted is made anew and filled again from the outbox, under a new epoch.

Where it stands is in bus.stream_epoch, so a crash at any point goes on from there: *rebuilding* until there is an
empty stream no earlier epoch knew, *refilling* until everything the outbox had by then is in it, then *current*.
"""

import asyncio

import msgspec
import structlog
from nats.aio.client import Client
from nats.errors import Error as NatsError

from libs.bus import jetstream
from libs.bus.ledger import Epoch, Ledger
from libs.bus.permissions import REBUILD_SUBJECT
from libs.bus.pump import Pump

log = structlog.get_logger(__name__)


class RefillSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Deadlines of asking the keeper."""

    answer_seconds_max: float = 15.0
    retry_seconds: float = 1.0


class RebuildRequest(msgspec.Struct, frozen=True):
    """What a relay asks of the keeper: make this stream anew, if it is still the one created then."""

    created: str


class RebuildAnswer(msgspec.Struct, frozen=True):
    """`done`: rebuilt, or already another one than asked about; otherwise ask again after `wait_seconds`."""

    done: bool
    wait_seconds: float = 0.0


class RebuildPending(Exception):
    """There is no fresh stream yet: the keeper or NATS is away, or the keeper wants us to wait."""

    def __init__(self, code: str, wait_seconds: float) -> None:
        super().__init__(code)
        self.code = code
        self.wait_seconds = wait_seconds


async def rebuild(
    ledger: Ledger, client: Client, stream: str, epoch: Epoch, settings: RefillSettings
) -> Epoch:
    """Get an empty stream for `epoch` and begin to refill it. Raises RebuildPending when that has to wait."""
    try:
        info = await jetstream.stream_info(client, stream)
    except jetstream.NotFound:
        # The keeper makes missing streams by itself, within seconds.
        raise RebuildPending("missing", settings.retry_seconds) from None
    except jetstream.NoAnswer:
        raise RebuildPending("no-answer", settings.retry_seconds) from None
    if info.state.last_seq == 0 and info.created not in await ledger.seen_streams():
        log.warning("stream-refilling", stream=stream, epoch=epoch.epoch, reason=epoch.reason)
        return await ledger.begin_refill(epoch.epoch, info.created)
    answer = await _ask(client, stream, info.created, settings)
    raise RebuildPending("rebuilding", 0.0 if answer.done else answer.wait_seconds or settings.retry_seconds)


async def refill(ledger: Ledger, pump: Pump, epoch: Epoch, stop: asyncio.Event) -> Epoch:
    """Publish again what the new stream lacks. Raises Stalled and StreamDamaged like Pump."""
    marked = await pump.replay(stop.is_set)
    if stop.is_set():
        return epoch
    log.warning("stream-refilled", stream=pump.stream, epoch=epoch.epoch, count=marked)
    return await ledger.finish_refill(epoch.epoch)


async def _ask(client: Client, stream: str, created: str, settings: RefillSettings) -> RebuildAnswer:
    payload = msgspec.json.encode(RebuildRequest(created))
    try:
        answer = await client.request(
            f"{REBUILD_SUBJECT}.{stream}", payload, timeout=settings.answer_seconds_max
        )
        return msgspec.json.decode(answer.data, type=RebuildAnswer)
    except (TimeoutError, NatsError, msgspec.MsgspecError):
        raise RebuildPending("no-keeper", settings.retry_seconds) from None

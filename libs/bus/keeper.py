"""The one process that may make and unmake streams: keeps the server's topology what FLOWS says it is.

It reconciles at the start and watches. A stream or durable that vanished is made again; a stream whose files are
gone is found by writing its config once more (the server then cannot write it); and on a relay's word a damaged
stream is made anew with its durables, which that relay then refills from its outbox.
"""

import asyncio
import contextlib
import time
from pathlib import Path

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from libs.bus import jetstream
from libs.bus.heartbeat import beat
from libs.bus.permissions import REBUILD_SUBJECT
from libs.bus.refill import RebuildAnswer, RebuildRequest
from libs.bus.topology import StreamPlan, TopologyRefused, TopologySettings, plan, reconcile, reconcile_stream

log = structlog.get_logger(__name__)


class KeeperSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How often it looks and how often it lets a stream be rebuilt."""

    watch_seconds: float = 2.0
    # Writing the config anew tells whether the stream's files are still there.
    disk_seconds: float = 15.0
    # A stream that fails again at once has a broken disk under it; rebuilding it faster helps nobody.
    rebuild_seconds_min: float = 10.0
    topology: TopologySettings = TopologySettings()


DEFAULTS = KeeperSettings()


class Keeper:
    """Keeps streams and durables. Run one; a second one does no harm, it finds nothing to do."""

    def __init__(
        self, client: Client, settings: KeeperSettings = DEFAULTS, *, heartbeat: Path | None = None
    ) -> None:
        """`heartbeat` is the file that each turn of the watch is noted in (libs.bus.heartbeat)."""
        self._client = client
        self._heartbeat = heartbeat
        self._settings = settings
        self._plans = {stream.name: stream for stream in plan(settings.topology)}
        # One change at a time: the watch must not make a stream that a rebuild has just deleted.
        self._changing = asyncio.Lock()
        self._rebuilt_at: dict[str, float] = {}
        self._checked_at = 0.0
        self.ready = asyncio.Event()
        """Set when the whole topology was there for the first time."""

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until `stop`. Raises TopologyRefused when the server has what cannot be changed, at the start only.

        Paused durables are no reason to end: without a keeper no other stream could be made anew.
        """
        subscription = await self._client.subscribe(f"{REBUILD_SUBJECT}.*", cb=self._on_request)
        try:
            while not stop.is_set():
                whole = False
                try:
                    await self._watch()
                    whole = True
                except (jetstream.ApiError, NatsError, TimeoutError) as error:
                    log.warning("keeper-waiting", error=type(error).__name__)
                except TopologyRefused as refused:
                    if not (self.ready.is_set() or refused.passes):
                        raise
                    for difference in refused.differences:
                        # The fields and values are told by `python -m libs.bus topology`.
                        log.error("keeper-refused", name=difference.partition(":")[0], reason="differs")
                if self._heartbeat is not None:
                    beat(self._heartbeat, ready=whole)
                try:
                    async with asyncio.timeout(self._settings.watch_seconds):
                        await stop.wait()
                except TimeoutError:
                    continue
        finally:
            if not self._client.is_closed:
                await subscription.unsubscribe()

    async def _watch(self) -> None:
        async with self._changing:
            for change in await reconcile(self._client, self._settings.topology):
                _log_change(change)
            if time.monotonic() - self._checked_at >= self._settings.disk_seconds:
                for stream in self._plans.values():
                    await self._check_disk(stream)
                self._checked_at = time.monotonic()
        self.ready.set()

    async def _check_disk(self, stream: StreamPlan) -> None:
        """Let the server write the stream's config; one that cannot has lost the folder and is made anew.

        Acks and reads go on from memory and open files after `rm -rf` of a running server's store, so that nothing
        else shows it (nats-server 2.15.1: error 10069 "open …/meta.inf.tmp: no such file or directory").
        """
        try:
            await jetstream.update_stream(self._client, dict(stream.config))
        except (jetstream.NoAnswer, jetstream.NotFound):
            return
        except jetstream.ApiError as error:
            if "no such file" not in error.description:
                log.error("keeper-disk", stream=stream.name, error_code=str(error.err_code))
                return
            await self._make_anew(stream, "files-gone")

    async def _make_anew(self, stream: StreamPlan, reason: str) -> None:
        log.warning("keeper-rebuilding", stream=stream.name, reason=reason)
        self._rebuilt_at[stream.name] = time.monotonic()
        with contextlib.suppress(jetstream.NotFound):
            await jetstream.delete_stream(self._client, stream.name)
        for change in await reconcile_stream(self._client, stream):
            _log_change(change)

    async def _on_request(self, message: Msg) -> None:
        """A relay asks for its stream (which one it may name, its permissions say)."""
        stream = self._plans.get(message.subject.removeprefix(f"{REBUILD_SUBJECT}."))
        if stream is None or not message.reply:
            return
        try:
            created = msgspec.json.decode(message.data, type=RebuildRequest).created
            answer = await self._rebuild(stream, created)
        except (jetstream.ApiError, TopologyRefused, msgspec.MsgspecError) as error:
            log.error("keeper-rebuild-failed", stream=stream.name, error=type(error).__name__)
            answer = RebuildAnswer(done=False)
        await self._client.publish(message.reply, msgspec.json.encode(answer))

    async def _rebuild(self, stream: StreamPlan, created: str) -> RebuildAnswer:
        async with self._changing:
            try:
                info = await jetstream.stream_info(self._client, stream.name)
            except jetstream.NotFound:
                info = None
            # Asked twice, or by a relay that lost its lock meanwhile: the stream it meant is gone already.
            if info is not None and info.created != created:
                return RebuildAnswer(done=True)
            since = time.monotonic() - self._rebuilt_at.get(stream.name, float("-inf"))
            if since < self._settings.rebuild_seconds_min:
                return RebuildAnswer(done=False, wait_seconds=self._settings.rebuild_seconds_min - since)
            await self._make_anew(stream, "asked")
            return RebuildAnswer(done=True)


def _log_change(change: str) -> None:
    """A line of `reconcile`: what, and whether it was created or updated."""
    name, _, done = change.partition(": ")
    log.warning("keeper-changed", name=name, state=done.split(" ")[0])

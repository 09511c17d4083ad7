"""Pages that stay true: what is said on the bus wakes the pages it concerns, and each shows its whole state anew.

An event is only a hint to look again: nothing on a page is computed from it. So a lost hint (NATS away, a slow
browser) costs nothing but time: every connection begins with the whole state, and looks again after REFRESH_SECONDS.
"""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from uuid import UUID

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from starlette.requests import Request
from starlette.responses import StreamingResponse

from libs.bus.connection import connect
from libs.contracts.catalogue import PRODUCERS
from libs.http.client import Refused, Unavailable
from libs.http.health import Health
from libs.http.limits import client_network
from libs.http.problems import Problem
from libs.telemetry.logs import log
from libs.telemetry.metrics import gauge
from services.portal.sessions import Forbidden, SignedOut, session_of

NAME = "portal"
# Several events come with one act; the page is made anew once for all of them.
GATHER_SECONDS = 0.2
# A page nobody has woken looks again; it also finds out that its officer has been signed out.
REFRESH_SECONDS = 25.0
ECHO_SECONDS = 1.0
# How often a waiting page sees whether the process is to end.
SLICE_SECONDS = 1.0
# Proxies close what is silent for long, and a browser that has gone is noticed only by writing to it.
HEARTBEAT_SECONDS = 15.0
# What a browser waits before it connects anew.
RETRY_MS = 1500
# Pages one asker may have open at once: a session, or an address (a whole village may share one of its provider).
OPEN_MAX = 200
# All pages of a process; the places for other requests are never used up by them (app.py).
PAGES_MAX = 3000
# Dossiers whose agencies are remembered from their events.
DOSSIERS_MAX = 100_000

_CONNECTIONS = gauge("portal_live_connections")


class _Place(msgspec.Struct, frozen=True):
    """What an event may say of where it happened; the others have none of it."""

    agency: str = ""
    receiving_agency: str = ""
    facility: str = ""
    place: str = ""


class Watch:
    """One open page: what it wants to hear of, and whether it has.

    `news` says to whoever looks that something was said (or may have been missed), not only that time has passed.
    """

    def __init__(self, *, dossiers: Collection[UUID] = (), places: Collection[str] = ()) -> None:
        """`dossiers` by id; `places` are codes of agencies and facilities. With neither it hears everything."""
        self.dossiers = set(dossiers)
        self.places = frozenset(places)
        self.woken = asyncio.Event()
        self.news = True

    def concerns(self, dossier_id: UUID | None, places: Collection[str]) -> bool:
        """Whether an event of this dossier, which has to do with these places, is for this page."""
        if not self.dossiers and not self.places:
            return True
        if dossier_id in self.dossiers:
            return True
        # Where a dossier belongs is learnt from its events; of one not learnt, everybody looks.
        return bool(self.places) and (not places or not self.places.isdisjoint(places))


class Live:
    """Listens on the bus for the whole process, and wakes the pages that are open."""

    def __init__(self, nats_url: str) -> None:
        self._url = nats_url
        self._client: Client | None = None
        self._watches: set[Watch] = set()
        self._open: Counter[str] = Counter()
        self._places: OrderedDict[UUID, frozenset[str]] = OrderedDict()

    @property
    def connected(self) -> bool:
        """Whether hints arrive."""
        return self._client is not None and self._client.is_connected

    @property
    def pages(self) -> int:
        """Pages open with a live state."""
        return len(self._watches)

    def open_of(self, asker: str) -> int:
        """Those of one session or address."""
        return self._open[asker]

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until told to stop. Raises libs.bus.connection.NatsNotReached."""
        client = await connect(self._url, name=NAME, on_closed=stop.set)
        self._client = client
        try:
            for producer in PRODUCERS:
                await client.subscribe(f"{producer}.>", cb=self._heard)
            was_connected = True
            while not stop.is_set():
                # After a break hints may be missing: everybody looks.
                if client.is_connected and not was_connected:
                    self.wake_all()
                was_connected = client.is_connected
                try:
                    await asyncio.wait_for(stop.wait(), 0.5)
                except TimeoutError:
                    continue
        finally:
            self.wake_all()
            await client.close()

    def wake_all(self) -> None:
        """Let every page look again."""
        for watch in self._watches:
            watch.woken.set()

    def wake(self, dossier_id: UUID, places: Collection[str]) -> None:
        """Let the pages look again that a change of this dossier, at these places, concerns."""
        for watch in self._watches:
            if watch.concerns(dossier_id, places):
                watch.woken.set()

    async def _heard(self, message: Msg) -> None:
        headers = message.headers or {}
        try:
            dossier_id = UUID(headers.get("ce-subject", ""))
        except ValueError:
            return
        try:
            said = msgspec.json.decode(message.data, type=_Place)
        except msgspec.MsgspecError:
            said = _Place()
        named = {said.agency, said.receiving_agency, said.facility, said.place} - {""}
        places = self._places.pop(dossier_id, frozenset()) | named
        self._places[dossier_id] = places
        if len(self._places) > DOSSIERS_MAX:
            self._places.popitem(last=False)
        self.wake(dossier_id, places)

    async def states(
        self,
        watch: Watch,
        look: Callable[[], Awaitable[str]],
        over: Callable[[], bool],
        *,
        asker: str = "",
    ) -> AsyncIterator[str]:
        """The page's state now, and whenever it may have changed; empty for a sign of life. Ends when it is `over`."""
        self._watches.add(watch)
        self._open[asker] += 1
        _CONNECTIONS.set(len(self._watches))
        loop = asyncio.get_running_loop()
        last, spoken_at, echo = None, loop.time(), False
        watch.woken.set()
        try:
            while not over():
                woken = watch.woken.is_set()
                watch.news = woken or echo
                watch.woken.clear()
                state = await look()
                if state != last:
                    last, spoken_at = state, loop.time()
                    yield state
                # The page reads several services, and one may hear of an event only after us: one more look.
                echo = woken
                look_at = loop.time() + (ECHO_SECONDS if echo else REFRESH_SECONDS)
                while not (watch.woken.is_set() or over() or loop.time() >= look_at):
                    await _until(watch.woken, min(SLICE_SECONDS, look_at - loop.time()))
                    if loop.time() - spoken_at > HEARTBEAT_SECONDS:
                        spoken_at = loop.time()
                        yield ""
                if watch.woken.is_set():
                    await asyncio.sleep(GATHER_SECONDS)
        finally:
            self._watches.discard(watch)
            self._open[asker] -= 1
            if not self._open[asker]:
                del self._open[asker]
            _CONNECTIONS.set(len(self._watches))


async def _until(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), max(0.0, seconds))
    except TimeoutError:
        return


def stream(request: Request, watch: Watch, look: Callable[[], Awaitable[str]]) -> StreamingResponse:
    """An event stream of a page's state: the first event is the whole of it, and every later one too.

    `look` renders the state for the officer who asks; when it finds nobody signed in, the stream says so and ends.
    """
    live: Live = request.app.state.live
    asker = session_of(request) or client_network(request)
    if live.pages >= PAGES_MAX or live.open_of(asker) >= OPEN_MAX:
        raise Problem(503, "too-many-pages", headers={"Retry-After": "30"})
    # A process that is to end lets its pages go first: they connect to the next one.
    health: Health = request.app.state.health

    async def events() -> AsyncIterator[bytes]:
        yield f"retry: {RETRY_MS}\n\n".encode()
        try:
            async for state in live.states(watch, look, lambda: health.draining, asker=asker):
                yield _event("state", state) if state else b": here\n\n"
        except (SignedOut, Forbidden):
            yield _event("signed-out", "-")
        except Refused as refused:
            log.warning("live-page-ended", target=refused.target, code=refused.slug)
            yield _event("signed-out" if refused.status == 401 else "ended", "-")
        except Problem as problem:
            log.warning("live-page-ended", code=problem.slug)
            yield _event("ended", "-")
        except Unavailable as away:
            # The browser keeps what it has, says since when, and connects anew.
            log.warning("live-page-ended", target=away.target, reason=away.reason)

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events(), media_type="text/event-stream", headers=headers)


def _event(name: str, data: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {name}\n{lines}\n".encode()

"""The two clients: the same surface, one that blocks and one that is awaited."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Generic, Self

import httpx

from mot_cua.acts import Births, CaseSteps, Results
from mot_cua.city import City
from mot_cua.cursors import AsyncCursorStore, CursorStore, MemoryCursor
from mot_cua.endpoints import Endpoints
from mot_cua.feed import AsyncFeed, Feed
from mot_cua.fhir import Fhir
from mot_cua.keys import SigningKey
from mot_cua.operations import Awaiting, Blocking, M
from mot_cua.performing import AwaitingPerformer, BlockingPerformer
from mot_cua.reading import PAGE_EVENTS, Reading
from mot_cua.registration import Registration
from mot_cua.saying import Events
from mot_cua.session import PATIENCE_SECONDS, Session
from mot_cua.xml9 import Xml9

USER_AGENT = "mot-cua-client/0.1.0"


class _Surface(Generic[M]):
    """What both clients offer, beside the feed."""

    def __init__(self, session: Session, perform: Any) -> None:
        self.session = session
        self.events: Events[M] = Events(session, perform)
        self.partner: Registration[M] = Registration(session, perform)
        self.births: Births[M] = Births(session, perform)
        self.steps: CaseSteps[M] = CaseSteps(session, perform)
        self.results: Results[M] = Results(session, perform)
        self.fhir: Fhir[M] = Fhir(session, perform)
        self.xml9: Xml9[M] = Xml9(session, perform)
        self.city: City[M] = City(session, perform)
        self.webhooks: Endpoints[M] = Endpoints(session, perform)

    def use_key(self, key: SigningKey) -> None:
        """Prove it with another key from now on, while the old one is still registered."""
        self.session.use_key(key)


class Client(_Surface[Blocking]):
    """A partner's program at the gateway, blocking. Threads may share it; a feed is one thread's.

    with Client("https://…", partner="benh-vien-a", key=SigningKey.from_file("key.pem", kid="k1")) as client:
        for event in client.feed(FileCursor("cursor")):
            …
    """

    def __init__(
        self,
        url: str,
        partner: str,
        key: SigningKey,
        *,
        patience_seconds: float | None = PATIENCE_SECONDS,
        allow_http: bool = False,
        http: httpx.Client | None = None,
    ) -> None:
        """`patience_seconds`: how long a call is tried again (None: without end; feeds follow without end anyway).

        `http`: a client of your own (proxies, certificates), which you close. Raises ValueError for an http:// address
        elsewhere than on this machine, unless `allow_http`.
        """
        session = Session(url, partner, key, patience_seconds=patience_seconds, allow_http=allow_http)
        self._http = http or httpx.Client(headers={"user-agent": USER_AGENT})
        self._owned = http is None
        self._performer = BlockingPerformer(self._http)
        super().__init__(session, self._performer.perform)

    def feed(
        self,
        cursor: CursorStore | None = None,
        *,
        types: Sequence[str] = (),
        stream: bool = False,
        follow: bool = True,
        begin: str = "",
        page_events: int = PAGE_EVENTS,
    ) -> Feed:
        """The events after a saved cursor, of `types` (patterns such as `results.*`; none: all you may read).

        `stream`: server-sent events, the cursor saved event by event; else long polling, page by page. `follow` False
        ends where the feed ends now. `begin`: where to begin when nothing is saved: "" the first event kept,
        "latest" only new ones, or a cursor.
        """
        reading = Reading(
            self.session,
            MemoryCursor() if cursor is None else cursor,
            types=types,
            stream=stream,
            follow=follow,
            begin=begin,
            page_events=page_events,
        )
        return Feed(self._performer, reading)

    def token(self) -> str:
        """An access token that counts, for a request of your own."""
        return self._performer.perform(self.session.token())

    def close(self) -> None:
        """Close the connections."""
        if self._owned:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(_Surface[Awaiting]):
    """A partner's program at the gateway, awaited. Tasks may share it; a feed is one task's."""

    def __init__(
        self,
        url: str,
        partner: str,
        key: SigningKey,
        *,
        patience_seconds: float | None = PATIENCE_SECONDS,
        allow_http: bool = False,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        """As Client."""
        session = Session(url, partner, key, patience_seconds=patience_seconds, allow_http=allow_http)
        self._http = http or httpx.AsyncClient(headers={"user-agent": USER_AGENT})
        self._owned = http is None
        self._performer = AwaitingPerformer(self._http)
        super().__init__(session, self._performer.perform)

    def feed(
        self,
        cursor: CursorStore | AsyncCursorStore | None = None,
        *,
        types: Sequence[str] = (),
        stream: bool = False,
        follow: bool = True,
        begin: str = "",
        page_events: int = PAGE_EVENTS,
    ) -> AsyncFeed:
        """As Client.feed; the store may be one that is awaited, or one that blocks (used in a thread)."""
        reading = Reading(
            self.session,
            MemoryCursor() if cursor is None else cursor,
            types=types,
            stream=stream,
            follow=follow,
            begin=begin,
            page_events=page_events,
        )
        return AsyncFeed(self._performer, reading)

    async def token(self) -> str:
        """An access token that counts, for a request of your own."""
        return await self._performer.perform(self.session.token())

    async def close(self) -> None:
        """Close the connections."""
        if self._owned:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

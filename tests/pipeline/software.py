"""Other systems as they run, with the client package: each with its own key, saying what it did, with no screen."""

from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from deploy.local.partners import kid_of
from mot_cua import AsyncClient, MemoryCursor, Outcome, Said, SigningKey
from mot_cua.errors import Problem
from mot_cua.saying import SOURCE_PREFIX, STRUCTURED
from tests.pipeline.town import Town, until


def type_of(what: str) -> str:
    """The type of event that is `what`."""
    return f"partner.{what}.v1"


class Software:
    """One partner's program. Use it as an async context manager.

    `client` is the package as a partner has it; `http` is for what the package would not send: it has the same token.
    """

    def __init__(self, town: Town, code: str) -> None:
        self.source = SOURCE_PREFIX + code
        url = town.city.urls["gateway"]
        key = SigningKey.from_file(town.city.partners / f"{code}.pem", kid_of(code, town.city.partners))
        self.client = AsyncClient(url, code, key)
        self.http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)

    async def __aenter__(self) -> Self:
        """Prove itself."""
        self.http.headers["Authorization"] = f"Bearer {await self.client.token()}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        await self.client.close()
        await self.http.aclose()

    def event(self, what: str, dossier: str = "", data: Any = None, **changes: Any) -> dict[str, Any]:
        """`partner.<what>.v1` as somebody writes it who does not use the package."""
        given: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": self.source,
            "type": type_of(what),
        }
        given |= {"subject": dossier} if dossier else {}
        given |= {"data": data} if data is not None else {}
        return given | changes

    async def send(self, event: dict[str, Any]) -> httpx.Response:
        """Say one thing so written, however it is answered."""
        return await self.http.post("/events", json=event, headers={"Content-Type": STRUCTURED})

    async def say(self, what: str, dossier: str = "", data: Any = None) -> Any:
        """Say one thing that is taken; what the owner answered."""
        return (await self.client.events.say(type_of(what), data, dossier_id=dossier)).result

    async def refused(self, what: str, dossier: str = "", data: Any = None) -> tuple[int, str]:
        """Say one thing that is not; status and the end of the problem's type."""
        try:
            outcome = await self.client.events.say(type_of(what), data, dossier_id=dossier)
        except Problem as problem:
            return problem.status, problem.code
        raise AssertionError(f"it was taken: {outcome}")

    async def say_all(self, *events: tuple[str, str, Any]) -> tuple[Outcome, ...]:
        """Say many things, each what, of which dossier, with which data; the outcome of each."""
        return await self.client.events.say_all(
            [Said(type=type_of(what), dossier_id=dossier, data=data) for what, dossier, data in events]
        )

    async def look_up(self, path: str, purpose: str = "") -> httpx.Response:
        """GET below /city, however it is answered."""
        return await self.http.get(f"/city/{path}", headers={"X-Purpose": purpose} if purpose else {})

    async def hear(self, type_: str, dossier: str, **data: Any) -> dict[str, Any]:
        """Read the feed until this was said of the dossier, with these members in its data: the data."""

        async def look() -> dict[str, Any] | None:
            async for event in self.client.feed(
                MemoryCursor(), types=[type_], follow=False, page_events=1000
            ):
                if event.subject == dossier and data.items() <= event.plain.items():
                    found: dict[str, Any] = event.plain
                    return found
            return None

        return await until(look)

"""Other systems as they run: each with its own key, saying what it did and reading what it may, with no screen."""

from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

from deploy.local.partners import token_form
from tests.pipeline.town import Town, until

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


class Software:
    """One partner's program. Use it as an async context manager."""

    def __init__(self, town: Town, code: str) -> None:
        self.town = town
        self.code = code
        self.source = f"urn:mot-cua:partner:{code}"
        url = town.city.urls["gateway"]
        self.http = httpx.AsyncClient(base_url=url, timeout=30, trust_env=False)

    async def __aenter__(self) -> Self:
        """Prove itself."""
        form = token_form(self.code, self.town.city.partners, str(self.http.base_url).rstrip("/"))
        granted = await self.http.post("/oauth/token", data=form)
        self.http.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        await self.http.aclose()

    def event(self, what: str, dossier: str = "", data: Any = None, **changes: Any) -> dict[str, Any]:
        """`partner.<what>.v1` as it writes it."""
        given: dict[str, Any] = {
            "specversion": "1.0",
            "id": str(uuid4()),
            "source": self.source,
            "type": f"partner.{what}.v1",
        }
        given |= {"subject": dossier} if dossier else {}
        given |= {"data": data} if data is not None else {}
        return given | changes

    async def send(self, event: dict[str, Any]) -> httpx.Response:
        """Say one thing, however it is answered."""
        return await self.http.post("/events", json=event, headers={"Content-Type": STRUCTURED})

    async def say(self, what: str, dossier: str = "", data: Any = None) -> Any:
        """Say one thing that is taken; what the owner answered."""
        answer = await self.send(self.event(what, dossier, data))
        assert answer.status_code in (200, 201), answer.text
        return answer.json()["result"]

    async def refused(self, what: str, dossier: str = "", data: Any = None) -> tuple[int, str]:
        """Say one thing that is not; status and the end of the problem's type."""
        answer = await self.send(self.event(what, dossier, data))
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    async def batch(self, *events: dict[str, Any]) -> list[dict[str, Any]]:
        """Say many things; the outcome of each."""
        answer = await self.http.post("/events", json=list(events), headers={"Content-Type": BATCH})
        assert answer.status_code == 200, answer.text
        outcomes: list[dict[str, Any]] = answer.json()["outcomes"]
        return outcomes

    async def look_up(self, path: str, purpose: str = "") -> httpx.Response:
        """GET below /city."""
        return await self.http.get(f"/city/{path}", headers={"X-Purpose": purpose} if purpose else {})

    async def hear(self, type_: str, dossier: str, **data: Any) -> dict[str, Any]:
        """Read the feed until this was said of the dossier, with these members in its data."""

        async def look() -> dict[str, Any] | None:
            cursor = ""
            while True:
                answer = await self.http.get(
                    "/events", params={"after": cursor, "types": type_, "limit": 1000}
                )
                assert answer.status_code == 200, answer.text
                for event in answer.json():
                    if event["subject"] == dossier and data.items() <= event["data"].items():
                        found: dict[str, Any] = event
                        return found
                if answer.headers["next-cursor"] == cursor:
                    return None
                cursor = answer.headers["next-cursor"]

        return await until(look)

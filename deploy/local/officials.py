"""The people of the day: officers and hospital desks who use the public API, with tokens of the identity issuer."""

import asyncio
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx
import msgspec

from deploy.programs import DATABASES
from libs.http.auth import IDENTITY, TokenSigner

TOKEN_SECONDS = 1800
AGAIN_AFTER_SECONDS = 0.5


class Post(msgspec.Struct, frozen=True, kw_only=True):
    """A desk: who sits there, for which agency, with which roles."""

    subject: str
    agency: str
    roles: tuple[str, ...]
    facility: str = ""


HOSPITAL = Post(subject="nu-ho-sinh-01", agency="hospital-93016", roles=("hospital",), facility="93016")
COUNTER = Post(subject="can-bo-mot-cua-03", agency="one-stop-31340-2025", roles=("one_stop",))
COUNTER_2 = Post(subject="can-bo-mot-cua-07", agency="one-stop-31411-2025", roles=("one_stop",))
LEADER = Post(subject="lanh-dao-01", agency="civil-status-31340-2025", roles=("leader", "civil_status"))
OPERATOR = Post(subject="van-hanh-01", agency="", roles=("operator",))


class Refused(Exception):
    """A service answered with a problem; the text is its title and detail."""

    def __init__(self, path: str, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.problem = problem
        errors = "; ".join(f"{e['field']}: {e['message']}" for e in problem.get("errors", ()))
        words = ": ".join(str(p) for p in (problem.get("title"), problem.get("detail"), errors) if p)
        super().__init__(f"{path}: {status} {words}")


class Official:
    """One person at a desk, speaking to the services as their software would.

    `patience_seconds`: how long a POST is sent again, with its key, to a service that is away.
    """

    def __init__(self, post: Post, urls: dict[str, str], keys: Path, *, patience_seconds: float = 0) -> None:
        self.post = post
        self._patience_seconds = patience_seconds
        self._urls = urls
        self._signer = TokenSigner.from_file(IDENTITY, keys / f"{IDENTITY}.pem")
        self._token, self._until = "", 0.0
        self._http = httpx.AsyncClient(timeout=30, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, service: str, path: str, *, purpose: str = "", **query: Any) -> Any:
        """GET as JSON. Raises Refused or httpx.HTTPError."""
        headers = self._headers() | ({"X-Purpose": purpose} if purpose else {})
        response = await self._http.get(f"{self._urls[service]}{path}", headers=headers, params=query)
        return self._answer(path, response)

    async def get_bytes(self, service: str, path: str) -> bytes:
        """GET a document. Raises Refused or httpx.HTTPError."""
        response = await self._http.get(f"{self._urls[service]}{path}", headers=self._headers())
        self._answer(path, response)
        return response.content

    async def post_json(self, service: str, path: str, body: Any, *, key: str = "") -> Any:
        """POST JSON with an idempotency key (a fresh one unless given). Raises Refused or httpx.HTTPError."""
        return await self.post_bytes(service, path, msgspec.json.encode(body), "application/json", key=key)

    async def post_bytes(
        self, service: str, path: str, content: bytes, media_type: str, *, key: str = ""
    ) -> Any:
        """POST a body as it is. Raises Refused or httpx.HTTPError."""
        given = {"Content-Type": media_type, "Idempotency-Key": key or str(uuid4())}
        end = time.monotonic() + self._patience_seconds
        while True:
            try:
                response = await self._http.post(
                    f"{self._urls[service]}{path}", content=content, headers=self._headers() | given
                )
                if response.status_code != 503 or time.monotonic() > end:
                    return self._answer(path, response)
            except httpx.TransportError:
                if time.monotonic() > end:
                    raise
            await asyncio.sleep(AGAIN_AFTER_SECONDS)

    def _headers(self) -> dict[str, str]:
        if time.monotonic() > self._until:
            self._token = self._signer.token(
                DATABASES,
                subject=self.post.subject,
                kind="officer",
                agency=self.post.agency,
                roles=self.post.roles,
                facility=self.post.facility,
                ttl_seconds=TOKEN_SECONDS,
            )
            self._until = time.monotonic() + TOKEN_SECONDS / 2
        return {"Authorization": f"Bearer {self._token}"}

    @staticmethod
    def _answer(path: str, response: httpx.Response) -> Any:
        kind = response.headers.get("content-type", "")
        if response.status_code >= 400:
            problem = response.json() if "json" in kind else {}
            raise Refused(path, response.status_code, problem)
        return response.json() if "json" in kind and response.content else None

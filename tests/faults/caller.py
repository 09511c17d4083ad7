"""A desk's software under faults: one key for one act, retried until there is an answer, every try in the journal."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
import msgspec

from deploy.local.officials import Post
from libs.contracts.catalogue import SERVICES
from libs.http.auth import IDENTITY, TokenSigner
from tests.faults.journal import Journal
from tests.faults.record import ACT, FAILED, HAND_IN, OK, UNKNOWN, Proof

# Longer than any honest answer here, shorter than a frozen process: the retry may go to another replica.
TRY_SECONDS = 5.0
TOKEN_SECONDS = 3600
_RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
_RETRIED_PROBLEMS = frozenset({"urn:mot-cua:problem:retry", "urn:mot-cua:problem:unavailable"})
_KNOWN_BIRTH = "urn:mot-cua:problem:duplicate-birth"


class Answer(msgspec.Struct, frozen=True):
    """The last answer to a request: its status and JSON content."""

    status: int
    content: Any = None

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    @property
    def slug(self) -> str:
        """The problem's code."""
        return str((self.content or {}).get("type", "")).rpartition(":")[2]


class NoAnswer(Exception):
    """Nobody answered before the deadline; whether it was done is not known."""


class Caller:
    """One person at a desk. `urls` may name several replicas of a service; a retry goes to the next."""

    def __init__(self, post: Post, urls: Mapping[str, Sequence[str]], keys: Path, journal: Journal) -> None:
        self.post_held = post
        self._urls = urls
        self._journal = journal
        self._turn = random.randrange(100)  # noqa: S311
        signer = TokenSigner.from_file(IDENTITY, keys / f"{IDENTITY}.pem")
        self._authorization = "Bearer " + signer.token(
            SERVICES,
            subject=post.subject,
            kind="officer",
            agency=post.agency,
            roles=post.roles,
            facility=post.facility,
            ttl_seconds=TOKEN_SECONDS,
        )
        self._http = httpx.AsyncClient(timeout=TRY_SECONDS, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def get(self, service: str, path: str, *, purpose: str = "", **query: Any) -> Any:
        """GET as JSON, once; None when there is no good answer. Reading changes nothing and is not journaled."""
        headers = {"Authorization": self._authorization} | ({"X-Purpose": purpose} if purpose else {})
        try:
            response = await self._http.get(self._url(service, path), headers=headers, params=query)
        except httpx.HTTPError:
            return None
        return response.json() if response.status_code == 200 else None

    async def post(
        self,
        service: str,
        path: str,
        body: Any,
        *,
        key: str,
        identity: str = "",
        dossier_id: str = "",
        proof: Proof | None = None,
        deadline_seconds: float = 60,
    ) -> Answer:
        """POST under `key` until it is answered. Raises NoAnswer at the deadline.

        With `identity` it hands something in: then a 409 that links to the existing dossier acknowledges that one.
        """
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {
            "Authorization": self._authorization,
            "Idempotency-Key": key,
            "Content-Type": "application/xml" if isinstance(body, bytes) else "application/json",
        }
        end = time.monotonic() + deadline_seconds
        pause = 0.1
        while True:
            number = self._journal.begin(
                key,
                HAND_IN if identity else ACT,
                identity=identity,
                dossier_id=UUID(dossier_id) if dossier_id else None,
                proof=proof,
            )
            try:
                response = await self._http.post(self._url(service, path), content=content, headers=headers)
            except httpx.HTTPError:
                self._journal.end(number, UNKNOWN)
            else:
                answer = self._ended(number, response)
                if answer is not None:
                    return answer
            if time.monotonic() > end:
                raise NoAnswer(f"{service} {path}")
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
            pause = min(pause * 2, 2.0)

    def _ended(self, number: int, response: httpx.Response) -> Answer | None:
        """Journal what the response means; None when it is to be asked again."""
        content = _json(response)
        named = content.get("dossier_id") if isinstance(content, dict) else None
        problem = content.get("type") if isinstance(content, dict) else None
        answer = Answer(response.status_code, content)
        if answer.ok:
            digest = sha256(response.content).hexdigest()
            self._journal.end(
                number, OK, status=answer.status, dossier_id=UUID(named) if named else None, answer=digest
            )
        elif problem == _KNOWN_BIRTH and named:
            self._journal.end(number, OK, status=answer.status, dossier_id=UUID(named), answer=named)
        elif answer.status in _RETRIED_STATUSES or problem in _RETRIED_PROBLEMS:
            self._journal.end(number, UNKNOWN, status=answer.status)
            return None
        else:
            self._journal.end(number, FAILED, status=answer.status)
        return answer

    def _url(self, service: str, path: str) -> str:
        self._turn += 1
        urls = self._urls[service]
        return urls[self._turn % len(urls)] + path


def _json(response: httpx.Response) -> Any:
    if "json" not in response.headers.get("content-type", "") or not response.content:
        return None
    return response.json()

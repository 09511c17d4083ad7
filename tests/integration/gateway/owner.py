"""A service beside the gateway that answers as a test tells it to, over HTTP, with tokens checked as services do.

What the real ones answer is in tests/pipeline; here it is what no healthy service does: failing, vanishing, waiting.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID, uuid4

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from deploy.local.ports import LOOPBACK, free_port
from libs.http.auth import Actor, TokenVerifier, actor_of
from libs.http.problems import Problem
from services.gateway.inbound.cloudevent import BATCH_JSON
from tests.fixtures.servers import eventually

STRUCTURED = "application/cloudevents+json"
DOSSIER = UUID("019ac000-0000-7000-8000-000000000001")
# The hospital of conftest.py.
SOURCE = "urn:mot-cua:partner:bv-93016"


class Call:
    """One request as it came."""

    def __init__(self, request: Request, body: bytes, actor: Actor) -> None:
        self.actor = actor
        self.path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.key = request.headers.get("idempotency-key", "")
        self.purpose = request.headers.get("x-purpose", "")
        self.media_type = request.headers.get("content-type", "")
        self.body = body


class Owner:
    """`answers` are given one after another (status, content, headers), then 200 with the same content for a key."""

    def __init__(self, jwks: str) -> None:
        self.calls: list[Call] = []
        self.answers: list[tuple[int, Any, dict[str, str]]] = []
        self.done: dict[str, bytes] = {}
        self.wait_seconds = 0.0
        # While it is cleared, nothing is answered.
        self.released = asyncio.Event()
        self.released.set()
        self.at_once = self.most_at_once = 0
        self.app = FastAPI()
        # Whatever service it is taken for: the gateway makes a token for one at a time.
        self.app.state.verifiers = [
            TokenVerifier(jwks, name) for name in ("intake", "routing", "results", "notify")
        ]
        self.app.add_route("/{path:path}", self._answer, methods=["GET", "POST"])
        self.url = ""

    def refuse(self, status: int, slug: str = "x", **more: Any) -> None:
        """The next answer is a problem."""
        headers = more.pop("headers", {})
        self.answers.append(
            (status, {"type": f"urn:mot-cua:problem:{slug}", "status": status, **more}, headers)
        )

    async def _answer(self, request: Request) -> Response:
        for verifier in self.app.state.verifiers:
            self.app.state.verifier = verifier
            with suppress(Problem):
                actor = actor_of(request)
                break
        else:
            return Response(status_code=401)
        call = Call(request, await request.body(), actor)
        self.calls.append(call)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(self.wait_seconds)
            await self.released.wait()
        finally:
            self.at_once -= 1
        if call.key in self.done:
            return Response(self.done[call.key], 200)
        if self.answers:
            status, content, headers = self.answers.pop(0)
            return Response(json.dumps(content), status, headers)
        made = json.dumps({"dossier_id": str(DOSSIER), "made": str(uuid4())}).encode()
        self.done[call.key] = made
        return Response(made, 200)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Owner"]:
        """It answers on a port of its own."""
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        server = uvicorn.Server(
            uvicorn.Config(self.app, host=LOOPBACK, port=port, log_level="critical", lifespan="off")
        )
        task = asyncio.create_task(server.serve())
        try:
            await eventually(lambda: server.started)
            yield self
        finally:
            self.released.set()
            server.should_exit = True
            await task


def event(type_: str = "partner.step-started.v1", **changes: Any) -> dict[str, Any]:
    """An event as the partner writes it."""
    given: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": SOURCE,
        "type": type_,
        "subject": str(DOSSIER),
        "data": {"step": "register_birth", "version": 3},
    }
    return given | changes


async def say(
    house: Any, *events: Any, batch: bool = False, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """POST /events as the hospital."""
    signed = dict(headers or await house.token())
    content = json.dumps(list(events) if batch else events[0])
    signed.setdefault("Content-Type", BATCH_JSON if batch else STRUCTURED)
    answer: httpx.Response = await house.http.post("/events", content=content, headers=signed)
    return answer


async def rows(house: Any) -> list[tuple[Any, ...]]:
    """What the audit says of what was said."""
    found = await house.pool.fetch("SELECT type, dossier_id, state, status, code FROM said ORDER BY id")
    return [tuple(row) for row in found]

"""Alive, ready, and what the process measures.

`/health/live` says the event loop turns, nothing about dependencies: restarting us does not mend a database.
`/health/ready` says whether to send us work; it is false while we drain. Neither needs a token nor tells secrets.
"""

import asyncio
import ipaddress
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import asyncpg
import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from libs.http.auth import actor_of
from libs.http.bodies import MsgspecResponse
from libs.http.limits import Network, is_within
from libs.http.problems import Problem
from libs.telemetry import metrics
from libs.telemetry.logs import log

READY_TIMEOUT_SECONDS = 2.0
# The probe is public and asks the database: ask at most this often.
READY_CACHE_SECONDS = 0.5
OPERATOR = "operator"
LOOPBACK: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


class Readiness(msgspec.Struct, frozen=True):
    """Whether to send us work, and the checks by name that say so."""

    ready: bool
    checks: Mapping[str, bool] = {}


async def database_answers(pool: "asyncpg.Pool[Any]") -> bool:
    """Whether the pool has a connection to give and the server answers on it."""
    try:
        async with pool.acquire(timeout=READY_TIMEOUT_SECONDS) as connection:
            return bool(await connection.fetchval("SELECT true", timeout=READY_TIMEOUT_SECONDS))
    except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False


class Health:
    """State behind the probes; `draining` is set at the start of a stop."""

    def __init__(self, ready: Callable[[], Awaitable[Readiness]], *, service: str, version: str) -> None:
        self.draining = False
        self._ready = ready
        self._names = {"service": service, "version": version}
        self._last: tuple[float, Readiness] | None = None

    async def readiness(self) -> Readiness:
        """The service's own answer, at most READY_CACHE_SECONDS old; a check that fails or hangs means not ready."""
        if self.draining:
            return Readiness(ready=False, checks={"draining": False})
        now = time.monotonic()
        if self._last is not None and now - self._last[0] < READY_CACHE_SECONDS:
            return self._last[1]
        try:
            async with asyncio.timeout(READY_TIMEOUT_SECONDS):
                found = await self._ready()
        except Exception as error:  # noqa: BLE001 - whatever breaks the check, we are not ready
            log.warning("readiness-check-failed", exc_info=error)
            found = Readiness(ready=False)
        self._last = (now, found)
        return found

    def router(self, *, scrape_networks: Sequence[Network]) -> APIRouter:
        """The probes, and `/metrics` and `/openapi.json` for `scrape_networks` or an operator's token.

        A service of ours may have the description too: the portal shows the gateway's to integrators.
        """
        router = APIRouter(include_in_schema=False)

        @router.get("/health/live")
        async def live() -> Response:
            return MsgspecResponse({"alive": True, **self._names})

        @router.get("/health/ready")
        async def ready() -> Response:
            found = await self.readiness()
            return MsgspecResponse(found, 200 if found.ready else 503)

        @router.get("/metrics")
        async def measured(request: Request) -> Response:
            _insiders_only(request, scrape_networks)
            return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)

        @router.get("/openapi.json")
        async def described(request: Request) -> Response:
            _insiders_only(request, scrape_networks, services=True)
            return MsgspecResponse(request.app.openapi())

        return router


def _insiders_only(request: Request, networks: Sequence[Network], *, services: bool = False) -> None:
    """Raises Problem 404, so that outsiders do not learn what is here (ASVS 13.4.5); `services` of ours may be in."""
    if is_within(request.scope, networks):
        return
    try:
        actor = actor_of(request)
        if OPERATOR in actor.roles or (services and actor.kind == "service"):
            return
    except Problem:
        pass
    raise Problem(404)

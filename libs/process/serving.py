"""A service as it runs: its endpoints with what every service has around them, its bus, its background work.

bus = bus_of(settings)
await bus.start()
app = service_app(settings, service=SERVICE, version=VERSION, bus=bus, routers=[...], closing=[intake.close])
await serve_service(settings, app, bus, background=[sender.run])

A process without a bus has `process_app` and `serve_process` instead.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from types import MappingProxyType

from fastapi import APIRouter, FastAPI

from libs.bus.admin import admin_router
from libs.bus.runtime import BusRuntime
from libs.http.app import EdgeLimits, Readiness, build_app
from libs.http.auth import TokenVerifier, require
from libs.http.health import database_answers
from libs.http.serve import QUICK_PARSER, Background, Parser
from libs.http.serve import serve as serve_http
from libs.process.settings import ProcessSettings, ServiceSettings, named, networks_of
from libs.process.sweeper import Sweeper
from libs.telemetry.traces import stop_traces


def service_app(
    settings: ServiceSettings,
    *,
    service: str,
    version: str,
    bus: BusRuntime,
    routers: Sequence[APIRouter],
    closing: Sequence[Callable[[], Awaitable[None]]] = (),
    checks: Mapping[str, Callable[[], bool]] = MappingProxyType({}),
    limits: EdgeLimits | None = None,
) -> FastAPI:
    """The application of a started bus: `routers`, health, and the operators' endpoints.

    `closing` is called when everything else has ended, then the bus is closed. It is ready for work when the database
    answers and all of `checks` (by name) are true. Raises SettingsError.
    """

    async def ready() -> Readiness:
        # NATS is not asked: the service accepts writes while it is away.
        answers = await database_answers(bus.pool)
        own = {name: check() for name, check in checks.items()}
        told = {"database": answers, "bus": bus.status().connected, **own}
        return Readiness(ready=answers and all(own.values()), checks=told)

    return process_app(
        settings,
        service=service,
        version=version,
        ready=ready,
        routers=[*routers, admin_router(bus, require("operator"))],
        closing=[*closing, bus.close],
        limits=limits,
    )


def process_app(
    settings: ProcessSettings,
    *,
    service: str,
    version: str,
    ready: Callable[[], Awaitable[Readiness]],
    routers: Sequence[APIRouter],
    closing: Sequence[Callable[[], Awaitable[None]]] = (),
    limits: EdgeLimits | None = None,
) -> FastAPI:
    """The application of a process, on the bus or not: `routers` and health, with what every edge has around them.

    `closing` is called, in this order, when everything else has ended. Raises SettingsError.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        for close in closing:
            await close()

    with named("PUBLIC_KEYS"):
        verifier = TokenVerifier(settings.public_keys, service)
    app = build_app(
        service=service,
        version=version,
        lifespan=lifespan,
        ready=ready,
        verifier=verifier,
        limits=limits,
        scrape_networks=networks_of("SCRAPE_NETWORKS", settings.scrape_networks),
        trusted_proxies=networks_of("TRUSTED_PROXIES", settings.trusted_proxies),
    )
    for router in routers:
        app.include_router(router)
    return app


async def serve_service(
    settings: ServiceSettings,
    app: FastAPI,
    bus: BusRuntime,
    *,
    background: Sequence[Background] = (),
    parser: Parser = QUICK_PARSER,
) -> None:
    """Answer HTTP, follow the bus, do `background` work and housekeeping until told to stop.

    Raises SystemExit as libs.http.serve does.
    """
    await serve_process(
        settings, app, background=[bus.run, Sweeper(bus.pool).run, *background], parser=parser
    )


async def serve_process(
    settings: ProcessSettings,
    app: FastAPI,
    *,
    background: Sequence[Background] = (),
    parser: Parser = QUICK_PARSER,
) -> None:
    """Answer HTTP and do `background` work until told to stop. Raises SystemExit as libs.http.serve does."""
    try:
        await serve_http(
            app,
            host=settings.http_host,
            port=settings.http_port,
            background=background,
            unready_seconds=settings.unready_seconds,
            parser=parser,
        )
    finally:
        stop_traces()

"""One process of routing put together: application, bus, deadlines, and the sweeping of old answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI

from libs.bus.admin import admin_router
from libs.bus.handling import Service
from libs.bus.outages import is_contention, is_outage
from libs.bus.runtime import BusRuntime
from libs.catalogue.catalogue import Catalogue
from libs.http.app import Readiness, build_app
from libs.http.auth import TokenVerifier, require
from libs.http.health import database_answers
from libs.http.idempotency import purge_answers
from libs.telemetry.logs import log
from services.routing import api, reading, store
from services.routing.handlers import HANDLERS
from services.routing.rules import Rules
from services.routing.settings import Settings
from services.routing.worker import TimerWorker

VERSION = "0.1.0"
SWEEP_SECONDS = 3600.0


class Process:
    """What one process of routing consists of; nothing is opened before the application's lifespan begins."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.rules = Rules(Catalogue.load(settings.catalogue), settings.numbers)
        service = Service(
            name="routing",
            handlers=HANDLERS,
            load=store.load,
            save=partial(store.save, self.rules),
            context=self.rules,
        )
        self.bus = BusRuntime(
            service,
            database_url=settings.database_url,
            nats_url=settings.nats_url,
            pool_size=settings.pool_size,
        )

    def app(self) -> FastAPI:
        """The HTTP application."""
        verifier = TokenVerifier(self._settings.public_keys, "routing")
        app = build_app(
            service="routing",
            version=VERSION,
            lifespan=self._lifespan,
            ready=self._ready,
            verifier=verifier,
        )
        app.include_router(api.router)
        app.include_router(reading.router)
        app.include_router(admin_router(self.bus, require("operator")))
        return app

    async def fire_timers(self, stop: asyncio.Event) -> None:
        """Fire deadlines until told to stop."""
        worker = TimerWorker(self.bus.writer, self.rules, poll_seconds=self._settings.timer_poll_seconds)
        await worker.run(stop)

    async def sweep(self, stop: asyncio.Event) -> None:
        """Delete answers to writes that nobody will repeat any more, every hour."""
        while not stop.is_set():
            try:
                async with self.bus.pool.acquire() as connection:
                    while await purge_answers(connection):
                        log.info("answers-purged")
            except Exception as error:
                if not (is_outage(error) or is_contention(error)):
                    raise
                log.warning("answers-not-purged", exc_info=error)
            try:
                await asyncio.wait_for(stop.wait(), SWEEP_SECONDS)
            except TimeoutError:
                continue

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        await self.bus.start()
        app.state.pool, app.state.writer, app.state.rules = self.bus.pool, self.bus.writer, self.rules
        yield
        await self.bus.close()

    async def _ready(self) -> Readiness:
        # NATS is not asked: the service accepts writes while it is away.
        answers = await database_answers(self.bus.pool)
        return Readiness(ready=answers, checks={"database": answers, "bus": self.bus.status().connected})

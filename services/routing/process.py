"""One process of routing put together: application, bus and deadlines."""

import asyncio
from functools import partial

from fastapi import FastAPI

from libs.bus.handling import Service
from libs.bus.runtime import BusRuntime
from libs.catalogue.catalogue import Catalogue
from libs.process.serving import service_app
from libs.process.settings import named
from services.routing import api, api_desk, api_undo, reading, store
from services.routing.handlers import HANDLERS
from services.routing.renumbering import Renumbering
from services.routing.rules import Rules
from services.routing.settings import Settings
from services.routing.worker import TimerWorker

SERVICE = "routing"
VERSION = "0.1.0"


class Process:
    """What one process of routing consists of; nothing is opened before its bus is started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        with named("CATALOGUE"):
            self.rules = Rules(Catalogue.load(settings.catalogue), settings.numbers)
        # Set once all numbers recorded before this start are compared in the present way.
        self._numbers_known = asyncio.Event()
        service = Service(
            name=SERVICE,
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
        """The HTTP application of a started bus, which is closed with it."""
        routers = [api.router, api_undo.router, reading.router, api_desk.router]
        app = service_app(
            self._settings,
            service=SERVICE,
            version=VERSION,
            bus=self.bus,
            routers=routers,
            checks={"numbers": self._numbers_known.is_set},
        )
        app.state.numbers_known = self._numbers_known
        app.state.pool, app.state.writer, app.state.rules = self.bus.pool, self.bus.writer, self.rules
        return app

    async def keep_numbers(self, stop: asyncio.Event) -> None:
        """Compare every number recorded so far in the present way, then what older code beside this records."""
        await Renumbering(self.bus.writer, self.rules, caught_up=self._numbers_known).run(stop)

    async def fire_timers(self, stop: asyncio.Event) -> None:
        """Fire deadlines until told to stop."""
        worker = TimerWorker(self.bus.writer, self.rules, poll_seconds=self._settings.timer_poll_seconds)
        await worker.run(stop)

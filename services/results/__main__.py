"""`python -m services.results serve|migrate|dead-letters`: wiring only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from libs.bus.admin import admin_router
from libs.bus.handling import Service
from libs.bus.runtime import BusRuntime
from libs.catalogue import Catalogue
from libs.catalogue.code_lists import code_lists
from libs.http.app import Readiness, build_app
from libs.http.auth import TokenSigner, TokenVerifier, require
from libs.http.client import ServiceClient
from libs.http.health import database_answers
from libs.http.limits import RateLimit
from libs.http.serve import serve as serve_http
from libs.process.cli import service_cli
from libs.storage.archive import Archive
from services.results import store
from services.results.api import Endpoints, build_router
from services.results.documents import Names
from services.results.handlers import HANDLERS
from services.results.people import Neighbours
from services.results.press import Press
from services.results.receipts import Receipts
from services.results.settings import Settings, migrator_url, read_settings, storage_options

SERVICE = "results"
VERSION = "0.1.0"


def bus_of(settings: Settings, wake_press: list[Press] | None = None) -> BusRuntime:
    """The bus of this process; after each commit the press, once there is one, looks for work."""

    def after_commit() -> None:
        for press in wake_press or ():
            press.wake()

    return BusRuntime(
        Service(name=SERVICE, handlers=HANDLERS, load=store.load, save=store.save),
        database_url=settings.database_url,
        nats_url=settings.nats_url,
        pool_size=settings.pool_size,
        after_commit=after_commit,
    )


def names_of(catalogue: Catalogue) -> Names:
    """Code lists as words for the papers."""
    lists = code_lists()
    # A name of low confidence must not be printed as certain (catalogue/codes/README): the code stands instead.
    sure = {code: found.name for code, found in lists.facilities.items() if found.confidence != "low"}
    desks = {a.facility_code: a.name_vi for a in catalogue.agencies("hospital") if a.facility_code}
    return Names(ethnic=lists.ethnic_groups, facilities=sure | desks)


async def serve(settings: Settings) -> None:
    """Build everything and answer until told to stop."""
    presses: list[Press] = []
    bus = bus_of(settings, presses)
    await bus.start()
    catalogue = Catalogue.load(settings.catalogue)
    signer = TokenSigner.from_file(SERVICE, settings.service_key)
    intake = ServiceClient(settings.intake_url, "intake", signer)
    routing = ServiceClient(settings.routing_url, "routing", signer)
    neighbours = Neighbours(intake, routing)
    archive = Archive(settings.storage_url, storage_options())
    press = Press(
        pool=bus.pool,
        writer=bus.writer,
        neighbours=neighbours,
        catalogue=catalogue,
        names=names_of(catalogue),
        archive=archive,
        signing=settings.signing,
        settings=settings.press,
    )
    presses.append(press)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await intake.close()
        await routing.close()
        await bus.close()

    async def ready() -> Readiness:
        answers = await database_answers(bus.pool)
        return Readiness(ready=answers, checks={"database": answers, "bus": bus.status().connected})

    verifier = TokenVerifier(settings.public_keys, SERVICE)
    app = build_app(service=SERVICE, version=VERSION, lifespan=lifespan, ready=ready, verifier=verifier)
    endpoints = Endpoints(
        pool=bus.pool,
        writer=bus.writer,
        archive=archive,
        neighbours=neighbours,
        press=press,
        receipts=Receipts(press=press, archive=archive, neighbours=neighbours, catalogue=catalogue),
        verify_limit=RateLimit(rate_per_second=settings.verify_per_second, burst=settings.verify_burst),
    )
    app.include_router(build_router(endpoints))
    app.include_router(admin_router(bus, require("operator")))
    await serve_http(
        app,
        host=settings.http_host,
        port=settings.http_port,
        background=[bus.run, press.run],
        unready_seconds=settings.unready_seconds,
    )


cli = service_cli(
    SERVICE,
    version=VERSION,
    read_settings=read_settings,
    migrator_url=migrator_url,
    bus_of=bus_of,
    serve=serve,
)

if __name__ == "__main__":
    cli()

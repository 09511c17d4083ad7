"""`python -m services.results serve|migrate|dead-letters`: wiring only."""

import asyncio
from collections.abc import Callable

from libs.bus.handling import Service
from libs.bus.runtime import BusRuntime
from libs.catalogue import Catalogue
from libs.http.auth import TokenSigner
from libs.http.client import ServiceClient
from libs.http.limits import RateLimit
from libs.process.cli import service_cli
from libs.process.serving import serve_service, service_app
from libs.process.settings import named
from libs.storage.archive import Archive
from services.results import store
from services.results.api import Endpoints, build_router
from services.results.documents import names_of
from services.results.handlers import HANDLERS
from services.results.making import Maker
from services.results.people import Neighbours
from services.results.press import Press
from services.results.receipts import Receipts
from services.results.settings import Settings, migrator_url, read_settings, storage_settings
from services.results.workers import Workers

SERVICE = "results"
VERSION = "0.1.0"


def bus_of(settings: Settings, after_commit: Callable[[], None] | None = None) -> BusRuntime:
    """The bus of this process."""
    return BusRuntime(
        Service(name=SERVICE, handlers=HANDLERS, load=store.load, save=store.save),
        database_url=settings.database_url,
        nats_url=settings.nats_url,
        pool_size=settings.pool_size,
        after_commit=after_commit,
    )


async def serve(settings: Settings) -> None:
    """Build everything and answer until told to stop."""
    # After each commit of the consumer there may be something to print.
    to_print = asyncio.Event()
    bus = bus_of(settings, to_print.set)
    await bus.start()
    with named("CATALOGUE"):
        names = names_of(catalogue := Catalogue.load(settings.catalogue))
    with named("SERVICE_KEY"):
        signer = TokenSigner.from_file(SERVICE, settings.service_key)
    intake = ServiceClient(settings.intake_url, "intake", signer)
    routing = ServiceClient(settings.routing_url, "routing", signer)
    neighbours = Neighbours(intake, routing)
    with named("STORAGE_URL"):
        archive = Archive(settings.storage_url, storage_settings())
    workers = None
    if settings.render_documents:
        with named("SIGNING_KEY, SIGNING_CERTIFICATE, SIGNING_CHAIN, SIGNING_AGENCIES"):
            workers = Workers(catalogue.folder / "documents", settings.signing, settings.press_workers)
    maker = Maker(
        neighbours=neighbours,
        catalogue=catalogue,
        names=names,
        archive=archive,
        workers=workers,
        public_url=settings.public_url.rstrip("/"),
        city_name=settings.city_name,
    )
    press = Press(pool=bus.pool, writer=bus.writer, maker=maker, settings=settings.press, woken=to_print)
    endpoints = Endpoints(
        pool=bus.pool,
        writer=bus.writer,
        archive=archive,
        neighbours=neighbours,
        catalogue=catalogue,
        wake_press=to_print.set,
        receipts=Receipts(workers=workers, archive=archive, neighbours=neighbours, catalogue=catalogue),
        verify_limit=RateLimit(rate_per_second=settings.verify_per_second, burst=settings.verify_burst),
    )
    routers, closing = [build_router(endpoints)], (intake.close, routing.close)
    app = service_app(settings, service=SERVICE, version=VERSION, bus=bus, routers=routers, closing=closing)
    try:
        await serve_service(settings, app, bus, background=[press.run])
    finally:
        if workers is not None:
            workers.close()


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

"""`python -m services.intake serve|migrate|dead-letters|search`: wiring only."""

from fastapi import FastAPI

from libs.bus.consumer_settings import ConsumerSettings
from libs.bus.gathering import Gathering
from libs.bus.handling import Service
from libs.bus.runtime import BusRuntime
from libs.catalogue import Catalogue
from libs.process.cli import service_cli
from libs.process.serving import serve_service, service_app
from libs.process.settings import named
from libs.storage.archive import Archive
from services.intake import store
from services.intake.api import routers
from services.intake.birth_terms import BirthTerms
from services.intake.handlers import HANDLERS
from services.intake.office import Office
from services.intake.reception import Desk
from services.intake.search_cli import search_app
from services.intake.search_feeding import SearchFeeder
from services.intake.settings import Settings, migrator_url, read_settings, storage_settings

SERVICE = "intake"
VERSION = "0.1.0"
# What others say of a dossier opens its file to a desk and shows where it stands: people do not see a twentieth of a
# second, and pages look later still (GATHER_SECONDS of portal's live.py).
HEARING = ConsumerSettings(gathering=Gathering(seconds_min=0.05))


def bus_of(settings: Settings) -> BusRuntime:
    """The bus of this process."""
    return BusRuntime(
        Service(name=SERVICE, handlers=HANDLERS, load=store.load, save=store.save),
        database_url=settings.database_url,
        nats_url=settings.nats_url,
        pool_size=settings.pool_size,
        consumer=HEARING,
    )


def app_of(settings: Settings, bus: BusRuntime, office: Office) -> FastAPI:
    """The application of a started bus; the bus is closed with it."""
    return service_app(settings, service=SERVICE, version=VERSION, bus=bus, routers=routers(office))


def office_of(settings: Settings, bus: BusRuntime) -> Office:
    """What the endpoints work with; reads the parts of the catalogue every birth needs before the first comes."""
    with named("CATALOGUE"):
        catalogue = Catalogue.load(settings.catalogue)
    with named("STORAGE_URL"):
        archive = Archive(settings.storage_url, storage_settings())
    office = Office(
        bus,
        Desk(catalogue=catalogue, default_limit=settings.default_limit),
        archive,
        settings.public_url,
        public_per_second=settings.public_per_second,
        public_burst=settings.public_burst,
    )
    with named("CATALOGUE"):
        catalogue.procedures(office.desk.today(office.now()))
        catalogue.calendar()
        catalogue.agencies()
    return office


async def serve(settings: Settings) -> None:
    """Build everything and answer until told to stop."""
    bus = bus_of(settings)
    await bus.start()
    office = office_of(settings, bus)
    terms = BirthTerms(office.writer, office.catalogue)
    feeder = SearchFeeder(bus.pool)
    app = app_of(settings, bus, office)
    await serve_service(settings, app, bus, background=[terms.run, feeder.run])


cli = service_cli(
    SERVICE,
    version=VERSION,
    read_settings=read_settings,
    migrator_url=migrator_url,
    bus_of=bus_of,
    serve=serve,
)
cli.add_typer(search_app(read_settings), name="search")

if __name__ == "__main__":
    cli()

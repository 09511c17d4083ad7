"""`python -m services.routing serve|migrate|dead-letters`: wiring only."""

from libs.bus.runtime import BusRuntime
from libs.process.cli import service_cli
from libs.process.serving import serve_service
from services.routing.process import SERVICE, VERSION, Process
from services.routing.settings import Settings, migrator_url, read_settings


def bus_of(settings: Settings) -> BusRuntime:
    """The bus of this process."""
    return Process(settings).bus


async def serve(settings: Settings) -> None:
    """Build everything and answer until told to stop."""
    process = Process(settings)
    await process.bus.start()
    background = [process.fire_timers, process.keep_numbers]
    await serve_service(settings, process.app(), process.bus, background=background)


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

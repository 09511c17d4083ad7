"""`python -m services.gateway serve|migrate|dead-letters|partners`: wiring only."""

from libs.http.auth import GATEWAY
from libs.http.serve import PATIENT_PARSER
from libs.process.cli import service_cli
from libs.process.serving import serve_service
from services.gateway.partners.commands import partners_app
from services.gateway.process import VERSION, Process, bus_of
from services.gateway.settings import Settings, migrator_url, read_settings


async def serve(settings: Settings) -> None:
    """Build everything and answer until told to stop."""
    bus = bus_of(settings)
    await bus.start()
    process = Process(settings, bus)
    await serve_service(settings, process.app(), bus, background=process.background, parser=PATIENT_PARSER)


cli = service_cli(
    GATEWAY,
    version=VERSION,
    read_settings=read_settings,
    migrator_url=migrator_url,
    bus_of=bus_of,
    serve=serve,
)
cli.add_typer(partners_app(read_settings), name="partners")

if __name__ == "__main__":
    cli()

"""`python -m services.identity serve|migrate|accounts`: wiring only."""

from libs.database.pool import open_pool
from libs.http.auth import IDENTITY
from libs.process.cli import service_cli
from libs.process.serving import serve_process
from services.identity.commands import accounts_app
from services.identity.process import VERSION, Process
from services.identity.settings import Settings, migrator_url, read_settings


async def serve(settings: Settings) -> None:
    """Build everything and answer until told to stop."""
    pool = await open_pool(settings.database_url, application_name=IDENTITY, size_max=settings.pool_size)
    process = Process(settings, pool)
    await serve_process(settings, process.app(), background=process.background)


cli = service_cli(
    IDENTITY, version=VERSION, read_settings=read_settings, migrator_url=migrator_url, serve=serve
)
cli.add_typer(accounts_app(read_settings), name="accounts")

if __name__ == "__main__":
    cli()

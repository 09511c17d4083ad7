"""`python -m services.intake search rebuild`: the search index made anew from the dossiers."""

import asyncio
from collections.abc import Callable

import typer

from libs.database.pool import open_pool
from libs.process.settings import SettingsError
from services.intake.search_feeding import SearchFeeder
from services.intake.settings import Settings


def search_app(read_settings: Callable[[], Settings]) -> typer.Typer:
    """The commands about the search index."""
    app = typer.Typer(no_args_is_help=True, help="The search index")

    @app.callback()
    def group() -> None:
        """Keep `rebuild` a command of its own: with one command only, typer would leave its name out."""

    @app.command("rebuild")
    def rebuild() -> None:
        """Read every dossier and its file again; services may go on working. Prints how many there were."""
        try:
            settings = read_settings()
        except SettingsError as error:
            typer.echo(f"intake: {error}", err=True)
            raise typer.Exit(2) from None
        typer.echo(asyncio.run(_rebuild(settings)))

    return app


async def _rebuild(settings: Settings) -> int:
    pool = await open_pool(settings.database_url, application_name="intake search rebuild", size_max=1)
    try:
        return await SearchFeeder(pool).rebuild()
    finally:
        await pool.close()

"""`python -m services.routing serve|migrate|dead-letters`: wiring only."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import typer
from fastapi import FastAPI

from libs.bus.cli import dead_letters_app
from libs.catalogue.errors import CatalogueError
from libs.database.lines import lines_of
from libs.database.migrate import migrate as apply_migrations
from libs.http.serve import run
from libs.http.serve import serve as serve_http
from libs.telemetry.logs import configure_logs
from libs.telemetry.traces import configure_traces, stop_traces
from services.routing.process import VERSION, Process
from services.routing.settings import Settings, SettingsError, migrator_url, read_settings

T = TypeVar("T")


async def _serve(settings: Settings, process: Process, app: FastAPI) -> None:
    try:
        await serve_http(
            app,
            host=settings.http_host,
            port=settings.http_port,
            background=[process.bus.run, process.fire_timers, process.sweep],
            unready_seconds=settings.unready_seconds,
        )
    finally:
        stop_traces()


cli = typer.Typer(no_args_is_help=True, add_completion=False)
cli.add_typer(dead_letters_app(lambda: Process(_or_exit(read_settings)).bus), name="dead-letters")


@cli.command()
def serve() -> None:
    """Answer HTTP, follow the bus and fire deadlines until told to stop."""
    settings = _or_exit(read_settings)
    configure_logs("routing", settings.log_level)
    configure_traces("routing", version=VERSION, endpoint=settings.otlp_endpoint)
    try:
        process = Process(settings)
        app = process.app()
    except (CatalogueError, OSError, ValueError) as error:
        typer.echo(f"routing: CATALOGUE or PUBLIC_KEYS: {error}", err=True)
        raise typer.Exit(2) from None
    run(_serve(settings, process, app))


@cli.command()
def migrate() -> None:
    """Bring the database up to this version."""
    for label in asyncio.run(apply_migrations(_or_exit(migrator_url), lines_of("routing"))):
        typer.echo(label)


def _or_exit(read: Callable[[], T]) -> T:
    try:
        return read()
    except SettingsError as error:
        typer.echo(f"routing: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    cli()

"""The command line every service has: serve; with a database, migrate; on the bus, dead-letters."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer

from libs.bus.cli import dead_letters_app
from libs.bus.runtime import BusRuntime
from libs.database.lines import lines_of
from libs.database.migrate import migrate as apply_migrations
from libs.http.serve import run
from libs.process.settings import ProcessSettings, SettingsError
from libs.telemetry.logs import configure_logs
from libs.telemetry.traces import configure_traces

S = TypeVar("S", bound=ProcessSettings)
T = TypeVar("T")


def service_cli(
    service: str,
    *,
    version: str,
    read_settings: Callable[[], S],
    serve: Callable[[S], Coroutine[Any, Any, None]],
    migrator_url: Callable[[], str] | None = None,
    bus_of: Callable[[S], BusRuntime] | None = None,
) -> typer.Typer:
    """The commands of `service`; without `migrator_url` it has no database, without `bus_of` it is on no bus.

    A wrong setting ends the process with status 2 and one line that names it.
    """
    app = typer.Typer(no_args_is_help=True, add_completion=False, help=f"Một Cửa: {service}")

    def or_exit(read: Callable[[], T]) -> T:
        try:
            return read()
        except SettingsError as error:
            typer.echo(f"{service}: {error}", err=True)
            raise typer.Exit(2) from None

    @app.command("serve")
    def serve_command() -> None:
        """Answer HTTP, follow the bus and do the background work until told to stop."""
        settings = or_exit(read_settings)
        configure_logs(service, settings.log_level)
        configure_traces(service, version=version, endpoint=settings.otlp_endpoint)
        or_exit(lambda: run(serve(settings)))

    @app.callback()
    def commands() -> None:
        """Keep `serve` a word of its own where it is the only command."""

    if migrator_url is not None:
        owner_url = migrator_url

        @app.command("migrate")
        def migrate_command() -> None:
            """Bring the database up to this version; prints what was applied."""
            for label in asyncio.run(apply_migrations(or_exit(owner_url), lines_of(service))):
                typer.echo(label)

    if bus_of is not None:
        app.add_typer(dead_letters_app(lambda: bus_of(or_exit(read_settings))), name="dead-letters")
    return app

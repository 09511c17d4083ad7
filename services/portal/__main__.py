"""`python -m services.portal serve`: wiring only."""

import typer

from libs.http.serve import run
from libs.http.serve import serve as serve_http
from libs.process.settings import SettingsError
from libs.telemetry.logs import configure_logs
from libs.telemetry.traces import configure_traces, stop_traces
from services.portal.app import SERVICE, VERSION, build
from services.portal.settings import Settings, read_settings

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=f"Một Cửa: {SERVICE}")


async def serve(settings: Settings) -> None:
    """Answer until told to stop."""
    app = build(settings)
    try:
        await serve_http(
            app,
            host=settings.http_host,
            port=settings.http_port,
            background=[app.state.live.run],
            unready_seconds=settings.unready_seconds,
        )
    finally:
        stop_traces()


@cli.callback()
def commands() -> None:
    """Keep `serve` a word of its own, as with every service."""


@cli.command("serve")
def serve_command() -> None:
    """Answer until told to stop. A wrong setting ends the process with status 2 and one line that names it."""
    try:
        settings = read_settings()
        configure_logs(SERVICE, settings.log_level)
        configure_traces(SERVICE, version=VERSION, endpoint=settings.otlp_endpoint)
        run(serve(settings))
    except SettingsError as error:
        typer.echo(f"{SERVICE}: {error}", err=True)
        raise typer.Exit(2) from None


if __name__ == "__main__":
    cli()

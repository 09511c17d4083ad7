"""`python -m services.portal serve`: wiring only."""

from libs.process.cli import service_cli
from libs.process.serving import serve_process
from services.portal.app import SERVICE, VERSION, build
from services.portal.settings import Settings, read_settings


async def serve(settings: Settings) -> None:
    """Answer until told to stop."""
    app = build(settings)
    await serve_process(settings, app, background=[app.state.live.run])


cli = service_cli(SERVICE, version=VERSION, read_settings=read_settings, serve=serve)

if __name__ == "__main__":
    cli()

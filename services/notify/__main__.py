"""`python -m services.notify serve|migrate|dead-letters`: wiring only."""

from pathlib import Path

from libs.bus.consumer_settings import UNHURRIED
from libs.bus.handling import Service
from libs.bus.runtime import BusRuntime
from libs.catalogue import Catalogue
from libs.http.auth import TokenSigner
from libs.http.client import ServiceClient
from libs.process.cli import service_cli
from libs.process.serving import serve_service, service_app
from libs.process.settings import named
from services.notify import partner_letters, store
from services.notify.api import build_router
from services.notify.channels import Channel
from services.notify.contacts import Contacts
from services.notify.delivery import Delivery
from services.notify.email_channel import EmailChannel
from services.notify.handlers import HANDLERS
from services.notify.rules import RuleBook, load_rules
from services.notify.sender import Sender
from services.notify.settings import Settings, migrator_url, read_settings
from services.notify.wording import Wording

SERVICE = "notify"
VERSION = "0.1.0"


def rules_of(settings: Settings) -> RuleBook:
    """The city's message rules, with waiting times and quiet hours as set."""
    with named("CATALOGUE"):
        book = load_rules(Path(settings.catalogue))
    return book.adjusted(wait_scale=settings.wait_scale, quiet=settings.quiet_hours)


def bus_of(settings: Settings) -> BusRuntime:
    """The bus of this process."""
    return BusRuntime(
        Service(
            name=SERVICE, handlers=HANDLERS, load=store.load, save=store.save, context=rules_of(settings)
        ),
        database_url=settings.database_url,
        nats_url=settings.nats_url,
        pool_size=settings.pool_size,
        consumer=UNHURRIED,
    )


async def serve(settings: Settings) -> None:
    """Build everything and answer until told to stop."""
    bus = bus_of(settings)
    await bus.start()
    with named("SERVICE_KEY"):
        signer = TokenSigner.from_file(SERVICE, settings.service_key)
    intake = ServiceClient(settings.intake_url, "intake", signer)
    channels: dict[str, Channel] = {"email": EmailChannel(settings.smtp)} if settings.smtp_host else {}
    with named("CATALOGUE"):
        wording = Wording(Catalogue.load(settings.catalogue), settings.public_url)
    book = rules_of(settings)
    delivery = Delivery(
        channels=channels, ranking=settings.sender.ranking, rules=book.by_code(), wording=wording
    )
    sender = Sender(
        pool=bus.pool,
        writer=bus.writer,
        contacts=Contacts(intake),
        wording=wording,
        book=book,
        delivery=delivery,
        settings=settings.sender,
    )

    app = service_app(
        settings,
        service=SERVICE,
        version=VERSION,
        bus=bus,
        routers=[
            build_router(bus.pool, bus.writer, sender.wake),
            partner_letters.build_router(channels, settings.public_url),
        ],
        closing=[intake.close],
    )
    await serve_service(settings, app, bus, background=[sender.run])


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

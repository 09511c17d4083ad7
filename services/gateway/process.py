"""One process of gateway put together."""

from pathlib import Path

from fastapi import FastAPI

from libs.bus.consumer_settings import UNHURRIED
from libs.bus.handling import Service
from libs.bus.runtime import BusRuntime
from libs.catalogue import Catalogue
from libs.catalogue.made_up_names import MadeUpNames
from libs.database.transactions import Transactions
from libs.http.app import EdgeLimits
from libs.http.auth import GATEWAY, TokenSigner
from libs.http.client import ServiceClient
from libs.http.limits import TokenBuckets
from libs.http.serve import Background
from libs.process.sealing import Sealer
from libs.process.serving import service_app
from libs.process.settings import named, networks_of
from services.gateway import api, store
from services.gateway.acting import Acting
from services.gateway.dropping.taking import Taking
from services.gateway.dropping.watching import Watching
from services.gateway.feed.following import Feed
from services.gateway.feed.reading import WAITING_MAX, Desk
from services.gateway.feed.reading_log import ReadingLog
from services.gateway.fhir import api as api_fhir
from services.gateway.fhir.capability import capability
from services.gateway.fhir.desk import FhirDesk
from services.gateway.handlers import HANDLERS
from services.gateway.housekeeping import Housekeeping
from services.gateway.inbound import api as inbound_api
from services.gateway.inbound import api_city
from services.gateway.inbound.desk import SayingDesk
from services.gateway.inbound.taking import Inbound
from services.gateway.partners import api_partner, api_tokens, partner_store
from services.gateway.partners.access import Access, CountedAccess
from services.gateway.partners.partner import Partner
from services.gateway.partners.tokens import TokenDesk
from services.gateway.sandbox import api_sandbox
from services.gateway.sandbox.api_sandbox import Sandbox
from services.gateway.settings import Settings
from services.gateway.straight.door import Door
from services.gateway.straight.leading import Parts
from services.gateway.straight.messages import HandedIn, Taker
from services.gateway.straight.running import Straight
from services.gateway.straight.streams import StreamSettings
from services.gateway.straight.user_keys import Issuer
from services.gateway.submissions import api_births
from services.gateway.submissions.xml9 import FILE_BYTES_MAX, Uploads
from services.gateway.webhooks import api as api_webhooks
from services.gateway.webhooks import api_deliveries, api_replays
from services.gateway.webhooks.addresses import reaches_loopback
from services.gateway.webhooks.by_hand import ByHand
from services.gateway.webhooks.connecting import tls_context
from services.gateway.webhooks.dispatching import Dispatcher
from services.gateway.webhooks.manual import Manual
from services.gateway.webhooks.resolving import NameServers
from services.gateway.webhooks.sending import Sender
from services.gateway.webhooks.telling import Telling
from services.gateway.webhooks.tended import Tended

VERSION = "0.1.0"
# An XML9 file; every endpoint has a limit of its own.
BODY_BYTES_MAX = max(FILE_BYTES_MAX, inbound_api.PAPER_BYTES_MAX)
# Places for other requests are never used up by those that wait.
IN_FLIGHT_MAX = WAITING_MAX + 256
# Bundles and files of one partner at one process; a province has some hundred births a day.
BIRTHS_PER_SECOND, BIRTHS_BURST = 10.0, 50


def bus_of(settings: Settings) -> BusRuntime:
    """The bus of this process."""
    return BusRuntime(
        Service(name=GATEWAY, handlers=HANDLERS, load=store.load, save=store.save, causal=True),
        database_url=settings.database_url,
        nats_url=settings.nats_url,
        pool_size=settings.pool_size,
        consumer=UNHURRIED,
    )


class Process:
    """What one process of gateway consists of, on a started bus. Raises SettingsError."""

    def __init__(self, settings: Settings, bus: BusRuntime, *, taker: Taker | None = None) -> None:
        """`taker` takes in what partners hand in by NATS, instead of what takes in what they POST."""
        self._settings = settings
        self._bus = bus
        with named("SERVICE_KEY"):
            signer = TokenSigner.from_file(GATEWAY, settings.service_key)
        self.transactions = Transactions(bus.pool)
        self.access = Access(bus.pool)
        self._counted = CountedAccess(self.access)
        self.reading_log = ReadingLog(self.transactions)
        self.acting = Acting(settings.urls(), signer)
        self.inbound = Inbound(self.transactions, self.acting)
        self._saying = SayingDesk(self.access, settings.saying_limits)
        feed = Feed(bus.pool)
        with named("WEBHOOK_KEY"):
            self.sealer = Sealer.from_file(settings.webhook_key)
        with named("WEBHOOK_CA"):
            context = tls_context(settings.webhook_ca)
        networks = networks_of("WEBHOOK_NETWORKS", settings.webhook_networks)
        self.sender = Sender(NameServers(), networks, context)
        self._webhooks_to_loopback = reaches_loopback(networks)
        self.dispatcher = Dispatcher(settings.database_url, self.transactions, self.sender, self.sealer)
        self._tended = Tended(
            transactions=self.transactions,
            access=self._counted,
            sender=self.sender,
            sealer=self.sealer,
            wake=self.dispatcher.wake,
            by_hand=ByHand(self.transactions),
        )
        self._manual = Manual(self.transactions, self.sender, self.sealer)

        def committed() -> None:
            feed.wake()
            self.dispatcher.wake()

        bus.after_commit = committed
        self._sandbox: Sandbox | None = None
        if settings.sandbox:
            with named("CATALOGUE"):
                catalogue, names = Catalogue.load(settings.catalogue), MadeUpNames.load(settings.catalogue)
            self._sandbox = Sandbox(self.acting, feed, catalogue, names)
        self._desk = Desk(feed, self.access, self.reading_log, settings.limits)
        self.fhir = FhirDesk(self.transactions, self.acting)
        self.uploads = Uploads(self.transactions, settings.urls(), signer)
        self._tokens = TokenDesk(self.transactions, signer, settings.issuer_url.rstrip("/"))
        self.background: list[Background] = [
            feed.run,
            self.dispatcher.run,
            self.reading_log.run,
            Housekeeping(self.transactions, settings.keep_days, audit_months=settings.months_of_audit).run,
        ]
        self._notify: ServiceClient | None = None
        if settings.notify_url:
            self._notify = ServiceClient(settings.notify_url, "notify", signer)
            self.background.append(Telling(self.transactions, self._notify).run)
        if settings.partners_nats_url:
            self.background.append(self._straight(feed, taker or HandedIn(self.inbound)).run)
        if settings.drop_folder:
            taking = Taking(self.uploads, self.fhir)
            folder = Path(settings.drop_folder)
            self.background.append(Watching(folder, self._partner, taking, settings.drop_keep_days).run)

    def _straight(self, feed: Feed, taker: Taker) -> Straight:
        settings = self._settings
        with named("PARTNERS_NATS_KEY"):
            issuer = Issuer.from_file(settings.partners_nats_key)
        parts = Parts(
            pool=self._bus.pool,
            transactions=self.transactions,
            feed=feed,
            log=self.reading_log,
            door=Door(self.transactions, issuer),
            taker=taker,
            settings=StreamSettings(
                events_bytes_max=settings.partners_stream_bytes, replicas=settings.partners_replicas
            ),
        )
        return Straight(settings.partners_nats_url, settings.database_url, parts)

    async def _partner(self, code: str) -> Partner | None:
        async with self.transactions.transaction() as conn:
            return await partner_store.find(conn, code)

    async def close(self) -> None:
        """Close the connections to receivers and to notify."""
        if self._notify is not None:
            await self._notify.close()
        await self.sender.close()

    def app(self) -> FastAPI:
        """The HTTP application; the bus is closed when it ends."""
        births = TokenBuckets(rate_per_second=BIRTHS_PER_SECOND, burst=BIRTHS_BURST)
        routers = [
            api.build_router(self._desk),
            api_tokens.build_router(self._tokens),
            inbound_api.build_router(self._saying, self.inbound),
            api_city.build_router(self._saying, self.acting, self.reading_log),
            api_partner.build_router(
                self.transactions,
                self._counted,
                sandbox=self._sandbox is not None,
                webhooks_to_loopback=self._webhooks_to_loopback,
            ),
            api_webhooks.build_router(self._tended),
            api_replays.build_router(self._tended),
            api_deliveries.build_router(self._tended, self._manual),
            api_fhir.build_router(
                self.fhir,
                self.access,
                births,
                self._saying,
                capability(self._settings.issuer_url, VERSION),
            ),
            api_births.build_router(self.uploads, self.access, births, self._saying),
        ]
        if self._sandbox is not None:
            routers.append(api_sandbox.build_router(self._sandbox, self._counted, self.transactions))
        return service_app(
            self._settings,
            service=GATEWAY,
            version=VERSION,
            bus=self._bus,
            routers=routers,
            closing=[self.acting.close, self.uploads.close, self.close],
            limits=EdgeLimits(in_flight_max=IN_FLIGHT_MAX, body_bytes_max=BODY_BYTES_MAX),
        )

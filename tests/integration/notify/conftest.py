"""A notify database, a sender that speaks real SMTP, and an intake that answers from memory."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest_asyncio

from libs.bus.handling import Change, Received
from libs.bus.writer import Writer
from libs.catalogue import Catalogue
from libs.contracts.catalogue import EVENTS, producer_of
from libs.contracts.event import Envelope, Event
from libs.contracts.intake import DossierReceived
from libs.contracts.results import ResultReady
from libs.database.pool import open_pool
from libs.http.client import Unavailable
from services.notify import store
from services.notify.channels import Channel
from services.notify.contacts import Applicant, Contact, Contacts
from services.notify.delivery import Delivery
from services.notify.email_channel import EmailChannel, SmtpSettings
from services.notify.handlers import HANDLERS
from services.notify.rules import RuleBook, load_rules
from services.notify.sender import Sender, SenderSettings
from services.notify.wording import Wording
from tests.fixtures.database import DatabaseFactory, ServiceDatabase
from tests.fixtures.servers import ROOT
from tests.integration.notify.post_office import PostOffice

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HOSPITAL, COUNTER = "hospital-93016", "one-stop-31340-2025"
NAME, ADDRESS, PHONE = "Nguyễn Thị Mai", "mai@example.vn", "0912345678"
CATALOGUE = Catalogue.load(ROOT / "catalogue")


class Intake(Contacts):
    """Stands for intake: knows the contacts it was given, and can be away."""

    def __init__(self) -> None:
        self.away = False
        self.contacts: dict[UUID, Contact] = {}

    def add(
        self,
        dossier_id: UUID,
        *,
        email: str = ADDRESS,
        phone: str = PHONE,
        preferred_channel: str = "",
        procedure: str = "2.002621",
        facility: str = "93016",
        receiving_agency: str = COUNTER,
    ) -> None:
        """Make a dossier known."""
        self.contacts[dossier_id] = Contact(
            dossier_id=dossier_id,
            code="313.40.00.H13-261123-0001",
            procedure=procedure,
            procedure_from=date(2024, 7, 1),
            tracking_token="t0ken",
            facility=facility,
            receiving_agency=receiving_agency,
            applicant=Applicant(name=NAME, phone=phone, email=email),
            preferred_channel=preferred_channel,
        )

    async def read(self, dossier_ids: Sequence[UUID]) -> dict[UUID, Contact]:
        """The contacts of these dossiers."""
        if self.away:
            raise Unavailable("intake", "away")
        return {d: self.contacts[d] for d in dossier_ids if d in self.contacts}


class Bureau:
    """Everything a test of notify works with."""

    def __init__(self, pool: "asyncpg.Pool[Any]", post: PostOffice, database: ServiceDatabase) -> None:
        self.pool = pool
        self.post = post
        self.database = database
        self.writer = Writer(pool, lambda: None)
        self.intake = Intake()
        self.book: RuleBook = load_rules(ROOT / "catalogue").adjusted(quiet=False)
        self.channels: dict[str, Channel] = {
            "email": EmailChannel(
                SmtpSettings(host="127.0.0.1", port=post.port, start_tls=False, timeout_seconds=1)
            )
        }

    def sender(self, **settings: Any) -> Sender:
        """A sender on this database and post office."""
        given = SenderSettings(**({"poll_seconds": 0.05} | settings))
        wording = Wording(CATALOGUE, "http://city.example")
        return Sender(
            pool=self.pool,
            writer=self.writer,
            contacts=self.intake,
            wording=wording,
            book=self.book,
            delivery=Delivery(
                channels=self.channels, ranking=given.ranking, rules=self.book.by_code(), wording=wording
            ),
            settings=given,
        )

    async def hear(self, dossier_id: UUID, *events: Event) -> None:
        """Handle events in one batch and transaction, as the consumer does."""
        async with self.pool.acquire() as conn, conn.transaction():
            now = await conn.fetchval("SELECT now()")
            before = (await store.load(conn, [dossier_id])).get(dossier_id)
            after = before
            for event in events:
                received = Received(event=event, envelope=envelope(dossier_id, event), now=now)
                after = HANDLERS[type(event)](after, received, self.book).state or after
            if after is not None:
                await store.save(conn, [Change(dossier_id=dossier_id, before=before, after=after)])

    async def dossier(self, *events: Event, **contact: Any) -> UUID:
        """A dossier intake knows, of which these events were heard."""
        dossier_id = uuid4()
        self.intake.add(dossier_id, **contact)
        await self.hear(dossier_id, *events)
        return dossier_id

    async def waiting_is_over(self) -> None:
        """What waits for others of its group, or for another try, is due now."""
        await self.pool.execute("UPDATE message SET not_before = now() WHERE state = 'queued'")

    async def leases_are_over(self) -> None:
        """Every sender has held what it holds for too long."""
        await self.pool.execute(
            "UPDATE message SET lease_until = now() - interval '1 second' WHERE state = 'sending'"
        )

    async def send(self, **settings: Any) -> int:
        """Send what waits, once; returns how many messages were taken."""
        await self.waiting_is_over()
        return await self.sender(**settings).send_due()

    async def messages(self, dossier_id: UUID) -> list[asyncpg.Record]:
        """The messages of a dossier, oldest first."""
        return await self.pool.fetch(
            "SELECT * FROM message WHERE dossier_id = $1 ORDER BY created_at, id", dossier_id
        )

    async def states(self, dossier_id: UUID) -> list[str]:
        """The states of a dossier's messages."""
        return [row["state"] for row in await self.messages(dossier_id)]

    async def said(self, dossier_id: UUID) -> list[Event]:
        """What notify has said of the dossier, in order."""
        rows = await self.pool.fetch(
            "SELECT subject, payload FROM bus.outbox WHERE dossier_id = $1 ORDER BY sequence", dossier_id
        )
        return [msgspec.json.decode(row["payload"], type=EVENTS[row["subject"]]) for row in rows]


def envelope(dossier_id: UUID, event: Event) -> Envelope:
    """An envelope as the bus would bring the event in."""
    return Envelope(
        id=uuid4(),
        source=producer_of(type(event)),
        type=event.SUBJECT,
        dossier_id=dossier_id,
        sequence=1,
        time=NOW,
    )


def received(**changes: Any) -> DossierReceived:
    """A dossier was handed in at the hospital."""
    given: dict[str, Any] = {
        "code": "313.40.00.H13-261123-0001",
        "procedure": "2.002621",
        "channel": "hospital",
        "receiving_agency": COUNTER,
        "facility": "93016",
        "received_at": NOW,
    }
    return DossierReceived(**(given | changes))


def ready(code: str = "birth_certificate", place: str = HOSPITAL, delivery: str = "hospital") -> ResultReady:
    """A result lies at its place of hand-over."""
    return ResultReady(result_id=uuid4(), result=code, delivery=delivery, place=place, ready_at=NOW)


@pytest_asyncio.fixture
async def bureau(database: DatabaseFactory) -> AsyncIterator[Bureau]:
    """A fresh notify database and a post office with good manners."""
    db = await database("notify")
    pool = await open_pool(db.app_dsn, application_name="notify")
    try:
        async with PostOffice() as post:
            yield Bureau(pool, post, db)
    finally:
        await pool.close()

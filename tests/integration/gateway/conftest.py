"""A gateway on a database of its own, partners with keys, and events as the bus brings them in."""

import json
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from joserfc import jwt
from joserfc.jwk import ECKey

from libs.bus.handling import Change, Received
from libs.bus.ids import new_id
from libs.contracts.catalogue import producer_of
from libs.contracts.cloudevents import encode_data
from libs.contracts.event import Envelope, Event
from libs.contracts.intake import DossierAccepted, DossierReceived
from libs.contracts.results import ResultReady
from libs.contracts.routing import StepAssigned
from libs.http.auth import GATEWAY
from libs.http.public_keys import JWKS_NAME, make_key
from libs.process.sealing import new_sealing_key
from services.gateway import store
from services.gateway.handlers import HANDLERS
from services.gateway.partners import administration
from services.gateway.partners.administration import By
from services.gateway.partners.partner import Partner
from services.gateway.partners.tokens import ASSERTION_TYPE
from services.gateway.process import Process, bus_of
from services.gateway.settings import Settings
from services.gateway.straight.messages import Taker
from tests.fixtures.database import DatabaseFactory, ServiceDatabase
from tests.fixtures.servers import ROOT
from tests.integration.gateway.owner import Owner

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
ISSUER = "https://doitac.example.vn"
COUNTER = "one-stop-31340-2025"
BY = By("test", "here")
HOSPITAL = Partner(
    code="bv-93016",
    name_vi="Bệnh viện",
    agency="hospital-93016",
    facility="93016",
    roles=("hospital",),
    types=("*",),
    reads=("facility/93016",),
)
EVERYTHING = Partner(code="tat-ca", name_vi="Đọc tất cả", types=("*",), reads=("*",))
POLICE = Partner(code="cong-an", name_vi="Công an", types=("routing.*",), reads=("agency/police-31340-2025",))


def received(facility: str = "93016") -> DossierReceived:
    """A dossier was handed in at a hospital."""
    return DossierReceived(
        code="313.40.00.H13-261127-0001",
        procedure="2.002621",
        channel="hospital",
        receiving_agency=COUNTER,
        facility=facility,
        received_at=NOW,
    )


def accepted(facility: str = "93016") -> DossierAccepted:
    """The counter has taken it in."""
    return DossierAccepted(
        code="313.40.00.H13-261127-0001",
        procedure="2.002621",
        procedure_from=date(2024, 7, 1),
        channel="hospital",
        receiving_agency=COUNTER,
        received_at=NOW,
        accepted_at=NOW,
        appointment_at=NOW,
        unit="31340",
        unit_as_of=date(2026, 11, 27),
        results=(),
        facility=facility,
    )


def assigned(agency: str = "police-31340-2025") -> StepAssigned:
    """A step lies with an agency."""
    return StepAssigned(step="register_residence", agency=agency, assigned_at=NOW)


def ready() -> ResultReady:
    """A result lies at its place of hand-over."""
    return ResultReady(
        result_id=uuid4(), result="birth_certificate", delivery="counter", place=COUNTER, ready_at=NOW
    )


class House:
    """Everything a test of the gateway works with. Its bus has a pool and no NATS."""

    def __init__(self, settings: Settings, process: Process, pool: "asyncpg.Pool[Any]") -> None:
        self.settings = settings
        self.process = process
        self.pool = pool
        self.app = process.app()
        self.keys: dict[str, ECKey] = {}
        self.said_at = NOW
        self._sequences: dict[tuple[str, UUID], int] = {}
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=ISSUER)

    async def partner(self, partner: Partner = HOSPITAL) -> Partner:
        """Make a partner known, with a key."""
        async with self.pool.acquire() as conn, conn.transaction():
            await administration.add(conn, partner, BY)
        await self.key(partner.code)
        return partner

    async def key(self, code: str, kid: str = "k1") -> None:
        """One more key of a partner."""
        self.keys[kid if kid != "k1" else code] = made = ECKey.generate_key("P-256")
        async with self.pool.acquire() as conn, conn.transaction():
            await administration.add_key(conn, code, json.dumps(made.as_dict(private=False)), BY, kid=kid)

    def assertion(self, code: str, *, kid: str = "k1", **claims: Any) -> str:
        """What a partner proves itself with."""
        key = self.keys[kid if kid != "k1" else code]
        return jwt.encode({"alg": "ES256", "kid": kid}, self.claims(code) | claims, key)

    def claims(self, code: str) -> dict[str, Any]:
        """What it says of itself there."""
        return {"iss": code, "sub": code, "aud": ISSUER, "exp": int(time.time()) + 60, "jti": str(uuid4())}

    async def ask(self, assertion: str, **changes: str) -> httpx.Response:
        """POST /oauth/token."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        } | changes
        return await self.http.post("/oauth/token", data=form)

    async def token(self, code: str = HOSPITAL.code, *, kid: str = "k1") -> dict[str, str]:
        """The headers of a partner with a token."""
        answer = await self.ask(self.assertion(code, kid=kid))
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def read(self, headers: dict[str, str], after: str = "", **query: Any) -> httpx.Response:
        """GET /events."""
        return await self.http.get("/events", params={"after": after, **query}, headers=headers)

    async def say(self, dossier_id: UUID, *events: Event) -> list[UUID]:
        """Record events in one transaction, as the consumer does; their ids."""
        ids = []
        async with self.pool.acquire() as conn, conn.transaction():
            before = (await store.load(conn, [dossier_id])).get(dossier_id)
            after = before
            for event in events:
                envelope = self._envelope(dossier_id, event)
                ids.append(envelope.id)
                given = Received(event=event, envelope=envelope, now=NOW, data=encode_data(event))
                after = HANDLERS[type(event)](after, given, None).state
            assert after is not None
            await store.save(conn, [Change(dossier_id=dossier_id, before=before, after=after)])
        return ids

    def _envelope(self, dossier_id: UUID, event: Event) -> Envelope:
        source = producer_of(type(event))
        sequence = self._sequences.get((source, dossier_id), 0) + 1
        self._sequences[source, dossier_id] = sequence
        return Envelope(
            id=new_id(),
            source=source,
            type=event.SUBJECT,
            dossier_id=dossier_id,
            time=self.said_at,
            sequence=sequence,
        )

    async def deeds(self, code: str) -> list[tuple[str, str]]:
        """What the audit says of a partner, oldest first."""
        rows = await self.pool.fetch("SELECT what, detail FROM audit WHERE partner = $1 ORDER BY id", code)
        return [(row[0], row[1]) for row in rows]


def ids_of(answer: httpx.Response) -> list[UUID]:
    """The ids of the events in an answer."""
    assert answer.status_code == 200, answer.text
    return [UUID(event["id"]) for event in answer.json()]


@pytest_asyncio.fixture
async def gateway_database(database: DatabaseFactory) -> ServiceDatabase:
    """A fresh database of the gateway."""
    return await database("gateway")


@pytest.fixture
def settings(gateway_database: ServiceDatabase, tmp_path: Path) -> Callable[..., Settings]:
    """Settings with keys of the test's own."""
    for issuer in (GATEWAY, "identity"):
        make_key(issuer, tmp_path)
    (tmp_path / "webhooks.key").write_bytes(new_sealing_key())

    def make(**changes: Any) -> Settings:
        given: dict[str, Any] = {
            "database_url": gateway_database.app_dsn,
            "nats_url": "nats://127.0.0.1:1",
            "service_key": str(tmp_path / "gateway.pem"),
            "public_keys": str(tmp_path / JWKS_NAME),
            "catalogue": str(ROOT / "catalogue"),
            "issuer_url": ISSUER,
            "webhook_key": str(tmp_path / "webhooks.key"),
            "webhook_networks": "127.0.0.0/8",
            **{f"{name}_url": "http://127.0.0.1:1" for name in ("intake", "routing", "results")},
        }
        return Settings(**(given | changes))

    return make


@pytest_asyncio.fixture
async def houses(settings: Callable[..., Settings]) -> AsyncIterator[Callable[..., Any]]:
    """`await houses(reads_burst=…)`: gateways with these settings, on one database."""
    made: list[tuple[House, Any]] = []

    async def make(taker: Taker | None = None, **changes: Any) -> House:
        given = settings(**changes)
        bus = bus_of(given)
        await bus.start()
        made.append((House(given, Process(given, bus, taker=taker), bus.pool), bus))
        return made[-1][0]

    yield make
    for house, bus in made:
        await house.http.aclose()
        await bus.close()


@pytest_asyncio.fixture
async def house(houses: Callable[..., Any]) -> House:
    """A gateway."""
    found: House = await houses()
    return found


@pytest_asyncio.fixture
async def owner(settings: Callable[..., Any]) -> AsyncIterator[Owner]:
    """The services' place."""
    async with Owner(settings().public_keys).running() as running:
        yield running


@pytest_asyncio.fixture
async def city(houses: Callable[..., Any], owner: Owner) -> House:
    """A gateway beside them, with a partner."""
    house: House = await houses(**{f"{name}_url": owner.url for name in ("intake", "routing", "results")})
    await house.partner()
    return house

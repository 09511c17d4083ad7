"""Intake's real application on a real database, asked in the process; NATS is not needed to take dossiers."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pytest
import pytest_asyncio

from libs.bus.runtime import BusRuntime
from libs.catalogue import Catalogue
from libs.http.auth import TokenSigner
from libs.http.public_keys import JWKS_NAME, make_key
from libs.storage.archive import Archive
from libs.telemetry.logs import configure_logs
from services.intake.__main__ import app_of, bus_of
from services.intake.office import Office
from services.intake.reception import Desk
from services.intake.settings import Settings
from tests.fixtures.database import DatabaseFactory

# A Monday, 09:00 in Việt Nam: before the 15:00 rule bites.
MORNING = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
HOSPITAL, OTHER_HOSPITAL = "93016", "93007"
WARD, OTHER_WARD = "one-stop-31340-2025", "one-stop-31411-2025"


class Intake:
    """The service under test, and ways to look behind it."""

    def __init__(self, office: Office, make_app: Callable[[], Any], keys: Path, admin_dsn: str) -> None:
        self.office = office
        self.bus: BusRuntime = office.bus
        self.app = make_app()
        self._make_app, self._keys = make_app, keys
        self.admin_dsn = admin_dsn
        self._identity = TokenSigner.from_file("identity", keys / "identity.pem")
        self._services = {
            name: TokenSigner.from_file(name, keys / f"{name}.pem")
            for name in ("results", "notify", "portal")
        }
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://intake")

    def beside(self) -> "Intake":
        """Another process of the service, as far as what a process keeps to itself goes."""
        return Intake(self.office, self._make_app, self._keys, self.admin_dsn)

    def set_time(self, moment: datetime) -> None:
        """What time it is for the service."""
        self.office.now = lambda: moment

    def hospital(self, facility: str = HOSPITAL) -> dict[str, str]:
        """Headers of a maternity desk."""
        return self._officer(f"midwife-{facility}", f"hospital-{facility}", "hospital", facility)

    def counter(self, agency: str = WARD) -> dict[str, str]:
        """Headers of a counter officer."""
        return self._officer(f"clerk-{agency}", agency, "one_stop")

    def police(self, agency: str = "police-31340-2025") -> dict[str, str]:
        """Headers of an officer who neither receives dossiers nor declares births."""
        return self._officer(f"officer-{agency}", agency, "police_residence")

    def auditor(self) -> dict[str, str]:
        """Headers of somebody who looks into who looked."""
        return self._officer("inspector", "", "audit")

    def service(self, name: str) -> dict[str, str]:
        """Headers of another service."""
        return {"Authorization": f"Bearer {self._services[name].token('intake')}"}

    async def post(self, path: str, body: Any, headers: dict[str, str], *, key: str = "") -> httpx.Response:
        """POST JSON (or raw bytes) under a fresh idempotency key, or the one given."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        given = {"Idempotency-Key": key or str(uuid4()), "Content-Type": kind, **headers}
        return await self._http.post(path, content=content, headers=given)

    async def get(
        self, path: str, headers: dict[str, str] | None = None, *, purpose: str = ""
    ) -> httpx.Response:
        """GET, with a purpose where one is needed."""
        return await self._http.get(
            path, headers={**(headers or {}), **({"X-Purpose": purpose} if purpose else {})}
        )

    async def rows(self, query: str, *values: Any) -> list[Any]:
        """Look into the database as its administrator."""
        connection = await asyncpg.connect(self.admin_dsn, timeout=10, command_timeout=30)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close(timeout=10)

    async def events(self, dossier_id: str) -> list[tuple[str, dict[str, Any]]]:
        """What was said of a dossier, in order: (subject, payload)."""
        rows = await self.rows(
            "SELECT subject, payload FROM bus.outbox WHERE dossier_id = $1::uuid ORDER BY sequence",
            dossier_id,
        )
        return [(row["subject"], msgspec.json.decode(row["payload"])) for row in rows]

    async def close(self) -> None:
        """Close connections."""
        await self._http.aclose()
        await self.bus.close()

    def _officer(self, subject: str, agency: str, role: str, facility: str = "") -> dict[str, str]:
        token = self._identity.token(
            "intake", subject=subject, kind="officer", agency=agency, roles=[role], facility=facility
        )
        return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """Log as in production: unconfigured, structlog paints every exception with its local variables."""
    configure_logs("intake", "WARNING")


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The city's catalogue, read once."""
    return Catalogue.load("catalogue")


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key pairs of everybody who speaks to intake."""
    folder = tmp_path_factory.mktemp("keys")
    for issuer in ("identity", "results", "notify", "portal"):
        make_key(issuer, folder)
    return folder


@pytest_asyncio.fixture
async def intake(
    database: DatabaseFactory, catalogue: Catalogue, keys: Path, tmp_path: Path
) -> AsyncIterator[Intake]:
    """Intake on a Monday morning."""
    made = await database("intake")
    settings = Settings(
        database_url=made.app_dsn,
        nats_url="nats://nowhere.invalid:4222",
        public_keys=str(keys / JWKS_NAME),
        public_url="https://motcua.example.vn/",
        storage_url=f"file://{tmp_path}/archive",
        pool_size=12,
    )
    bus = bus_of(settings)
    await bus.start()
    office = Office(
        bus,
        Desk(catalogue=catalogue),
        Archive(settings.storage_url),
        settings.public_url,
        public_per_second=0.001,
        public_burst=8,
    )
    running = Intake(office, lambda: app_of(settings, bus, office), keys, made.admin_dsn)
    running.set_time(MORNING)
    yield running
    await running.close()

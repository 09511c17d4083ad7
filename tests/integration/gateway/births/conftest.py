"""A gateway beside the real intake, each on a database of its own, and a hospital's software that uses them."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
import pytest_asyncio
import uvicorn

from libs.bus.handling import Change
from libs.catalogue import Catalogue
from libs.http.auth import TokenSigner
from libs.http.public_keys import JWKS_NAME
from libs.storage.archive import Archive
from services.gateway.settings import Settings as GatewaySettings
from services.intake import store
from services.intake.__main__ import app_of, bus_of
from services.intake.dossier import Dossier
from services.intake.office import Office
from services.intake.reception import Desk
from services.intake.settings import Settings
from tests.fixtures.database import DatabaseFactory
from tests.fixtures.servers import ROOT
from tests.integration.gateway.conftest import HOSPITAL, House

# A Friday, 09:00 in Việt Nam.
MORNING = datetime(2026, 11, 27, 2, 0, tzinfo=UTC)
FHIR = "application/fhir+json"


class Intake:
    """The real intake, listening on a port, and ways to look behind it."""

    def __init__(self, office: Office, url: str, admin_dsn: str, keys: Path) -> None:
        self.office = office
        self.url = url
        self._admin_dsn = admin_dsn
        self._identity = TokenSigner.from_file("identity", keys / "identity.pem")

    async def rows(self, query: str, *values: Any) -> list[Any]:
        """Look into its database."""
        connection = await asyncpg.connect(self._admin_dsn, timeout=10, command_timeout=30)
        try:
            return list(await connection.fetch(query, *values))
        finally:
            await connection.close(timeout=10)

    async def get(self, path: str, *, raw: bool = False) -> Any:
        """GET as a midwife of the hospital."""
        token = self._identity.token(
            "intake",
            subject="midwife",
            kind="officer",
            agency="hospital-93016",
            roles=["hospital"],
            facility="93016",
        )
        headers = {"Authorization": f"Bearer {token}", "X-Purpose": "bedside"}
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, headers=headers) as client:
            answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.content if raw else answer.json()

    async def file(self, dossier_id: str) -> Any:
        """What the file of a dossier says now."""
        return (await self.get(f"/dossiers/{dossier_id}"))["file"]

    async def events(self, dossier_id: str) -> list[str]:
        """What was said of a dossier, in order."""
        rows = await self.rows(
            "SELECT subject FROM bus.outbox WHERE dossier_id = $1::uuid ORDER BY sequence", dossier_id
        )
        return [row["subject"] for row in rows]

    async def change(self, dossier_id: str, become: Callable[[Dossier], Dossier]) -> None:
        """What others' events make of a dossier."""
        async with self.office.writer.transaction() as connection:
            before = (await store.load(connection, [UUID(dossier_id)]))[UUID(dossier_id)]
            changed = Change(dossier_id=before.id, before=before, after=become(before))
            await store.save(connection, [changed])

    async def dossiers(self) -> int:
        """How many dossiers there are."""
        return int((await self.rows("SELECT count(*) FROM dossier"))[0][0])


class Software:
    """A hospital's software as the gateway sees it."""

    def __init__(self, house: House, headers: dict[str, str]) -> None:
        self.house = house
        self._headers = headers

    async def send(self, bundle: Any, *, path: str = "/fhir", media_type: str = FHIR) -> httpx.Response:
        """POST a Bundle (or bytes as they are)."""
        content = bundle if isinstance(bundle, bytes) else json.dumps(bundle, ensure_ascii=False).encode()
        return await self.house.http.post(
            path, content=content, headers={**self._headers, "Content-Type": media_type}
        )


def issues(answer: httpx.Response) -> list[dict[str, Any]]:
    """The issues of an answer, wherever its OperationOutcome stands."""
    found = answer.json()
    if found["resourceType"] == "Bundle":
        if found["type"] == "message":
            found = found["entry"][1]["resource"]
        else:
            outcomes = [entry["response"].get("outcome") for entry in found["entry"]]
            return [issue for one in outcomes if one for issue in one["issue"]]
    assert found["resourceType"] == "OperationOutcome"
    listed: list[dict[str, Any]] = found["issue"]
    return listed


def slugs(answer: httpx.Response) -> dict[str, list[str]]:
    """Our slugs and the elements they are about."""
    told: dict[str, list[str]] = {}
    for issue in issues(answer):
        told.setdefault(issue["details"]["coding"][0]["code"], []).extend(issue.get("expression", []))
    return told


def dossier_of(answer: httpx.Response, nth: int = 0) -> str:
    """The dossier an answer tells of."""
    told = [
        part["valueUuid"].removeprefix("urn:uuid:")
        for issue in issues(answer)
        for extension in issue.get("extension", [])
        for part in extension["extension"]
        if part["url"] == "id"
    ]
    return str(told[nth])


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The city's catalogue, read once."""
    return Catalogue.load(str(ROOT / "catalogue"))


@pytest_asyncio.fixture
async def intake(
    database: DatabaseFactory,
    catalogue: Catalogue,
    settings: Callable[..., GatewaySettings],
    tmp_path: Path,
) -> AsyncIterator[Intake]:
    """Intake on a Friday morning, listening."""
    made = await database("intake")
    given = Settings(
        database_url=made.app_dsn,
        nats_url="nats://nowhere.invalid:4222",
        public_keys=str(tmp_path / JWKS_NAME),
        public_url="https://motcua.example.vn/",
        storage_url=f"file://{tmp_path}/archive",
        pool_size=8,
    )
    bus = bus_of(given)
    await bus.start()
    office = Office(bus, Desk(catalogue=catalogue), Archive(given.storage_url), given.public_url)
    office.now = lambda: MORNING
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app_of(given, bus, office), log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by nothing else
        await asyncio.sleep(0.01)
    port = listener.getsockname()[1]
    yield Intake(office, f"http://127.0.0.1:{port}", made.admin_dsn, tmp_path)
    server.should_exit = True
    await task
    await bus.close()


@pytest_asyncio.fixture
async def software(intake: Intake, houses: Callable[..., Awaitable[House]]) -> Software:
    """The hospital's software, at a gateway that reaches intake."""
    house = await houses(intake_url=intake.url)
    await house.partner()
    return Software(house, await house.token(HOSPITAL.code))

"""A results database, a press that really prints and signs, and neighbours that answer from memory."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from libs.bus.handling import Change
from libs.bus.writer import Writer
from libs.catalogue import Catalogue
from libs.contracts.routing import ProducedResult
from libs.database.pool import open_pool
from libs.http.client import Unavailable
from libs.storage.archive import Archive
from services.results import calling, store
from services.results.authority import make_agency_keys, make_authority
from services.results.domain import Custody
from services.results.making import Maker
from services.results.people import Child, Neighbours, OutcomeItem, OutcomeRecord, PeopleRecord, Person
from services.results.press import Press, PressSettings
from services.results.signing_keys import SigningKeys
from services.results.subjects import Names
from services.results.workers import Workers
from tests.fixtures.database import DatabaseFactory
from tests.fixtures.servers import ROOT

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WARD, INSURANCE, POLICE, HOSPITAL = (
    "civil-status-31340-2025",
    "social-insurance-nga-bay-2025",
    "police-31340-2025",
    "hospital-93016",
)
COUNTER = "one-stop-31340-2025"
MOTHER = Person(
    name="Nguyễn Thị Mai", identity_number="093196001234", birth_date="1996-04-02", ethnic_code="01"
)
OUTCOMES: dict[str, dict[str, Any]] = {
    "register_birth": {
        "register_number": "125/2026",
        "register_book": "01/2026",
        "registered_on": "2026-11-23",
        "child_name": "Trần Gia Hân",
        "personal_id": "092326000125",
    },
    "issue_insurance_card": {
        "card_number": "TE1920000000125",
        "valid_from": "2026-11-21",
        "valid_to": "2032-11-30",
        "first_care_facility": "93016",
    },
    "register_residence": {"residence_number": "88/TB", "registered_on": "2026-11-23"},
}
PRODUCED = {
    "register_birth": (WARD, ProducedResult(code="birth_certificate", delivery="hospital", place=HOSPITAL)),
    "issue_insurance_card": (
        INSURANCE,
        ProducedResult(code="insurance_card", delivery="hospital", place=HOSPITAL),
    ),
    "register_residence": (POLICE, ProducedResult(code="residence_notice", delivery="electronic")),
}


class TownHall(Neighbours):
    """Stands for intake and routing: knows the people and outcomes it was given, and can be away."""

    def __init__(self) -> None:
        self.away = False
        self.reads = 0
        self.after_reading: Callable[[], Awaitable[None]] | None = None
        self.outcomes_now = {step: dict(outcome) for step, outcome in OUTCOMES.items()}
        self.records: dict[UUID, PeopleRecord] = {}
        self.missing_outcomes: set[str] = set()
        self.tokens: dict[str, UUID] = {}

    async def dossier_of(self, tracking_token: str) -> UUID | None:
        """The dossier of a tracking token."""
        return self.tokens.get(tracking_token)

    async def people(self, dossier_ids: Sequence[UUID], _purpose: str) -> dict[UUID, PeopleRecord]:
        """The people of these dossiers."""
        self.reads += 1
        if self.away:
            raise Unavailable("intake", "away")
        return {d: self.records[d] for d in dossier_ids if d in self.records}

    async def outcomes(
        self, items: Sequence[OutcomeItem], _purpose: str
    ) -> dict[tuple[UUID, str], OutcomeRecord]:
        """The outcomes of these steps."""
        found = {
            (i.dossier_id, i.step): OutcomeRecord(
                dossier_id=i.dossier_id,
                step=i.step,
                agency=WARD,
                completed_at=NOW,
                outcome=dict(self.outcomes_now[i.step]),
            )
            for i in items
            if i.step not in self.missing_outcomes
        }
        if self.after_reading is not None:
            then, self.after_reading = self.after_reading, None
            await then()
        return found


class PrintShop:
    """Keys, and a process that prints with them, for all tests: starting one keeps a core busy for most of a second."""

    def __init__(self, folder: Path, templates: Path = ROOT / "catalogue" / "documents") -> None:
        self.templates = templates
        self.signing = make_authority(folder / "authority", "UBND phường Ngã Bảy")
        # The insurance has a key of its own, the others use the city's.
        self.keys = folder / "keys"
        make_agency_keys(self.keys, {INSURANCE: "Bảo hiểm xã hội Ngã Bảy"})
        self._workers: Workers | None = None

    def workers(self) -> Workers:
        """The processes that print, started with the first paper."""
        if self._workers is None:
            keys = SigningKeys(default=self.signing, agencies=str(self.keys))
            self._workers = Workers(self.templates, keys, 1)
        return self._workers

    def close(self) -> None:
        """End them."""
        if self._workers is not None:
            self._workers.close()


class Workshop:
    """Everything a test of results works with."""

    def __init__(self, pool: "asyncpg.Pool[Any]", folder: Path, shop: PrintShop) -> None:
        self.pool = pool
        self.writer = Writer(pool, lambda: None)
        self.catalogue = Catalogue.load(ROOT / "catalogue")
        self.archive = Archive(folder.as_uri())
        self.town = TownHall()
        self.folder = folder
        self.templates = shop.templates
        self.signing = shop.signing
        self.keys = shop.keys
        self.workers = shop.workers

    def maker(self, *, render: bool = True) -> Maker:
        """What makes documents for a press."""
        return Maker(
            neighbours=self.town,
            catalogue=self.catalogue,
            names=Names(ethnic={"01": "Kinh"}, facilities={"93016": "Bệnh viện đa khoa khu vực Ngã Bảy"}),
            archive=self.archive,
            workers=self.workers() if render else None,
            public_url="http://verify.example",
            city_name="Ngã Bảy",
        )

    def press(self, *, render: bool = True, **settings: Any) -> Press:
        """A press on this database."""
        return Press(
            pool=self.pool,
            writer=self.writer,
            maker=self.maker(render=render),
            settings=PressSettings(poll_seconds=0.05, **settings),
        )

    async def completed(
        self,
        *steps: str,
        dossier_id: UUID | None = None,
        delivery: str = "",
        mother: Person = MOTHER,
        facility: str = "93016",
    ) -> Custody:
        """A dossier whose steps were completed: its results are called for."""
        dossier_id = dossier_id or uuid4()
        custody = Custody(dossier_id=dossier_id)
        for step in steps:
            agency, produced = PRODUCED[step]
            if delivery:
                produced = ProducedResult(code=produced.code, delivery=delivery)
            custody = calling.call_for(custody, uuid4(), step, agency, (produced,), NOW)
        await self.save(None, custody)
        self.town.records[dossier_id] = PeopleRecord(
            dossier_id=dossier_id,
            code="313.40.00.H13-261123-0001",
            procedure="2.002621",
            procedure_from=date(2024, 7, 1),
            facility=facility,
            receiving_agency=COUNTER,
            applicant=mother,
            mother=mother,
            child=Child(
                sex="2",
                birth_time="2026-11-21T03:15:00+07:00",
                birth_place="Bệnh viện đa khoa khu vực Ngã Bảy",
            ),
        )
        return custody

    async def save(self, before: Custody | None, after: Custody) -> None:
        """Store a change as the consumer does."""
        async with self.pool.acquire() as conn, conn.transaction():
            await store.save(conn, [Change(dossier_id=after.dossier_id, before=before, after=after)])

    async def custody(self, dossier_id: UUID) -> Custody:
        """The custody as it is stored."""
        async with self.pool.acquire() as conn, conn.transaction():
            found = (await store.load(conn, [dossier_id])).get(dossier_id)
        assert found is not None
        return found

    async def said(self, dossier_id: UUID) -> list[str]:
        """The subjects of the events said about a dossier, in order."""
        async with self.pool.acquire() as conn:
            rows = await conn.fetch(
                "SELECT subject FROM bus.outbox WHERE dossier_id = $1 ORDER BY sequence", dossier_id
            )
        return [row["subject"] for row in rows]


@pytest.fixture(scope="session")
def print_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrintShop]:
    """What prints."""
    shop = PrintShop(tmp_path_factory.mktemp("print-shop"))
    yield shop
    shop.close()


@pytest_asyncio.fixture
async def workshop(
    database: DatabaseFactory, tmp_path: Path, print_shop: PrintShop
) -> AsyncIterator[Workshop]:
    """A fresh results database with its archive."""
    db = await database("results")
    pool = await open_pool(db.app_dsn, application_name="results")
    try:
        yield Workshop(pool, tmp_path, print_shop)
    finally:
        await pool.close()

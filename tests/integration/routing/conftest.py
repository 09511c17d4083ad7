"""A routing database with its pool, and what tests do in it without HTTP and NATS."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest_asyncio

from libs.bus.handling import Change
from libs.bus.outbox import Outgoing, emit
from libs.contracts.catalogue import EVENTS
from libs.contracts.event import Event
from libs.contracts.intake import DossierAccepted
from libs.database.pool import open_pool
from libs.http.auth import Actor
from services.routing import steps, store
from services.routing.case import Case, Officer
from services.routing.completion import Completion, Fate, complete_many
from tests.fixtures.database import DatabaseFactory
from tests.unit.routing.samples import accepted, rules

BIRTH_OUTCOME = {
    "register_number": "125",
    "register_book": "01/2026-KS",
    "registered_on": "2026-11-23",
    "child_name": "Nguyễn An",
    "personal_id": "092226000001",
}


class Office:
    """The database of routing as the service's own role sees it."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool
        self.rules = rules()

    async def open(self, event: DossierAccepted | None = None, *, dossier_id: UUID | None = None) -> UUID:
        """Open a case as the accepted event does; the id of its dossier."""
        dossier_id = dossier_id or uuid4()
        event = event or accepted()
        case, events = steps.open_case(dossier_id, event, event.accepted_at, self.rules)
        async with self.pool.acquire() as connection, connection.transaction():
            await store.save(self.rules, connection, [Change(dossier_id=dossier_id, before=None, after=case)])
            await emit(connection, "routing", [Outgoing(dossier_id=dossier_id, event=e) for e in events])
        return dossier_id

    async def complete(self, actor: Actor, *items: Completion) -> list[Fate]:
        """Complete steps in a transaction of their own."""
        async with self.pool.acquire() as connection, connection.transaction():
            return await complete_many(connection, self.rules, actor, items)

    async def case(self, dossier_id: UUID) -> Case:
        """The case as it is stored."""
        async with self.pool.acquire() as connection:
            case = await store.read(connection, dossier_id)
        assert case is not None
        return case

    async def said(self, dossier_id: UUID) -> list[Event]:
        """What routing has said of the dossier, in order."""
        rows = await self.pool.fetch(
            "SELECT subject, payload FROM bus.outbox WHERE dossier_id = $1 ORDER BY sequence", dossier_id
        )
        return [msgspec.json.decode(row["payload"], type=EVENTS[row["subject"]]) for row in rows]


def actor(officer: Officer) -> Actor:
    """The officer as an actor with just this role."""
    return Actor(
        subject=officer.subject, kind="officer", agency=officer.agency, roles=frozenset({officer.role})
    )


def birth(dossier_id: UUID, number: str = "125", personal_id: str = "", **changes: Any) -> Completion:
    """A birth registration with its register number; other fields as given."""
    outcome = {**BIRTH_OUTCOME, "register_number": number, "personal_id": personal_id, **changes}
    return Completion(dossier_id=dossier_id, step="register_birth", outcome=outcome)


@pytest_asyncio.fixture
async def office(database: DatabaseFactory) -> AsyncIterator[Office]:
    """An office with a fresh database."""
    dsn = (await database("routing")).app_dsn
    pool: asyncpg.Pool = await open_pool(dsn, application_name="test-routing", size_max=6)
    try:
        yield Office(pool)
    finally:
        await pool.close()

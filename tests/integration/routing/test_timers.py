"""Deadlines on a real database: fired once, by the database's clock, whoever works."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import pytest

from libs.bus.handling import Change
from libs.bus.writer import Writer
from libs.contracts.routing import DeadlineMissed, DeadlineNear, DossierSettled, ReminderDue
from services.routing import endings, pauses, store, timers
from services.routing.case import Case, replaced
from services.routing.desk import Order, carry_out
from services.routing.worker import TimerWorker, fire_batch
from tests.fixtures.database import DatabaseFactory
from tests.fixtures.servers import eventually
from tests.integration.routing.conftest import Office, actor, birth
from tests.unit.routing.samples import CIVIL, accepted, rules

pytestmark = pytest.mark.timeout(60)


def long_ago(days: int) -> datetime:
    """A working morning about so many days before the database's today."""
    calendar = rules().calendar("")
    day = calendar.local_date(datetime.now(UTC) - timedelta(days=days))
    return calendar.working_intervals(calendar.add_working_days(day, 0))[0][0] + timedelta(hours=1)


async def fire(office: Office) -> int:
    async with office.pool.acquire() as connection, connection.transaction():
        return await fire_batch(connection, office.rules)


async def test_two_workers_fire_each_deadline_once(office: Office) -> None:
    """With two workers at the same backlog every deadline is announced once and every timer row ends fired."""
    dossiers = [await office.open(accepted(long_ago(20))) for _ in range(60)]
    stop = asyncio.Event()
    workers = [
        asyncio.create_task(
            TimerWorker(
                Writer(office.pool, lambda: None), office.rules, poll_seconds=0.02, batch_cases_max=7
            ).run(stop)
        )
        for _ in range(2)
    ]
    async with asyncio.timeout(30):
        while await office.pool.fetchval(
            "SELECT count(*) FROM timer WHERE state = 'armed' AND due_at <= now()"
        ):
            await asyncio.wait(workers, timeout=0.02)
    stop.set()
    await asyncio.gather(*workers)
    for dossier in dossiers:
        missed = [e for e in await office.said(dossier) if isinstance(e, DeadlineMissed)]
        assert Counter(e.step for e in missed) == {"": 1, "register_birth": 1}
        assert {e.agency for e in missed} == {CIVIL.agency}
    assert not [e for d in dossiers for e in await office.said(d) if isinstance(e, DeadlineNear)]
    rows = await office.pool.fetch("SELECT state, kind, count(*) FROM timer GROUP BY state, kind")
    counted = {(row["state"], row["kind"]): row["count"] for row in rows}
    assert counted[("fired", "deadline-missed")] == 120
    assert counted[("fired", "apology")] == 60


async def test_a_worker_waits_for_a_lock_somebody_else_holds(database: DatabaseFactory) -> None:
    """A lock that does not become free in time ends the try, not the worker: the deadline fires afterwards."""
    dsn = (await database("routing")).app_dsn
    async with asyncpg.create_pool(dsn, min_size=1, server_settings={"lock_timeout": "50"}) as pool:
        office, stop = Office(pool), asyncio.Event()
        dossier = await office.open(accepted(long_ago(20)))
        async with pool.acquire() as other, other.transaction():
            await other.execute("SELECT FROM timer FOR UPDATE")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await fire(office)
            worker = asyncio.create_task(TimerWorker(Writer(pool, lambda: None), office.rules).run(stop))
            await asyncio.wait([worker], timeout=0.3)
        await eventually(lambda: _has_missed(office, dossier), deadline_seconds=20)
        stop.set()
        await worker


async def _has_missed(office: Office, dossier: UUID) -> bool:
    return any(isinstance(event, DeadlineMissed) for event in await office.said(dossier))


async def test_an_apology_is_drafted_once_and_listed_for_the_late_agency(office: Office) -> None:
    """A dossier about to be late has one apology drafted for the agency that holds it."""
    dossier = await office.open(accepted(long_ago(20)))
    await fire(office)
    await fire(office)
    rows = await office.pool.fetch(
        "SELECT dossier_id, agency, state, proposed_at > now() AS ahead FROM apology"
    )
    assert [tuple(row) for row in rows] == [(dossier, CIVIL.agency, "drafted", True)]


async def test_a_draft_left_to_be_signed_is_put_right_by_the_next_move(office: Office) -> None:
    """A row still to be signed though its case is decided, or its appointment another one, is void after any move."""
    dossier = await office.open(accepted(long_ago(20)))
    await fire(office)
    case = await office.case(dossier)
    clock = msgspec.structs.replace(case.appointment, due_at=case.appointment.due_at + timedelta(days=1))
    async with office.pool.acquire() as connection, connection.transaction():
        moved = replaced(case, appointment=clock)
        await store.save(office.rules, connection, [Change(dossier_id=dossier, before=case, after=moved)])
        await connection.execute("UPDATE apology SET state = 'drafted'")
        decided, _ = endings.withdraw(moved, datetime.now(UTC))
        await store.save(office.rules, connection, [Change(dossier_id=dossier, before=moved, after=decided)])
    assert await office.pool.fetchval("SELECT state FROM apology") == "void"


async def test_a_timer_of_a_completed_step_does_not_fire(office: Office) -> None:
    """Completing the step cancels its timers; what is left are those of the steps that follow and the reminders."""
    dossier = await office.open(accepted(long_ago(2)))
    await office.complete(actor(CIVIL), birth(dossier))
    labels = await office.pool.fetch(
        "SELECT label FROM timer WHERE kind LIKE 'deadline%' AND state = 'armed'"
    )
    assert "register_birth" not in {row["label"] for row in labels}
    await fire(office)
    late = [e for e in await office.said(dossier) if isinstance(e, DeadlineMissed)]
    assert "register_birth" not in {e.step for e in late}


async def test_papers_that_never_come_stop_the_dossier(office: Office) -> None:
    """After the term to supplement the dossier is stopped with status 8, and a late answer changes nothing."""
    dossier = await office.open()
    await supplement(office, dossier, days_ago=20)
    await fire(office)
    said = await office.said(dossier)
    settled = [e for e in said if isinstance(e, DossierSettled)]
    assert [(e.outcome, e.status, e.reason) for e in settled] == [("stopped", 8, "supplement-lapsed")]
    assert [e.kind for e in said if isinstance(e, ReminderDue)] == ["supplement"]
    after, events = pauses.supplemented(
        await office.case(dossier), 1, components=[], complete=True, at=datetime.now(UTC), rules=rules()
    )
    assert after == await office.case(dossier)
    assert events == ()


async def test_a_row_the_case_does_not_know_is_put_right(office: Office) -> None:
    """A timer row moved by hand fires nothing and is written anew from the case."""
    dossier = await office.open(accepted(datetime.now(UTC)))
    await office.pool.execute("UPDATE timer SET due_at = now() - interval '1 day'")
    assert await fire(office) == 1
    assert await fire(office) == 0
    case = await office.case(dossier)
    rows = await office.pool.fetch("SELECT kind, label, due_at FROM timer WHERE state = 'armed'")
    assert {(r["kind"], r["label"]): r["due_at"] for r in rows} == timers.armed(case, rules())


async def supplement(office: Office, dossier: UUID, *, days_ago: int) -> None:
    """A supplement request made some days ago."""

    def ask(case: Case, code: str, _by: object, now: datetime) -> object:
        return pauses.request_supplement(
            case,
            code,
            components=["declaration"],
            fields=[],
            reason="incomplete",
            at=now - timedelta(days=days_ago),
            rules=rules(),
        )

    order = Order(dossier_id=dossier, step="", move="supplement", decide=ask)  # type: ignore[arg-type]
    async with office.pool.acquire() as connection, connection.transaction():
        await carry_out(connection, office.rules, actor(CIVIL), order)

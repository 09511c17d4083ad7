"""Routing on real NATS and PostgreSQL: what others say opens, resumes, stops and closes cases."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from libs.bus import topology
from libs.bus.connection import connect
from libs.bus.ids import new_id
from libs.contracts.intake import DossierCorrected, DossierSupplemented, DossierWithdrawn
from libs.contracts.results import DossierClosed, ResultRejected
from libs.contracts.routing import ClockResumed, DossierSettled, StepAssigned, StepReturned
from libs.http.public_keys import JWKS_NAME, make_key
from services.routing import pauses, status
from services.routing.case import Case, Officer
from services.routing.desk import Order, carry_out
from services.routing.process import Process
from services.routing.settings import Settings
from tests.fixtures.database import DatabaseFactory
from tests.integration.bus.probe_service import Producer, until
from tests.integration.routing.conftest import Office, actor, birth
from tests.unit.routing.samples import CIVIL, accepted, rules

pytestmark = pytest.mark.timeout(120)
ROOT = Path(__file__).parents[3]
ONLY_BIRTH: dict[str, str | bool] = {"residence": False, "insurance": False}


class Running(Office):
    """A running process of routing, and a producer in place of its neighbours."""

    def __init__(self, process: Process, producer: Producer) -> None:
        super().__init__(process.bus.pool)
        self.process = process
        self.producer = producer

    async def stored(self, dossier_id: UUID, code: int) -> Case:
        """The case once its national status is `code`."""

        async def reached() -> bool:
            state = await self.pool.fetchval("SELECT 1 FROM case_state WHERE dossier_id = $1", dossier_id)
            return state is not None and status.status_of(await self.case(dossier_id)) == code

        await until(reached, 20, f"status {code}")
        return await self.case(dossier_id)


@pytest_asyncio.fixture
async def running(database: DatabaseFactory, nats_server: object, tmp_path: Path) -> AsyncIterator[Running]:
    """Routing as its process runs it, without the HTTP port."""
    url: str = nats_server.url  # type: ignore[attr-defined]
    client = await connect(url, name="test", on_closed=lambda: None)
    await topology.reconcile(client)
    make_key("identity", tmp_path)
    settings = Settings(
        database_url=(await database("routing")).app_dsn,
        nats_url=url,
        public_keys=str(tmp_path / JWKS_NAME),
        catalogue=str(ROOT / "catalogue"),
        timer_poll_seconds=0.05,
    )
    process = Process(settings)
    await process.bus.start()
    stop = asyncio.Event()
    tasks = [asyncio.create_task(work(stop)) for work in (process.bus.run, process.fire_timers)]
    try:
        yield Running(process, Producer(client))
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await asyncio.gather(*tasks)
        await process.bus.close()
        await client.close()


async def test_an_accepted_dossier_is_settled_and_closed(running: Running) -> None:
    """An accepted event opens the case; completed it is settled, and closed when results says so (4, 9, 10)."""
    dossier = new_id()
    await running.producer.say(dossier, accepted(datetime.now(UTC), options=ONLY_BIRTH))
    await running.stored(dossier, status.IN_PROCESS)
    await running.complete(actor(CIVIL), birth(dossier))
    case = await running.stored(dossier, status.DONE)
    assert case.settled is not None
    assert case.settled.on_time
    await running.producer.say(dossier, DossierClosed(closed_at=datetime.now(UTC), results=1))
    await running.stored(dossier, status.HANDED_OVER)
    names = [type(event).__name__ for event in await running.said(dossier)]
    assert names == ["CaseOpened", "StepAssigned", "StepCompleted", "DossierSettled"]


async def test_what_routing_says_reaches_its_stream(running: Running) -> None:
    """The events of an opened case are on the ROUTING stream in order, without a person's data."""
    dossier = new_id()
    await running.producer.say(dossier, accepted(datetime.now(UTC)))
    context = running.producer.client.jetstream()
    subscription = await context.subscribe("routing.>", stream="ROUTING", ordered_consumer=True)
    async with asyncio.timeout(20):
        first, second = await subscription.next_msg(20), await subscription.next_msg(20)
    assert [m.subject for m in (first, second)] == ["routing.case-opened.v1", "routing.step-assigned.v1"]
    assert (first.headers or {})["ce-subject"] == str(dossier)


async def test_papers_that_came_let_the_clocks_run_again(running: Running) -> None:
    """A partial answer keeps the clocks stopped, the complete one lets them run (5, then 4)."""
    dossier = new_id()
    await running.producer.say(dossier, accepted(datetime.now(UTC)))
    await running.stored(dossier, status.IN_PROCESS)
    await ask(running, dossier)
    await running.stored(dossier, status.SUPPLEMENT_ASKED)
    for complete in (False, True):
        await running.producer.say(
            dossier,
            DossierSupplemented(
                request=1,
                components=("declaration",),
                complete=complete,
                supplemented_at=datetime.now(UTC),
            ),
        )
    case = await running.stored(dossier, status.IN_PROCESS)
    assert case.supplements[0].received == ("declaration",)
    assert [e.reason for e in await running.said(dossier) if isinstance(e, ClockResumed)] == ["supplement"]


async def test_a_withdrawn_dossier_stops_and_one_never_accepted_is_no_case(running: Running) -> None:
    """Withdrawing cancels the steps (status 7); of a dossier that never was a case nothing is kept, nothing fails."""
    dossier, unknown = new_id(), new_id()
    withdrawn = DossierWithdrawn(reason="other-place", withdrawn_at=datetime.now(UTC))
    await running.producer.say(unknown, withdrawn)
    await running.producer.say(dossier, accepted(datetime.now(UTC)))
    await running.producer.say(dossier, withdrawn)
    await running.stored(dossier, status.TAKEN_BACK)
    settled = (await running.said(dossier))[-1]
    assert isinstance(settled, DossierSettled)
    assert (settled.outcome, settled.status) == ("withdrawn", 7)
    assert await running.pool.fetchval("SELECT count(*) FROM step WHERE state <> 'cancelled'") == 0
    assert await running.pool.fetchval("SELECT count(*) FROM timer WHERE state = 'armed'") == 0
    assert await running.pool.fetchval("SELECT count(*) FROM bus.dead_letter") == 0


async def test_an_unprintable_result_has_its_step_done_again(running: Running) -> None:
    """A rejected result reopens the settled case; done again, also with the same number, it is settled again."""
    dossier = new_id()
    await running.producer.say(dossier, accepted(datetime.now(UTC), options=ONLY_BIRTH))
    await running.stored(dossier, status.IN_PROCESS)
    await running.complete(actor(CIVIL), birth(dossier))
    await running.producer.say(
        dossier,
        ResultRejected(
            step="register_birth",
            result="birth_certificate",
            reason="unprintable",
            rejected_at=datetime.now(UTC),
        ),
    )
    await running.stored(dossier, status.IN_PROCESS)
    assert isinstance((await running.complete(actor(CIVIL), birth(dossier)))[0], Case)
    await running.stored(dossier, status.DONE)
    said = await running.said(dossier)
    assert len([e for e in said if isinstance(e, StepReturned)]) == 1
    assert len([e for e in said if isinstance(e, StepAssigned)]) == 2
    assert len([e for e in said if isinstance(e, DossierSettled)]) == 2


async def test_a_correction_flags_the_open_step(running: Running) -> None:
    """A corrected dossier is flagged on the desk of the agency that has a step of it."""
    dossier = new_id()
    await running.producer.say(dossier, accepted(datetime.now(UTC)))
    await running.producer.say(
        dossier,
        DossierCorrected(fields=("child.name",), reason="typing", corrected_at=datetime.now(UTC)),
    )

    async def flagged() -> bool:
        return bool(await running.pool.fetchval("SELECT count(*) = 1 FROM step WHERE flagged"))

    await until(flagged, 20, "a flagged step")


async def test_what_can_never_be_applied_is_a_dead_letter(running: Running) -> None:
    """A second acceptance, an unknown procedure and a close without a case are set aside with a code."""
    dossier = new_id()
    event = accepted(datetime.now(UTC))
    await running.producer.say(dossier, event)
    await running.producer.say(dossier, event)
    await running.producer.say(new_id(), DossierClosed(closed_at=datetime.now(UTC), results=1))

    async def set_aside() -> bool:
        return bool(await running.pool.fetchval("SELECT count(*) = 2 FROM bus.dead_letter"))

    await until(set_aside, 20, "two dead letters")
    assert await running.pool.fetchval("SELECT count(*) FROM case_state") == 1


async def ask(running: Running, dossier: UUID) -> None:
    def decide(case: Case, code: str, _by: Officer, now: datetime) -> object:
        return pauses.request_supplement(
            case, code, components=["declaration"], fields=[], reason="incomplete", at=now, rules=rules()
        )

    order = Order(dossier_id=dossier, step="", move="supplement-request", decide=decide)  # type: ignore[arg-type]
    async with running.process.bus.writer.transaction() as connection:
        await carry_out(connection, rules(), actor(CIVIL), order)

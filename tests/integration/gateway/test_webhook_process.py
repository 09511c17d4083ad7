"""Webhooks of gateway processes as they run: killed at will, frozen, and tidied."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from deploy.local.nats_server import NatsServer
from libs.database.transactions import Transactions
from services.gateway.housekeeping import Housekeeping, id_before
from services.gateway.settings import Settings
from tests.fixtures.receiver import SLOWLY, always, receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import House, accepted, assigned, received
from tests.integration.gateway.test_process import running
from tests.integration.gateway.webhook_desk import desk_of, dispatching, has

pytestmark = pytest.mark.timeout(120)


async def test_a_killed_process_is_taken_over_and_nothing_is_missing(
    house: House, settings: Callable[..., Settings], nats_server: NatsServer, tmp_path: Path
) -> None:
    """In order per dossier by first arrival, under the same ids; only what was on its way comes twice."""
    await house.partner()
    desk = await desk_of(house)
    given = settings(nats_url=nats_server.url)
    said: list[UUID] = []
    async with receiver(always(SLOWLY)) as there, AsyncExitStack() as processes:
        await desk.add(there.url)
        leading, _ = processes.enter_context(running(given, tmp_path / "0.log"))
        for number in range(1, 4):
            begun = len(said)
            for _ in range(20):
                said += await house.say(uuid4(), received(), accepted(), assigned())
            await eventually(has(there, said[begun : begun + 3]), deadline_seconds=40)
            assert len(set(there.ids)) < len(said)
            following, _ = processes.enter_context(running(given, tmp_path / f"{number}.log"))
            leading.kill()
            leading.wait(10)
            leading = following
        await eventually(has(there, said), deadline_seconds=60)
    places: dict[UUID, int] = {}
    for place, event in enumerate(there.ids):
        places.setdefault(event, place)
    # Eight at once, and what was answered in the moment before it was written.
    assert len(there.ids) - len(places) <= 3 * 40
    for begin in range(0, len(said), 3):
        assert places[said[begin]] < places[said[begin + 1]] < places[said[begin + 2]]


async def test_a_process_told_to_stop_finishes_what_is_on_its_way(
    house: House, settings: Callable[..., Settings], nats_server: NatsServer, tmp_path: Path
) -> None:
    """Nothing comes twice when the next one goes on."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver(always(SLOWLY)) as there:
        await desk.add(there.url)
        said = [each for _ in range(100) for each in await house.say(uuid4(), received())]
        with running(settings(nats_url=nats_server.url), tmp_path / "a.log") as (child, _):
            await eventually(lambda: len(there.ids) > 20, deadline_seconds=40)
            child.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(child.wait, 20) == 0
        assert len(there.ids) < 100
        async with dispatching(house):
            await eventually(has(there, said), deadline_seconds=20)
        assert sorted(there.ids) == sorted(said)


async def test_what_is_old_or_of_nobody_is_tidied_away(house: House) -> None:
    """After thirty days what has ended, never what waits; of a removed endpoint everything."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there, dispatching(house):
        kept, _ = await desk.add(there.url)
        removed, _ = await desk.add(there.url)
        said = await house.say(uuid4(), received(), accepted(), assigned())
        await eventually(has(there, said))

        async def recorded() -> bool:
            found = await desk.deliveries(kept, state="delivered")
            return len(found) == 3

        await eventually(recorded)
        await desk.did("DELETE", f"/{removed}")
    old = datetime.now(UTC) - timedelta(days=31)
    ids = [UUID(int=id_before(old).int + number) for number in range(2)]
    for event, state, now in zip(said[:2], ("delivered", "pending"), ids, strict=True):
        await house.pool.execute(
            "UPDATE delivery SET event_id = $3, created_at = $4, state = $5"
            " WHERE endpoint = $1::uuid AND event_id = $2",
            kept,
            event,
            now,
            old,
            state,
        )
    keeping = Housekeeping(Transactions(house.pool), 0)
    await keeping.turn()
    # Somebody who has not heard that it was removed may still line events up.
    assert await house.pool.fetchval("SELECT count(*) FROM endpoint") == 2
    await house.pool.execute(
        "UPDATE endpoint SET removed_at = removed_at - interval '11 minutes' WHERE removed_at IS NOT NULL"
    )
    await keeping.turn()
    rows = await house.pool.fetch("SELECT event_id, endpoint::text FROM delivery ORDER BY event_id")
    assert [(UUID(int=row[0].int), row[1]) for row in rows] == [(ids[1], kept), (said[2], kept)]
    assert await house.pool.fetchval("SELECT count(*) FROM endpoint") == 1

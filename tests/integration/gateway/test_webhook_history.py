"""Partners look through a long history without anybody reading it all, and are told when something was not counted."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec
import pytest

from services.gateway.feed.feed_store import SCAN_MAX
from services.gateway.webhooks import delivery_store, replay_store
from services.gateway.webhooks.endpoint import Replay
from tests.fixtures.database import ServiceDatabase
from tests.fixtures.receiver import receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import House, received
from tests.integration.gateway.webhook_desk import LONG_AGO, desk_of, dispatching

COUNT = 30_000
RARE = "results.result-revoked.v1"
# So many deliveries of an endpoint, of which every ten thousandth has failed and is of a rare type.
HISTORY = """
INSERT INTO delivery (endpoint, event_id, position, type, dossier_id, occurred_at, state)
SELECT $1, lpad(to_hex(n), 32, '0')::uuid, n, CASE WHEN rare THEN $3 ELSE 'routing.step-started.v1' END,
    lpad(to_hex(n / 10), 32, '0')::uuid, now(), CASE WHEN rare THEN 'failed' ELSE 'delivered' END
FROM (SELECT n, n % 10000 = 0 AS rare FROM generate_series(1, $2::bigint) AS n) AS made
"""
# What others' dossiers have said.
FEED = """
INSERT INTO feed (position, event_id, source, type, dossier_id, sequence, occurred_at, data, readers)
SELECT last + n, gen_random_uuid(), 'routing', 'routing.step-started.v1', gen_random_uuid(), 1, now(), '{}', '{}'
FROM feed_head, generate_series(1, $1) AS n
"""


class Explaining:
    """A connection that does what it is asked, and says how many blocks of the database that has touched."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn

    async def fetch(self, sql: str, *values: Any) -> list[Any]:
        """As a connection; `touched` is of the last one."""
        await self._explain(sql, values)
        found: list[Any] = await self._conn.fetch(sql, *values)
        return found

    async def fetchval(self, sql: str, *values: Any) -> Any:
        """As a connection."""
        await self._explain(sql, values)
        return await self._conn.fetchval(sql, *values)

    async def _explain(self, sql: str, values: tuple[Any, ...]) -> None:
        trial = self._conn.transaction()
        await trial.start()
        told = await self._conn.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", *values)
        # What it changes is changed once, when it is asked in earnest.
        await trial.rollback()
        plan = msgspec.json.decode(told)[0]["Plan"]
        self.touched = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


async def _with_history(database: ServiceDatabase, endpoint: UUID) -> Any:
    """A connection to a database in which the endpoint has a long history, and another a short one."""
    conn = await asyncpg.connect(database.migrator_dsn)
    await conn.execute(HISTORY, endpoint, COUNT, RARE)
    await conn.execute(HISTORY, uuid4(), 100, RARE)
    await conn.execute("ANALYZE delivery")
    return conn


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, 50),
        ({"type_": RARE}, 3),
        ({"type_": "routing.nothing.v1"}, 0),
        ({"dossier": UUID(int=1000)}, 10),
        ({"dossier": UUID(int=1000), "type_": RARE}, 1),
        ({"state": "failed"}, 3),
        ({"state": "failed", "type_": "routing.step-started.v1"}, 0),
        ({"state": "pending"}, 0),
        ({"state": "delivered", "before": UUID(int=20_000)}, 50),
    ],
)
async def test_a_page_of_deliveries_is_found_without_reading_all(
    gateway_database: ServiceDatabase, asked: dict[str, Any], count: int
) -> None:
    """However few of them are looked for."""
    endpoint = uuid4()
    conn = await _with_history(gateway_database, endpoint)
    explaining = Explaining(conn)
    wanted = {"state": "", "type_": "", "dossier": None, "before": None} | asked
    found = await delivery_store.listing(explaining, endpoint, **wanted, limit=50)
    await conn.close()
    assert len(found) == count
    assert explaining.touched < 100


async def test_what_is_to_be_recovered_is_found_without_reading_all(
    gateway_database: ServiceDatabase,
) -> None:
    """When it is counted and when it is put in line again."""
    endpoint, since = uuid4(), datetime.now(UTC) - timedelta(days=1)
    conn = await _with_history(gateway_database, endpoint)
    explaining = Explaining(conn)
    assert await replay_store.unsuccessful(explaining, endpoint, since) == 3
    assert explaining.touched < 100
    replay = Replay(
        id=uuid4(),
        endpoint=endpoint,
        kind="recover",
        since=since,
        after=0,
        until=COUNT,
        state="running",
        total=3,
        done=0,
    )
    recovered = await replay_store.recover(explaining, replay, 50)
    await conn.close()
    assert recovered == [10_000, 20_000, 30_000]
    assert explaining.touched < 100


async def test_that_more_may_wait_than_was_counted_is_said(house: House) -> None:
    """An endpoint that is far behind in the feed: beyond the part that was looked at there may be some for it."""
    await house.partner()
    desk = await desk_of(house)
    endpoint, _ = await desk.add("http://127.0.0.1:9/")

    async def told() -> tuple[int, bool]:
        shown = await desk.show(endpoint)
        return shown["waiting"], shown["waiting_more"]

    assert await told() == (0, False)
    await house.say(uuid4(), received())
    assert await told() == (1, False)
    async with house.pool.acquire() as conn, conn.transaction():
        await conn.execute(FEED, SCAN_MAX)
        await conn.execute("UPDATE feed_head SET last = last + $1", SCAN_MAX)
    await house.say(uuid4(), received())
    assert await told() == (1, True)
    await house.pool.execute("UPDATE endpoint SET cursor = 1")
    assert await told() == (0, True)
    await house.pool.execute("UPDATE endpoint SET cursor = 2")
    assert await told() == (1, False)


async def test_that_more_may_wait_is_said_until_a_replay_has_lined_up_all(house: House) -> None:
    """What it is for lies behind the place up to which everything is lined up, where nothing is counted."""
    await house.partner()
    desk = await desk_of(house)
    said = await house.say(uuid4(), received(), received())
    async with receiver() as there:
        endpoint, _ = await desk.add(there.url)

        async def told() -> tuple[int, bool]:
            shown = await desk.show(endpoint)
            return shown["waiting"], shown["waiting_more"]

        async def nothing_waits() -> bool:
            return await told() == (0, False)

        assert await told() == (0, False)
        await desk.did("POST", f"/{endpoint}/replay-missing", {"since": LONG_AGO})
        assert await told() == (0, True)
        async with dispatching(house):
            await eventually(nothing_waits)
        assert there.ids == said

"""Who lies in a bed is found without reading through the hospital's births, and a bed that is none stays cheap."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import pytest

from libs.database.pool import PLANNER
from services.intake.stay_store import SAME_BED_MAX, in_the_same_bed
from tests.fixtures.database import DatabaseFactory
from tests.integration.intake.explained import Explained

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
BIRTHS, DAYS, PLACEHOLDER_EVERY = 30_000, 100, 10
# Rows: itself, those that are answered, and those in the bed earlier within two weeks.
READ_PER_BIRTH_MAX = 10
# One hospital, 300 births a day up to now: every tenth in a bed that is none, the others in one of 900 beds, each twice
# in a week.
FILL = f"""
CREATE TEMPORARY TABLE made AS
SELECT n, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000' ||
    lpad(to_hex(n), 12, '0'))::uuid AS id
FROM generate_series(1, {BIRTHS}) AS n
    CROSS JOIN LATERAL (SELECT '{NOW.isoformat()}'::timestamptz - interval '{DAYS} days' * n / {BIRTHS} AS at) AS day;
INSERT INTO dossier (id, code, token, procedure, receiving_agency, facility, status, received_at, appointment_at, state)
SELECT id, n::text, lpad(n::text, 24, '0'), '3.000722', 'office', 'hospital', 2, at, at, '' FROM made;
INSERT INTO stay (dossier_id, room, bed, discharge_at, changed_by)
SELECT id, 'Phòng ' || n % 30, CASE n % {PLACEHOLDER_EVERY} WHEN 0 THEN '0' ELSE (n % 900)::text END, NULL, 'midwife'
FROM made;
ANALYZE
"""
# The newest four, and the newest three in a bed that is none.
ASKED = "SELECT id FROM made WHERE n <= 4 OR n IN (30, 60, 90) ORDER BY n"


@pytest.mark.parametrize("planned", ["force_custom_plan", "force_generic_plan"])
async def test_a_bed_is_looked_up_by_its_name(database: DatabaseFactory, planned: str) -> None:
    """The newest of those in it, however many births the hospital has, and never all of them."""
    made = await database("intake")
    connection = await asyncpg.connect(
        made.admin_dsn, timeout=10, command_timeout=60, server_settings=dict(PLANNER)
    )
    try:
        await connection.execute(FILL)
        await connection.execute(f"SET plan_cache_mode = {planned}")
        asked: list[UUID] = [row["id"] for row in await connection.fetch(ASKED)]
        explained = Explained(connection)
        pairs = await in_the_same_bed(
            explained,
            asked,
            wall_clock=NOW.replace(tzinfo=None) + timedelta(hours=7),
            left_before=NOW - timedelta(days=14),
            untold_before=NOW - timedelta(days=4),
        )
    finally:
        await connection.close(timeout=10)
    assert explained.scanned == set()
    assert "stay_in_bed" in explained.indices
    others = {one: [other for mine, other in pairs if mine == one] for one in asked}
    # Each real bed of the first four was named three days earlier, too; a week earlier is too long ago.
    assert [len(others[one]) for one in asked] == [1] * 4 + [SAME_BED_MAX] * 3
    assert all(found == sorted(found, reverse=True) for found in others.values())
    # Some of the bed, not the 4,200 births the hospital had in these two weeks.
    assert explained.most_read <= READ_PER_BIRTH_MAX * len(asked)

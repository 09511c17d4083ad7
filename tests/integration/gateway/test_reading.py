"""Reading the feed: by cursor, by what a partner may read now, noted and limited."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from libs.contracts.cloudevents import decode
from services.gateway.feed import feed_store
from services.gateway.housekeeping import Housekeeping
from services.gateway.partners import administration
from tests.integration.gateway.conftest import (
    BY,
    EVERYTHING,
    HOSPITAL,
    POLICE,
    House,
    accepted,
    assigned,
    ids_of,
    ready,
    received,
)


async def test_the_feed_gives_everything_in_order_under_one_cursor(house: House) -> None:
    """Page by page from the beginning; the last page is empty and its cursor stays."""
    await house.partner(EVERYTHING)
    headers = await house.token(EVERYTHING.code)
    said = []
    for _ in range(4):
        said += await house.say(uuid4(), received(), accepted(), assigned())
    seen: list[UUID] = []
    cursor = ""
    while True:
        answer = await house.read(headers, cursor, limit=5)
        if not answer.json():
            break
        seen += ids_of(answer)
        cursor = answer.headers["next-cursor"]
    assert seen == said
    assert answer.headers["next-cursor"] == cursor
    assert ids_of(await house.read(headers, cursor)) == []
    assert answer.headers["content-type"] == "application/cloudevents-batch+json"


async def test_an_event_is_as_the_contracts_write_it(house: House) -> None:
    """Structured CloudEvents 1.0, decoded by the same code that decodes those of the bus."""
    await house.partner(EVERYTHING)
    dossier_id = uuid4()
    (event_id,) = await house.say(dossier_id, received())
    (event,) = (await house.read(await house.token(EVERYTHING.code))).json()
    content = (await house.read(await house.token(EVERYTHING.code))).content[1:-1]
    envelope, _ = decode({"Content-Type": "application/cloudevents+json"}, content)
    assert (envelope.id, envelope.dossier_id, envelope.sequence) == (event_id, dossier_id, 1)
    assert event["data"]["facility"] == "93016"
    assert (event["specversion"], event["source"], event["type"]) == (
        "1.0",
        "intake",
        "intake.dossier-received.v1",
    )


async def test_a_partner_sees_only_what_concerns_it(house: House) -> None:
    """A hospital its own births, an agency a dossier from its first step on; nobody learns of the others."""
    for partner in (HOSPITAL, POLICE):
        await house.partner(partner)
    ours, theirs = uuid4(), uuid4()
    mine = await house.say(ours, received(), accepted())
    await house.say(theirs, received("93017"), accepted("93017"))
    step = await house.say(ours, assigned())
    await house.say(theirs, assigned("police-31411-2025"))
    mine += step + await house.say(ours, ready())
    hospital = await house.token()
    assert ids_of(await house.read(hospital)) == mine
    assert ids_of(await house.read(await house.token(POLICE.code))) == step
    assert ids_of(await house.read(hospital, types="results.*")) == mine[-1:]
    none = await house.read(hospital, types="notify.*")
    assert ids_of(none) == []
    assert none.headers["next-cursor"].endswith("-7"), "the cursor goes on where nothing was for this reader"


async def test_a_look_ends_and_the_cursor_goes_on(house: House, monkeypatch: Any) -> None:
    """A reader of few events among many pays with looks, not the city with long queries."""
    monkeypatch.setattr("services.gateway.feed.following.SCAN_MAX", 10)
    await house.partner()
    headers = await house.token()
    for _ in range(12):
        await house.say(uuid4(), received("93017"), accepted("93017"))
    (wanted,) = await house.say(uuid4(), received())
    seen: list[UUID] = []
    cursor, looks = "", 0
    while not seen:
        # Waiting does not wait while there is more to look at.
        answer = await house.read(headers, cursor, wait=30)
        seen, cursor, looks = ids_of(answer), answer.headers["next-cursor"], looks + 1
    assert (seen, looks) == ([wanted], 3)


async def test_latest_is_only_what_is_yet_to_come(house: House) -> None:
    """And the cursor of an empty answer finds it."""
    await house.partner()
    headers = await house.token()
    await house.say(uuid4(), received())
    answer = await house.read(headers, "latest")
    assert ids_of(answer) == []
    (new,) = await house.say(uuid4(), received())
    assert ids_of(await house.read(headers, answer.headers["next-cursor"])) == [new]


async def test_a_wrong_cursor_is_refused(house: House) -> None:
    """A problem, not an empty page."""
    await house.partner()
    headers = await house.token()
    feed = await house.pool.fetchval("SELECT feed FROM feed_head")
    for cursor in ("12", "0000beef-0", f"{feed}-1", f"{feed}-x"):
        answer = await house.read(headers, cursor)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (400, "cursor-unknown")
    assert (await house.read(headers, types="nothing")).status_code == 400
    assert (await house.read(headers, limit=1001)).status_code == 422


async def test_events_leave_at_the_end_of_their_retention_and_readers_are_told(house: House) -> None:
    """Only from the beginning; positions stay as they were."""
    await house.partner(EVERYTHING)
    headers = await house.token(EVERYTHING.code)
    today = datetime.now(UTC)
    house.said_at = today - timedelta(days=2)
    old = await house.say(uuid4(), received(), accepted())
    house.said_at = today
    kept = await house.say(uuid4(), received(), accepted())
    first, second, third = [
        (await house.read(headers, limit=limit)).headers["next-cursor"] for limit in (1, 2, 3)
    ]
    assert not await Housekeeping(house.process.transactions, keep_days=0).turn()
    assert ids_of(await house.read(headers)) == old + kept
    await Housekeeping(house.process.transactions, keep_days=1).turn()
    assert ids_of(await house.read(headers)) == kept
    gone = await house.read(headers, first)
    assert (gone.status_code, gone.json()["type"].rpartition(":")[2]) == (410, "cursor-too-old")
    assert gone.json()["earliest"] == second
    assert ids_of(await house.read(headers, second)) == kept
    assert ids_of(await house.read(headers, third)) == kept[1:]


async def test_positions_that_are_seen_are_final(house: House) -> None:
    """Many writers at once: a reader that goes on from the last position it saw misses nothing."""
    seen: list[int] = []
    done = asyncio.Event()

    async def watch() -> None:
        after = 0
        while True:
            last = done.is_set()
            async with house.pool.acquire() as conn:
                head = await feed_store.head(conn)
                rows = await conn.fetch("SELECT position FROM feed WHERE position > $1 ORDER BY 1", after)
            seen.extend(row[0] for row in rows)
            after = seen[-1] if seen else 0
            assert after >= head.last
            if last:
                return

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(house.say(uuid4(), received(), accepted()) for _ in range(60)))
    done.set()
    await watching
    assert seen == list(range(1, 121))


async def test_what_is_read_is_noted(house: House) -> None:
    """Calls of a moment in one row: who, how often, how many, from where to where."""
    await house.partner()
    headers = await house.token()
    await house.say(uuid4(), received(), accepted(), assigned())
    for _ in range(3):
        await house.read(headers, limit=2)
    await house.process.reading_log.flush()
    (row,) = await house.pool.fetch("SELECT partner, way, calls, events, after, until FROM reading")
    assert tuple(row) == (HOSPITAL.code, "batch", 3, 6, 0, 2)


async def test_one_partner_s_flood_is_nobody_else_s_concern(houses: Callable[..., Any]) -> None:
    """429 with Retry-After for the one, answers for the other."""
    house: House = await houses(reads_burst=5, reads_per_second=0.5)
    for partner in (HOSPITAL, EVERYTHING):
        await house.partner(partner)
    flooding, calm = await house.token(), await house.token(EVERYTHING.code)
    answers = [(await house.read(flooding)) for _ in range(8)]
    assert [each.status_code for each in answers] == [200] * 5 + [429] * 3
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert (await house.read(calm)).status_code == 200


async def test_a_smaller_scope_and_a_wider_one_hold_for_the_past_as_well(house: House) -> None:
    """Rights are judged when somebody reads."""
    await house.partner()
    headers = await house.token()
    said = await house.say(uuid4(), received(), accepted())
    assert ids_of(await house.read(headers)) == said
    async with house.pool.acquire() as conn, conn.transaction():
        await administration.change_scope(
            conn, HOSPITAL.code, ["intake.dossier-accepted.v1"], ["facility/93016"], BY
        )
    house.process.access._known.clear()
    assert ids_of(await house.read(headers)) == said[1:]
    async with house.pool.acquire() as conn, conn.transaction():
        await administration.change_scope(conn, HOSPITAL.code, ["*"], [], BY)
    house.process.access._known.clear()
    assert ids_of(await house.read(headers)) == []


async def test_waiting_ends_when_nothing_comes(house: House) -> None:
    """With an empty page and a cursor."""
    await house.partner()
    headers = await house.token()
    began = time.monotonic()
    answer = await house.read(headers, "latest", wait=1)
    assert ids_of(answer) == []
    assert 0.9 < time.monotonic() - began < 5

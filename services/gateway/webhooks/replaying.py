"""Replays, a page at a time beside what is live: what failed, once more; what was never attempted, for the first time.

A page is lined up when the one before has been sent, so a replay of everything takes no room from what is said now.
"""

from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.database.transactions import Transactions
from services.gateway.feed import feed_store
from services.gateway.feed.feed_store import SCAN_MAX, Entry
from services.gateway.webhooks import queue_store, replay_store
from services.gateway.webhooks.endpoint import ACTIVE, DONE, FAILING, RECOVER, RUNNING, Replay
from services.gateway.webhooks.line import Line
from services.gateway.webhooks.queue import Item

PAGE = 50
# Pages of the feed without anything in them that one turn looks through.
PAGES_MAX = 10
# What may wait for an endpoint when more is lined up; half of what may wait for it at all, if that is less.
WAITING_MAX = 100


class Replaying:
    """Does what partners have asked for; a part of the dispatcher."""

    def __init__(
        self,
        transactions: Transactions,
        line_of: Callable[[UUID], Line | None],
        hold: Callable[[Collection[UUID]], Awaitable[None]],
    ) -> None:
        self._transactions = transactions
        self._line_of = line_of
        self._hold = hold

    async def turn(self) -> None:
        """One page of every replay that may go on."""
        async with self._transactions.transaction() as conn:
            running = await replay_store.running(conn)
        for replay in running:
            line = self._line_of(replay.endpoint)
            if line is None or not line.served:
                continue
            if replay.kind == RECOVER:
                # A failing endpoint's probe is what is to be tried again, however much waits behind it.
                if _has_room(line) or line.state == FAILING:
                    await self._recover(replay)
            elif line.state == ACTIVE and _has_room(line):
                await self._replay_missing(replay, line)

    async def _recover(self, replay: Replay) -> None:
        async with self._transactions.transaction() as conn:
            positions = await replay_store.recover(conn, replay, PAGE)
            after = positions[-1] if len(positions) == PAGE else replay.until
            await self._note(conn, replay, after, len(positions), counted=True)
        if positions:
            await self._hold({replay.endpoint})

    async def _replay_missing(self, replay: Replay, line: Line) -> None:
        for _ in range(PAGES_MAX):
            async with self._transactions.transaction() as conn:
                entries, after = await _page(conn, replay, line)
                made = set(
                    await queue_store.line_up(
                        conn, [(line.id, entry.position) for entry in entries], replay.id
                    )
                )
                await self._note(conn, replay, after, len(made), counted=False)
            now = datetime.now(UTC)
            line.push(item_of(entry, now) for entry in entries if (line.id, entry.position) in made)
            if made or after >= replay.until:
                return
            replay = msgspec.structs.replace(replay, after=after)

    async def _note(self, conn: Any, replay: Replay, after: int, found: int, *, counted: bool) -> None:
        """How far it is. `counted`: the total was counted when it began, and may have been less or more since."""
        done = replay.done + found
        over = after >= replay.until
        ended = over and not found and not await replay_store.untried(conn, replay)
        await replay_store.note(
            conn,
            replay.id,
            after=after,
            total=max(replay.total, done) if counted and not over else done,
            done=done,
            state=DONE if ended else RUNNING,
        )


def _has_room(line: Line) -> bool:
    return line.waits <= min(WAITING_MAX, line.window // 2)


async def _page(conn: Any, replay: Replay, line: Line) -> tuple[list[Entry], int]:
    """Events from `since` on that the endpoint is for, and up to where they were looked for."""
    head = await feed_store.head(conn)
    start = max(replay.after, head.first - 1)
    end = min(start + SCAN_MAX, replay.until)
    if end <= start:
        return [], replay.until
    limit = min(PAGE, line.window)
    found = await feed_store.page(
        conn, after=start, until=end, types=line.rights.types, readers=line.rights.readers, limit=limit
    )
    full = len(found) == limit or sum(len(entry.data) for entry in found) >= feed_store.BYTES_MAX
    return (
        [entry for entry in found if entry.envelope.time >= replay.since],
        found[-1].position if full else end,
    )


def item_of(entry: Entry, now: datetime) -> Item:
    """An event that waits for an endpoint from now on."""
    return Item(
        event_id=entry.envelope.id,
        position=entry.position,
        dossier_id=entry.envelope.dossier_id,
        due=now,
    )

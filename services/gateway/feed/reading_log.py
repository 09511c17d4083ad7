"""The audit of reading, written in batches: every call counts, calls of one moment share a row.

A process that is killed takes at most FLUSH_SECONDS of it along; one that is stopped writes it first.
"""

import asyncio
from datetime import UTC, datetime

from libs.database.transactions import Transactions
from libs.process.repeating import repeat
from services.gateway.feed import reading_store
from services.gateway.feed.reading_store import Reading

FLUSH_SECONDS = 1.0
# Partners times addresses times ways; beyond it calls wait for the database.
ROWS_MAX = 5_000


class ReadingLog:
    """Notes what is read. `run` is a background task."""

    def __init__(self, transactions: Transactions, *, flush_seconds: float = FLUSH_SECONDS) -> None:
        self._transactions = transactions
        self._flush_seconds = flush_seconds
        self._rows: dict[tuple[str, str, str], Reading] = {}

    async def note(
        self, partner: str, came_from: str, way: str, *, events: int, after: int, until: int
    ) -> None:
        """Note one call (or one part of a stream). Raises what the database raises when too much waits."""
        if len(self._rows) >= ROWS_MAX:
            await self.flush()
        row = self._rows.get((partner, came_from, way))
        if row is None:
            row = Reading(
                began_at=datetime.now(UTC),
                partner=partner,
                came_from=came_from,
                way=way,
                calls=0,
                events=0,
                after=after,
                until=until,
            )
            self._rows[partner, came_from, way] = row
        row.calls += 1
        row.events += events
        row.after = min(row.after, after)
        row.until = max(row.until, until)

    async def run(self, stop: asyncio.Event) -> None:
        """Write what was noted, every moment and at the end."""
        await repeat(self.flush, stop, name="reading-log", pause_seconds=self._flush_seconds)
        await self.flush()

    async def flush(self) -> None:
        """Write what was noted; it stays noted when the database is away."""
        rows, self._rows = self._rows, {}
        if not rows:
            return
        try:
            async with self._transactions.transaction() as conn:
                await reading_store.insert(conn, list(rows.values()))
        except BaseException:
            for key, row in rows.items():
                later = self._rows.get(key)
                if later is not None:
                    row.calls += later.calls
                    row.events += later.events
                    row.after, row.until = min(row.after, later.after), max(row.until, later.until)
                self._rows[key] = row
            raise

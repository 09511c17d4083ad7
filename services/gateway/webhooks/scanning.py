"""Lining events up: the feed's end is looked at once for all endpoints that are there, the rest for each by itself."""

from collections import deque
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from uuid import UUID

from libs.database.transactions import ACQUIRE_TIMEOUT_SECONDS, Transactions
from libs.telemetry.logs import log
from services.gateway.feed import feed_store
from services.gateway.feed.feed_store import SCAN_MAX, Entry
from services.gateway.webhooks import queue_store
from services.gateway.webhooks.letters import Letters
from services.gateway.webhooks.line import Line, matches
from services.gateway.webhooks.replaying import item_of

# Looked at together for all endpoints; one that is behind looks for more at once.
END_EVENTS = 50
# Endpoints behind that are looked after in one turn, and their events.
BEHIND_LINES, BEHIND_EVENTS = 8, 100


class Scanner:
    """`position` is where those are that have seen everything."""

    def __init__(
        self, transactions: Transactions, lines: Mapping[UUID, Line], letters: Letters, position: int
    ) -> None:
        self.position = position
        self._transactions = transactions
        self._lines = lines
        self._letters = letters
        self._behind: deque[UUID] = deque()

    async def end(self) -> bool:
        """Look at what was recorded since, once for all endpoints that have seen everything before."""
        if not self._lines:
            # Whoever comes begins where the database says; until then nobody needs to know where the end is.
            return False
        there = [line for line in self._lines.values() if line.position == self.position and line.served]
        types: set[str] = set().union(*(line.rights.types for line in there))
        entries, until, last = await self._page(self.position, None, types, END_EVENTS)
        if until == self.position:
            return False
        wanted: list[tuple[Line, list[Entry]]] = []
        for line in there:
            mine = [entry for entry in entries if matches(line, entry)]
            # Who has no room for all of them looks for itself, when it has.
            if len(mine) <= line.room:
                wanted.append((line, mine))
        await self._line_up(wanted)
        for line, _ in wanted:
            line.position = until
        self.position = until
        return until < last

    async def behind(self) -> bool:
        """Look further for endpoints that are behind, some of them in each turn, one after another."""
        behind = {line.id for line in self._lines.values() if line.position < self.position and _hungry(line)}
        self._behind.extend(behind.difference(self._behind))
        for _ in range(min(BEHIND_LINES, len(self._behind))):
            line = self._lines.get(self._behind.popleft())
            if line is None or not _hungry(line) or line.position >= self.position:
                continue
            limit = min(line.room, BEHIND_EVENTS)
            entries, until, _ = await self._page(line.position, self.position, line.rights.types, limit, line)
            await self._line_up([(line, entries)])
            line.position = until
            if line.position < self.position and _hungry(line):
                self._behind.append(line.id)
        return bool(self._behind)

    async def _page(
        self, after: int, until: int | None, types: Collection[str], limit: int, line: Line | None = None
    ) -> tuple[list[Entry], int, int]:
        """Events after a position, up to where they were looked for, and the feed's end."""
        # Two statements need no transaction: what retention takes between them was to go anyway.
        async with self._transactions.pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            head = await feed_store.head(conn)
            start = max(after, head.first - 1)
            if line is not None and start > after:
                # Away for longer than events are kept (KEEP_DAYS).
                log.warning("webhook-events-gone", endpoint=str(line.id), count=start - after)
            end = min(start + SCAN_MAX, head.last if until is None else until)
            if end <= start or not types:
                return [], max(end, after), head.last
            readers = None if line is None else line.rights.readers
            found = await feed_store.page(
                conn, after=start, until=end, types=types, readers=readers, limit=limit
            )
        full = len(found) == limit or sum(len(entry.data) for entry in found) >= feed_store.BYTES_MAX
        return found, found[-1].position if full else end, head.last

    async def _line_up(self, wanted: list[tuple[Line, list[Entry]]]) -> None:
        """Make pending deliveries; those that were there before (by a replay, or by a killed dispatcher) stay so."""
        pairs = [(line.id, entry.position) for line, mine in wanted for entry in mine]
        if not pairs:
            return
        async with self._transactions.transaction() as conn:
            made = set(await queue_store.line_up(conn, pairs))
        now = datetime.now(UTC)
        for line, mine in wanted:
            for entry in mine:
                if (line.id, entry.position) in made:
                    self._letters.keep(entry)
            line.push(item_of(entry, now) for entry in mine if (line.id, entry.position) in made)


def _hungry(line: Line) -> bool:
    """Whether a page is worth reading for it."""
    return line.room >= min(BEHIND_EVENTS, line.window // 2) or (line.room > 0 and not line.waits)

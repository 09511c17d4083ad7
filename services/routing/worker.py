"""The worker of deadlines: lets due timers fire, in the transaction of the events they cause.

Several may run: each takes cases that no other holds. Only the database's clock counts.
"""

import asyncio
from typing import Any

from libs.bus.handling import Change
from libs.bus.writer import Writer
from services.routing import store, timers
from services.routing.desk import say
from services.routing.rules import Rules

BATCH_CASES_MAX = 256


async def fire_batch(connection: Any, rules: Rules, cases_max: int = BATCH_CASES_MAX) -> int:
    """Fire the due timers of up to `cases_max` cases in the caller's transaction; how many cases that were."""
    now, cases = await store.load_due(connection, cases_max)
    if now is None:
        return 0
    changes, said = [], []
    for dossier_id, case in cases.items():
        after, events = timers.fire_due(case, now, rules)
        # Saved even when nothing fired: a row that the case does not know must not come up for ever.
        changes.append(Change(dossier_id=dossier_id, before=case, after=after))
        said.append((dossier_id, events))
    await store.save(rules, connection, changes)
    await store.drop_strays(connection, [change for change in changes if change.before is change.after])
    await say(connection, said)
    return len(changes)


class TimerWorker:
    """Fires due timers until told to stop. After an outage it works through the backlog batch by batch."""

    def __init__(self, writer: Writer, rules: Rules, *, poll_seconds: float = 1.0) -> None:
        self._writer = writer
        self._rules = rules
        self._poll_seconds = poll_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Fire batches as long as there are due timers, then look again every `poll_seconds`."""
        while not stop.is_set():
            async with self._writer.transaction() as connection:
                fired = await fire_batch(connection, self._rules)
            if fired < BATCH_CASES_MAX:
                try:
                    await asyncio.wait_for(stop.wait(), self._poll_seconds)
                except TimeoutError:
                    continue

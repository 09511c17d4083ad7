"""The worker of deadlines: lets due timers fire, in the transaction of the events they cause.

Several may run: each takes cases that no other holds. Only the database's clock counts.
"""

import asyncio
from typing import Any

from libs.bus.handling import Change
from libs.bus.writer import Writer
from libs.catalogue.errors import CatalogueError
from libs.catalogue.holidays import CalendarError
from libs.process.repeating import repeat
from libs.telemetry.logs import log
from libs.telemetry.metrics import counter
from services.routing import store, timers
from services.routing.case import IllegalMove
from services.routing.desk import say
from services.routing.rules import Rules

BATCH_CASES_MAX = 256
# A case the catalogue cannot answer for must not hold up the others; a human is told by the log.
POSTPONED_SECONDS = 600.0
FIRED = counter("timers_fired_total")


async def fire_batch(connection: Any, rules: Rules, cases_max: int = BATCH_CASES_MAX) -> int:
    """Fire the due timers of up to `cases_max` cases in the caller's transaction; how many cases that were."""
    now, cases = await store.load_due(connection, cases_max)
    if now is None:
        return 0
    changes, said, strays, postponed = [], [], [], []
    for dossier_id, case in cases.items():
        try:
            after, events = timers.fire_due(case, now, rules)
        except (IllegalMove, CalendarError, CatalogueError, LookupError) as error:
            log.error("timer-failed", dossier_id=dossier_id, exc_info=error)
            postponed.append(dossier_id)
            continue
        if after is case:
            strays.append(case)
            continue
        changes.append(Change(dossier_id=dossier_id, before=case, after=after))
        said.append((dossier_id, events))
    if changes:
        await store.save(rules, connection, changes)
        await say(connection, said)
    await store.realign_timers(rules, connection, strays)
    await store.postpone_timers(connection, postponed, POSTPONED_SECONDS)
    for change in changes:
        earlier = timers.fired(change.before) if change.before else frozenset()
        for kind, _ in timers.fired(change.after) - earlier:
            FIRED.labels(name=kind).inc()
    return len(cases)


class TimerWorker:
    """Fires due timers until told to stop. After an outage it works through the backlog batch by batch."""

    def __init__(
        self,
        writer: Writer,
        rules: Rules,
        *,
        poll_seconds: float = 1.0,
        batch_cases_max: int = BATCH_CASES_MAX,
    ) -> None:
        self._writer = writer
        self._rules = rules
        self._poll_seconds = poll_seconds
        self._batch_cases_max = batch_cases_max

    async def run(self, stop: asyncio.Event) -> None:
        """Fire batches as long as there are due timers, then look again every `poll_seconds`."""
        await repeat(self._fire, stop, name="timers", pause_seconds=self._poll_seconds)

    async def _fire(self) -> int:
        async with self._writer.transaction() as connection:
            return await fire_batch(connection, self._rules, self._batch_cases_max)

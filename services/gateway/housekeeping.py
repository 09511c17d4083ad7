"""What nobody will ask for any more is deleted: used assertions, old deliveries, answers, events and audit."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from libs.database.transactions import Transactions
from libs.process.repeating import repeat
from libs.telemetry.logs import log
from services.gateway import audit_store
from services.gateway.feed import feed_store
from services.gateway.partners import partner_store
from services.gateway.straight import store as straight_store
from services.gateway.straight.layout import INBOX_SECONDS_MAX
from services.gateway.webhooks import by_hand_store, delivery_store, endpoint_store
from services.gateway.webhooks.endpoint import KEEP_DAYS

PAUSE_SECONDS = 300.0
# Rows deleted in one transaction.
ROWS_MAX = 5_000
DELIVERIES_KEPT = timedelta(days=KEEP_DAYS)
# As long as what they answer.
ANSWERS_KEPT = timedelta(seconds=INBOX_SECONDS_MAX)


class Housekeeping:
    """A background task of every process. `keep_days` 0 keeps every event, `audit_months` 0 all of the audit."""

    def __init__(
        self,
        transactions: Transactions,
        keep_days: float,
        *,
        audit_months: int = 0,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._transactions = transactions
        self._keep_days = keep_days
        self._audit_months = audit_months
        self._pause_seconds = pause_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Clean up until told to stop. Raises what is neither an outage nor a lock met."""
        await repeat(self.turn, stop, name="housekeeping", pause_seconds=self._pause_seconds)

    async def turn(self) -> bool:
        """Clean up once; whether there is more to do at once."""
        async with self._transactions.transaction() as conn:
            await partner_store.forget_assertions(conn)
            await by_hand_store.forget(conn)
            tidied = await delivery_store.forget(
                conn, DELIVERIES_KEPT, id_before(datetime.now(UTC) - DELIVERIES_KEPT), ROWS_MAX
            )
            tidied += await endpoint_store.forget(conn, ROWS_MAX)
            tidied += await straight_store.forget_old_answers(conn, ANSWERS_KEPT, ROWS_MAX)
            if self._audit_months:
                tidied = max(tidied, await audit_store.forget(conn, self._audit_months, ROWS_MAX))
            if self._keep_days <= 0:
                return tidied >= ROWS_MAX
            deleted = await feed_store.forget(conn, timedelta(days=self._keep_days), ROWS_MAX)
        if deleted:
            log.info("events-forgotten", count=deleted)
        return deleted == ROWS_MAX or tidied >= ROWS_MAX


def id_before(moment: datetime) -> UUID:
    """The least id of UUID version 7 (RFC 9562 5.7) of a moment."""
    return UUID(int=(int(moment.timestamp() * 1000) << 80) | (7 << 76) | (0b10 << 62))

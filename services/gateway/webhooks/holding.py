"""The endpoints the dispatcher serves as the database has them: secrets, what is pending, what partners may read."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from libs.database.transactions import Transactions
from libs.process.sealing import Sealer
from libs.telemetry.logs import log
from services.gateway.partners import partner_store
from services.gateway.partners.partner import Partner
from services.gateway.webhooks import endpoint_store, queue_store, signing
from services.gateway.webhooks.endpoint import Endpoint
from services.gateway.webhooks.line import WINDOW, Line
from services.gateway.webhooks.queue_store import Waiting
from services.gateway.webhooks.recording import Recorder
from services.gateway.webhooks.schedule import Schedule

# Pending deliveries held in memory in all, at some 600 bytes each; what an endpoint may hold in any case.
HELD_MAX, WINDOW_MIN = 100_000, 10


class Holder:
    """`lines` by endpoint; others read them."""

    def __init__(
        self,
        transactions: Transactions,
        recorder: Recorder,
        sealer: Sealer,
        schedule: Schedule,
        *,
        held_max: int = HELD_MAX,
    ) -> None:
        self._held_max = held_max
        self._window = WINDOW
        self.lines: dict[UUID, Line] = {}
        self._partners: dict[str, Partner] = {}
        self._transactions = transactions
        self._recorder = recorder
        self._sealer = sealer
        self._schedule = schedule

    async def follow_endpoints(self) -> None:
        """Take up endpoints that are new or were changed, put down those that are no longer served."""
        async with self._transactions.transaction() as conn:
            there = await endpoint_store.versions(conn)
        for endpoint in self.lines.keys() - there.keys():
            del self.lines[endpoint]
        # The same for each: whoever lets events pile up takes nothing from those that do not.
        self._window = max(WINDOW_MIN, min(WINDOW, self._held_max // max(1, len(there))))
        for held in self.lines.values():
            held.window = self._window
        changed = {
            endpoint
            for endpoint, version in there.items()
            if (line := self.lines.get(endpoint)) is None
            or line.endpoint.version != version
            or (line.more and line.waits < self._window // 2)
            # There are more endpoints than when it was filled: the rest waits in the database.
            or line.waits > 2 * self._window
        }
        if changed:
            await self.hold(changed)

    async def hold(self, endpoints: Collection[UUID]) -> None:
        """Take these endpoints up as the database has them, with what is pending."""
        async with self._recorder.quiet():
            async with self._transactions.transaction() as conn:
                found = await endpoint_store.some(conn, endpoints)
                waiting = await queue_store.pending(conn, [each.id for each in found], self._window)
            pending: dict[UUID, list[Waiting]] = {}
            for each in waiting:
                pending.setdefault(each.endpoint, []).append(each)
            for endpoint in found:
                self._renew(endpoint, pending.get(endpoint.id, []))
        if any(endpoint.partner not in self._partners for endpoint in found):
            await self.follow_partners()

    def _renew(self, endpoint: Endpoint, waiting: list[Waiting]) -> None:
        keys = self._keys_of(endpoint)
        line = self.lines.get(endpoint.id)
        if line is None:
            line = self.lines[endpoint.id] = Line(endpoint, keys, self._schedule)
            line.window = self._window
        unwritten = self._recorder.unwritten(endpoint.id, endpoint.version)
        line.renew(endpoint, keys, waiting, more=len(waiting) >= self._window, unwritten=unwritten)
        line.allow(self._partners.get(endpoint.partner))

    def _keys_of(self, endpoint: Endpoint) -> list[tuple[datetime | None, bytes]]:
        """The keys of its secrets. One that WEBHOOK_KEY does not open is left out: without any it is not served."""
        keys: list[tuple[datetime | None, bytes]] = []
        for secret in endpoint.secrets:
            try:
                opened = self._sealer.open(secret.sealed, endpoint.id)
            except ValueError:
                log.error("webhook-secret-unreadable", endpoint=str(endpoint.id))
            else:
                keys.append((secret.not_after, signing.key_of(opened)))
        return keys

    async def follow_partners(self) -> None:
        """What partners may read now, also those that were suspended or revoked."""
        codes = {line.endpoint.partner for line in self.lines.values()}
        async with self._transactions.transaction() as conn:
            self._partners = {each.code: each for each in await partner_store.some(conn, codes)}
        for line in self.lines.values():
            line.allow(self._partners.get(line.endpoint.partner))

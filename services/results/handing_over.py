"""What a desk looks up before it hands papers over: their custody here, the people of the dossier at intake."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import asyncpg

from libs.bus.writer import ACQUIRE_TIMEOUT_SECONDS
from libs.http.auth import Actor
from libs.http.gathered import Gathered
from services.results import store
from services.results.desk_store import Receiver
from services.results.domain import Custody
from services.results.people import Neighbours, PeopleRecord
from services.results.receivers import Recognised, check_receiver, whose_card
from services.results.tries import AT_DESK, Checks

PURPOSE = "hand-over"


class Counter:
    """Looks up for all desks at once what several ask at the same time."""

    def __init__(self, pool: "asyncpg.Pool", neighbours: Neighbours) -> None:
        self._pool = pool
        self._neighbours = neighbours
        self._custodies: Gathered[UUID, Custody] = Gathered(self._look)
        self._people: Gathered[UUID, PeopleRecord] = Gathered(self._read)
        self._receivers: Checks[Receiver] = Checks(pool, "receiver", AT_DESK)
        # Of one kind, so of one count: who asks first whose card it is has no more tries for it.
        self._cards: Checks[Recognised] = Checks(pool, "receiver", AT_DESK)

    async def custody(self, dossier_id: UUID) -> Custody | None:
        """The dossier's custody as it stands; None when it has no results."""
        return await self._custodies.get(dossier_id)

    async def people(self, dossier_id: UUID) -> PeopleRecord | None:
        """The people of the dossier; the read is recorded at intake. Raises the client's errors."""
        return await self._people.get(dossier_id)

    async def recognised(
        self, actor: Actor, receiver: Receiver, people: PeopleRecord, deliveries: Collection[str]
    ) -> Receiver:
        """The receiver with how the right to the papers was established. Raises Problem 422 or 429.

        That the actor has seen whether it fits the dossier is recorded, whatever comes of it.
        """

        def check() -> Receiver:
            return check_receiver(receiver, people, deliveries)

        return await self._receivers.outcome(people.dossier_id, actor, check)

    async def whose(self, actor: Actor, name: str, number: str, people: PeopleRecord) -> Recognised:
        """Whom of the dossier a card names. Raises Problem 422 or 429; what was asked is recorded like a hand-over."""
        return await self._cards.outcome(people.dossier_id, actor, lambda: whose_card(name, number, people))

    async def _look(self, dossier_ids: Sequence[UUID]) -> Mapping[UUID, Custody]:
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as conn:
            return await store.look(conn, dossier_ids)

    async def _read(self, dossier_ids: Sequence[UUID]) -> Mapping[UUID, PeopleRecord]:
        return await self._neighbours.people(dossier_ids, PURPOSE)

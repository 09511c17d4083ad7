"""The inbox of a hospital desk or counter: a channel of our own, in our own database."""

import asyncpg

from services.notify import store
from services.notify.channels import Accepted, Destination, Letter


class DeskChannel:
    """Lays letters into a desk's inbox. `address` is the agency's code."""

    name = "desk"

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def send(self, letter: Letter, destination: Destination) -> Accepted:
        """See Channel.send. Laying it in twice changes nothing, so an error here is always safe to repeat."""
        async with self._pool.acquire() as conn:
            await store.put_in_inbox(
                conn, letter.id, destination.address, letter.dossier_id, letter.subject, letter.body
            )
        return Accepted(provider_id=str(letter.id))

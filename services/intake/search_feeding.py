"""Filling the search index from what is committed: beside every request and event, in transactions of its own."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.writer import Writer
from libs.process.repeating import repeat
from libs.telemetry.logs import log
from libs.telemetry.metrics import gauge
from services.intake import file_store, search_feed_store, store
from services.intake.search_facts import Facts, facts_of, readers_of

# A dossier moves several times within seconds of its birth; what gathers in a pause is looked at once.
POLL_SECONDS = 1.0
NOTES_MAX = 2000
# So many files are read and taken apart between two answers to others in this process.
DOSSIERS_AT_ONCE = 200
REBUILD_ROWS = 500
_LAG = gauge("search_lag_seconds")


class SearchFeeder:
    """Brings what was noted into the index until told to stop. Of several processes one works at a time."""

    def __init__(self, pool: Any, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._transactions = Writer(pool, lambda: None)
        self._poll_seconds = poll_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Work off what there is, then look again every `poll_seconds`."""
        await repeat(self.turn, stop, name="search-feeder", pause_seconds=self._poll_seconds)

    async def turn(self) -> bool:
        """Index what is noted; whether there is more at once."""
        async with self._transactions.transaction() as connection:
            _LAG.set(await search_feed_store.waiting_seconds(connection))
            if not await search_feed_store.take_turn(connection):
                return False
            notes, dossier_ids = await search_feed_store.take_notes(connection, NOTES_MAX)
            for first in range(0, len(dossier_ids), DOSSIERS_AT_ONCE):
                await index(connection, dossier_ids[first : first + DOSSIERS_AT_ONCE])
        return notes == NOTES_MAX

    async def rebuild(self) -> int:
        """Index every dossier anew, in the order of ids; how many there were. Searches and writes go on meanwhile."""
        last: UUID | None = None
        count = 0
        while True:
            async with self._transactions.transaction() as connection:
                await search_feed_store.take_turn(connection, wait=True)
                dossier_ids = await search_feed_store.after(connection, last, REBUILD_ROWS)
                await index(connection, dossier_ids, anew=True)
            count += len(dossier_ids)
            if len(dossier_ids) < REBUILD_ROWS:
                return count
            last = dossier_ids[-1]


async def index(connection: Any, dossier_ids: Sequence[UUID], *, anew: bool = False) -> None:
    """Make the index say what these dossiers and their files say now; only what differs unless `anew`.

    The caller is the only one that fills the index (search_feed_store.take_turn).
    """
    if not dossier_ids:
        return
    dossiers = await store.find_many(connection, dossier_ids)
    versions = await search_feed_store.file_versions(connection, list(dossiers))
    said = await search_feed_store.indexed(connection, list(dossiers))
    facts, unread = [], []
    for one, version in versions.items():
        old, readers = said.get(one), readers_of(dossiers[one])
        if anew or old is None or old.version != version:
            unread.append(one)
        elif old.readers != readers:
            # The usual change, a step given to somebody: the file says what it said.
            facts.append(msgspec.structs.replace(old, readers=readers))
    files = await file_store.newest(connection, unread)
    for one in unread:
        try:
            facts.append(facts_of(dossiers[one], files[one]))
        except msgspec.DecodeError:
            # One odd file must not keep the others out; its code still finds it.
            log.error("file-not-indexed", dossier_id=one)
            facts.append(_bare(dossiers[one], files[one]))
    if facts:
        await search_feed_store.write(connection, facts, said, mend=anew)


def _bare(dossier: Any, file: Any) -> Facts:
    return Facts(
        dossier_id=dossier.id, version=file.version, readers=readers_of(dossier), names=(), numbers=()
    )

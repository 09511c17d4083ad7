"""Our library: a service of two handlers, a load and a save, on the runtime every service uses."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from bench.hop import work
from bench.hop.starting import Start, contest
from bench.hop.work import State
from libs.bus.handling import Change, Decision, Received, Service
from libs.bus.runtime import BusRuntime
from libs.contracts.event import Event
from libs.contracts.intake import DossierAccepted, DossierSupplemented

_decode = msgspec.json.Decoder(State).decode
_encode = msgspec.json.Encoder().encode


def on_event(state: State | None, received: Received[Event], _context: None) -> Decision[State]:
    """Decide as everyone does."""
    return work.decide(state, received.event, received.now)


async def load(connection: Any, dossier_ids: Sequence[UUID]) -> dict[UUID, State]:
    """The states, locked in the order of their ids."""
    rows = await connection.fetch(
        "SELECT dossier_id, state FROM dossier WHERE dossier_id = ANY($1::uuid[]) ORDER BY dossier_id FOR UPDATE",
        dossier_ids,
    )
    return {row[0]: _decode(row[1]) for row in rows}


async def save(connection: Any, changes: Sequence[Change[State]]) -> None:
    """New and changed states in one statement."""
    await connection.execute(
        "INSERT INTO dossier AS known (dossier_id, version, state)"
        " SELECT dossier_id, 1, state FROM unnest($1::uuid[], $2::bytea[]) AS now (dossier_id, state)"
        " ON CONFLICT (dossier_id) DO UPDATE SET version = known.version + 1, state = excluded.state",
        [change.dossier_id for change in changes],
        [_encode(change.after) for change in changes],
    )


async def main(start: Start) -> None:
    """Consume and relay until told to stop."""
    service = Service(
        name="routing",
        handlers={DossierAccepted: on_event, DossierSupplemented: on_event},
        load=load,
        save=save,
    )
    runtime = BusRuntime(service, database_url=start.dsn, nats_url=start.nats_url)
    await runtime.start()
    stop = asyncio.Event()
    await start.ready()
    running = asyncio.create_task(runtime.run(stop))
    await start.over()
    stop.set()
    await running
    await runtime.close()


if __name__ == "__main__":
    contest(main)

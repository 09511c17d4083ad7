"""The outbox: what is said in a transaction, and what the service's role may do to it."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from libs.bus.outbox import PAYLOAD_BYTES_MAX, NotOurEvent, Outgoing, TooLarge, emit
from libs.contracts.intake import DossierRefused
from libs.contracts.routing import CaseOpened
from tests.fixtures.database import DatabaseFactory
from tests.integration.bus.relay_rig import AT, outgoing, refused, session


async def test_each_dossier_counts_its_events_from_one_in_the_order_given(database: DatabaseFactory) -> None:
    """Sequences are 1, 2, 3 per dossier, over several emits and in the order of the list."""
    first, second = uuid4(), uuid4()
    async with session((await database("intake")).app_dsn) as connection:
        said = await emit(connection, "intake", outgoing([second, first], events_each=2))
        more = await emit(connection, "intake", outgoing([first]))
        rows = await connection.fetch("SELECT event_id, dossier_id, sequence FROM bus.outbox ORDER BY id")
    assert [(envelope.dossier_id, envelope.sequence) for envelope in said] == [
        (second, 1),
        (first, 1),
        (second, 2),
        (first, 2),
    ]
    assert [(envelope.dossier_id, envelope.sequence) for envelope in more] == [(first, 3)]
    assert [(row["event_id"], row["dossier_id"], row["sequence"]) for row in rows] == [
        (envelope.id, envelope.dossier_id, envelope.sequence) for envelope in [*said, *more]
    ]


async def test_an_envelope_tells_cause_trace_and_time(database: DatabaseFactory) -> None:
    """What is given is kept; a missing time is the transaction's own by the database clock."""
    cause = uuid4()
    async with session((await database("intake")).app_dsn) as connection, connection.transaction():
        now = await connection.fetchval("SELECT now()")
        given = Outgoing(dossier_id=uuid4(), event=refused(), causation_id=cause, occurred_at=AT)
        plain = Outgoing(dossier_id=uuid4(), event=refused())
        one, two = await emit(connection, "intake", [given, plain], traceparent="00-1-2-01")
        row = await connection.fetchrow("SELECT * FROM bus.outbox WHERE event_id = $1", one.id)
    assert (one.causation_id, one.time, one.traceparent) == (cause, AT, "00-1-2-01")
    assert (two.causation_id, two.time) == (None, now)
    assert row is not None
    assert (row["causation_id"], row["occurred_at"], row["traceparent"]) == (cause, AT, "00-1-2-01")
    assert row["subject"] == DossierRefused.SUBJECT
    assert one.type == DossierRefused.SUBJECT


async def test_a_rolled_back_transaction_has_said_nothing(database: DatabaseFactory) -> None:
    """Events and their sequence numbers vanish with the change they told of."""
    dossier = uuid4()
    async with session((await database("intake")).app_dsn) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await emit(connection, "intake", outgoing([dossier], 3))
        await transaction.rollback()
        (envelope,) = await emit(connection, "intake", outgoing([dossier]))
    assert envelope.sequence == 1


async def test_events_of_others_and_oversized_events_are_refused(database: DatabaseFactory) -> None:
    """Only what FLOWS lets the service say, and only what a stream takes, gets into the outbox."""
    opened = CaseOpened(procedure="1", steps=(), appointment_at=AT, calendar="vn", opened_at=AT)
    huge = DossierRefused(code="x" * PAYLOAD_BYTES_MAX, procedure="1", reason="r", refused_at=AT)
    async with session((await database("intake")).app_dsn) as connection:
        with pytest.raises(NotOurEvent):
            await emit(connection, "intake", [Outgoing(dossier_id=uuid4(), event=opened)])
        with pytest.raises(TooLarge):
            await emit(connection, "intake", [Outgoing(dossier_id=uuid4(), event=huge)])
        assert await connection.fetchval("SELECT count(*) FROM bus.outbox") == 0


async def test_writers_of_the_same_dossiers_never_deadlock_or_leave_a_gap(database: DatabaseFactory) -> None:
    """Eight writers that name the same dossiers in different orders all commit; every sequence is there once."""
    dossiers = [uuid4() for _ in range(12)]
    dsn = (await database("intake")).app_dsn

    async def write(turn: int) -> None:
        async with session(dsn) as connection:
            for step in range(10):
                order = dossiers if (turn + step) % 2 else dossiers[::-1]
                async with connection.transaction():
                    await emit(connection, "intake", outgoing(order))

    await asyncio.gather(*(write(turn) for turn in range(8)))
    async with session(dsn) as connection:
        rows = await connection.fetch(
            "SELECT dossier_id, array_agg(sequence ORDER BY id) AS sequences FROM bus.outbox GROUP BY dossier_id"
        )
    assert len(rows) == 12
    assert all(row["sequences"] == list(range(1, 81)) for row in rows)


@pytest.mark.parametrize(
    "forbidden",
    [
        "DELETE FROM bus.outbox",
        "TRUNCATE bus.outbox",
        "UPDATE bus.outbox SET payload = ''",
        "UPDATE bus.outbox SET sequence = sequence + 1",
        "UPDATE bus.outbox SET event_id = gen_random_uuid()",
        "DELETE FROM bus.dossier_sequence",
        "DELETE FROM bus.stream_epoch",
        "DROP TABLE bus.outbox",
    ],
)
async def test_the_service_cannot_rewrite_what_it_has_said(database: DatabaseFactory, forbidden: str) -> None:
    """Its role may add rows and note where they were published, nothing else."""
    async with session((await database("intake")).app_dsn) as connection:
        await emit(connection, "intake", outgoing([uuid4()]))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(forbidden)
        await connection.execute(
            "UPDATE bus.outbox SET published_at = now(), stream_epoch = 1, stream_seq = 1"
        )


async def test_occurred_at_may_lie_in_the_past(database: DatabaseFactory) -> None:
    """A fact learnt late keeps the time it happened."""
    async with session((await database("intake")).app_dsn) as connection:
        moment = AT - timedelta(days=3)
        (envelope,) = await emit(
            connection, "intake", [Outgoing(dossier_id=uuid4(), event=refused(), occurred_at=moment)]
        )
    assert envelope.time == moment

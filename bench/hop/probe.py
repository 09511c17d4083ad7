"""The limit: the same statements and the same messages, by hand, with nothing between asyncpg, NATS and the rule.

No reconnects, no gaps, no dead letters, no metrics, no proof of the stream: what is left out is what a library is for.
The SQL is taken from the library itself, so that both always run the same.
"""

import asyncio
from collections import deque
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from bench.hop import work
from bench.hop.bare import Bare
from bench.hop.starting import Start, contest
from bench.hop.work import State
from libs.bus import inbox, ledger, outbox
from libs.bus.ids import new_id
from libs.contracts.event import Event
from libs.contracts.intake import DossierAccepted, DossierSupplemented

LANES = 2
BATCH = 256
WINDOW = 1024
PUBLISH = 512
WINDOWS = 3
EPOCH = 1
PULL = b"$JS.API.CONSUMER.MSG.NEXT.INTAKE.routing-intake"

_DECODERS: dict[bytes, Any] = {
    event.SUBJECT.encode(): msgspec.json.Decoder(event) for event in (DossierAccepted, DossierSupplemented)
}
_encode = msgspec.json.Encoder().encode
_state = msgspec.json.Decoder(State).decode


class Probe:
    """Lanes that apply batches, one task that publishes what they wrote."""

    def __init__(self, pool: "asyncpg.Pool[Any]", relay: "asyncpg.Connection[Any]", client: Bare) -> None:
        self.pool = pool
        self.relay = relay
        self.client = client
        self.queues: list[deque[tuple[bytes, bytes, bytes, bytes]]] = [deque() for _ in range(LANES)]
        self.arrived = [asyncio.Event() for _ in range(LANES)]
        self.asked = 0
        self.woken = asyncio.Event()
        self.windows: dict[int, tuple[list[int], asyncio.Future[int]]] = {}
        self.number = 0

    def start(self) -> None:
        """Subscribe to messages and acks, and ask for the first messages."""
        self.client.subscribe(1, "_INBOX_probe.pull", self._received)
        self.client.subscribe(2, "_INBOX_probe.ack.*", self._acked)
        self.top_up()

    def top_up(self) -> None:
        """Keep a full window asked for."""
        if self.asked > WINDOW // 2:
            return
        room = WINDOW - self.asked
        self.asked += room
        body = b'{"batch":%d,"expires":30000000000}' % room
        self.client.write(b"PUB %s _INBOX_probe.pull %d\r\n%s\r\n" % (PULL, len(body), body))

    def _received(self, subject: bytes, reply: bytes, header: bytes, payload: bytes) -> None:
        if not reply:
            return
        at = header.find(b"ce-subject: ") + 12
        lane = hash(header[at : at + 36]) % LANES
        self.queues[lane].append((subject, reply, header, payload))
        self.arrived[lane].set()

    def _acked(self, subject: bytes, _reply: bytes, _header: bytes, payload: bytes) -> None:
        if not payload:
            return
        answer = msgspec.json.decode(payload)
        number = int(subject[17:])
        if not self.windows[number][1].done():
            self.windows[number][1].set_result(answer["seq"])

    async def work(self, lane: int) -> None:
        """Apply batches of one lane for ever."""
        queue, arrived = self.queues[lane], self.arrived[lane]
        async with self.pool.acquire() as connection:
            while True:
                if not queue:
                    arrived.clear()
                    await arrived.wait()
                batch = [queue.popleft() for _ in range(min(BATCH, len(queue)))]
                await self.apply(connection, batch)
                self.woken.set()
                self.client.write(b"".join(b"PUB %s 4\r\n+ACK\r\n" % reply for _, reply, _, _ in batch))
                self.asked -= len(batch)
                self.top_up()

    async def apply(self, connection: Any, batch: list[tuple[bytes, bytes, bytes, bytes]]) -> None:
        """One batch, one transaction."""
        read = [_read(header, subject, payload) for subject, _, header, payload in batch]
        dossiers = sorted({each[1] for each in read}, key=lambda dossier: dossier.int)
        async with connection.transaction():
            held = await connection.fetch(inbox._HELD, ["intake"] * len(dossiers), dossiers)
            positions: dict[UUID, int] = {row[1]: row[2] for row in held if row[1] is not None}
            now = held[-1][3]
            reached: dict[UUID, int] = {}
            for _, dossier, sequence, _, _ in read:
                assert sequence == reached.get(dossier, positions.get(dossier, 0)) + 1
                reached[dossier] = sequence
            read_ids = sorted(read, key=lambda each: each[0].int)
            await connection.fetch(
                inbox._RECORD,
                [each[0] for each in read_ids],
                ["intake"] * len(read),
                [each[1] for each in read_ids],
                [each[2] for each in read_ids],
                ["intake"] * len(reached),
                list(reached),
                list(reached.values()),
            )
            rows = await connection.fetch(
                "SELECT dossier_id, state FROM dossier WHERE dossier_id = ANY($1::uuid[])"
                " ORDER BY dossier_id FOR UPDATE",
                dossiers,
            )
            states = {row[0]: _state(row[1]) for row in rows}
            said = _decide(states, read, now)
            await connection.execute(
                "INSERT INTO dossier AS known (dossier_id, version, state)"
                " SELECT dossier_id, 1, state FROM unnest($1::uuid[], $2::bytea[]) AS now (dossier_id, state)"
                " ON CONFLICT (dossier_id) DO UPDATE SET version = known.version + 1, state = excluded.state",
                list(reached),
                [_encode(states[dossier]) for dossier in reached],
            )
            await self._emit(connection, said)

    async def _emit(self, connection: Any, said: list[tuple[UUID, UUID, Event, str]]) -> None:
        counts: dict[UUID, int] = {}
        places = []
        for dossier, _, _, _ in said:
            counts[dossier] = counts.get(dossier, 0) + 1
            places.append(counts[dossier])
        dossiers = sorted(counts)
        await connection.fetch(
            outbox._EMIT,
            dossiers,
            [counts[dossier] for dossier in dossiers],
            [new_id() for _ in said],
            [each[0] for each in said],
            [counts[each[0]] - place for each, place in zip(said, places, strict=True)],
            [each[2].SUBJECT for each in said],
            [None] * len(said),
            [each[1] for each in said],
            [_encode(each[2]) for each in said],
            [each[3] for each in said],
        )

    async def publish(self) -> None:
        """Publish what is unpublished, for ever: up to three windows under way."""
        under_way: deque[int] = deque()
        while True:
            self.woken.clear()
            while len(under_way) < WINDOWS:
                ids = [row for number in under_way for row in self.windows[number][0]]
                rows = await self.relay.fetch(ledger._UNPUBLISHED, ids, PUBLISH)
                if not rows:
                    break
                under_way.append(self._send(rows))
            if under_way:
                number = under_way.popleft()
                last = await self.windows[number][1]
                ids, _ = self.windows.pop(number)
                first = last - len(ids) + 1
                await self.relay.execute(ledger._MARK, ids, list(range(first, last + 1)), EPOCH)
            else:
                await self.woken.wait()

    def _send(self, rows: list[Any]) -> int:
        """One atomic batch (nats-server 2.12): one ack, and with `sync_interval: always` one sync."""
        self.number += 1
        parts = []
        last = len(rows)
        for place, row in enumerate(rows, 1):
            commit = "Nats-Batch-Commit: 1\r\n" if place == last else ""
            header = (
                f"NATS/1.0\r\nNats-Msg-Id: {row[1]}\r\nce-specversion: 1.0\r\nce-id: {row[1]}\r\n"
                f"ce-source: routing\r\nce-type: {row[4]}\r\nce-subject: {row[2]}\r\n"
                f"ce-time: {row[5].isoformat()}\r\nce-datacontenttype: application/json\r\nce-sequence: {row[3]}\r\n"
                f"ce-causationid: {row[6]}\r\nce-traceparent: {row[7]}\r\n"
                f"Nats-Batch-Id: probe-{self.number}\r\nNats-Batch-Sequence: {place}\r\n{commit}\r\n"
            ).encode()
            reply = f" _INBOX_probe.ack.{self.number}" if place == last else ""
            line = f"HPUB {row[4]}{reply} {len(header)} {len(header) + len(row[8])}\r\n"
            parts += (line.encode(), header, row[8], b"\r\n")
        self.client.write(b"".join(parts))
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.windows[self.number] = ([row[0] for row in rows], future)
        return self.number


def _read(header: bytes, subject: bytes, payload: bytes) -> tuple[UUID, UUID, int, Event, str]:
    found = dict(line.split(": ", 1) for line in header.decode("ascii").split("\r\n")[1:-2])
    event: Event = _DECODERS[subject].decode(payload)
    return (
        UUID(found["ce-id"]),
        UUID(found["ce-subject"]),
        int(found["ce-sequence"]),
        event,
        found["ce-traceparent"],
    )


def _decide(
    states: dict[UUID, State], read: list[tuple[UUID, UUID, int, Event, str]], now: datetime
) -> list[tuple[UUID, UUID, Event, str]]:
    said = []
    for event_id, dossier, _, event, traceparent in read:
        decision = work.decide(states.get(dossier), event, now)
        if decision.state is not None:
            states[dossier] = decision.state
        said += [(dossier, event_id, each, traceparent) for each in decision.events]
    return said


async def main(start: Start) -> None:
    """Run until told to stop."""
    client = await Bare.connect(start.nats_url)
    pool = await asyncpg.create_pool(
        start.dsn, min_size=LANES, max_size=LANES, server_settings={"jit": "off"}
    )
    relay = await asyncpg.connect(start.dsn, server_settings={"jit": "off"})
    await start.ready()
    probe = Probe(pool, relay, client)
    probe.start()
    tasks = [asyncio.create_task(probe.work(lane)) for lane in range(LANES)]
    tasks.append(asyncio.create_task(probe.publish()))
    over = asyncio.create_task(start.over())
    await asyncio.wait([over, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            task.result()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    client.close()


if __name__ == "__main__":
    contest(main)

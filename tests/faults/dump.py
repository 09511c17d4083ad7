"""Everything the city holds, as a history: read from its databases and streams by the tester, as owner and as admin."""

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from nats.aio.msg import Msg
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from deploy.local.city import City
from libs.bus.topology import stream_of
from libs.contracts.catalogue import PRODUCERS, SERVICES
from tests.faults.leftovers import admin, database, outstanding
from tests.faults.record import (
    Attempt,
    Case,
    Custody,
    DeadLetter,
    Dossier,
    Effect,
    Heard,
    History,
    Position,
    Said,
    Stored,
)

TESTER = "Mot-Cua-Tester"
"""Header of every message the tester put on a stream itself."""
_FETCH_MESSAGES = 500
# Dumps until one meets a city that stands still.
_TRIES = 5
_VALID = "('issued', 'dispatched', 'ready', 'handed-over')"


async def dump(city: City, attempts: Sequence[Attempt], mails: Sequence[str] = ()) -> History:
    """The whole history. `mails` are the ids of messages a mail server has received, one entry each time."""
    for _ in range(_TRIES):
        before = await _events(city)
        said: list[Said] = []
        heard: list[Heard] = []
        positions: list[Position] = []
        letters: list[DeadLetter] = []
        for service in SERVICES:
            async with database(city, service) as connection:
                said += await _outbox(connection, service)
                heard += await _inbox(connection, service)
                positions += await _positions(connection, service)
                letters += await _dead_letters(connection, service)
        stored = [message for service in PRODUCERS for message in await read_stream(city, service)]
        if await _events(city) == before:
            break
    async with database(city, "intake") as connection:
        dossiers, codes = await _dossiers(connection)
    async with database(city, "routing") as connection:
        cases, outcomes = await _cases(connection)
    async with database(city, "results") as connection:
        custodies, papers = await _custodies(connection)
    async with database(city, "notify") as connection:
        occasions = await _occasions(connection)
    told = [Effect(kind="mail", key=message, owner="") for message in mails]
    return History(
        attempts=tuple(attempts),
        dossiers=tuple(dossiers),
        cases=tuple(cases),
        custodies=tuple(custodies),
        said=tuple(said),
        stored=tuple(stored),
        heard=tuple(heard),
        positions=tuple(positions),
        dead_letters=tuple(letters),
        effects=(*codes, *outcomes, *papers, *occasions, *told),
        waiting=tuple(await outstanding(city)),
    )


async def _events(city: City) -> list[int]:
    """How much every service has said and heard: when that stands still, what is read fits together."""
    counts = []
    for service in SERVICES:
        async with database(city, service) as connection:
            counts.append(await connection.fetchval("SELECT count(*) FROM bus.outbox"))
            counts.append(await connection.fetchval("SELECT count(*) FROM bus.inbox"))
    return counts


async def _outbox(connection: Any, service: str) -> list[Said]:
    rows = await connection.fetch("SELECT * FROM bus.outbox ORDER BY id")
    return [
        Said(
            source=service,
            event_id=row["event_id"],
            dossier_id=row["dossier_id"],
            sequence=row["sequence"],
            subject=row["subject"],
            sha256=_digest(row["payload"]),
            published=row["published_at"] is not None,
            causation_id=row["causation_id"],
            facts=msgspec.json.decode(row["payload"]),
        )
        for row in rows
    ]


async def _inbox(connection: Any, service: str) -> list[Heard]:
    rows = await connection.fetch(
        """
        SELECT event_id, source, dossier_id, sequence, xmin::text::bigint AS transaction,
            (extract(epoch FROM received_at) * 1000000)::bigint AS at_us
        FROM bus.inbox
        """
    )
    return [Heard(service=service, **dict(row)) for row in rows]


async def _positions(connection: Any, service: str) -> list[Position]:
    rows = await connection.fetch("SELECT source, dossier_id, sequence FROM bus.position")
    return [Position(service=service, **dict(row)) for row in rows]


async def _dead_letters(connection: Any, service: str) -> list[DeadLetter]:
    rows = await connection.fetch(
        "SELECT source, event_id, reason, code, status, headers FROM bus.dead_letter"
    )
    return [
        DeadLetter(
            service=service,
            source=row["source"],
            event_id=row["event_id"],
            reason=row["reason"],
            code=row["code"],
            status=row["status"],
            injected=TESTER.lower().encode() in bytes(row["headers"]).lower(),
        )
        for row in rows
    ]


async def read_stream(city: City, source: str) -> list[Stored]:
    """Every message of a producer's stream, in its order."""
    return [_stored(message, source) for message in await read_messages(city, source)]


async def read_messages(city: City, source: str) -> list[Msg]:
    """Every message of a producer's stream as it came over the wire."""
    found: list[Msg] = []
    async with admin(city) as client:
        js = client.jetstream()
        last = (await js.stream_info(stream_of(source))).state.messages
        config = ConsumerConfig(
            ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.ALL, inactive_threshold=30
        )
        puller = await js.pull_subscribe(f"{source}.>", stream=stream_of(source), config=config)
        while len(found) < last:
            try:
                found += await puller.fetch(_FETCH_MESSAGES, timeout=2)
            except NatsTimeout:
                break
        await puller.unsubscribe()
    return found


def _stored(message: Msg, source: str) -> Stored:
    headers = message.headers or {}
    return Stored(
        source=headers.get("ce-source", source),
        stream_sequence=message.metadata.sequence.stream,
        event_id=_uuid(headers.get("ce-id", "")),
        dossier_id=_uuid(headers.get("ce-subject", "")),
        sequence=int(headers.get("ce-sequence", 0)),
        subject=message.subject,
        sha256=_digest(message.data),
        injected=TESTER in headers,
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _dossiers(connection: Any) -> tuple[list[Dossier], list[Effect]]:
    rows = await connection.fetch(
        """
        SELECT dossier.id, code, token, dossier.state, file.kind, file.content FROM dossier
        JOIN file ON file.dossier_id = dossier.id AND file.version = 1
        """
    )
    dossiers, effects = [], []
    for row in rows:
        state = msgspec.json.decode(row["state"])
        dossiers.append(
            Dossier(
                id=row["id"],
                code=row["code"],
                identity=_identity(row["kind"], msgspec.json.decode(row["content"])),
                state=state["state"],
                outcome=state["outcome"],
                closed=state["case_status"] == 10,
            )
        )
        owner = str(row["id"])
        effects += [Effect(kind="code", key=row["code"], owner=owner)]
        effects += [Effect(kind="tracking token", key=row["token"], owner=owner)]
    return dossiers, effects


def _identity(kind: str, file: Any) -> str:
    """What the workload calls the thing handed in."""
    if kind == "birth":
        return f"{file['certificate']['book']}-{file['certificate']['number']}"
    return str(file["documents"][0]["name"]) if file.get("documents") else str(file.get("purpose", ""))


# Numbers that may be given once, in whichever step's outcome they stand.
_NUMBERS = ("register_number", "card_number", "residence_number", "document_number", "personal_id")


async def _cases(connection: Any) -> tuple[list[Case], list[Effect]]:
    cases = []
    for row in await connection.fetch("SELECT dossier_id, state FROM case_state"):
        state = msgspec.json.decode(row["state"])
        settled = state.get("settled") or {}
        cases.append(
            Case(
                dossier_id=row["dossier_id"],
                outcome=settled.get("outcome", ""),
                results=tuple(settled.get("results", ())),
                closed="closed_at" in state,
            )
        )
    effects = []
    query = "SELECT DISTINCT ON (dossier_id, step) * FROM outcome ORDER BY dossier_id, step, revision DESC"
    for row in await connection.fetch(query):
        data, owner = msgspec.json.decode(row["data"]), f"{row['dossier_id']}/{row['step']}"
        effects += [
            Effect(kind=name, key=f"{row['agency']}/{data[name]}", owner=owner)
            for name in _NUMBERS
            if data.get(name)
        ]
    for row in await connection.fetch("SELECT dossier_id, kind, label FROM timer WHERE state = 'fired'"):
        effects.append(Effect(kind="timer", key="/".join(map(str, row)), owner=str(row["dossier_id"])))
    return cases, effects


async def _custodies(connection: Any) -> tuple[list[Custody], list[Effect]]:
    custodies = []
    for row in await connection.fetch("SELECT dossier_id, state FROM custody"):
        state = msgspec.json.decode(row["state"])
        closed = state["closed_at"] is not None
        custodies.append(Custody(dossier_id=row["dossier_id"], outcome=state["outcome"], closed=closed))
    valid = await connection.fetch(f"SELECT dossier_id, code FROM result WHERE state IN {_VALID}")
    effects = [
        Effect(kind="valid result", key=f"{row['dossier_id']}/{row['code']}", owner="") for row in valid
    ]
    given = await connection.fetch("SELECT result_id, handover_id FROM handover_result")
    effects += [
        Effect(kind="hand-over", key=str(row["result_id"]), owner=str(row["handover_id"])) for row in given
    ]
    return custodies, effects


async def _occasions(connection: Any) -> list[Effect]:
    """What people were told of: the occasions inside messages, each to be told once."""
    effects = []
    for row in await connection.fetch("SELECT id, dossier_id, occasions FROM message"):
        for occasion in msgspec.json.decode(row["occasions"]):
            key = f"{row['dossier_id']}/{occasion['rule']}/{occasion['key']}"
            effects.append(Effect(kind="message", key=key, owner=str(row["id"])))
    return effects


def _digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()

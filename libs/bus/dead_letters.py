"""Events that could not be applied: kept whole, shown masked, retried or discarded by a person."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import msgspec.structs

from libs.bus.arrivals import Arrival, Flaw
from libs.contracts.catalogue import EVENTS
from libs.contracts.cloudevents import readable

Connection = Any

LIST_ROWS_MAX = 500
RESOLUTION_CHARACTERS_MAX = 300
MASK = "•••"

_INSERT = """
INSERT INTO bus.dead_letter
    (fingerprint, reason, code, source, subject, event_id, dossier_id, sequence, headers, payload, deliveries)
SELECT * FROM unnest(
    $1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::uuid[], $8::bigint[],
    $9::bytea[], $10::bytea[], $11::integer[]
)
ON CONFLICT (fingerprint) DO NOTHING
"""
_LIST = """
SELECT id, reason, code, source, subject, event_id, dossier_id, sequence, deliveries, tries, status, created_at,
    resolved_at, resolved_by, resolution
FROM bus.dead_letter WHERE ($1::text IS NULL OR status = $1) AND id > $2 ORDER BY id LIMIT $3
"""
_SHOW = "SELECT * FROM bus.dead_letter WHERE id = $1"
_LOCK = "SELECT * FROM bus.dead_letter WHERE id = $1 FOR UPDATE"
_TRIED = "UPDATE bus.dead_letter SET tries = tries + 1, code = $2 WHERE id = $1"
_RESOLVE = """
UPDATE bus.dead_letter SET status = $2, resolved_at = now(), resolved_by = $3, resolution = $4
WHERE id = $1 AND status = 'open' RETURNING id
"""
_COUNT = "SELECT count(*) FROM bus.dead_letter WHERE status = 'open'"

# What a code of ours looks like. Names of people have spaces or diacritics; numbers of people are long digit runs.
_CODE = re.compile(r"(?!.*\d{9})(?:[a-z][a-z0-9_.-]{0,63}|(?=.*\d)[A-Z0-9][A-Z0-9._/-]{0,63})", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d))?", re.ASCII)
# Codes of units and facilities have at most eight digits.
_NUMBER = re.compile(r"[0-9]{1,8}")
_SHOWN_HEADERS = (
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "sequence",
    "causationid",
    "datacontenttype",
)


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter without its contents."""

    id: int
    reason: str
    code: str
    source: str
    subject: str
    event_id: UUID | None
    dossier_id: UUID | None
    sequence: int | None
    deliveries: int
    tries: int
    status: str
    created_at: datetime
    resolved_at: datetime | None
    resolved_by: str
    resolution: str


class MaskedLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter as a person sees it: ids, codes and times of known fields, everything else masked."""

    letter: DeadLetter
    headers: dict[str, str]
    payload: Any
    payload_bytes: int


class StoredLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter with its contents, for a retry; it can be read like a message."""

    letter: DeadLetter
    subject: str
    headers: dict[str, str] | None
    payload: bytes
    deliveries: int


class NotOpen(Exception):
    """There is no open dead letter of that number."""


async def insert(connection: Connection, letters: Sequence[tuple[Arrival, Flaw]]) -> None:
    """Keep `letters` in one statement; one that is kept already (a redelivery, a refill) is kept once."""
    found = [(arrival.message, arrival, flaw) for arrival, flaw in letters]
    headers = [msgspec.json.encode(message.headers or {}) for message, _, _ in found]
    await connection.execute(
        _INSERT,
        [fingerprint(message.subject, message.headers or {}, message.payload) for message, _, _ in found],
        [flaw.reason.value for _, _, flaw in found],
        [flaw.code for _, _, flaw in found],
        [arrival.source for _, arrival, _ in found],
        [_subject(message.subject) for message, _, _ in found],
        [arrival.event_id for _, arrival, _ in found],
        [arrival.dossier_id for _, arrival, _ in found],
        [arrival.sequence or None for _, arrival, _ in found],
        headers,
        [message.payload for message, _, _ in found],
        [message.deliveries for message, _, _ in found],
    )


async def listing(
    connection: Connection, *, status: str | None = "open", after_id: int = 0, rows_max: int = 100
) -> list[DeadLetter]:
    """Dead letters of `status` (None = all) with a number above `after_id`, oldest first."""
    rows = await connection.fetch(_LIST, status, after_id, min(rows_max, LIST_ROWS_MAX))
    return [_letter(row) for row in rows]


async def show(connection: Connection, letter_id: int) -> MaskedLetter | None:
    """One dead letter, masked; None when there is none of that number."""
    row = await connection.fetchrow(_SHOW, letter_id)
    if row is None:
        return None
    return MaskedLetter(
        letter=_letter(row),
        headers=mask_headers(msgspec.json.decode(row["headers"], type=dict[str, str])),
        payload=mask_payload(row["subject"], row["payload"]),
        payload_bytes=len(row["payload"]),
    )


async def lock(connection: Connection, letter_id: int) -> StoredLetter:
    """An open dead letter with its contents, locked until the transaction ends. Raises NotOpen."""
    row = await connection.fetchrow(_LOCK, letter_id)
    if row is None or row["status"] != "open":
        raise NotOpen(letter_id)
    headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    return StoredLetter(
        letter=_letter(row),
        subject=row["subject"],
        headers=headers,
        payload=row["payload"],
        deliveries=row["deliveries"],
    )


async def tried(connection: Connection, letter_id: int, code: str) -> None:
    """Count a retry that failed, with the code of its failure."""
    await connection.execute(_TRIED, letter_id, code)


async def resolve(connection: Connection, letter_id: int, *, status: str, who: str, why: str) -> None:
    """Close an open dead letter as `retried` or `discarded`. Raises NotOpen."""
    if await connection.fetchval(_RESOLVE, letter_id, status, who, why[:RESOLUTION_CHARACTERS_MAX]) is None:
        raise NotOpen(letter_id)


async def count_open(connection: Connection) -> int:
    """How many dead letters wait for a person."""
    return int(await connection.fetchval(_COUNT))


def fingerprint(subject: str, headers: Mapping[str, str], payload: bytes) -> bytes:
    """What makes two deliveries the same message: all but the headers NATS changes between deliveries and epochs."""
    digest = hashlib.sha256()
    kept = sorted(
        (name.lower(), value) for name, value in headers.items() if not name.lower().startswith("nats-")
    )
    for part in (subject, *(f"{name}:{value}" for name, value in kept)):
        digest.update(f"{len(part)}:{part}".encode("utf-8", "replace"))
    digest.update(payload)
    return digest.digest()


def mask_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The CloudEvents attributes that look as they should; the values of the others masked, their names too."""
    found = readable(headers)
    shown = {name: _shown(found[name]) for name in _SHOWN_HEADERS if name in found}
    hidden = len(headers) - len(shown)
    return {**shown, MASK: f"{hidden} more"} if hidden else shown


def mask_payload(subject: str, payload: bytes) -> Any:
    """The payload with only ids, codes, numbers and times of the fields its contract knows."""
    event = EVENTS.get(subject)
    if event is None:
        return MASK
    try:
        content = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeError):
        return MASK
    return _masked(content, event)


def _masked(content: Any, kind: Any) -> Any:
    if isinstance(content, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
        shown = {name: _masked(value, fields[name]) for name, value in content.items() if name in fields}
        hidden = len(content) - len(shown)
        return {**shown, MASK: f"{hidden} more"} if hidden else shown
    if isinstance(content, list):
        inner = next((each for each in getattr(kind, "__args__", ()) if each is not Ellipsis), None)
        return [_masked(each, inner) for each in content]
    if content is None or isinstance(content, bool):
        return content
    if isinstance(content, int) and kind is int and abs(content) < 10**8:
        return content
    return _shown(content) if isinstance(content, str) else MASK


def _shown(text: str) -> str:
    if not text or _TIME.fullmatch(text) or _CODE.fullmatch(text):
        return text
    try:
        return str(UUID(text))
    except ValueError:
        return text if text in ("1.0", "application/json") or _NUMBER.fullmatch(text) else MASK


def _subject(subject: str) -> str:
    """The subject as a column: it is one of ours, or it is not kept in the clear."""
    return subject if _CODE.fullmatch(subject) else MASK


def _letter(row: Mapping[str, Any]) -> DeadLetter:
    return msgspec.convert({name: row[name] for name in DeadLetter.__struct_fields__}, DeadLetter)

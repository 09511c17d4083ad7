"""Writes that may be repeated: the answer is stored under the caller's Idempotency-Key, in the write's transaction.

    @router.post("/dossiers/{dossier_id}/accept")
    async def accept(request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(OFFICER)]) -> Response:
        wanted = await read_body(request, Acceptance)

        async def work(connection: Connection) -> Answer:
            await store.accept(connection, dossier_id, wanted)      # raises Problem when it may not be
            return Answer(200, Accepted(dossier_id=dossier_id))

        return await once(request, actor, writer, work)

`once` costs one statement: the row with the answer is inserted last, and the primary key (client, key) decides. Of two
concurrent requests the second waits for the first, finds its row, rolls its own work back and gives the first's
answer. A request that fails looks whether its earlier self has succeeded before it says so: a retried "accept" is
answered 200 again, not 409. Failures are not stored; they may be tried again under the same key.

`work` may run and be rolled back, so what it does outside the database must be harmless to repeat. Keys live at least
KEEP_DAYS (hospital systems queue retries for weeks); `purge_answers` deletes older ones.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Protocol

import asyncpg
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from libs.database.transactions import ACQUIRE_TIMEOUT_SECONDS
from libs.http.auth import Actor
from libs.http.bodies import DIGEST_KEY, read_bytes
from libs.http.gathered import Gathered
from libs.http.problems import Problem

HEADER = "Idempotency-Key"
# In an endpoint's OpenAPI, for libs.http.app: whether it reads the key at all.
DECLARED = "x-idempotency-key"
REPLAYED = "Idempotency-Replayed"
KEEP_DAYS = 30
PURGE_ROWS_MAX = 10_000
# Visible ASCII, as UUIDs and ULIDs are; the draft (draft-ietf-httpapi-idempotency-key-header-07) leaves it open.
_KEY = re.compile(r'"?([\x21\x23-\x7e]{1,255})"?', re.ASCII)

_STORE = """
INSERT INTO http.idempotency (client, key, fingerprint, status, media_type, location, body)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (client, key) DO NOTHING
"""
_FIND = """
SELECT fingerprint, status, media_type, location, body FROM http.idempotency WHERE client = $1 AND key = $2
"""

_FIND_MANY = """
SELECT client, key, fingerprint, status, media_type, location, body
FROM unnest($1::text[], $2::text[]) AS asked (client, key) JOIN http.idempotency USING (client, key)
"""


class Answer(msgspec.Struct, frozen=True):
    """What a write answers: a 2xx status, a value to be written as JSON (None: no body), a Location."""

    status: int
    content: Any = None
    location: str | None = None


Work = Callable[[Any], Awaitable[Answer]]


class Transactions(Protocol):
    """What `once` needs of libs.bus.writer.Writer."""

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """BEGIN … COMMIT around the block."""
        ...


class _Taken(Exception):
    """Another request has stored an answer under this key; our work must be rolled back."""


def keyed(described: Mapping[str, Any], *, needed: bool = True) -> dict[str, Any]:
    """The `openapi_extra` of a write that needs an Idempotency-Key (400 without it), or of a POST that reads none."""
    return {**described, DECLARED: needed}


async def once(request: Request, actor: Actor, writer: Transactions, work: Work) -> Response:
    """Do `work` in one transaction exactly once per caller and key, and answer; a repetition gets the same bytes.

    Raises Problem 400 without a key, 422 when the key was used for another request (`made` is the Location of that
    one's answer), and whatever `work` raises.
    """
    client, key = actor.client, idempotency_key(request)
    fingerprint = await fingerprint_of(request)
    try:
        async with writer.transaction() as connection:
            answer = await work(connection)
            body = b"" if answer.content is None else msgspec.json.encode(answer.content)
            media_type = "application/json" if body else ""
            stored = await connection.execute(
                _STORE, client, key, fingerprint, answer.status, media_type, answer.location, body
            )
            if stored == "INSERT 0 0":
                raise _Taken
    except _Taken:
        earlier = await _earlier(writer, client, key)
        if earlier is None:
            # Deleted by the purge between our insert and our read.
            raise Problem(409, "retry", "Hãy gửi lại yêu cầu") from None
        return _replay(earlier, fingerprint)
    except (Problem, asyncpg.IntegrityConstraintViolationError, asyncpg.DeadlockDetectedError) as failed:
        earlier = await _earlier(writer, client, key)
        if earlier is None:
            raise failed from None
        return _replay(earlier, fingerprint)
    return response_of(answer.status, body, media_type, answer.location)


async def answered_before(request: Request, actor: Actor, writer: Transactions) -> Response | None:
    """The answer stored under the request's key, or None.

    For work that commits in parts before `once` keeps its answer and must not begin under a key that was used, and
    for checks before `once` that a repetition must not meet again.
    Raises Problem 400 without a key, 422 when the key was used for another request, and TimeoutError when no
    connection becomes free in time.
    """
    earlier = await _earlier(writer, actor.client, idempotency_key(request))
    return None if earlier is None else _replay(earlier, await fingerprint_of(request))


class AnsweredBefore:
    """answered_before for an endpoint that many ask at once: they share one question to the database."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._earlier: Gathered[tuple[str, str], Any] = Gathered(self._find)

    async def answer(self, request: Request, actor: Actor) -> Response | None:
        """As answered_before."""
        earlier = await self._earlier.get((actor.client, idempotency_key(request)))
        return None if earlier is None else _replay(earlier, await fingerprint_of(request))

    async def _find(self, asked: Sequence[tuple[str, str]]) -> Mapping[tuple[str, str], Any]:
        clients, keys = [client for client, _ in asked], [key for _, key in asked]
        async with self._pool.acquire(timeout=ACQUIRE_TIMEOUT_SECONDS) as connection:
            rows = await connection.fetch(_FIND_MANY, clients, keys)
        return {(row["client"], row["key"]): row for row in rows}


def idempotency_key(request: Request) -> str:
    """The request's Idempotency-Key. Raises Problem 400 when it is missing or malformed."""
    found = _KEY.fullmatch(request.headers.get(HEADER, ""))
    if found is None:
        raise Problem(
            400,
            "idempotency-key-required",
            "Thiếu khóa chống gửi trùng",
            f"Yêu cầu ghi phải có tiêu đề {HEADER}, từ 1 đến 255 ký tự ASCII không có dấu cách.",
        )
    return found[1]


async def purge_answers(connection: Any, *, keep_days: int = KEEP_DAYS) -> int:
    """Delete at most PURGE_ROWS_MAX answers older than `keep_days` (≥ 30); returns how many. Call again until 0."""
    if keep_days < KEEP_DAYS:
        raise ValueError(f"answers are kept at least {KEEP_DAYS} days")
    deleted: str = await connection.execute(
        """
        DELETE FROM http.idempotency WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM http.idempotency WHERE created_at < now() - $1::interval LIMIT $2
        ))
        """,
        timedelta(days=keep_days),
        PURGE_ROWS_MAX,
    )
    return int(deleted.rpartition(" ")[2])


async def fingerprint_of(request: Request) -> bytes:
    """SHA-256 of method, path, query and canonical body."""
    digest: bytes | None = request.scope.get(DIGEST_KEY)
    if digest is None:
        await read_bytes(request)
        digest = request.scope[DIGEST_KEY]
    head = f"{request.method} {request.scope['path']}?".encode() + request.scope["query_string"] + b"\n"
    return hashlib.sha256(head + digest).digest()


async def _earlier(writer: Transactions, client: str, key: str) -> Any:
    async with writer.transaction() as connection:
        return await connection.fetchrow(_FIND, client, key)


def _replay(earlier: Any, fingerprint: bytes) -> Response:
    if earlier["fingerprint"] != fingerprint:
        raise Problem(
            422,
            "idempotency-key-reused",
            "Khóa chống gửi trùng đã dùng cho yêu cầu khác",
            "Mỗi yêu cầu mới phải có khóa mới.",
            # Whoever lost the first answer finds what it made.
            extra={"made": earlier["location"]} if earlier["location"] else None,
        )
    response = response_of(earlier["status"], earlier["body"], earlier["media_type"], earlier["location"])
    response.headers[REPLAYED] = "true"
    return response


def response_of(status: int, body: bytes, media_type: str, location: str | None) -> Response:
    headers = {"Location": location} if location else None
    return Response(body, status, headers, media_type or None)

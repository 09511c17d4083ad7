"""Writes that are repeated have one effect and one answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from libs.bus.writer import Writer
from libs.http.auth import Actor
from libs.http.idempotency import Answer, AnsweredBefore, once, purge_answers
from libs.http.problems import Problem
from tests.integration.http.conftest import Office


async def count(office: Office) -> int:
    """How many notes there are."""
    found: int = await office.pool.fetchval("SELECT count(*) FROM note")
    return found


async def test_repetition_gets_the_same_answer(office: Office) -> None:
    """Status, body, type and Location are the same bytes; the effect happened once."""
    headers = {**office.officer(), "Idempotency-Key": "k-1"}
    async with office.client() as client:
        first = await client.post("/notes", json={"text": "a", "number": 1}, headers=headers)
        again = await client.post(
            "/notes",
            content=b'{"number":1,\n "text":"a"}',
            headers={**headers, "Content-Type": "application/json"},
        )
    assert first.status_code == 201
    assert (again.status_code, again.content, again.headers["location"], again.headers["content-type"]) == (
        first.status_code,
        first.content,
        first.headers["location"],
        first.headers["content-type"],
    )
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert await count(office) == 1


async def test_answer_without_a_body_is_repeated_too(office: Office) -> None:
    """204 stays 204, and the effect is not doubled."""
    await office.pool.execute("INSERT INTO note (text, number) VALUES ('a', 1)")
    headers = {**office.officer(), "Idempotency-Key": "k"}
    async with office.client() as client:
        answers = [await client.post("/notes/close", headers=headers) for _ in range(3)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 3
    assert await office.pool.fetchval("SELECT number FROM note") == 1001


async def test_write_without_a_key_is_refused(office: Office) -> None:
    """Missing, empty and unprintable keys are 400 and have no effect."""
    async with office.client() as client:
        for headers in (
            {},
            {"Idempotency-Key": ""},
            {"Idempotency-Key": "a b"},
            {"Idempotency-Key": "k" * 256},
        ):
            answer = await client.post("/notes", json={"text": "a"}, headers={**office.officer(), **headers})
            assert (answer.status_code, answer.json()["type"]) == (
                400,
                "urn:mot-cua:problem:idempotency-key-required",
            )
    assert await count(office) == 0


@pytest.mark.parametrize("other", [{"text": "b", "number": 1}, {"text": "b", "number": 2}, {"text": "a"}])
async def test_key_of_another_request_is_refused(office: Office, other: dict[str, object]) -> None:
    """The same key with another payload is 422, whether that payload could have succeeded or not."""
    headers = {**office.officer(), "Idempotency-Key": "k"}
    async with office.client() as client:
        made = await client.post("/notes", json={"text": "a", "number": 1}, headers=headers)
        answer = await client.post("/notes", json=other, headers=headers)
        elsewhere = await client.post("/notes/close", headers=headers)
    for refused in (answer, elsewhere):
        assert (refused.status_code, refused.json()["type"]) == (
            422,
            "urn:mot-cua:problem:idempotency-key-reused",
        )
    assert answer.json().get("made") == made.headers.get("location")
    assert await count(office) == 1


async def test_keys_belong_to_their_caller(office: Office) -> None:
    """Two officers may use the same key for different things."""
    async with office.client() as client:
        for subject in ("o1", "o2"):
            headers = {**office.officer(subject), "Idempotency-Key": "k"}
            assert (await client.post("/notes", json={"text": subject}, headers=headers)).status_code == 201
    assert await count(office) == 2


@pytest.mark.parametrize("number", [0, 5])
async def test_concurrent_requests_with_one_key_have_one_effect(office: Office, number: int) -> None:
    """Twelve at once: one note, twelve equal answers; also when the work itself would collide (number 5)."""
    headers = {**office.officer(), "Idempotency-Key": "k"}

    async def send(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/notes", json={"text": "a", "number": number}, headers=headers)

    async with office.client() as client:
        answers = await asyncio.gather(*(send(client) for _ in range(12)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 11
    assert await count(office) == 1


async def test_failed_write_may_be_tried_again(office: Office) -> None:
    """A refusal is not stored: once its reason is gone, the same key succeeds."""
    await office.pool.execute("INSERT INTO note (text, number) VALUES ('in the way', 5)")
    headers = {**office.officer(), "Idempotency-Key": "k"}
    async with office.client() as client:
        assert (
            await client.post("/notes", json={"text": "a", "number": 5}, headers=headers)
        ).status_code == 409
        await office.pool.execute("DELETE FROM note")
        assert (
            await client.post("/notes", json={"text": "a", "number": 5}, headers=headers)
        ).status_code == 201


async def test_used_up_pool_asks_to_come_back(office: Office) -> None:
    """When every connection is taken the answer is 503 with Retry-After, in about two seconds."""
    held = [await office.pool.acquire() for _ in range(6)]
    try:
        async with office.client() as client, asyncio.timeout(4):
            headers = {**office.officer(), "Idempotency-Key": "k"}
            answer = await client.post("/notes", json={"text": "a"}, headers=headers)
    finally:
        for connection in held:
            await office.pool.release(connection)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


class OneConnection:
    """Transactions on one connection, which can be listened to."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """BEGIN … COMMIT around the block."""
        async with self._connection.transaction():
            yield self._connection


class CountedPool:
    """A pool, and how often a connection was taken from it."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self.taken = 0

    def acquire(self, *, timeout: float) -> Any:
        """A connection of the pool."""
        self.taken += 1
        return self._pool.acquire(timeout=timeout)


def request_of(key: str, body: bytes = b"") -> Request:
    """A POST /notes under a key."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"idempotency-key", key.encode())]
    scope = {"type": "http", "method": "POST", "path": "/notes", "query_string": b"", "headers": headers}
    return Request(scope, receive)


async def test_many_that_were_answered_before_find_it_with_one_question(office: Office) -> None:
    """Each its own answer, of its own caller and request; whoever was not answered finds none."""
    one, other = Actor(subject="o", kind="officer"), Actor(subject="p", kind="officer")

    async def work(connection: Any) -> Answer:
        number = await connection.fetchval("INSERT INTO note (text, number) VALUES ('a', 0) RETURNING id")
        return Answer(201, {"id": number})

    transactions = Writer(office.pool, lambda: None)
    first = [await once(request_of(f"k{number}"), one, transactions, work) for number in range(5)]
    pool = CountedPool(office.pool)
    before = AnsweredBefore(pool)  # type: ignore[arg-type]
    asked = [before.answer(request_of(f"k{number}"), one) for number in range(6)]
    *again, unknown, of_another, misused = await asyncio.gather(
        *asked,
        before.answer(request_of("k0"), other),
        before.answer(request_of("k0", b"{}"), one),
        return_exceptions=True,
    )
    assert [answer.body for answer in again if isinstance(answer, Response)] == [each.body for each in first]
    assert (unknown, of_another) == (None, None)
    assert isinstance(misused, Problem)
    assert misused.status == 422
    assert pool.taken == 1


async def test_write_costs_one_statement_more(office: Office) -> None:
    """BEGIN, the work, the answer's row, COMMIT."""
    statements: list[str] = []

    async def work(connection: Any) -> Answer:
        await connection.execute("INSERT INTO note (text, number) VALUES ('a', 0)")
        return Answer(201)

    async with office.pool.acquire() as connection:
        connection.add_query_logger(lambda record: statements.append(record.query.split()[0]))
        actor = Actor(subject="o", kind="officer")
        await once(request_of("k"), actor, OneConnection(connection), work)
    # What follows is the pool's own reset of the connection.
    assert statements[:4] == ["BEGIN;", "INSERT", "INSERT", "COMMIT;"]
    assert len(statements) <= 5


async def test_purge_keeps_thirty_days(office: Office) -> None:
    """Older answers go, younger stay, and nobody can ask for less."""
    for key, days in (("old", 31), ("young", 29)):
        await office.pool.execute(
            "INSERT INTO http.idempotency VALUES ('c', $1, $2, 201, '', NULL, '', now() - $3::interval)",
            key,
            bytes(32),
            timedelta(days=days),
        )
    assert await purge_answers(office.pool) == 1
    assert await office.pool.fetchval("SELECT key FROM http.idempotency") == "young"
    with pytest.raises(ValueError, match="30 days"):
        await purge_answers(office.pool, keep_days=29)


async def test_rows_of_reads_are_never_changed(office: Office) -> None:
    """The service's role may add to the record of reads and nothing else."""
    for statement in (
        "UPDATE http.read_log SET purpose = 'audit'",
        "DELETE FROM http.read_log",
        "TRUNCATE http.read_log",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await office.pool.execute(statement)

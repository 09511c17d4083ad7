"""Writes that share a transaction: each answered as if it were alone, whatever the others do."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import Depends, Request
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.responses import Response

from libs.bus.writer import Writer
from libs.http.auth import Actor, require
from libs.http.bodies import read_body
from libs.http.idempotency import Answer
from libs.http.problems import Problem
from libs.http.together import Together
from libs.telemetry import traces
from tests.integration.http.conftest import NewNote, Noted, Office

POISON = 2**31  # does not fit the column: the database refuses the whole statement


@pytest.fixture
def sizes(office: Office) -> list[int]:
    """An endpoint POST /shared of the service; how many each of its transactions took."""
    taken: list[int] = []

    async def work(connection: Any, wanted: Sequence[NewNote]) -> list[Answer | Problem]:
        taken.append(len(wanted))
        if any(one.number == POISON for one in wanted):
            raise asyncpg.NumericValueOutOfRangeError("out of range")
        rows = await connection.fetch(
            "INSERT INTO note (text, number) SELECT * FROM unnest($1::text[], $2::int[]) "
            "ON CONFLICT DO NOTHING RETURNING id, text",
            [one.text for one in wanted],
            [one.number for one in wanted],
        )
        ids = {row["text"]: row["id"] for row in rows}
        return [
            Answer(201, Noted(ids[one.text], one.text), f"/notes/{ids[one.text]}")
            if one.text in ids
            else Problem(409, "note-exists", "Đã có")
            for one in wanted
        ]

    together = Together(Writer(office.pool, lambda: None), work)

    @office.app.post("/shared")
    async def add(request: Request, actor: Annotated[Actor, Depends(require("one_stop"))]) -> Response:
        return await together.once(request, actor, await read_body(request, NewNote))

    return taken


async def post(client: httpx.AsyncClient, office: Office, text: str, number: int, key: str = "") -> Any:
    """Add a note."""
    headers = {**office.officer(), "Idempotency-Key": key or str(uuid4())}
    return await client.post("/shared", json={"text": text, "number": number}, headers=headers)


async def test_what_arrives_together_is_committed_together(office: Office, sizes: list[int]) -> None:
    """Forty requests at once need few transactions; each gets its own answer and Location."""
    async with office.client() as client:
        answers = await asyncio.gather(*(post(client, office, f"n{i}", i + 1) for i in range(40)))
    assert {answer.status_code for answer in answers} == {201}
    assert [answer.json()["text"] for answer in answers] == [f"n{i}" for i in range(40)]
    assert all(a.headers["location"] == f"/notes/{a.json()['id']}" for a in answers)
    assert sum(sizes) == 40
    assert len(sizes) <= 10


async def test_one_that_fails_stops_no_other(office: Office, sizes: list[int]) -> None:
    """The transaction with the poisoned one is given up and everybody in it done alone: 19 succeed, one fails."""
    async with office.client() as client:
        wanted = [(f"n{i}", POISON if i == 7 else i + 1) for i in range(20)]
        answers = await asyncio.gather(*(post(client, office, *one) for one in wanted))
    assert [answer.status_code for answer in answers] == [500 if i == 7 else 201 for i in range(20)]
    assert await office.pool.fetchval("SELECT count(*) FROM note") == 19


async def test_refusals_repetitions_and_foreign_keys_among_others(office: Office, sizes: list[int]) -> None:
    """A duplicate is 409, a repeated request gets its first answer, a key used for something else is 422."""
    async with office.client() as client:
        first = await post(client, office, "first", 1, key="k1")
        answers = await asyncio.gather(
            post(client, office, "a", 11),
            post(client, office, "again", 1),
            post(client, office, "first", 1, key="k1"),
            post(client, office, "other", 12, key="k1"),
            post(client, office, "b", 13, key="k2"),
            post(client, office, "b", 13, key="k2"),
        )
    assert [answer.status_code for answer in answers] == [201, 409, 201, 422, 201, 201]
    assert answers[2].content == first.content
    assert answers[4].content == answers[5].content
    kept = await office.pool.fetch("SELECT text FROM note ORDER BY text")
    assert [row["text"] for row in kept] == ["a", "b", "first"]


async def test_without_a_database_everybody_is_told_to_come_back(office: Office, sizes: list[int]) -> None:
    """When no connection is to be had, each waiting request is a 503."""
    held = [await office.pool.acquire() for _ in range(6)]
    try:
        async with office.client() as client:
            answers = await asyncio.gather(*(post(client, office, f"n{i}", i + 1) for i in range(3)))
        assert {answer.status_code for answer in answers} == {503}
    finally:
        for connection in held:
            await office.pool.release(connection)


async def test_what_is_said_together_links_to_every_request(office: Office, sizes: list[int]) -> None:
    """The shared transaction has a span of its own, which links to those of all its requests and to nothing else."""
    exporter = InMemorySpanExporter()
    traces.configure_traces("intake", version="1", endpoint=None, exporter=exporter)
    try:
        async with office.client() as client:
            await asyncio.gather(*(post(client, office, f"n{i}", i + 1) for i in range(8)))
    finally:
        traces.stop_traces()
    finished = exporter.get_finished_spans()
    shared = [each for each in finished if each.name == "write together"]
    requests = [each for each in finished if each.name != "write together"]
    assert len(shared) == len(sizes) < 8
    linked = [link.context.span_id for each in shared for link in each.links]
    assert sorted(linked) == sorted(each.context.span_id for each in requests)
    assert all(each.parent is None for each in shared)

"""Calls between services over real sockets: signed, repeated where that is harmless, recorded where people are read."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import msgspec
import pytest

from libs.http.auth import TokenSigner
from libs.http.client import Refused, ServiceClient, Unavailable
from libs.http.serve import _config, _Server
from tests.integration.http.conftest import Office

DOSSIER = UUID("01933333-4444-7555-8666-123456789012")


class Seen(msgspec.Struct, frozen=True):
    """The answer of the read."""

    purpose: str


async def _nothing() -> None:
    """No background tasks."""


@asynccontextmanager
async def running(office: Office) -> AsyncIterator[str]:
    """The service on a port of its own; gives its base URL."""
    started = asyncio.Event()
    server = _Server(_config(office.app, "127.0.0.1", 0, 1))
    server.when_started = started.set
    server.after_requests = _nothing
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    task = asyncio.create_task(server.serve([listener]))
    async with asyncio.timeout(10):
        await started.wait()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        async with asyncio.timeout(10):
            await task


@asynccontextmanager
async def scripted(answers: list[bytes]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that gives these raw answers one after another (empty: hangs up); gives its URL and what it was sent."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head)
        answer = answers.pop(0) if answers else b""
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", seen


def reply(status: str, content: bytes = b"", *headers: str) -> bytes:
    """A raw HTTP answer that closes the connection."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@pytest.fixture
def signer(office: Office) -> TokenSigner:
    """The signer of the calling service."""
    return TokenSigner.from_file("results", office.keys / "results.pem")


async def test_read_of_people_is_signed_and_recorded(office: Office, signer: TokenSigner) -> None:
    """One row per dossier with who, why and what; reading without a purpose is refused."""
    async with running(office) as url, ServiceClient(url, "intake", signer) as intake:
        seen = await intake.get(f"/people/{DOSSIER}", Seen, purpose="make-document")
        with pytest.raises(Refused) as refused:
            await intake.get(f"/people/{DOSSIER}", Seen)
    assert seen == Seen("make-document")
    assert (refused.value.status, refused.value.slug) == (400, "purpose-required")
    rows = await office.pool.fetch("SELECT actor_kind, actor, purpose, what, dossier_id FROM http.read_log")
    assert [tuple(row) for row in rows] == [("service", "results", "make-document", "people", DOSSIER)]


async def test_busy_service_is_asked_again(signer: TokenSigner) -> None:
    """503 with Retry-After is waited for, then the answer counts."""
    answers = [reply("503 Busy", b"", "Retry-After: 1"), reply("200 OK", b'{"purpose":"a"}')]
    async with scripted(answers) as (url, seen), ServiceClient(url, "intake", signer) as intake:
        began = asyncio.get_running_loop().time()
        assert await intake.get("/a", Seen) == Seen("a")
        assert asyncio.get_running_loop().time() - began >= 1
    assert len(seen) == 2


Call = Callable[[ServiceClient], Awaitable[Seen]]


@pytest.mark.parametrize(
    ("call", "tries"),
    [
        (lambda client: client.get("/a", Seen), 3),
        (lambda client: client.post("/a", {}, Seen, purpose="notify"), 3),
        (lambda client: client.post("/a", {}, Seen, idempotency_key="k"), 3),
        (lambda client: client.post("/a", {}, Seen), 1),
    ],
    ids=["get", "read", "keyed-write", "write"],
)
async def test_only_harmless_calls_are_repeated(signer: TokenSigner, call: Call, tries: int) -> None:
    """A connection that breaks in the middle is tried again for reads and keyed writes only."""
    async with scripted([]) as (url, seen), ServiceClient(url, "intake", signer) as intake:
        with pytest.raises(Unavailable):
            await call(intake)
    assert len(seen) == tries


async def test_refusal_is_final(signer: TokenSigner) -> None:
    """A 409 is told with its slug at once."""
    content = b'{"type":"urn:mot-cua:problem:dossier-exists","status":409}'
    async with (
        scripted([reply("409 Conflict", content)]) as (url, seen),
        ServiceClient(url, "intake", signer) as intake,
    ):
        with pytest.raises(Refused) as refused:
            await intake.post("/a", {}, Seen, idempotency_key="k")
    assert (refused.value.status, refused.value.slug, len(seen)) == (409, "dossier-exists", 1)
    assert b"Idempotency-Key: k" in seen[0]


async def test_a_change_is_sent_once_with_its_method_and_key(signer: TokenSigner) -> None:
    """PATCH and DELETE too: never again by itself, for who asked looks at the screen."""
    answers = [
        reply("200 OK", b'{"purpose": "x"}'),
        reply("204 No Content"),
        reply("503 Service Unavailable"),
    ]
    async with scripted(answers) as (url, seen), ServiceClient(url, "gateway", signer) as gateway:
        changed = await gateway.send("PATCH", "/a", {"b": 1}, Seen, idempotency_key="k1", bearer="person")
        await gateway.send("DELETE", "/a", None, type(None))
        with pytest.raises(Unavailable):
            await gateway.send("DELETE", "/a", None, type(None))
    assert changed == Seen("x")
    assert [head.split(b" ", 1)[0] for head in seen] == [b"PATCH", b"DELETE", b"DELETE"]
    assert b"authorization: bearer person" in seen[0].lower()
    assert b"idempotency-key: k1" in seen[0].lower()
    assert b"idempotency-key" not in seen[1].lower()


async def test_a_stream_is_handed_on_as_it_comes(signer: TokenSigner) -> None:
    """With the place to go on from; one that is refused is a refusal, one that breaks off is a service away."""
    events = b"id: 1\ndata: {}\n\n"
    problem = b'{"type": "urn:mot-cua:problem:too-many-streams", "title": "x"}'
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + events
    answers = [reply("200 OK", events), reply("429 Too Many Requests", problem), broken]
    async with scripted(answers) as (url, seen), ServiceClient(url, "gateway", signer) as gateway:
        query = {"after": "latest"}
        async with gateway.stream("/events", query=query, bearer="person", last_event_id="f-7") as chunks:
            assert b"".join([chunk async for chunk in chunks]) == events
        with pytest.raises(Refused) as refused:
            async with gateway.stream("/events"):
                pass
        with pytest.raises(Unavailable):
            async with gateway.stream("/events") as chunks:
                assert b"".join([chunk async for chunk in chunks])
    assert (refused.value.status, refused.value.slug) == (429, "too-many-streams")
    head = seen[0].lower()
    assert head.startswith(b"get /events?after=latest ")
    for line in (b"accept: text/event-stream", b"last-event-id: f-7", b"authorization: bearer person"):
        assert line in head


async def test_answer_of_another_shape_is_refused_without_its_text(signer: TokenSigner) -> None:
    """What cannot be decoded is an error that does not repeat it."""
    answers = [reply("200 OK", b'{"purpose": 93201000123}')]
    async with scripted(answers) as (url, _), ServiceClient(url, "intake", signer) as intake:
        with pytest.raises(Refused, match="answer-not-understood") as refused:
            await intake.get("/a", Seen)
    assert "93201000123" not in str(refused.value)


async def test_silent_service_ends_at_the_deadline(signer: TokenSigner) -> None:
    """A server that accepts and says nothing costs the deadline, not for ever."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with ServiceClient(url, "intake", signer, deadline_seconds=0.3) as intake:
        with pytest.raises(Unavailable, match=r"deadline|ReadTimeout"):
            await intake.get("/a", Seen)
    listener.close()


async def test_ambiguous_framing_is_refused(office: Office) -> None:
    """Two lengths, or a length and chunks, are 400 at the edge (ASVS 4.2.1)."""
    async with running(office) as url:
        port = int(url.rsplit(":", 1)[1])
        for framing in (
            "Content-Length: 2\r\nContent-Length: 3",
            "Content-Length: 2\r\nTransfer-Encoding: chunked",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"POST /notes HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n{{}}".encode())
            async with asyncio.timeout(5):
                status = await reader.readline()
            writer.close()
            assert status.startswith(b"HTTP/1.1 400"), (framing, status)

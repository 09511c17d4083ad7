"""Every answer is a problem or what an endpoint said; nothing internal, nothing personal."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Annotated
from uuid import UUID

import asyncpg
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from starlette.responses import Response

from libs.http.app import EdgeLimits
from libs.http.auth import Actor, require
from libs.http.bodies import Body, MsgspecResponse, body, read_body
from libs.http.edge import Edge
from libs.http.limits import RateLimit
from libs.http.problems import MEDIA_TYPE, Problem
from libs.telemetry.logs import configure_logs
from tests.unit.http.conftest import Clients, Keys

CANARY = "nguyen-thi-kin-093201000123"
DOSSIER = "019abcde-0000-7000-8000-000000000001"


class Note(Body, frozen=True, kw_only=True):
    """A small body."""

    text: str


@pytest.fixture
def lines() -> Iterator[io.BytesIO]:
    """What is logged during the test."""
    stream = io.BytesIO()
    configure_logs("intake", stream=stream)
    yield stream
    configure_logs("intake", "ERROR")


@pytest.fixture(autouse=True)
def endpoints(app: FastAPI) -> None:
    """Endpoints that succeed and fail in every way."""
    router = APIRouter(prefix="/dossiers")
    failures: dict[str, BaseException] = {
        "value": ValueError(CANARY),
        "timeout": TimeoutError(),
        "closed": asyncpg.InterfaceError(CANARY),
        "full": asyncpg.TooManyConnectionsError(CANARY),
        "locked": asyncpg.LockNotAvailableError(CANARY),
        "text": asyncpg.CharacterNotInRepertoireError(CANARY),
        "unique": asyncpg.UniqueViolationError(CANARY),
        "conflict": Problem(409, "dossier-exists", "Hồ sơ đã có", extra={"dossier": "/dossiers/1"}),
    }
    limit = RateLimit(rate_per_second=0.5, burst=2)

    @router.get("/fail/{how}")
    async def fail(how: str) -> Response:
        raise failures[how]

    @router.post("/{dossier_id}/note", openapi_extra=body(Note, answers={200: Note}))
    async def note(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(require("one_stop"))]
    ) -> Response:
        return MsgspecResponse(await read_body(request, Note, limit_bytes=2048))

    @router.get("/list")
    async def listing(state: Annotated[list[str], Query()], limit: int = 10) -> Response:
        return MsgspecResponse([*state, str(limit)])

    @router.get("/public")
    async def public(request: Request) -> Response:
        limit.check(request)
        return Response(b"", 204)

    app.include_router(router)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", f"/dossiers/{DOSSIER}/note", 405),
        ("TRACE", "/dossiers/list", 405),
        ("GET", "/.git/config", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("GET", "/metrics", 404),
        ("GET", "/dossiers/fail/value", 500),
        ("GET", "/dossiers/fail/unique", 500),
        ("GET", "/dossiers/fail/timeout", 503),
        ("GET", "/dossiers/fail/closed", 503),
        ("GET", "/dossiers/fail/full", 503),
        ("GET", "/dossiers/fail/locked", 503),
        ("GET", "/dossiers/fail/text", 400),
        ("GET", "/dossiers/fail/conflict", 409),
        ("GET", "/dossiers/list?state=a&limit=many", 422),
        ("GET", "/dossiers/list?state=a&limit=1&limit=2", 400),
        ("GET", "/dossiers/list?state=%00", 400),
        ("GET", "/dossiers/fail/%00", 400),
        ("GET", f"/dossiers/list?state={'a' * 5000}", 414),
        ("POST", "/dossiers/12/note", 401),
        ("POST", f"/dossiers/{DOSSIER}/note", 401),
    ],
)
async def test_everything_that_goes_wrong_is_a_problem(
    clients: Clients, lines: io.BytesIO, method: str, path: str, status: int
) -> None:
    """The answer is RFC 9457 with our headers, and neither it nor the log repeats the exception's text."""
    async with clients() as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE)
    document = answer.json()
    assert document["status"] == status
    assert document["type"].startswith("urn:mot-cua:problem:")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert status != 503 or answer.headers["retry-after"] == "2"
    written = lines.getvalue().decode()
    assert CANARY not in answer.text + written
    assert json.loads(written.splitlines()[-1])["status"] == status


async def test_log_line_has_the_template_never_the_path(
    clients: Clients, lines: io.BytesIO, keys: Keys
) -> None:
    """Method, template, status, time, request id and kind of actor; no id, no query, no body, no address."""
    async with clients() as client:
        answer = await client.post(
            f"/dossiers/{DOSSIER}/note?who={CANARY}",
            json={"text": CANARY},
            headers={"Authorization": f"Bearer {keys.officer('one_stop')}"},
        )
    assert answer.json() == {"text": CANARY}
    (line,) = lines.getvalue().decode().splitlines()
    found = json.loads(line)
    assert found.pop("ms") >= 0
    assert found.pop("request_id") == answer.headers["x-request-id"]
    del found["time"]
    assert found == {
        "level": "info",
        "service": "intake",
        "event": "http-request",
        "method": "POST",
        "route": "/dossiers/{dossier_id}/note",
        "status": 200,
        "actor_kind": "officer",
    }


async def test_exception_is_logged_as_type_and_place(clients: Clients, lines: io.BytesIO) -> None:
    """An operator learns the type, our file and line, and PostgreSQL's code."""
    async with clients() as client:
        await client.get("/dossiers/fail/unique")
    line = json.loads(lines.getvalue().splitlines()[0])
    assert (line["event"], line["error_type"], line["sqlstate"]) == (
        "request-failed",
        "UniqueViolationError",
        "23505",
    )
    assert line["frames"][-1].startswith("tests/unit/http/test_edge.py:")


async def test_request_id_is_taken_over_only_as_uuid(clients: Clients) -> None:
    """A caller cannot write into our log through the header."""
    async with clients() as client:
        for given, kept in ((DOSSIER, True), ("0912345678", False), ("a\tb", False)):
            answer = await client.get("/health/live", headers={"X-Request-Id": given})
            assert (answer.headers["x-request-id"] == given) is kept


async def test_wrong_role_is_403_and_wrong_field_is_422(clients: Clients, keys: Keys) -> None:
    """Who may not is told so before the body is looked at."""
    path = f"/dossiers/{DOSSIER}/note"
    async with clients() as client:
        for token, content, status in (
            (keys.officer("hospital"), {"text": 1}, 403),
            (keys.routing.token("intake"), {"text": "a"}, 403),
            (keys.officer("one_stop"), {"text": 1}, 422),
            (keys.officer("one_stop", audience="routing"), {"text": "a"}, 401),
        ):
            answer = await client.post(path, json=content, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == status


async def test_body_beyond_the_limit_is_413_and_other_media_415(clients: Clients, keys: Keys) -> None:
    """Declared or not, a body is read no further than its limit; only JSON is JSON."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"a" * 1024

    sign = {"Authorization": f"Bearer {keys.officer('one_stop')}"}
    path = f"/dossiers/{DOSSIER}/note"
    async with clients() as client:
        long = json.dumps({"text": "a" * 4096}).encode()
        json_type = {**sign, "Content-Type": "application/json"}
        assert (await client.post(path, content=long, headers=json_type)).status_code == 413
        assert (await client.post(path, content=chunks(), headers=json_type)).status_code == 413
        assert (await client.post(path, content=b"{}", headers=sign)).status_code == 415
        text_type = {**sign, "Content-Type": "text/plain"}
        assert (await client.post(path, content=b'{"text":"a"}', headers=text_type)).status_code == 415


async def test_list_parameter_may_be_repeated(clients: Clients) -> None:
    """Only a parameter that an endpoint takes as a list may occur twice."""
    async with clients() as client:
        assert (await client.get("/dossiers/list?state=a&state=b&limit=3")).json() == ["a", "b", "3"]


async def test_public_endpoint_counts_by_peer(clients: Clients) -> None:
    """The third request at once is 429, whoever the caller claims to be; another peer is not touched."""
    async with clients() as client:
        statuses = [
            (await client.get("/dossiers/public", headers={"X-Forwarded-For": f"198.51.100.{n}"})).status_code
            for n in range(3)
        ]
        refused = await client.get("/dossiers/public")
    async with clients("203.0.113.10") as other:
        statuses.append((await other.get("/dossiers/public")).status_code)
    assert statuses == [204, 204, 429, 204]
    assert int(refused.headers["retry-after"]) in (1, 2)


async def test_insiders_read_metrics_and_contract(clients: Clients, keys: Keys) -> None:
    """From loopback without a proxy in between, or as an operator."""
    operator = {"Authorization": f"Bearer {keys.officer('operator')}"}
    async with clients("127.0.0.1") as near, clients() as far:
        described = (await near.get("/openapi.json")).json()
        metrics = (await near.get("/metrics")).text
        proxied = await near.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
        as_operator = await far.get("/metrics", headers=operator)
        as_desk = await far.get("/metrics", headers={"Authorization": f"Bearer {keys.officer('one_stop')}"})
    operation = described["paths"]["/dossiers/{dossier_id}/note"]["post"]
    assert operation["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Note"
    }
    assert [each["name"] for each in operation["parameters"]] == ["dossier_id", "Idempotency-Key"]
    assert described["components"]["schemas"]["Note"]["additionalProperties"] is False
    assert "HTTPValidationError" not in json.dumps(described)
    assert "mot_cua_http_requests_total" in metrics
    assert (proxied.status_code, as_operator.status_code, as_desk.status_code) == (404, 200, 404)


async def test_a_service_of_ours_may_have_the_contract_but_not_the_figures(
    clients: Clients, keys: Keys
) -> None:
    """The portal shows integrators what the gateway understands, wherever the two run."""
    service = {"Authorization": f"Bearer {keys.routing.token('intake')}"}
    desk = {"Authorization": f"Bearer {keys.officer('one_stop')}"}
    async with clients() as far:
        assert (await far.get("/openapi.json", headers=service)).status_code == 200
        assert (await far.get("/openapi.json", headers=desk)).status_code == 404
        assert (await far.get("/metrics", headers=service)).status_code == 404


async def test_draining_service_is_alive_and_not_ready(app: FastAPI, clients: Clients) -> None:
    """While we stop, balancers send nothing new and the supervisor does not kill us."""
    async with clients() as client:
        assert (await client.get("/health/ready")).json() == {"ready": True, "checks": {"database": True}}
        app.state.health.draining = True
        assert (await client.get("/health/ready")).status_code == 503
        assert (await client.get("/health/live")).status_code == 200


async def test_more_than_the_limit_in_flight_is_503() -> None:
    """Requests beyond the limit are turned away at once; the probes are not."""
    release = asyncio.Event()
    begun = asyncio.Semaphore(0)

    async def slow(scope: object, receive: object, send: object) -> None:
        begun.release()
        await release.wait()

    edge = Edge(slow, limits=EdgeLimits(in_flight_max=1))
    sent: list[int] = []

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        if message["type"] == "http.response.start":
            sent.append(message["status"])

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    def scope(path: str) -> dict[str, object]:
        return {
            "type": "http",
            "method": "GET",
            "path": path,
            "query_string": b"",
            "headers": [],
            "client": None,
        }

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(edge(scope("/a"), receive, send))
        await begun.acquire()
        await edge(scope("/b"), receive, send)
        assert sent == [503]
        group.create_task(edge(scope("/health/live"), receive, send))
        await begun.acquire()
        release.set()

"""A service in small on a real database: one table, one write, one read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest_asyncio
from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import Response

from libs.bus.writer import Writer
from libs.database import open_pool
from libs.http.app import Readiness, build_app
from libs.http.auth import Actor, TokenSigner, TokenVerifier, require
from libs.http.bodies import Body, MsgspecResponse, body, read_body
from libs.http.health import database_answers
from libs.http.idempotency import Answer, once
from libs.http.problems import Problem
from libs.http.public_keys import JWKS_NAME, make_key
from libs.http.reads import purpose_of, record_reads
from tests.fixtures.database import DatabaseFactory


class NewNote(Body, frozen=True, kw_only=True):
    """What is written."""

    text: str
    number: int = 0


class Noted(msgspec.Struct, frozen=True):
    """What is answered."""

    id: int
    text: str


class Office(msgspec.Struct, frozen=True):
    """The service, and ways to look behind it."""

    app: FastAPI
    pool: Any
    keys: Path
    app_dsn: str

    def officer(self, subject: str = "officer-7") -> dict[str, str]:
        """Headers of an officer of the one-stop shop."""
        signer = TokenSigner.from_file("identity", self.keys / "identity.pem")
        token = signer.token("intake", subject=subject, kind="officer", agency="a1", roles=["one_stop"])
        return {"Authorization": f"Bearer {token}"}

    def client(self) -> httpx.AsyncClient:
        """Calls the service within the process."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://intake")


def endpoints(pool: Any) -> APIRouter:
    """One write that may be refused, one read that is recorded."""
    router = APIRouter()
    writer = Writer(pool, lambda: None)

    @router.post("/notes", openapi_extra=body(NewNote, answers={201: Noted}))
    async def add(request: Request, actor: Annotated[Actor, Depends(require("one_stop"))]) -> Response:
        wanted = await read_body(request, NewNote)

        async def work(connection: Any) -> Answer:
            try:
                number = await connection.fetchval(
                    "INSERT INTO note (text, number) VALUES ($1, $2) RETURNING id", wanted.text, wanted.number
                )
            except asyncpg.UniqueViolationError:
                raise Problem(409, "note-exists", "Đã có") from None
            return Answer(201, Noted(number, wanted.text), location=f"/notes/{number}")

        return await once(request, actor, writer, work)

    @router.post("/notes/close")
    async def close(request: Request, actor: Annotated[Actor, Depends(require("one_stop"))]) -> Response:
        async def work(connection: Any) -> Answer:
            await connection.execute("UPDATE note SET number = number + 1000")
            return Answer(204)

        return await once(request, actor, writer, work)

    @router.get("/people/{dossier_id}")
    async def people(
        request: Request, dossier_id: UUID, actor: Annotated[Actor, Depends(require(kinds=("service",)))]
    ) -> Response:
        purpose = purpose_of(request)
        async with writer.transaction() as connection:
            await record_reads(connection, actor, purpose, "people", [dossier_id, dossier_id])
        return MsgspecResponse({"purpose": purpose})

    return router


@pytest_asyncio.fixture
async def office(database: DatabaseFactory, tmp_path: Path) -> AsyncIterator[Office]:
    """The service of this test on a database of its own."""
    made = await database("intake")
    owner = await asyncpg.connect(made.migrator_dsn, timeout=10, command_timeout=10)
    await owner.execute(
        "CREATE TABLE note (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL, number int NOT NULL)"
    )
    await owner.execute("CREATE UNIQUE INDEX ON note (number) WHERE number > 0")
    await owner.close(timeout=10)
    for issuer in ("identity", "results"):
        make_key(issuer, tmp_path)
    pool = await open_pool(made.app_dsn, application_name="intake-test", size_max=6)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    async def ready() -> Readiness:
        answers = await database_answers(pool)
        return Readiness(answers, {"database": answers})

    app = build_app(
        service="intake",
        version="1",
        lifespan=lifespan,
        ready=ready,
        verifier=TokenVerifier(tmp_path / JWKS_NAME, "intake"),
    )
    app.include_router(endpoints(pool))
    yield Office(app, pool, tmp_path, made.app_dsn)
    await pool.close()

"""The least an endpoint can do: the same libraries, body and token, and one row committed."""

import os
from typing import Annotated, Any

import asyncpg
import msgspec
from fastapi import Depends, Request, Response

from libs.bus.ids import new_id
from libs.http.app import Readiness, build_app
from libs.http.auth import Actor, TokenVerifier, require
from libs.http.bodies import MsgspecResponse, body, read_body
from libs.http.serve import run, serve
from libs.telemetry.logs import configure_logs
from services.intake.api import NewBirth

TABLES = "CREATE TABLE birth (id uuid PRIMARY KEY, content bytea NOT NULL);"


class Taken(msgspec.Struct):
    """The answer."""

    id: str


async def main() -> None:
    """Answer until told to stop."""
    pool: asyncpg.Pool[Any] = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8)

    async def ready() -> Readiness:
        return Readiness(ready=True, checks={})

    verifier = TokenVerifier(os.environ["PUBLIC_KEYS"], "intake")
    app = build_app(service="intake", version="bench", lifespan=None, ready=ready, verifier=verifier)

    @app.post("/births", status_code=201, openapi_extra=body(NewBirth, answers={201: Taken}))
    async def declare(request: Request, _actor: Annotated[Actor, Depends(require("hospital"))]) -> Response:
        wanted = await read_body(request, NewBirth)
        made = new_id()
        await pool.execute("INSERT INTO birth VALUES ($1, $2)", made, msgspec.json.encode(wanted))
        return MsgspecResponse(Taken(str(made)), status_code=201)

    await serve(app, host="127.0.0.1", port=int(os.environ["HTTP_PORT"]), unready_seconds=0)
    await pool.close()


if __name__ == "__main__":
    configure_logs("intake", "INFO")
    run(main())

"""HTTP as officers and services use it, on the office's database, called in process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest_asyncio

from libs.bus.writer import Writer
from libs.http.app import Readiness, build_app
from libs.http.auth import TokenSigner, TokenVerifier
from libs.http.public_keys import JWKS_NAME, make_key
from services.routing import api, api_desk, api_undo, reading
from services.routing.case import Officer
from tests.integration.routing.conftest import Office

ONE_STOP = Officer(subject="officer-0", agency="one-stop-31340-2025", role="one_stop")


class Desk:
    """HTTP as officers and services use it."""

    def __init__(self, http: httpx.AsyncClient, signers: dict[str, TokenSigner]) -> None:
        self._http = http
        self._signers = signers
        # As in a process that has compared all numbers of before.
        self.numbers_known = asyncio.Event()
        self.numbers_known.set()

    def _headers(self, by: Officer | str, key: str = "") -> dict[str, str]:
        if isinstance(by, str):
            token = self._signers[by].token("routing")
        else:
            token = self._signers["identity"].token(
                "routing", subject=by.subject, kind="officer", agency=by.agency, roles=[by.role]
            )
        return {"Authorization": f"Bearer {token}", "Idempotency-Key": key or str(uuid4())}

    async def post(
        self, by: Officer | str, path: str, body: Any, *, key: str = "", purpose: str = ""
    ) -> httpx.Response:
        headers = self._headers(by, key) | ({"X-Purpose": purpose} if purpose else {})
        return await self._http.post(path, json=body, headers=headers)

    async def get(self, by: Officer | str, path: str, *, purpose: str = "") -> httpx.Response:
        headers = self._headers(by) | ({"X-Purpose": purpose} if purpose else {})
        return await self._http.get(path, headers=headers)


@pytest_asyncio.fixture
async def desk(office: Office, tmp_path: Path) -> AsyncIterator[Desk]:
    """The application on the office's database, called in process."""
    signers = {
        issuer: TokenSigner.from_file(issuer, make_key(issuer, tmp_path))
        for issuer in ("identity", "results", "routing", "portal")
    }

    async def ready() -> Readiness:
        return Readiness(ready=True)

    app = build_app(
        service="routing",
        version="0",
        lifespan=None,
        ready=ready,
        verifier=TokenVerifier(tmp_path / JWKS_NAME, "routing"),
    )
    app.include_router(api.router)
    app.include_router(api_undo.router)
    app.include_router(reading.router)
    app.include_router(api_desk.router)
    app.state.pool, app.state.writer = office.pool, Writer(office.pool, lambda: None)
    app.state.rules = office.rules
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://routing") as http:
        desk = Desk(http, signers)
        app.state.numbers_known = desk.numbers_known
        yield desk

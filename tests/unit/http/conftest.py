"""Keys of a service, the gateway and the identity provider, and an application on them without a database."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from fastapi import FastAPI

from libs.http.app import Readiness, build_app
from libs.http.auth import TokenSigner, TokenVerifier
from libs.http.public_keys import JWKS_NAME, make_key


class Keys(msgspec.Struct, frozen=True):
    """A folder of keys and the signers that use them."""

    folder: Path
    identity: TokenSigner
    routing: TokenSigner
    gateway: TokenSigner

    @property
    def jwks(self) -> Path:
        """The file of public keys."""
        return self.folder / JWKS_NAME

    def officer(self, *roles: str, audience: str = "intake", agency: str = "ward-1") -> str:
        """A token of an officer with these roles."""
        return self.identity.token(audience, subject="officer-7", kind="officer", agency=agency, roles=roles)


Clients = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """New keys for identity, routing and gateway."""
    signers = {
        issuer: TokenSigner.from_file(issuer, make_key(issuer, tmp_path))
        for issuer in ("identity", "routing", "gateway")
    }
    return Keys(tmp_path, signers["identity"], signers["routing"], signers["gateway"])


@pytest.fixture
def app(keys: Keys) -> FastAPI:
    """An application of the service `intake` without endpoints of its own."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield

    async def ready() -> Readiness:
        return Readiness(ready=True, checks={"database": True})

    return build_app(
        service="intake",
        version="1",
        lifespan=lifespan,
        ready=ready,
        verifier=TokenVerifier(keys.jwks, "intake"),
    )


@pytest.fixture
def clients(app: FastAPI) -> Clients:
    """`async with clients() as client`: calls the application as if from `address`."""

    def connect(address: str = "203.0.113.9") -> AbstractAsyncContextManager[httpx.AsyncClient]:
        transport = httpx.ASGITransport(app, client=(address, 4321))
        return httpx.AsyncClient(transport=transport, base_url="http://intake")

    return connect

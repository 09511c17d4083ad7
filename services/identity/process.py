"""One process of identity put together."""

from typing import Any

import asyncpg
from fastapi import FastAPI

from libs.catalogue import Catalogue
from libs.database.transactions import Transactions
from libs.http.app import Readiness
from libs.http.auth import IDENTITY, TokenSigner
from libs.http.health import database_answers
from libs.http.serve import Background
from libs.process.sealing import Sealer
from libs.process.serving import process_app
from libs.process.settings import named
from libs.process.sweeper import Sweeper
from services.identity import api, api_accounts, api_devices, api_officers, api_openid
from services.identity.administration import Directory
from services.identity.housekeeping import Housekeeping
from services.identity.openid import OpenIdSettings, Provider
from services.identity.passwords import Passwords
from services.identity.settings import Settings
from services.identity.signing_in import SignIn

VERSION = "0.1.0"


class Process:
    """What one process of identity consists of, on an open database. Raises SettingsError."""

    def __init__(self, settings: Settings, pool: "asyncpg.Pool[Any]") -> None:
        self._settings = settings
        self._pool = pool
        self.transactions = Transactions(pool)
        with named("ACCOUNT_KEY"):
            self.sealer = Sealer.from_file(settings.account_key)
        with named("SERVICE_KEY"):
            self._signer = TokenSigner.from_file(IDENTITY, settings.service_key)
        with named("CATALOGUE"):
            self.directory = Directory(Catalogue.load(settings.catalogue))
        with named("OPENID_ISSUER"):
            self._provider = provider_of(settings)
        self.passwords = passwords_of(settings)
        self.background: list[Background] = [
            Housekeeping(self.transactions, settings.lifetime).run,
            Sweeper(pool).run,
        ]

    def app(self) -> FastAPI:
        """The HTTP application; the process is closed when it ends."""
        sign_in = SignIn(self.transactions, self.passwords, self.sealer, self._settings.lifetime)
        name = self._provider.settings.name if self._provider else ""
        return process_app(
            self._settings,
            service=IDENTITY,
            version=VERSION,
            ready=self._ready,
            routers=[
                api.build_router(sign_in, self._signer, openid_name=name),
                api_openid.build_router(self.transactions, sign_in, self._provider),
                api_accounts.build_router(self.transactions, self.passwords, self.directory),
                api_devices.build_router(self.transactions),
                api_officers.build_router(self.transactions),
            ],
            closing=[self.close],
        )

    async def close(self) -> None:
        """Close what was opened, when everything that uses it has ended."""
        if self._provider is not None:
            await self._provider.close()
        await self.passwords.close()
        await self._pool.close()

    async def _ready(self) -> Readiness:
        answers = await database_answers(self._pool)
        return Readiness(ready=answers, checks={"database": answers})


def passwords_of(settings: Settings) -> Passwords:
    """Hashing as set. Raises SettingsError."""
    with named("ARGON2_MEMORY_KIB"):
        return Passwords(memory_kib=settings.argon2_memory_kib, passes=settings.argon2_passes)


def provider_of(settings: Settings) -> Provider | None:
    """The provider of OpenID Connect, where one is set. Raises ValueError when it is set in part."""
    if not settings.openid_issuer:
        return None
    return Provider(
        OpenIdSettings(
            issuer=settings.openid_issuer,
            client_id=settings.openid_client_id,
            client_secret=settings.openid_client_secret,
            redirect_url=settings.openid_redirect_url,
            name=settings.openid_name or "OpenID Connect",
            link_by=settings.openid_link_by,
        )
    )

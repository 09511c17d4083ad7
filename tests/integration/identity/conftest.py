"""An identity on a database of its own, the portal before it, and officers with tokens."""

import io
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import msgspec
import pyotp
import pytest
import pytest_asyncio

from libs.database.pool import open_pool
from libs.http.auth import IDENTITY, TokenSigner
from libs.http.public_keys import JWKS_NAME, make_key
from libs.process.sealing import new_sealing_key
from libs.telemetry.logs import configure_logs
from services.identity import administration
from services.identity.administration import NewAccount
from services.identity.domain import Account
from services.identity.one_time_codes import new_secret
from services.identity.process import Process
from services.identity.settings import Settings
from tests.fixtures.database import DatabaseFactory, ServiceDatabase
from tests.fixtures.servers import ROOT

PASSWORD = "Đường về nhà 1995"
ADDRESS = "203.0.113.7"
WARD, COUNTER, HOSPITAL = "civil-status-31340-2025", "one-stop-31340-2025", "hospital-93016"


class House:
    """Everything a test of identity works with."""

    def __init__(self, process: Process, pool: "asyncpg.Pool[Any]", keys: Path) -> None:
        self.process = process
        self.pool = pool
        self.app = process.app()
        self._keys = keys
        # Secrets by login, and what must be in no log and no audit.
        self.totp: dict[str, str] = {}
        self.secrets: set[str] = {PASSWORD}
        self.portal = self.client("portal", "portal", kind="service")

    def client(
        self,
        issuer: str,
        subject: str,
        *,
        kind: str = "officer",
        agency: str = "",
        roles: tuple[str, ...] = (),
    ) -> httpx.AsyncClient:
        """Somebody with a token; each request with an idempotency key of its own."""
        signer = TokenSigner.from_file(issuer, self._keys / f"{issuer}.pem")
        token = signer.token(IDENTITY, subject=subject, kind=kind, agency=agency, roles=roles)

        async def key(request: httpx.Request) -> None:
            request.headers.setdefault("Idempotency-Key", str(uuid4()))

        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://identity",
            headers={"Authorization": f"Bearer {token}"},
            event_hooks={"request": [key]},
        )

    def operator(self) -> httpx.AsyncClient:
        """Whoever keeps the services running."""
        return self.client(IDENTITY, "van-hanh-01", roles=("operator",))

    async def account(
        self,
        login: str = "can-bo-03",
        *,
        agency: str = COUNTER,
        roles: tuple[str, ...] = ("one_stop",),
        totp: bool = False,
        must_change: bool = False,
        email: str = "",
        partner: str = "",
    ) -> Account:
        """An account with PASSWORD."""
        new = NewAccount(
            login=login, name="Nguyễn Thị Mai", agency=agency, roles=roles, email=email, partner=partner
        )
        hashed = await self.process.passwords.hash(PASSWORD)
        account = self.process.directory.account(new, hashed, must_change=must_change)
        if totp:
            self.totp[login] = new_secret()
            self.secrets.add(self.totp[login])
            sealed = self.process.sealer.seal(self.totp[login], account.id)
            account = msgspec.structs.replace(account, totp_secret=sealed)
        async with self.process.transactions.transaction() as conn:
            await administration.add(conn, account, actor="test")
        return account

    async def officer(self) -> Account:
        """Somebody who signs, with a second factor."""
        return await self.account("ho-tich-01", agency=WARD, roles=("civil_status",), totp=True)

    async def sign_in(
        self, login: str = "can-bo-03", password: str = PASSWORD, *, address: str = ADDRESS
    ) -> httpx.Response:
        """POST /sessions."""
        return await self.post("/sessions", login=login, password=password, address=address)

    async def session(self, login: str = "can-bo-03", password: str = PASSWORD) -> tuple[str, str]:
        """A new session: token and what it needs."""
        answer = await self.sign_in(login, password)
        assert answer.status_code == 200, answer.text
        return self.standing(answer)

    def standing(self, answer: httpx.Response) -> tuple[str, str]:
        """Token and what is needed; the token is a secret from now on."""
        assert answer.status_code == 200, answer.text
        given = answer.json()
        self.secrets.add(given["session"])
        return given["session"], given["needs"]

    async def post(self, path: str, **content: Any) -> httpx.Response:
        """The portal asks."""
        return await self.portal.post(path, json=content)

    async def token(self, session: str) -> httpx.Response:
        """POST /sessions/token."""
        return await self.post("/sessions/token", session=session)

    async def code(self, login: str, *, steps: int = 0) -> str:
        """The code of now (by the database's clock, which identity goes by), or some steps away."""
        now: datetime = await self.pool.fetchval("SELECT now()")
        code = pyotp.TOTP(self.totp[login]).at(now + timedelta(seconds=30 * steps))
        self.secrets.add(code)
        return code

    async def age(self, session_seconds: int, *, column: str = "used_at") -> None:
        """Every session was last used (or began) so long before."""
        await self.pool.execute(
            f"UPDATE session SET {column} = {column} - make_interval(secs => $1)", session_seconds
        )

    async def locks_are_over(self) -> None:
        """Whoever had to wait has waited."""
        await self.pool.execute("UPDATE attempt SET locked_until = now()")

    async def events(self, login: str) -> list[str]:
        """What happened to an account, oldest first."""
        rows = await self.pool.fetch(
            "SELECT what FROM account_event e JOIN account a ON a.id = e.account_id WHERE login = $1 ORDER BY e.id",
            login,
        )
        return [row["what"] for row in rows]


@pytest_asyncio.fixture
async def identity_database(database: DatabaseFactory) -> ServiceDatabase:
    """A fresh database of identity."""
    return await database("identity")


@pytest.fixture
def settings(identity_database: ServiceDatabase, tmp_path: Path) -> Callable[..., Settings]:
    """Settings with cheap hashing and keys of the test's own."""
    for issuer in (IDENTITY, "portal", "intake"):
        make_key(issuer, tmp_path)
    (tmp_path / "account.key").write_bytes(new_sealing_key())

    def make(**changes: Any) -> Settings:
        given: dict[str, Any] = {
            "database_url": identity_database.app_dsn,
            "service_key": str(tmp_path / "identity.pem"),
            "account_key": str(tmp_path / "account.key"),
            "public_keys": str(tmp_path / JWKS_NAME),
            "catalogue": str(ROOT / "catalogue"),
            "argon2_memory_kib": 64,
            "argon2_passes": 1,
        }
        return Settings(**(given | changes))

    return make


@pytest_asyncio.fixture
async def houses(settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """`await houses(openid_issuer=…)`: identities with these settings, on one database."""
    made: list[House] = []

    async def make(**changes: Any) -> House:
        given = settings(**changes)
        pool = await open_pool(given.database_url, application_name="identity")
        made.append(House(Process(given, pool), pool, tmp_path))
        return made[-1]

    yield make
    for each in made:
        await each.portal.aclose()
        await each.process.close()


@pytest_asyncio.fixture
async def house(houses: Callable[..., Any]) -> House:
    """An identity without a provider."""
    made: House = await houses()
    return made


@pytest.fixture
def written() -> Iterator[io.BytesIO]:
    """Every line the service writes, libraries' too."""
    stream = io.BytesIO()
    configure_logs("identity", "DEBUG", stream=stream)
    yield stream
    configure_logs("identity", "ERROR")

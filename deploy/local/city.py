"""The whole city on one machine: servers, databases, keys, and every service as its own supervised process."""

import asyncio
import os
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from deploy.local.nats_server import NatsServer, NatsUser
from deploy.local.ports import LOOPBACK
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.processes import Command, ProcessStatus, Supervisor
from deploy.local.remembered import Remembered
from deploy.local.server_folder import ServerError, write_private
from libs.bus.permissions import KEEPER, configuration
from libs.contracts.catalogue import SERVICES
from libs.database.lines import lines_of
from libs.database.migrate import migrate
from libs.database.provision import dsn_for, provision
from libs.http.public_keys import JWKS_NAME, make_key
from services.results.authority import make_authority

ROOT = Path(__file__).parents[2]
READY_DEADLINE_SECONDS = 60.0
IDENTITY = "identity"
# Several applications share one embedded server here; each service keeps a small pool.
POOL_SIZE = 8


class City:
    """A running city. `async with City(folder) as city:` starts it and stops everything at the end.

    `extra` adds settings to services' environments, by service or for all under "*".
    """

    def __init__(self, folder: Path, *, extra: Mapping[str, Mapping[str, str]] | None = None) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._extra = extra or {}
        self._remembered = Remembered(self.folder)
        self.keys = self.folder / "keys"
        self.urls: dict[str, str] = {}
        self.postgres: EmbeddedPostgres | None = None
        self.nats: NatsServer | None = None
        self.supervisor = Supervisor(self.folder / "logs")

    async def __aenter__(self) -> Self:
        await self.supervisor.__aenter__()
        try:
            await self._start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.supervisor.stop_all()
        for server in (self.nats, self.postgres):
            if server is not None:
                await self.supervisor.leave(server.name)
                await server.stop()
        await self.supervisor.__aexit__(kind, error, trace)

    # -- starting --------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        await asyncio.gather(self._start_postgres(), self._start_nats())
        self._make_keys()
        await asyncio.gather(*(self._prepare_database(service) for service in SERVICES))
        self.urls = {service: f"http://{LOOPBACK}:{self._remembered.port(service)}" for service in SERVICES}
        self._write_environments()
        await self.supervisor.start(self.command(KEEPER))
        for service in SERVICES:
            await self.supervisor.start(self.command(service))
        await self.wait_until_ready()

    async def _start_postgres(self) -> None:
        given = os.environ.get("DATABASE_URL")
        if given:
            self.database_url = given
            return
        self.postgres = EmbeddedPostgres(self.folder / "postgres")
        await self.postgres.start()
        self.supervisor.keep(self.postgres)
        self.database_url = self.postgres.admin_dsn

    async def _start_nats(self) -> None:
        if os.environ.get("NATS_URL"):
            return
        users = [
            NatsUser(
                name=user, password=self._remembered.password(f"nats_{user}"), permissions=configuration(user)
            )
            for user in (*SERVICES, KEEPER)
        ]
        self.nats = NatsServer(self.folder / "nats", users=users)
        await self.nats.start()
        self.supervisor.keep(self.nats)

    def _make_keys(self) -> None:
        for issuer in (*SERVICES, IDENTITY):
            make_key(issuer, self.keys)
        make_authority(self.folder / "authority", "Ủy ban nhân dân phường Ngã Bảy")

    async def _prepare_database(self, service: str) -> None:
        await provision(
            self.database_url,
            service,
            migrator_password=self._remembered.password(f"{service}_migrator"),
            app_password=self._remembered.password(f"{service}_app"),
        )
        await migrate(self.dsn(service, "migrator"), lines_of(service))

    def dsn(self, service: str, role: str = "app") -> str:
        """DSN of a service's database for its `app` or `migrator` role."""
        user = f"{service}_{role}"
        return dsn_for(
            self.database_url, database=service, user=user, password=self._remembered.password(user)
        )

    def nats_url(self, user: str) -> str:
        """NATS URL of a service or the keeper; a server given by NATS_URL has one user for all."""
        return self.nats.url_for(user) if self.nats is not None else os.environ["NATS_URL"]

    # -- processes -------------------------------------------------------------------------------------------

    def command(self, name: str) -> Command:
        """How a service or the keeper is started: everything it knows is in its environment."""
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONUNBUFFERED": "1",
            "NATS_URL": self.nats_url(name),
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "INFO"),
        }
        module = "libs.bus"
        if name in SERVICES:
            module = f"services.{name}"
            environment |= self._service_environment(name)
        environment |= self._extra.get("*", {})
        environment |= self._extra.get(name, {})
        verb = "keeper" if name == KEEPER else "serve"
        return Command(
            name=name, argv=(sys.executable, "-m", module, verb), environment=environment, folder=ROOT
        )

    def _service_environment(self, service: str) -> dict[str, str]:
        port = self.urls[service].rsplit(":", 1)[-1]
        authority = self.folder / "authority"
        return {
            "DATABASE_URL": self.dsn(service),
            "POOL_SIZE": str(POOL_SIZE),
            "HTTP_HOST": LOOPBACK,
            "HTTP_PORT": port,
            "SERVICE_KEY": str(self.keys / f"{service}.pem"),
            "PUBLIC_KEYS": str(self.keys / JWKS_NAME),
            "CATALOGUE": str(ROOT / "catalogue"),
            "STORAGE_URL": (self.folder / "storage" / service).as_uri(),
            # Behind one address in production; here papers point at results, receipts at intake.
            "PUBLIC_URL": self.urls["results" if service == "results" else "intake"],
            **{f"{name.upper()}_URL": url for name, url in self.urls.items()},
            "SIGNING_KEY": str(authority / "signing-key.pem"),
            "SIGNING_CERTIFICATE": str(authority / "signing-certificate.pem"),
            "SIGNING_CHAIN": str(authority / "authority.pem"),
        }

    def _write_environments(self) -> None:
        """What an operator's shell needs: `environment/<process>.env`, and the addresses alone in `urls.env`."""
        folder = self.folder / "environment"
        folder.mkdir(exist_ok=True)
        urls = {f"{name.upper()}_URL": url for name, url in self.urls.items()}
        files = {"urls": urls, KEEPER: self.command(KEEPER).environment}
        for service in SERVICES:
            migrator = {"MIGRATOR_DATABASE_URL": self.dsn(service, "migrator")}
            files[service] = {**self.command(service).environment, **migrator}
        for name, environment in files.items():
            lines = [
                f"export {key}={shlex.quote(environment[key])}\n" for key in environment if key != "PATH"
            ]
            write_private(folder / f"{name}.env", "".join(lines).encode())

    async def wait_until_ready(self, *, deadline_seconds: float = READY_DEADLINE_SECONDS) -> None:
        """Until every service answers /health/ready. Raises ServerError naming those that do not."""
        end = time.monotonic() + deadline_seconds
        waiting = set(SERVICES)
        async with httpx.AsyncClient(timeout=2) as client:
            while waiting:
                for service in sorted(waiting):
                    if await _is_ready(client, self.urls[service]):
                        waiting.discard(service)
                if waiting and time.monotonic() > end:
                    names = ", ".join(sorted(waiting))
                    raise ServerError(f"not ready: {names}; see {self.folder / 'logs'}")
                if waiting:
                    await asyncio.sleep(0.1)

    def processes(self) -> list[ProcessStatus]:
        """Every supervised process now."""
        return self.supervisor.status()


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await client.get(f"{url}/health/ready")).status_code == 200
    except httpx.HTTPError:
        return False

"""The whole city on one machine: servers, databases, keys, and every service as its own supervised process."""

import asyncio
import os
import shlex
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg
import httpx

from deploy.local.accounts import StaffAccount, make_accounts, make_sealing_key
from deploy.local.assets import install_assets
from deploy.local.nats_server import MAX_FILE_STORE_BYTES, NatsServer, NatsUser
from deploy.local.partners import ADDRESS_FILE, HOSPITAL_PARTNER, NATS_ADDRESS_FILE, make_partners
from deploy.local.ports import LOOPBACK
from deploy.local.postgres import EmbeddedPostgres
from deploy.local.processes import Command, ProcessStatus, Supervisor, finish_all
from deploy.local.remembered import Remembered
from deploy.local.server_folder import ServerError, log_tail, write_private
from deploy.programs import DATABASES, PORTAL, PROCESSES
from libs.bus.heartbeat import is_ready
from libs.bus.permissions import KEEPER, USERS, configuration
from libs.catalogue import Catalogue
from libs.database.lines import lines_of
from libs.database.migrate import migrate
from libs.database.provision import dsn_for, provision
from libs.http.auth import GATEWAY, IDENTITY
from libs.http.public_keys import JWKS_NAME, make_key
from services.gateway.straight.layout import USER as PARTNERS_USER
from services.gateway.straight.server import configuration as configuration_of_partners
from services.gateway.straight.user_keys import Issuer, new_issuer_pem
from services.results.authority import make_agency_keys, make_authority

ROOT = Path(__file__).parents[2]
# Shared by every city of this checkout: the packages are the same.
ASSETS = ROOT / ".local" / "assets"
READY_DEADLINE_SECONDS = 60.0
KEEPER_STARTS_MAX = 3
# The number of the national portal's own help desk (dichvucong.gov.vn).
HELP_PHONE = "1800 1096"
# Several applications share one embedded server here; each service keeps a small pool.
POOL_SIZE = 8


class City:
    """A running city. `async with City(folder) as city:` starts it and stops everything at the end.

    Its servers are its own. `database_url` and `nats_url` (an administrator's) name existing ones instead: databases,
    roles, streams and durables are made there. `extra` adds settings to the environments of its processes, by name or
    for all under "*". Nothing of this is taken from the environment: whoever tests must not touch a server because a
    shell knows its address.
    """

    def __init__(
        self,
        folder: Path,
        *,
        extra: Mapping[str, Mapping[str, str]] | None = None,
        database_url: str | None = None,
        nats_url: str | None = None,
    ) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._extra = extra or {}
        self._given_database_url = database_url
        self._given_nats_url = nats_url
        self._remembered = Remembered(self.folder)
        self.keys = self.folder / "keys"
        self.account_key = self.folder / "keys" / "account.key"
        self.webhook_key = self.folder / "keys" / "webhooks.key"
        # Private keys of the partners that try things out, and what their programs save.
        self.partners = self.folder / "partners"
        # Where the hospital's software may drop files.
        self.drop = self.folder / "drop"
        self.urls: dict[str, str] = {}
        # Who may sign in at the screens, with passwords to be shown.
        self.accounts: list[StaffAccount] = []
        self.postgres: EmbeddedPostgres | None = None
        self.nats: NatsServer | None = None
        self.partners_nats: NatsServer | None = None
        # By what the gateway lets partners in there.
        self.partners_key = self.folder / "keys" / "partners-nats.pem"
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
        # Whatever does not end, the others are still stopped; then the first failure is told.
        async with AsyncExitStack() as stack:
            stack.push_async_exit(self.supervisor)
            for server in (self.postgres, self.nats, self.partners_nats):
                if server is not None:
                    stack.push_async_callback(server.stop)
                    stack.push_async_callback(self.supervisor.leave, server.name)
            stack.push_async_callback(self.supervisor.stop_all)

    # -- starting --------------------------------------------------------------------------------------------

    async def _start(self) -> None:
        # Each start to its end: one still under way while the other's failure stops the city would be left behind.
        await finish_all(
            self._start_postgres(), self._start_nats(), self._start_partners_nats(), self._install_assets()
        )
        self._make_keys()
        try:
            await finish_all(*(self._prepare_database(service) for service in DATABASES))
        except (OSError, ValueError, asyncpg.PostgresError) as error:
            where = "the PostgreSQL server that was given" if self._given_database_url else "PostgreSQL"
            raise ServerError(f"{where} cannot be used: {type(error).__name__}: {error}") from error
        self.urls = {name: f"http://{LOOPBACK}:{self._remembered.port(name)}" for name in PROCESSES}
        self.accounts = await make_accounts(self.dsn(IDENTITY), self._remembered, self.account_key)
        await make_partners(self.dsn(GATEWAY), self.partners)
        (self.drop / HOSPITAL_PARTNER / "in").mkdir(parents=True, exist_ok=True)
        self._write_environments()
        self.heartbeat.unlink(missing_ok=True)
        await self.supervisor.start(self.command(KEEPER))
        for name in PROCESSES:
            await self.supervisor.start(self.command(name))
        await self.wait_until_ready()

    async def _start_postgres(self) -> None:
        if self._given_database_url:
            self.database_url = self._given_database_url
            return
        self.postgres = EmbeddedPostgres(self.folder / "postgres")
        await self.postgres.start()
        self.supervisor.keep(self.postgres)
        self.database_url = self.postgres.admin_dsn

    async def _start_nats(self) -> None:
        if self._given_nats_url:
            return
        users = [
            NatsUser(
                name=user, password=self._remembered.password(f"nats_{user}"), permissions=configuration(user)
            )
            for user in USERS
        ]
        self.nats = NatsServer(self.folder / "nats", users=users)
        await self.nats.start()
        self.supervisor.keep(self.nats)

    async def _start_partners_nats(self) -> None:
        """The server that partners reach; the city's own is never theirs, whoever runs it."""
        key = self.partners_key
        if not key.exists():
            key.parent.mkdir(parents=True, exist_ok=True)
            write_private(key, new_issuer_pem())
        issuer = Issuer.from_file(str(key))
        user = NatsUser(name=PARTNERS_USER, password=self._remembered.password("partners_nats"))
        accounts = configuration_of_partners(
            issuer=issuer.account,
            nobody=issuer.nobody,
            password=user.password,
            file_bytes_max=MAX_FILE_STORE_BYTES,
        )
        self.partners_nats = NatsServer(
            self.folder / "partners-nats", name="partners-nats", users=[user], accounts=accounts
        )
        await self.partners_nats.start()
        self.supervisor.keep(self.partners_nats)

    async def _install_assets(self) -> None:
        self.assets = await install_assets(ASSETS)

    def _make_keys(self) -> None:
        for issuer in PROCESSES:
            make_key(issuer, self.keys)
        make_sealing_key(self.account_key)
        make_sealing_key(self.webhook_key)
        authority = self.folder / "authority"
        make_authority(authority, "Ủy ban nhân dân phường Ngã Bảy")
        agencies = Catalogue.load(ROOT / "catalogue").agencies()
        make_agency_keys(authority / "agencies", {agency.code: agency.name_vi for agency in agencies})

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
        """NATS URL of a service or the keeper; a server given by its URL has one user for all."""
        if self._given_nats_url:
            return self._given_nats_url
        if self.nats is None:
            raise ServerError("the city's NATS server is not started")
        return self.nats.url_for(user)

    # -- processes -------------------------------------------------------------------------------------------

    @property
    def heartbeat(self) -> Path:
        """The file in which the keeper notes each turn of its watch (libs.bus.heartbeat)."""
        return self.folder / "keeper.alive"

    def command(self, name: str) -> Command:
        """How a service or the keeper is started: everything it knows is in its environment."""
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONUNBUFFERED": "1",
            "LOG_LEVEL": "INFO",
        }
        if name in USERS:
            environment["NATS_URL"] = self.nats_url(name)
        module = "libs.bus"
        if name in PROCESSES:
            module = f"services.{name}"
            environment |= self._service_environment(name)
        else:
            environment["HEARTBEAT_FILE"] = str(self.heartbeat)
        environment |= self._extra.get("*", {})
        environment |= self._extra.get(name, {})
        verb = "keeper" if name == KEEPER else "serve"
        return Command(
            name=name, argv=(sys.executable, "-m", module, verb), environment=environment, folder=ROOT
        )

    def _service_environment(self, service: str) -> dict[str, str]:
        port = self.urls[service].rsplit(":", 1)[-1]
        authority = self.folder / "authority"
        database = {"DATABASE_URL": self.dsn(service)} if service in DATABASES else {}
        return database | {
            "POOL_SIZE": str(POOL_SIZE),
            "HTTP_HOST": LOOPBACK,
            "HTTP_PORT": port,
            "SERVICE_KEY": str(self.keys / f"{service}.pem"),
            "PUBLIC_KEYS": str(self.keys / JWKS_NAME),
            "ACCOUNT_KEY": str(self.account_key),
            "CATALOGUE": str(ROOT / "catalogue"),
            "STORAGE_URL": (self.folder / "storage" / service).as_uri(),
            # What citizens open: links on receipts, papers and letters lead to the portal's pages.
            "PUBLIC_URL": self.urls[PORTAL],
            # What partners open, and their NATS server as the gateway uses it.
            "ISSUER_URL": self.urls[GATEWAY],
            **self._partners_environment(service),
            "DROP_FOLDER": str(self.drop),
            # Nobody who lives in a box exists: whoever tries things out may make up births.
            "SANDBOX": "true",
            "WEBHOOK_KEY": str(self.webhook_key),
            # A receiver to try it with runs on this machine.
            "WEBHOOK_NETWORKS": "127.0.0.0/8",
            **{f"{name.upper()}_URL": url for name, url in self.urls.items()},
            "SIGNING_KEY": str(authority / "signing-key.pem"),
            "SIGNING_CERTIFICATE": str(authority / "signing-certificate.pem"),
            "SIGNING_CHAIN": str(authority / "authority.pem"),
            "SIGNING_AGENCIES": str(authority / "agencies"),
            "ASSETS": str(self.assets),
            "HELP_PHONE": HELP_PHONE,
        }

    def _partners_environment(self, service: str) -> dict[str, str]:
        if service != GATEWAY or self.partners_nats is None:
            return {}
        return {
            "PARTNERS_NATS_URL": self.partners_nats.url_for(PARTNERS_USER),
            "PARTNERS_NATS_KEY": str(self.partners_key),
        }

    def _write_environments(self) -> None:
        """What an operator's shell needs: `environment/<process>.env`, and the addresses alone in `urls.env`."""
        folder = self.folder / "environment"
        folder.mkdir(exist_ok=True)
        urls = {f"{name.upper()}_URL": url for name, url in self.urls.items()}
        files = {"urls": urls, KEEPER: self.command(KEEPER).environment}
        for name in PROCESSES:
            files[name] = self.command(name).environment
        for name in DATABASES:
            files[name] = {**files[name], "MIGRATOR_DATABASE_URL": self.dsn(name, "migrator")}
        (self.partners / ADDRESS_FILE).write_text(f"{self.urls[GATEWAY]}\n")
        if self.partners_nats is not None:
            (self.partners / NATS_ADDRESS_FILE).write_text(f"nats://{LOOPBACK}:{self.partners_nats.port}\n")
        for name, environment in files.items():
            lines = [
                f"export {key}={shlex.quote(environment[key])}\n" for key in environment if key != "PATH"
            ]
            write_private(folder / f"{name}.env", "".join(lines).encode())

    async def wait_until_ready(self, *, deadline_seconds: float = READY_DEADLINE_SECONDS) -> None:
        """Until every service is ready and on the bus, and the keeper has made every stream.

        Raises ServerError naming those that are not, with the last words of the keeper when it is one of them.
        """
        end = time.monotonic() + deadline_seconds
        waiting = {KEEPER, *PROCESSES}
        async with httpx.AsyncClient(timeout=2) as client:
            while waiting:
                for service in sorted(waiting - {KEEPER}):
                    if await _is_ready(client, self.urls[service]):
                        waiting.discard(service)
                if is_ready(self.heartbeat):
                    waiting.discard(KEEPER)
                if waiting and (time.monotonic() > end or (KEEPER in waiting and self._keeper_gave_up())):
                    raise ServerError(self._not_ready(waiting))
                if waiting:
                    await asyncio.sleep(0.1)

    def _keeper_gave_up(self) -> bool:
        """A keeper that ends again and again was refused what it needs; more patience would change nothing."""
        return any(each.name == KEEPER and each.starts > KEEPER_STARTS_MAX for each in self.processes())

    def _not_ready(self, waiting: set[str]) -> str:
        logs = self.folder / "logs"
        text = f"not ready: {', '.join(sorted(waiting))}; see {logs}"
        if KEEPER not in waiting:
            return text
        log = logs / f"{KEEPER}.log"
        where = "the NATS server that was given" if self._given_nats_url else "NATS"
        return f"streams cannot be made on {where} ({text}); end of {log}:\n{log_tail(log)}"

    def processes(self) -> list[ProcessStatus]:
        """Every supervised process now."""
        return self.supervisor.status()


async def _is_ready(client: httpx.AsyncClient, url: str) -> bool:
    """Whether the process is ready and, where it has one, on the bus: without it nothing accepted would move."""
    try:
        answer = await client.get(f"{url}/health/ready")
        return answer.status_code == 200 and bool(answer.json()["checks"].get("bus", True))
    except httpx.HTTPError:
        return False

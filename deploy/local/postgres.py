"""An embedded PostgreSQL in a folder of our own: the wheel's programs, our own port, password, and care."""

import asyncio
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import asyncpg
import psutil

from deploy.local.clean import REACHABLE_ROOT, data_place
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.postgres_binaries import (
    Account,
    can_reach,
    choose_account,
    reachable_binaries,
    wheel_binaries,
)
from deploy.local.server_folder import (
    POLL_SECONDS,
    Remembered,
    ServerError,
    ServerFolder,
    end_child,
    end_leftovers,
    new_password,
)

ADMIN = "postgres"
INITDB_TIMEOUT_SECONDS = 120
CONNECT_TIMEOUT_SECONDS = 5.0
PORT_ATTEMPTS = 5
# After SIGKILL of the main process the others notice by themselves; normally in a few milliseconds.
LEFTOVER_DEADLINE_SECONDS = 10.0

SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "128MB",
    # Fewer checkpoints under load; recovery after a kill still takes seconds.
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Statements and DETAIL lines carry the values of rows: no personal data in logs.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
# For throw-away data only: nothing is forced to disk, so a power failure loses everything.
NOT_DURABLE: Mapping[str, str] = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One PostgreSQL server with its data under `folder`; state, port and password survive restarts."""

    def __init__(
        self,
        folder: Path,
        *,
        binaries: Path | None = None,
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`binaries` is another PostgreSQL's `bin` folder (15-18); `settings` override SETTINGS."""
        self.folder = ServerFolder(folder.absolute())
        self._binaries = binaries
        self._settings = {**SETTINGS, **({} if durable else NOT_DURABLE), **(settings or {})}
        self._account: Account | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._remembered: Remembered | None = None

    @property
    def name(self) -> str:
        """What the supervisor calls this server."""
        return "postgres"

    def is_running(self) -> bool:
        """Whether the main process is alive."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the running server. Raises ServerError when it is not running."""
        if self._child is None or not self.is_running():
            raise ServerError("PostgreSQL is not running")
        return self._child.pid

    @property
    def port(self) -> int:
        """The port of the last start. Raises ServerError before the first."""
        return self._memory().port

    @property
    def admin_dsn(self) -> str:
        """DSN of the superuser on the database `postgres`."""
        # The wheel is built without TLS: asking for it first would cost each connection a round trip.
        return (
            f"postgresql://{ADMIN}:{self._memory().password}@{LOOPBACK}:{self.port}/postgres?sslmode=disable"
        )

    @property
    def data_dir(self) -> Path:
        """PostgreSQL's data directory, wherever it had to be put."""
        return (self.folder.path / "data").resolve()

    async def start(self, *, deadline_seconds: float = 60) -> None:
        """Start and wait until it answers; makes the data directory the first time.

        Ends a server that a killed run left on this data, and removes its pid file. Keeps the port if it is
        free. Raises FolderBusy when another process uses the folder, ServerError with the end of the log
        when it does not come up before the deadline.
        """
        if self.is_running():
            return
        end = time.monotonic() + deadline_seconds
        self.folder.claim()
        try:
            self._account = account = choose_account(self.data_dir)
            binaries = reachable_binaries(self._binaries or wheel_binaries(), account)
            remembered = self.folder.recall()
            if remembered is None:
                self._refuse_forgotten(account)
                remembered = Remembered(port=free_port(), password=new_password())
                # Before the data is made: data whose password was never written down would be lost.
                self.folder.remember(remembered)
            if not (self.data_dir / "PG_VERSION").exists():
                self._initialise(binaries, account, remembered.password)
            await self._clear_leftovers()
            for _ in range(PORT_ATTEMPTS):
                remembered = Remembered(port=free_port(remembered.port), password=remembered.password)
                self._remembered = remembered
                self._launch(binaries, account)
                if await self._answers(end):
                    self.folder.remember(remembered)
                    return
                if self.is_running():
                    break
            raise ServerError(
                f"PostgreSQL did not start; end of {self.folder.log_path}:\n{self.folder.log_tail()}"
            )
        except BaseException:
            await self.stop()
            raise

    async def stop(self, *, deadline_seconds: float = 20) -> None:
        """Stop in order (open transactions roll back); harder after the deadline. Gives the folder back."""
        if self._child is not None:
            await end_child(self._child, (signal.SIGINT, signal.SIGQUIT), deadline_seconds=deadline_seconds)
            self._child = None
        self.folder.release()

    def kill(self) -> None:
        """SIGKILL the main process, as a fault does; `start` recovers."""
        os.kill(self.pid, signal.SIGKILL)
        if self._child is not None:
            self._child.wait(timeout=LEFTOVER_DEADLINE_SECONDS)

    async def restart(self, *, deadline_seconds: float = 60) -> None:
        """Stop in order and start again on the same data and, if nobody took it, the same port."""
        await self.stop()
        await self.start(deadline_seconds=deadline_seconds)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.stop()

    def _memory(self) -> Remembered:
        self._remembered = self._remembered or self.folder.recall()
        if self._remembered is None:
            raise ServerError("PostgreSQL was never started in this folder")
        return self._remembered

    def _refuse_forgotten(self, account: Account) -> None:
        """A new password opens no old data: say where they are before anything is written down."""
        place = self._place_for_data(account)
        if (place / "PG_VERSION").exists():
            memory = self.folder.path / "server.json"
            raise ServerError(
                f"{place} holds a database whose password was in {memory}, which is gone; bring that file back, or "
                "move the data away (`make clean` removes them) to begin anew"
            )

    def _initialise(self, binaries: Path, account: Account, password: str) -> None:
        """Make a fresh data directory, complete or not at all."""
        target = self._place_for_data(account)
        if target.exists():
            raise ServerError(f"{target} is there but is no PostgreSQL data; move it away")
        # `target` is resolved: a folder behind a link is no other place.
        if target.parent != self.folder.path.resolve():
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            (self.folder.path / "data").unlink(missing_ok=True)
            (self.folder.path / "data").symlink_to(target)
        # A killed initdb leaves a half-made directory; nothing in it was ever used.
        for half_made in target.parent.glob(f"{target.name}-*"):
            shutil.rmtree(half_made, ignore_errors=True)
        fresh = target.with_name(f"{target.name}-{secrets.token_hex(4)}")
        fresh.mkdir(mode=0o700)
        password_file = fresh.with_name(f"password-{fresh.name}")
        try:
            password_file.touch(mode=0o600)
            password_file.write_text(password)
            if account.is_other:
                for path in (fresh, password_file):
                    os.chown(path, account.uid, account.gid)
            command = [
                str(binaries / "initdb"),
                f"--pgdata={fresh}",
                f"--username={ADMIN}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                *_locale_arguments(binaries),
                "--no-instructions",
                *(["--no-sync"] if self._settings.get("fsync") == "off" else []),
            ]
            with self.folder.open_log() as log:
                subprocess.run(  # type: ignore[call-overload]
                    command,
                    cwd="/",
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    timeout=INITDB_TIMEOUT_SECONDS,
                    check=True,
                    **account.popen_arguments(),
                )
            fresh.rename(target)
        except subprocess.CalledProcessError as error:
            raise ServerError(f"initdb failed; end of its log:\n{self.folder.log_tail()}") from error
        finally:
            password_file.unlink(missing_ok=True)
            shutil.rmtree(fresh, ignore_errors=True)

    def _place_for_data(self, account: Account) -> Path:
        """Where the data goes: `folder/data`, or (with a link there) a place the account can enter."""
        link = self.folder.path / "data"
        if link.is_symlink() or not account.is_other or can_reach(self.folder.path, account):
            return link.resolve()
        return data_place(self.folder.path, REACHABLE_ROOT)

    async def _clear_leftovers(self) -> None:
        """After kill -9 a pid file and perhaps processes stay; we hold the folder, so we may end them."""
        data = self.data_dir
        pid_file = data / "postmaster.pid"
        if not pid_file.exists():
            return

        def ours(process: psutil.Process) -> bool:
            # Every PostgreSQL process works inside its data directory; a reused pid does not.
            return process.name() == "postgres" and Path(process.cwd()) == data

        await end_leftovers(ours, (signal.SIGINT, signal.SIGQUIT), deadline_seconds=LEFTOVER_DEADLINE_SECONDS)
        pid_file.unlink(missing_ok=True)

    def _launch(self, binaries: Path, account: Account) -> None:
        settings = {**self._settings, "port": str(self.port)}
        command = [str(binaries / "postgres"), "-D", str(self.data_dir)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        with self.folder.open_log() as log:
            self._child = subprocess.Popen(  # type: ignore[call-overload]
                command,
                cwd="/",
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal must not reach it: we stop it after those who use it.
                start_new_session=True,
                **account.popen_arguments(),
            )

    async def _answers(self, end: float) -> bool:
        """Whether it accepts our password before the deadline; False at once when the process ended."""
        while self.is_running() and time.monotonic() < end:
            try:
                connection = await asyncpg.connect(self.admin_dsn, timeout=CONNECT_TIMEOUT_SECONDS)
            except (OSError, TimeoutError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(POLL_SECONDS)
                continue
            await connection.close(timeout=CONNECT_TIMEOUT_SECONDS)
            return True
        return False


def _environment() -> dict[str, str]:
    """No PG* variable of the caller reaches the server, and its messages are in one language."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def _locale_arguments(binaries: Path) -> list[str]:
    """Order by code point, know Unicode's upper and lower case: the same on every machine, without ICU."""
    printed = subprocess.run(
        [str(binaries / "postgres"), "--version"],
        capture_output=True,
        text=True,
        timeout=INITDB_TIMEOUT_SECONDS,
        check=True,
    )
    major = int(printed.stdout.split()[2].split(".")[0])
    if major >= 17:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]

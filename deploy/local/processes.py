"""A small supervisor: keeps commands and embedded servers running, and stops everything it started."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Protocol, Self

import msgspec
import psutil

from deploy.local.server_folder import ServerError, ServerFolder, end_leftovers, open_log

# Every process started here, and its descendants, carry this variable: so those of a killed run are known.
MARK = "MOT_CUA_SUPERVISOR"
LEFTOVER_DEADLINE_SECONDS = 10.0
KILL_DEADLINE_SECONDS = 10.0
SERVER_CHECK_SECONDS = 0.2


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A program to keep running. `environment` is all it gets; `folder` is where it works."""

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path | None = None


class Restarting(msgspec.Struct, frozen=True, kw_only=True):
    """How soon an ended process starts again: the delay doubles until one stays up for `steady_seconds`."""

    delay_seconds: float = 0.5
    delay_max_seconds: float = 30.0
    steady_seconds: float = 10.0


class ProcessStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A supervised process now. `exit_code` is that of its last end (negative: the signal) or None."""

    name: str
    pid: int | None
    starts: int
    exit_code: int | None
    log: Path


class Server(Protocol):
    """What `keep` needs of an embedded server."""

    @property
    def name(self) -> str:
        """The server's name among the supervised."""

    def is_running(self) -> bool:
        """Whether its process is alive."""

    async def start(self) -> None:
        """Start it; raises ServerError."""


class Supervisor:
    """Runs commands as process groups of their own, each with its log file `<log_folder>/<name>.log`."""

    def __init__(self, log_folder: Path, *, restarting: Restarting | None = None) -> None:
        self._folder = ServerFolder(log_folder.absolute())
        self._restarting = restarting or Restarting()
        self._processes: dict[str, _Process] = {}
        self._servers: dict[str, tuple[asyncio.Event, asyncio.Task[None]]] = {}

    async def __aenter__(self) -> Self:
        """Take the log folder and end what a killed run left. Raises FolderBusy."""
        self._folder.claim()
        await end_leftovers(self._is_ours, (signal.SIGTERM,), deadline_seconds=LEFTOVER_DEADLINE_SECONDS)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        try:
            await self.stop_all()
        finally:
            self._folder.release()

    async def start(self, command: Command) -> None:
        """Start a command and keep it running. Raises OSError when there is no such program."""
        if command.name in self._processes:
            raise ServerError(f"{command.name} is supervised already")
        log = self._folder.path / f"{command.name}.log"
        process = _Process(command, log, mark=str(self._folder.path))
        await process.spawn()
        self._processes[command.name] = process
        process.task = asyncio.create_task(process.watch(self._restarting), name=f"watch-{command.name}")

    def keep(self, server: Server) -> None:
        """Start an embedded server again whenever it ends, until `leave`."""
        if server.name not in self._servers:
            leaving = asyncio.Event()
            task = asyncio.create_task(_keep(server, self._restarting, leaving), name=f"keep-{server.name}")
            self._servers[server.name] = (leaving, task)

    async def leave(self, name: str) -> None:
        """Let an embedded server alone, so that somebody may stop it; a start under way ends first."""
        if name in self._servers:
            leaving, task = self._servers.pop(name)
            leaving.set()
            await task

    def signal(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process and its descendants, as a fault does. Raises KeyError, ServerError."""
        if not self._processes[name].send(number):
            raise ServerError(f"{name} is not running")

    async def stop(self, name: str, *, deadline_seconds: float = 20) -> None:
        """SIGTERM, and SIGKILL after the deadline; then it is not supervised any more. Raises KeyError."""
        await self._processes.pop(name).stop(deadline_seconds)

    async def stop_all(self, *, deadline_seconds: float = 20) -> None:
        """Stop every command at once; the embedded servers are left to whoever started them.

        One that does not end keeps no other from being stopped. Raises ServerError afterwards.
        """
        ending = [self.leave(name) for name in list(self._servers)]
        ending += [self.stop(name, deadline_seconds=deadline_seconds) for name in list(self._processes)]
        await finish_all(*ending)

    def status(self) -> list[ProcessStatus]:
        """Every supervised command, in the order they were started."""
        return [process.status() for process in self._processes.values()]

    def _is_ours(self, process: psutil.Process) -> bool:
        marked: bool = process.environ().get(MARK) == str(self._folder.path)
        return marked and process.pid != os.getpid()


class _Process:
    """One supervised command."""

    def __init__(self, command: Command, log: Path, *, mark: str) -> None:
        self.task: asyncio.Task[None] | None = None
        self._command = command
        self._log = log
        self._mark = mark
        self._child: asyncio.subprocess.Process | None = None
        self._started_at = 0.0
        self._starts = 0
        self._exit_code: int | None = None
        self._stopping = asyncio.Event()

    def status(self) -> ProcessStatus:
        return ProcessStatus(
            name=self._command.name,
            pid=self._child.pid if self._child is not None else None,
            starts=self._starts,
            exit_code=self._exit_code,
            log=self._log,
        )

    async def spawn(self) -> None:
        with open_log(self._log) as log:
            self._child = await asyncio.create_subprocess_exec(
                *self._command.argv,
                cwd=self._command.folder,
                env={**self._command.environment, MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal goes to us alone, and we stop the others in order.
                start_new_session=True,
            )
        self._started_at = time.monotonic()
        self._starts += 1

    async def watch(self, restarting: Restarting) -> None:
        """Wait for its end and start it again, more and more slowly while it does not stay up."""
        delay = restarting.delay_seconds
        while True:
            if self._child is not None:
                self._exit_code = await self._child.wait()
                # Descendants that outlive their leader would hold its port and its work.
                self.send(signal.SIGKILL)
                self._child = None
                if time.monotonic() - self._started_at > restarting.steady_seconds:
                    delay = restarting.delay_seconds
            try:
                await asyncio.wait_for(self._stopping.wait(), delay)
            except TimeoutError:
                delay = min(delay * 2, restarting.delay_max_seconds)
            else:
                return
            try:
                await self.spawn()
            except OSError as error:
                with open_log(self._log) as log:
                    log.write(f"supervisor: cannot start: {error.strerror}\n".encode())
            if self._stopping.is_set():
                # `stop` came while there was no process to send its SIGTERM to.
                self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> bool:
        """Signal the whole group; False when nobody is left in it."""
        if self._child is None:
            return False
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            return False
        return True

    async def stop(self, deadline_seconds: float) -> None:
        self._stopping.set()
        if self.task is None:
            return
        self.send(signal.SIGTERM)
        # A process frozen by SIGSTOP sees the SIGTERM only when it goes on.
        self.send(signal.SIGCONT)
        done, _ = await asyncio.wait({self.task}, timeout=deadline_seconds)
        if not done:
            self.send(signal.SIGKILL)
            done, _ = await asyncio.wait({self.task}, timeout=KILL_DEADLINE_SECONDS)
        if not done:
            raise ServerError(f"{self._command.name} does not end")
        self.task.result()


async def finish_all(*work: Awaitable[None]) -> None:
    """Do everything to its end, also when a part fails; then raise the first failure."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if outcome is not None:
            raise outcome


async def _keep(server: Server, restarting: Restarting, leaving: asyncio.Event) -> None:
    delay = restarting.delay_seconds
    while not leaving.is_set():
        pause = SERVER_CHECK_SECONDS
        if not server.is_running():
            try:
                await server.start()
                delay = restarting.delay_seconds
            except ServerError:
                # Its log says why; another try may find the disk or the port free again.
                pause = delay
                delay = min(delay * 2, restarting.delay_max_seconds)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(leaving.wait(), pause)

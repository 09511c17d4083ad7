"""The folder of an embedded server: who holds it, what it must remember, what an earlier run left behind."""

import asyncio
import fcntl
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import msgspec
import psutil

POLL_SECONDS = 0.01
# Between two runs the log of the last one is kept until it has this size.
LOG_LIMIT_BYTES = 10_000_000


class ServerError(Exception):
    """An embedded server could not be started or stopped; the text says which and where its log is."""


class FolderBusy(ServerError):
    """Another running process holds this folder."""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """What must be the same after a restart. `password` is the administrator's."""

    port: int
    monitor_port: int | None = None
    password: str


class ServerFolder:
    """A folder that one process at a time may use; the lock goes when that process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log_path = path / "server.log"
        self._lock: IO[bytes] | None = None

    def claim(self) -> None:
        """Take the folder. Raises FolderBusy when another process has it."""
        if self._lock is not None:
            return
        self.path.mkdir(parents=True, exist_ok=True)
        lock = (self.path / "lock").open("ab")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise FolderBusy(f"{self.path} is in use by another running process") from error
        self._lock = lock

    def release(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def recall(self) -> Remembered | None:
        """What the last run wrote down, or None at the first."""
        try:
            return msgspec.json.decode((self.path / "server.json").read_bytes(), type=Remembered)
        except FileNotFoundError:
            return None

    def remember(self, remembered: Remembered) -> None:
        """Write it down for the next run, readable by the owner only (it holds a password)."""
        write_private(self.path / "server.json", msgspec.json.encode(remembered))

    def open_log(self) -> IO[bytes]:
        """Open the server's log to append to."""
        return open_log(self.log_path)

    def log_tail(self, *, lines_max: int = 15) -> str:
        """The last lines of the log, for an error message."""
        return log_tail(self.log_path, lines_max=lines_max)


def log_tail(path: Path, *, lines_max: int = 15) -> str:
    """The last lines of a log, for an error message."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines_max:])
    except FileNotFoundError:
        return "(no log)"


def open_log(path: Path) -> IO[bytes]:
    """Open a log to append to; a large one is set aside first, and one generation is kept."""
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_name(f"{path.name}.old"))
    return path.open("ab")


def write_private(path: Path, content: bytes) -> None:
    """Replace a file in one step, with mode 0600 from the first moment."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    fresh.replace(path)


def new_password() -> str:
    """A password for a server of our own: 160 random bits, safe in a URL."""
    return secrets.token_urlsafe(20)


async def wait_until(ready: Callable[[], bool], *, deadline_seconds: float) -> bool:
    """Poll a cheap question until it is true; False when the deadline passed first."""
    end = time.monotonic() + deadline_seconds
    while not ready():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(POLL_SECONDS)
    return True


async def end_child(
    child: subprocess.Popen[bytes], signals: Sequence[signal.Signals], *, deadline_seconds: float
) -> None:
    """Send each signal in turn, giving each the deadline; SIGKILL comes last by itself."""
    for number in (*signals, signal.SIGKILL):
        if child.poll() is not None:
            return
        child.send_signal(number)
        if await wait_until(lambda: child.poll() is not None, deadline_seconds=deadline_seconds):
            return
    raise ServerError(f"process {child.pid} does not end")


def processes_where(belongs: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Processes for which `belongs` holds; those that vanish or may not be looked at do not count."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and belongs(process):
                found.append(process)
        except psutil.Error:
            continue
    return found


async def end_leftovers(
    belongs: Callable[[psutil.Process], bool], signals: Sequence[signal.Signals], *, deadline_seconds: float
) -> int:
    """End what a killed run left running, politely first; returns how many processes there were.

    Call it only with the folder claimed: then nobody alive looks after these processes.
    """
    first = processes_where(belongs)
    if not first:
        return 0
    for number in (*signals, signal.SIGKILL):
        for process in processes_where(belongs):
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue
        if await wait_until(lambda: not processes_where(belongs), deadline_seconds=deadline_seconds):
            return len(first)
    raise ServerError(f"processes {[process.pid for process in first]} of an earlier run do not end")

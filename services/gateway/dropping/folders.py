"""The folders of one partner: looked at, claimed from, written to. Every path is one name below an open directory.

The partner can write into its folder, so nothing in it is trusted: directories are opened without following links,
and what is neither a plain file nor of a plain name is set aside without being opened.
"""

import errno
import fcntl
import os
import stat
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

PLACES = ("in", "work", "out", "done", "bad")
NAME_BYTES_MAX = 120
# File systems take 255 bytes, of which the claim needs some.
NAME_CLAIMED_MAX = 200
_TAIL_BYTES = 64
SUFFIXES = (".xml", ".json")
# Names looked at in one turn.
LOOKS_MAX = 2_000
_PRIVATE, _READABLE = 0o600, 0o644
# Between what a file is claimed as and the name it came with.
_MARK = "--"


class NotAFolder(Exception):
    """What stands there is no folder of our own: a link, a file, or nothing that may be read."""


class Changed(Exception):
    """The file was still written to while it was read."""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is now: enough to tell whether somebody still writes to it, and since when it lies there.

    `names` counts the names it has: a second one is another folder's, or is just being taken away.
    """

    name: str
    bytes: int
    changed_ns: int
    moved_ns: int
    plain: bool
    names: int


class Folder:
    """One partner's folder, open. Close it."""

    def __init__(self, path: Path) -> None:
        """Open it and make its places where they are missing. Raises NotAFolder, or OSError of the file system."""
        self._top = _open(str(path), None)
        self._at: dict[str, int] = {}
        try:
            for place in PLACES:
                with suppress(FileExistsError):
                    os.mkdir(place, 0o750 if place in ("in", "out") else 0o700, dir_fd=self._top)
                self._at[place] = _open(place, self._top)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the directories."""
        for descriptor in (*self._at.values(), self._top):
            os.close(descriptor)
        self._at = {}

    def files(self, place: str) -> Iterator[Seen]:
        """What lies there, oldest first; hidden names are somebody's temporary files and none of ours."""
        with os.scandir(self._at[place]) as entries:
            names = sorted(entry.name for _, entry in zip(range(LOOKS_MAX), entries, strict=False))
        for name in names:
            if name.startswith("."):
                continue
            try:
                now = os.stat(name, dir_fd=self._at[place], follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield Seen(
                name=name,
                bytes=now.st_size,
                changed_ns=now.st_mtime_ns,
                moved_ns=now.st_ctime_ns,
                plain=stat.S_ISREG(now.st_mode),
                names=now.st_nlink,
            )

    def ends_whole(self, name: str) -> bool:
        """Whether a file of `in` ends as XML and JSON do; one that cannot be read does not."""
        try:
            descriptor = self._opened("in", name)
        except OSError:
            return False
        try:
            os.lseek(descriptor, -min(_TAIL_BYTES, os.fstat(descriptor).st_size), os.SEEK_END)
            # UTF-16 ends with a zero byte; a file whose place was only reserved ends with many.
            tail = os.read(descriptor, _TAIL_BYTES).rstrip().removesuffix(b"\0").rstrip()
        finally:
            os.close(descriptor)
        return tail.endswith((b">", b"}"))

    def claim(self, name: str, claimed: str) -> bool:
        """Take a file out of `in`; False when another process was faster."""
        # A name cut short has no suffix any more and is refused for it.
        kept = os.fsdecode(os.fsencode(name)[:NAME_CLAIMED_MAX])
        try:
            os.rename(name, f"{claimed}{_MARK}{kept}", src_dir_fd=self._at["in"], dst_dir_fd=self._at["work"])
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def held(self, claimed: str) -> Iterator[int | None]:
        """The claimed file, open and locked; None when another process has it in hand, or has finished it.

        The lock goes with the process: what a dead one has left is taken up by the next.
        """
        try:
            descriptor = self._opened("work", claimed)
        except FileNotFoundError:
            yield None
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # It may have been finished between the opening and the lock.
            os.stat(claimed, dir_fd=self._at["work"], follow_symlinks=False)
        except (BlockingIOError, FileNotFoundError):
            os.close(descriptor)
            yield None
            return
        try:
            # One that belongs to another user stays as it is: the folder itself is closed to others.
            with suppress(PermissionError):
                os.fchmod(descriptor, _PRIVATE)
            yield descriptor
        finally:
            os.close(descriptor)

    def write(self, place: str, name: str, content: bytes) -> None:
        """Write a file so that it is there whole or not at all, also after a power cut. Raises OSError."""
        mode = _READABLE if place == "out" else _PRIVATE
        temporary = f".{name}.{os.getpid()}.tmp"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(temporary, flags, mode, dir_fd=self._at[place])
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(temporary, name, src_dir_fd=self._at[place], dst_dir_fd=self._at[place])
        except OSError:
            self._unlink(place, temporary)
            raise
        os.fsync(self._at[place])

    def read(self, place: str, name: str, limit_bytes: int) -> bytes | None:
        """A small file of our own; None where there is none."""
        try:
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._at[place])
        except OSError:
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read(limit_bytes)

    def finish(self, claimed: str, place: str, name: str) -> None:
        """Move a claimed file to `done` or `bad`. Raises OSError."""
        os.rename(claimed, name, src_dir_fd=self._at["work"], dst_dir_fd=self._at[place])
        os.fsync(self._at[place])
        os.fsync(self._at["work"])

    def forget(self, place: str, older_than: float) -> int:
        """Delete what was moved or written there before a moment (seconds since 1970); how many."""
        deleted = 0
        for seen in list(self.files(place)):
            if seen.moved_ns < older_than * 1e9:
                deleted += self._unlink(place, seen.name)
        return deleted

    def _opened(self, place: str, name: str) -> int:
        """A file of any kind, open without waiting for it: a pipe under this name must not hold us."""
        flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            # Some shared file systems lock only what is open for writing.
            return os.open(name, os.O_RDWR | flags, dir_fd=self._at[place])
        except PermissionError:
            return os.open(name, os.O_RDONLY | flags, dir_fd=self._at[place])

    def _unlink(self, place: str, name: str) -> bool:
        try:
            os.unlink(name, dir_fd=self._at[place])
        except OSError:
            return False
        return True


def read_all(descriptor: int, limit_bytes: int) -> bytes:
    """The content of an open file, read no further than one byte beyond `limit_bytes`. Raises Changed."""
    before = os.fstat(descriptor)
    os.lseek(descriptor, 0, os.SEEK_SET)
    content = bytearray()
    while len(content) <= limit_bytes:
        part = os.read(descriptor, min(1 << 20, limit_bytes + 1 - len(content)))
        if not part:
            break
        content += part
    after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise Changed
    return bytes(content)


def is_plain_name(name: str) -> bool:
    """Whether a name can be part of the names we write: readable text of one line, not too long, with our suffix."""
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        # Bytes of another encoding.
        return False
    return (
        len(encoded) <= NAME_BYTES_MAX
        and name.lower().endswith(SUFFIXES)
        and not any(unicodedata.category(sign)[0] in "CZ" and sign != " " for sign in name)
    )


def claimed_as(name: str) -> str:
    """The name a claimed file came with."""
    return name.partition(_MARK)[2]


def _open(name: str, above: int | None) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.ENOENT, errno.EACCES):
            raise NotAFolder(name) from None
        raise

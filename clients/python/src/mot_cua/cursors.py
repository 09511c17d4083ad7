"""Where a reader keeps its place in the feed. Yours may be a row of the database you act on the events in."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Protocol


class CursorStore(Protocol):
    """Keeps one cursor. `save` returns when it is safe, and not before."""

    def load(self) -> str | None:
        """The cursor saved last; None: none yet."""

    def save(self, cursor: str) -> None:
        """Keep this cursor in place of the one before."""


class AsyncCursorStore(Protocol):
    """The same, awaited; for AsyncClient only."""

    async def load(self) -> str | None:
        """The cursor saved last; None: none yet."""

    async def save(self, cursor: str) -> None:
        """Keep this cursor in place of the one before."""


class MemoryCursor:
    """Keeps it as long as the program runs. `cursor` is where to begin."""

    def __init__(self, cursor: str | None = None) -> None:
        self.cursor = cursor

    def load(self) -> str | None:
        """The cursor saved last."""
        return self.cursor

    def save(self, cursor: str) -> None:
        """Keep it."""
        self.cursor = cursor


class FileCursor:
    """Keeps it in a file that always holds one whole cursor, the old or the new, also after a power failure.

    One reader a file: two would overwrite each other's place.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def load(self) -> str | None:
        """What the file says; None when there is no file. Raises OSError."""
        try:
            return self.path.read_text(encoding="ascii").strip() or None
        except FileNotFoundError:
            return None

    def save(self, cursor: str) -> None:
        """Write a new file, have it on the disk, and put it in the old one's place. Raises OSError."""
        folder = self.path.parent
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=folder)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(cursor + "\n")
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    """Have the new name on the disk as well. Windows opens no folders, and keeps its names itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

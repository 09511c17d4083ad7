"""A sign of life in a file, for a program that listens on no port.

Written at every turn of its loop, whether NATS answers or not: the age of the file says whether the loop turns, its
content whether everything it keeps was there at that turn.
"""

import time
from pathlib import Path

# The keeper's longest turn: a rebuild, or a server that lets each request wait, ends well before this.
AGE_SECONDS_MAX = 120.0
READY, WAITING = "ready", "waiting"


def beat(file: Path, *, ready: bool) -> None:
    """Note a turn, in one step: nobody reads half a word."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(READY if ready else WAITING)
    fresh.replace(file)


def is_alive(file: Path) -> bool:
    """Whether the loop has turned in the last AGE_SECONDS_MAX."""
    try:
        return time.time() - file.stat().st_mtime < AGE_SECONDS_MAX
    except FileNotFoundError:
        return False


def is_ready(file: Path) -> bool:
    """Whether it is alive, and all was well at its last turn."""
    try:
        return is_alive(file) and file.read_text() == READY
    except FileNotFoundError:
        return False

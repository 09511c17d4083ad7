"""UUIDs as rows give them, for values that leave the database's side."""

from typing import Any
from uuid import UUID


def plain(found: Any) -> UUID:
    """The same as a plain UUID: asyncpg's own kind, which rows hold, is one that msgspec does not encode."""
    return UUID(int=found.int)

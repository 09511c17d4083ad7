"""Một Cửa for other systems: events with a saved cursor, webhooks verified, births declared and steps done.

Everything is here in two forms with one surface: `Client` blocks, `AsyncClient` is awaited.
"""

from mot_cua import errors, events, webhooks
from mot_cua.client import AsyncClient, Client
from mot_cua.cursors import AsyncCursorStore, CursorStore, FileCursor, MemoryCursor
from mot_cua.event import Event, Unknown
from mot_cua.feed import AsyncFeed, Feed
from mot_cua.keys import SigningKey
from mot_cua.saying import Outcome, Said

__all__ = [
    "AsyncClient",
    "AsyncCursorStore",
    "AsyncFeed",
    "Client",
    "CursorStore",
    "Event",
    "Feed",
    "FileCursor",
    "MemoryCursor",
    "Outcome",
    "Said",
    "SigningKey",
    "Unknown",
    "errors",
    "events",
    "webhooks",
]

"""Moments that are sent to the gateway."""

from datetime import datetime


def zoned(moment: datetime) -> datetime:
    """The moment, if it carries its zone. Raises ValueError for one without: nobody could tell when it is."""
    if moment.tzinfo is None:
        raise ValueError("a moment carries its zone: datetime(…, tzinfo=UTC)")
    return moment

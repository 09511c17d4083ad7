"""When an event is tried again, and when an endpoint counts as failing: the retry table of Standard Webhooks."""

import msgspec

# Seconds before each attempt, from the one before: 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h.
TABLE = (0.0, 5.0, 300.0, 1800.0, 7200.0, 18000.0, 36000.0, 50400.0, 72000.0, 86400.0)
# So that those that failed together do not come back together.
JITTER = 0.1
# What a receiver may ask for with Retry-After; more is our own table's business.
RETRY_AFTER_SECONDS_MAX = 3600.0


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """The retry table, and the run of failures after which an endpoint is failing."""

    table: tuple[float, ...] = TABLE
    failures_max: int = 10
    # A receiver that hangs holds what others need: fewer of its time-outs suffice.
    timeouts_max: int = 3

    def wait_seconds(self, tries: int, draw: float) -> float | None:
        """How long after `tries` failed attempts the next one is due; None when there is none. `draw` is in [0, 1)."""
        if tries >= len(self.table):
            return None
        return self.table[tries] * (1 + JITTER * draw)


def retry_after_seconds(text: str) -> float:
    """What a Retry-After header in seconds asks for, within bounds; 0 for anything else."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return 0.0
    return min(float(text), RETRY_AFTER_SECONDS_MAX)

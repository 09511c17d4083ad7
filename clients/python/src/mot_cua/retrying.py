"""When to try again: pauses that grow, with jitter, never shorter than the other side asked for."""

import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

FIRST_SECONDS = 0.5
PAUSE_SECONDS_MAX = 30.0
# A Retry-After beyond this is a maintenance page's; who waits longer should be told by somebody, not by a header.
RETRY_AFTER_SECONDS_MAX = 3600.0


class Backoff:
    """Pauses of one run of failures: full jitter below a bound that doubles, up to PAUSE_SECONDS_MAX."""

    def __init__(self, draw: Callable[[], float] = random.random) -> None:
        self._draw = draw
        self._failures = 0

    def reset(self) -> None:
        """It went well: the next failure is a first one."""
        self._failures = 0

    def pause(self, asked_seconds: float | None = None) -> float:
        """How long to wait now, in seconds: at least what was asked for, and then not everybody at one moment."""
        bound = min(PAUSE_SECONDS_MAX, FIRST_SECONDS * (1 << min(self._failures, 10)))
        self._failures += 1
        jitter = bound * self._draw()
        return jitter if asked_seconds is None else asked_seconds + min(jitter, 1.0)


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Retry-After in seconds (RFC 9110 10.2.3: a number, or a date); None when there is none that can be read."""
    written = headers.get("retry-after", "").strip()
    if not written:
        return None
    if written.isascii() and written.isdigit():
        seconds = float(written[:9])
    else:
        try:
            at = parsedate_to_datetime(written)
        except ValueError:
            return None
        seconds = float((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) - now()
    return min(max(seconds, 0.0), RETRY_AFTER_SECONDS_MAX)

"""Ids that sort by the time they were made: UUID version 7 (RFC 9562, 5.7), monotone within a process."""

import os
import threading
import time
from uuid import UUID

_TAIL_BITS = 74
_VERSION_AND_VARIANT = (7 << 76) | (0b10 << 62)
# A tail starts below this and grows by at most 2**32 per id, so a millisecond holds at least 2**41 ids.
_TAIL_START_BITS = 73


class _Maker:
    """The last id's time and random part."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._milliseconds = 0
        self._tail = 0

    def next(self) -> UUID:
        noise = int.from_bytes(os.urandom(14), "big")
        now_ms = time.time_ns() // 1_000_000
        with self._lock:
            if now_ms > self._milliseconds:
                self._milliseconds, self._tail = now_ms, noise & ((1 << _TAIL_START_BITS) - 1)
            else:
                grown = self._tail + 1 + (noise & 0xFFFF_FFFF)
                self._milliseconds += grown >> _TAIL_BITS
                self._tail = grown & ((1 << _TAIL_BITS) - 1)
            milliseconds, tail = self._milliseconds, self._tail
        high, low = tail >> 62, tail & ((1 << 62) - 1)
        return UUID(int=(milliseconds & 0xFFFF_FFFF_FFFF) << 80 | high << 64 | low | _VERSION_AND_VARIANT)


_maker = _Maker()


def new_id() -> UUID:
    """A new id, greater than every id this process made before, also when the clock steps back.

    48 bits of Unix time in milliseconds, then 74 random bits; within one millisecond the random part grows by a
    random step (RFC 9562, 6.2, method 2).
    """
    return _maker.next()

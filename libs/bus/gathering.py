"""How long to let work gather after a small batch.

A batch costs much the same whether it has one message or a hundred. When little comes, waiting as long as the batch
took costs nobody much and saves work where a few come together. When much comes, the batches of a service that keeps
up would stay small and its work dear: so the fuller a batch was, the longer the next may grow. It is a trade: compared
with a pause that is always the batch's own time, 90 births a second took 1.4 cores instead of 1.75, and a dossier 0.5 s
instead of 0.4 (medians of three runs in turn).

The pause must not feed itself. At a rate r and a time T of a batch it settles while r x T stays below FEW and jumps to
its limit beyond: that must happen well above the load at which people wait for single dossiers. (With 4 instead of 8,
a dossier at 20 births a second took now 80 ms, now 220.)
"""

import msgspec

# Up to so many at once nobody is waiting in a queue: the pause is only as long as the batch took.
FEW = 8


class Gathering(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of waiting for more. A batch of `below` or more is followed by the next at once."""

    seconds_max: float = 0.1
    below: int = 192

    def pause_seconds(self, count: int, took_seconds: float) -> float:
        """How long to wait after a batch of `count` that took `took_seconds`."""
        if not 0 < count < self.below:
            return 0.0
        return min(took_seconds * max(1.0, count / FEW), self.seconds_max)

"""How long to let work gather after a small batch.

A batch costs much the same whether it has one message or a hundred. When little comes, waiting as long as the batch
took costs nobody much and saves work where a few come together. When much comes, the batches of a service that keeps
up would stay small and its work dear: so the fuller a batch was, the longer the next may grow.

The pause must not feed itself where people wait for single dossiers. Messages that come at a rate r make it grow to
its limit from r = 1 / SECONDS_EACH on, some 35 births a second, however long a batch takes. (When it was the
batch's time multiplied by its size, every delay on a busy machine came back several times as long.)
"""

import msgspec

# What each message of a batch adds to the pause after it.
SECONDS_EACH = 0.002


class Gathering(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of waiting for more. A batch of `below` or more is followed by the next at once.

    `seconds_min`: how long at least, for a service nobody waits for in milliseconds. Of what comes with a few others it
    makes one batch; what comes alone is still dealt with at once.
    """

    seconds_min: float = 0.0
    seconds_max: float = 0.1
    below: int = 192

    def pause_seconds(self, count: int, took_seconds: float) -> float:
        """How long to wait after a batch of `count` that took `took_seconds`."""
        if not 0 < count < self.below:
            return 0.0
        return min(max(took_seconds, count * SECONDS_EACH, self.seconds_min), self.seconds_max)

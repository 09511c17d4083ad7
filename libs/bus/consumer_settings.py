"""The limits of a consumer, and how it says it is."""

from datetime import datetime

import msgspec

from libs.bus.gathering import Gathering


class ConsumerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one consumer process; the defaults are those of the law (blueprint 5)."""

    # More lanes are quicker with a long queue only (a twentieth), and dearer while there is none: twice the batches.
    # They do not keep one locked dossier from holding others up: splitting the batch does (settling.py).
    lanes: int = 1
    batch_messages_max: int = 256
    # Four batches: one is being worked on while the next arrive. UNHURRIED's are so large that one more is enough.
    window_messages: int = 1024
    gathering: Gathering = Gathering()
    # How long messages that are only to be counted wait for one to act on.
    company_seconds: float = 0.05
    failures_max: int = 20
    unfinished_max: int = 3
    dead_letters_in_row_max: int = 20
    hold_seconds: float = 0.5
    hold_retry_seconds: float = 0.05
    gap_alarm_seconds: float = 60.0
    gap_nak_seconds_max: float = 30.0
    failure_nak_seconds: float = 1.0
    failure_nak_seconds_max: float = 300.0
    refused_nak_seconds: float = 5.0
    # One try of a batch; below the streams' ack_wait (30 s), so that another replica seldom gets it meanwhile.
    batch_seconds_max: float = 20.0
    # How long a batch that met another transaction is split to find the dossiers it holds.
    split_seconds_max: float = 5.0
    outage_seconds_max: float = 10.0
    drain_seconds_max: float = 20.0


# For a service that hears all that is said and for which nobody waits in milliseconds: more of it shares a transaction.
# What comes alone is still dealt with at once (gathering.py).
UNHURRIED = ConsumerSettings(
    batch_messages_max=1024,
    window_messages=2048,
    gathering=Gathering(seconds_min=0.1, seconds_max=0.25, below=768),
)


class ConsumerStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a consumer is; `lag` counts messages not yet settled, `gaps_waiting` and dead letters are this process's."""

    lag: int
    in_flight: int
    last_progress: datetime | None
    stopped_reason: str
    gaps_waiting: int
    dead_letters_in_row: int

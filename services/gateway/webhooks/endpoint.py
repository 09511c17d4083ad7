"""Endpoints and what was delivered to them, as they are kept and as partners see them."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

ACTIVE, FAILING, PAUSED, DISABLED = "active", "failing", "paused", "disabled"
PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"
# Why an endpoint is disabled.
GONE, EXHAUSTED = "gone", "exhausted"
RECOVER, REPLAY_MISSING = "recover", "replay-missing"
RUNNING, DONE = "running", "done"
TEST_TYPE = "gateway.webhook-tested.v1"
# How long it is known what was delivered, and with which attempts.
KEEP_DAYS = 30
# Attempts that are kept of one delivery; resends by hand may be more than the retry table has.
ATTEMPTS_MAX = 30


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A signing secret as it is kept; it counts until `not_after`."""

    id: UUID
    sealed: bytes
    added_at: datetime
    not_after: datetime | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as it is kept."""

    id: UUID
    partner: str
    url: str
    types: tuple[str, ...]
    description: str
    state: str
    reason: str
    cursor: int
    version: int
    created_at: datetime
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    failing_since: datetime | None = None
    secrets: tuple[Secret, ...] = ()

    def counting(self, now: datetime) -> tuple[Secret, ...]:
        """The secrets that sign now."""
        return tuple(each for each in self.secrets if each.not_after is None or now < each.not_after)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt as it is kept and shown. `status` is 0 when there was no answer."""

    at: datetime
    status: int
    milliseconds: int
    error: str
    response_body: str
    manual: bool = False


def written(attempt: Attempt) -> str:
    """An attempt as the database keeps it."""
    return msgspec.json.encode(attempt).decode()


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one endpoint. `position` is its place in the feed; an event of a test has a `body` instead."""

    event_id: UUID
    position: int | None
    type: str
    dossier_id: UUID
    occurred_at: datetime
    state: str
    tries: int
    next_attempt_at: datetime
    attempts_made: int
    attempts: tuple[Attempt, ...] = ()
    body: bytes | None = None
    replay: UUID | None = None


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What a partner has asked to be sent again, or for the first time."""

    id: UUID
    endpoint: UUID
    kind: str
    since: datetime
    after: int
    until: int
    state: str
    total: int
    done: int


# --- as partners see them -------------------------------------------------------------------------------------------


class ShownSecret(msgspec.Struct, frozen=True, kw_only=True):
    """That there is a secret, and until when it counts."""

    added_at: datetime
    not_after: datetime | None


class ShownEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint. `waiting` counts events not yet delivered; `waiting_more`: there may be more than were counted.

    It counts up to 1,000, looks at 5,000 events of the feed, and of a replay counts what is lined up. `failing_event`:
    the oldest of them that was refused.
    """

    id: UUID
    url: str
    types: tuple[str, ...]
    description: str
    state: str
    state_reason: str
    cursor: str
    waiting: int
    waiting_more: bool
    last_success_at: datetime | None
    last_failure_at: datetime | None
    failing_since: datetime | None
    next_attempt_at: datetime | None
    failing_event: UUID | None
    created_at: datetime
    secrets: tuple[ShownSecret, ...]


class ShownRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent, as it would be signed at the last attempt's time with the secrets that count now."""

    headers: dict[str, str]
    body: str


class ShownDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery. `next_attempt_at` is null when it is due, waits behind another of its dossier, or has ended.

    `waits_for`, where one delivery is asked for: the event of its dossier that was refused and must be delivered first.
    """

    event_id: UUID
    type: str
    dossier_id: UUID
    occurred_at: datetime
    state: str
    test: bool
    attempts_made: int
    next_attempt_at: datetime | None
    attempts: tuple[Attempt, ...] | msgspec.UnsetType = msgspec.UNSET
    request: ShownRequest | msgspec.UnsetType | None = msgspec.UNSET
    waits_for: UUID | msgspec.UnsetType | None = msgspec.UNSET


class ShownReplay(msgspec.Struct, frozen=True, kw_only=True):
    """How far a replay is: `total` found so far, `done` of them lined up; done when each was attempted."""

    id: UUID
    kind: str
    since: datetime
    state: str
    total: int
    done: int


def shown_delivery(delivery: Delivery, now: datetime, **more: Any) -> ShownDelivery:
    """A delivery for its partner."""
    later = delivery.state == PENDING and delivery.next_attempt_at > now
    return ShownDelivery(
        event_id=delivery.event_id,
        type=delivery.type,
        dossier_id=delivery.dossier_id,
        occurred_at=delivery.occurred_at,
        state=delivery.state,
        test=delivery.position is None,
        attempts_made=delivery.attempts_made,
        next_attempt_at=delivery.next_attempt_at if later else None,
        **more,
    )


def shown_replay(replay: Replay) -> ShownReplay:
    """A replay for its partner."""
    return ShownReplay(
        id=replay.id,
        kind=replay.kind,
        since=replay.since,
        state=replay.state,
        total=replay.total,
        done=replay.done,
    )

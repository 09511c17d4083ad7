"""How an endpoint stands after the answers it has given: trusted, failing, recovered, given up. Pure."""

from datetime import datetime
from uuid import UUID

import msgspec

from services.gateway.webhooks.endpoint import ACTIVE, DISABLED, EXHAUSTED, FAILING, GONE, Endpoint
from services.gateway.webhooks.schedule import Schedule
from services.gateway.webhooks.sending import GONE_STATUS, Attempted


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The endpoint's state is another one, since a moment."""

    endpoint: UUID
    partner: str
    # Of the endpoint as it was judged: a deed of its partner since then stands above it.
    version: int
    state: str
    reason: str = ""
    at: datetime


class Health:
    """One endpoint's."""

    def __init__(self, endpoint: Endpoint, schedule: Schedule) -> None:
        self.state = endpoint.state
        self.last_success_at = endpoint.last_success_at
        self.last_failure_at = endpoint.last_failure_at
        self._endpoint = endpoint
        self._schedule = schedule
        # In a row.
        self._failures = 0 if _answered_last(endpoint) else 1
        self._timeouts = 0

    @property
    def trusted(self) -> bool:
        """Whether the last answer was a good one."""
        return self.state == ACTIVE and self._failures == 0 and self.last_success_at is not None

    def renew(self, endpoint: Endpoint, *, state_unwritten: bool) -> None:
        """The endpoint as the database has it; `state_unwritten`: but for its state, which was judged since."""
        self._endpoint = endpoint
        if not state_unwritten:
            self.state = endpoint.state
        self._failures = self._timeouts = 0

    def answered(self, at: datetime, now: datetime) -> Change | None:
        """It has taken an event."""
        self.last_success_at = at
        self._failures = self._timeouts = 0
        return self._become(ACTIVE, "", now) if self.state == FAILING else None

    def failed(self, outcome: Attempted, *, for_good: bool) -> Change | None:
        """It has not; `for_good`: after all tries that an event has."""
        self.last_failure_at = outcome.at
        self._failures += 1
        self._timeouts = self._timeouts + 1 if outcome.error == "timeout" else 0
        if self.state == DISABLED:
            return None
        if outcome.status == GONE_STATUS:
            return self._become(DISABLED, GONE, outcome.at)
        if for_good and self.state == FAILING:
            return self._become(DISABLED, EXHAUSTED, outcome.at)
        schedule = self._schedule
        many = self._failures >= schedule.failures_max or self._timeouts >= schedule.timeouts_max
        return self._become(FAILING, "", outcome.at) if self.state == ACTIVE and many else None

    def _become(self, state: str, reason: str, at: datetime) -> Change:
        self.state = state
        return Change(
            endpoint=self._endpoint.id,
            partner=self._endpoint.partner,
            version=self._endpoint.version,
            state=state,
            reason=reason,
            at=at,
        )


def _answered_last(endpoint: Endpoint) -> bool:
    """Whether nothing has failed since its last good answer, as far as it was noted."""
    success, failure = endpoint.last_success_at, endpoint.last_failure_at
    return failure is None or (success is not None and success > failure)

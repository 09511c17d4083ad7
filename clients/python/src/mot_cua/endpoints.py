"""The partner's webhook endpoints at the gateway: made, changed, tried, and what was delivered to them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import msgspec
from msgspec import UNSET, UnsetType

from mot_cua.answers import read
from mot_cua.effects import Request, Response, Steps
from mot_cua.moments import zoned
from mot_cua.operations import M, Resource, operation


class SecretTerm(msgspec.Struct, frozen=True, kw_only=True):
    """Since when a secret signs, and until when; None: until it is rotated."""

    added_at: datetime
    not_after: datetime | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One address events are sent to. `waiting` events are not delivered yet; `waiting_more`: maybe more than these.

    `state` is active, paused, failing (being tried again) or disabled, which only `update(enabled=True)` ends.
    `failing_event` is the oldest event that was refused and waits.
    """

    id: str
    url: str
    types: tuple[str, ...] = ()
    description: str = ""
    state: str = ""
    state_reason: str | None = None
    cursor: str | None = None
    waiting: int = 0
    waiting_more: bool = False
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    failing_since: datetime | None = None
    next_attempt_at: datetime | None = None
    failing_event: str | None = None
    created_at: datetime | None = None
    secrets: tuple[SecretTerm, ...] = ()


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """A new endpoint and its secret, which is never shown again."""

    endpoint: Endpoint
    secret: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try to deliver. `status` 0: no answer came, `error` says why. `manual`: somebody asked for it."""

    at: datetime
    status: int = 0
    milliseconds: float = 0
    error: str | None = None
    response_body: str | None = None
    manual: bool = False


class SentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent."""

    headers: dict[str, str] = {}
    body: Any = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event to one endpoint: `state` is delivered, pending or failed.

    `waits_for`, where one is asked for: the event of the same dossier that was refused and must be delivered first.
    """

    event_id: str
    type: str = ""
    state: str = ""
    dossier_id: str | None = None
    occurred_at: datetime | None = None
    test: bool = False
    attempts_made: int = 0
    next_attempt_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    request: SentRequest | None = None
    waits_for: str | None = None


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """A page of them, newest first; `before` asks for the next page, None at the end."""

    deliveries: tuple[Delivery, ...]
    before: str | None = None


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Many deliveries made anew: `done` of `total`, `state` running or done."""

    id: str
    kind: str = ""
    since: datetime | None = None
    state: str = ""
    total: int | None = None
    done: int | None = None


class _Endpoints(msgspec.Struct, frozen=True):
    endpoints: tuple[Endpoint, ...]


class _Secret(msgspec.Struct, frozen=True):
    secret: str


class Endpoints(Resource[M]):
    """Webhook endpoints. Every operation raises a Problem when the gateway refuses."""

    @operation
    def list(self) -> Steps[tuple[Endpoint, ...]]:
        """All endpoints of this partner."""
        response = yield from self._ask("GET", "")
        return read(response, _Endpoints).endpoints

    @operation
    def get(self, endpoint_id: str | UUID) -> Steps[Endpoint]:
        """One of them. Raises NotFound."""
        response = yield from self._ask("GET", _part(endpoint_id))
        return read(response, Endpoint)

    @operation
    def create(self, url: str, types: Sequence[str] = ("*",), *, description: str = "") -> Steps[Created]:
        """A new endpoint for these types of events (patterns such as `results.*`), from now on. Keep its secret."""
        body = {"url": url, "types": list(types)} | ({"description": description} if description else {})
        response = yield from self._ask("POST", "", body)
        return read(response, Created)

    @operation
    def update(
        self,
        endpoint_id: str | UUID,
        *,
        url: str | UnsetType = UNSET,
        types: Sequence[str] | UnsetType = UNSET,
        description: str | UnsetType = UNSET,
        enabled: bool | UnsetType = UNSET,
    ) -> Steps[Endpoint]:
        """Change what is given; `enabled` False pauses it, True lets it go on, also after it was disabled."""
        given = {"url": url, "types": types, "description": description, "enabled": enabled}
        body = {name: value for name, value in given.items() if value is not UNSET}
        response = yield from self._ask("PATCH", _part(endpoint_id), body)
        return read(response, Endpoint)

    @operation
    def delete(self, endpoint_id: str | UUID) -> Steps[None]:
        """Send nothing there any more. Raises NotFound."""
        yield from self._ask("DELETE", _part(endpoint_id))

    @operation
    def rotate_secret(self, endpoint_id: str | UUID, *, overlap_hours: float | None = None) -> Steps[str]:
        """A new secret, never shown again; both sign until the overlap (24 hours unless said) is over."""
        body = {} if overlap_hours is None else {"overlap_hours": overlap_hours}
        response = yield from self._ask("POST", f"{_part(endpoint_id)}/secret", body)
        return read(response, _Secret).secret

    @operation
    def test(self, endpoint_id: str | UUID, *, event_type: str | None = None) -> Steps[Delivery]:
        """Send a test event at once, of this type; how it went stands in the delivery's attempts."""
        body = {} if event_type is None else {"type": event_type}
        response = yield from self._ask("POST", f"{_part(endpoint_id)}/test", body)
        return read(response, Delivery)

    @operation
    def deliveries(
        self,
        endpoint_id: str | UUID,
        *,
        state: str | None = None,
        event_type: str | None = None,
        dossier_id: str | UUID | None = None,
        before: str | None = None,
        limit: int | None = None,
    ) -> Steps[Deliveries]:
        """What was or is to be delivered, newest first: of a state, a type, a dossier."""
        query = {
            "state": state,
            "type": event_type,
            "dossier": dossier_id,
            "before": before,
            "limit": limit,
        }
        response = yield from self._ask("GET", f"{_part(endpoint_id)}/deliveries", query=query)
        return read(response, Deliveries)

    @operation
    def delivery(self, endpoint_id: str | UUID, event_id: str | UUID) -> Steps[Delivery]:
        """One delivery with every attempt. Raises NotFound."""
        response = yield from self._ask("GET", f"{_part(endpoint_id)}/deliveries{_part(event_id)}")
        return read(response, Delivery)

    @operation
    def resend(self, endpoint_id: str | UUID, event_id: str | UUID) -> Steps[Delivery]:
        """Deliver one event again, delivered before or not."""
        path = f"{_part(endpoint_id)}/deliveries{_part(event_id)}/resend"
        response = yield from self._ask("POST", path, {})
        return read(response, Delivery)

    @operation
    def recover(self, endpoint_id: str | UUID, since: datetime) -> Steps[Replay]:
        """Deliver everything that has failed since then. `since` carries its zone."""
        response = yield from self._ask("POST", f"{_part(endpoint_id)}/recover", {"since": zoned(since)})
        return read(response, Replay)

    @operation
    def replay_missing(self, endpoint_id: str | UUID, since: datetime) -> Steps[Replay]:
        """Deliver everything since then that was never tried: types added later, events from before the endpoint."""
        path = f"{_part(endpoint_id)}/replay-missing"
        response = yield from self._ask("POST", path, {"since": zoned(since)})
        return read(response, Replay)

    @operation
    def replay(self, endpoint_id: str | UUID, replay_id: str | UUID) -> Steps[Replay]:
        """How far a recovery or replay is."""
        response = yield from self._ask("GET", f"{_part(endpoint_id)}/replays{_part(replay_id)}")
        return read(response, Replay)

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
    ) -> Steps[Response]:
        headers = {} if body is None else {"content-type": "application/json"}
        if method != "GET":
            # Tried again under the same key it is the same deed: no second endpoint, no secret that nobody has seen.
            headers["idempotency-key"] = str(uuid4())
        request = Request(
            method=method,
            url=self.session.address(f"/webhooks{path}", query),
            headers=headers,
            content=b"" if body is None else msgspec.json.encode(body),
        )
        return self.session.call(request)


def _part(value: str | UUID) -> str:
    return f"/{quote(str(value), safe='')}"

"""A partner's webhooks as the gateway keeps them: what it says, and what may be asked of it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from services.portal.developers.delivery_words import ERRORS, advice
from services.portal.sessions import Person
from services.portal.wording import Tag

# Endpoint.state, Delivery.state → a word and its colours.
ENDPOINT_STATES = {
    "active": Tag("Đang gửi", "ready"),
    "failing": Tag("Đang lỗi", "late"),
    "paused": Tag("Tạm dừng", "calm"),
    "disabled": Tag("Đã tắt", "ended"),
}
DELIVERY_STATES = {
    "delivered": Tag("Đã nhận", "ready"),
    "pending": Tag("Chờ gửi", "asked"),
    "failed": Tag("Không được nhận, đã dừng gửi", "ended"),
}
# Tried, refused, and to be tried again: what somebody looks for who mends a receiver.
FAILED_SO_FAR = Tag("Lỗi, sẽ gửi lại", "late")
# A test event is sent once: nothing of it has stopped.
TEST_REFUSED = Tag("Không được nhận", "ended")
# A state as one looks for it: in words that all tags of it have.
STATES_WANTED = (
    ("delivered", "Đã nhận"),
    ("pending", "Chờ gửi hoặc lỗi, sẽ gửi lại"),
    ("failed", "Không được nhận"),
)
# Headers of a request that say when it was sent, and so what was signed.
MADE_IN_SENDING = ("webhook-timestamp", "webhook-signature")
TEST_TYPE = "gateway.webhook-tested.v1"
PAGE = 20
# What to do about a webhook that gets nothing, by its reason, else by its state.
REMEDIES = {
    "failing": "Hãy sửa chương trình nhận rồi gửi sự kiện thử: nhận được thì mọi sự kiện đang chờ đi tiếp ngay. "
    "Cho đến lúc đó chỉ sự kiện cũ nhất được thử lại.",
    "disabled": "Hãy sửa chương trình nhận, gửi sự kiện thử, rồi bấm Bật lại: mọi sự kiện từ lúc đó sẽ đến.",
    "gone": "Nếu vẫn muốn nhận, hãy sửa rồi bấm Bật lại: mọi sự kiện từ lúc đó sẽ đến. Nếu không, hãy xóa webhook.",
}
# Still sent to, but what was sent last was not taken.
FAILED_LATELY = Tag("Đang gửi, lần gần nhất lỗi", "late")


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret that signs: since when, and until when if another has followed. Never the secret itself."""

    added_at: datetime
    not_after: datetime | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where events are sent."""

    id: UUID
    url: str
    types: tuple[str, ...]
    description: str = ""
    state: str
    state_reason: str = ""
    waiting: int = 0
    waiting_more: bool = False
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    failing_since: datetime | None = None
    next_attempt_at: datetime | None = None
    failing_event: UUID | None = None
    created_at: datetime
    secrets: tuple[Secret, ...] = ()

    @property
    def tag(self) -> Tag:
        """Its state in a word."""
        if self.state == "active" and self.failed_lately:
            return FAILED_LATELY
        return ENDPOINT_STATES.get(self.state, Tag(self.state, "calm"))

    @property
    def failed_lately(self) -> bool:
        """Whether nothing has been taken since it last refused or did not answer."""
        failed, taken = self.last_failure_at, self.last_success_at
        return failed is not None and (taken is None or failed > taken)

    @property
    def waiting_words(self) -> str:
        """How many events wait; the gateway counts so far and no further."""
        counted = f"{self.waiting:,}".replace(",", ".")
        if not self.waiting_more:
            return counted
        return f"từ {counted} trở lên" if self.waiting else "chưa đếm hết"

    @property
    def reason_words(self) -> str:
        """Why it is in this state, in words where the code has any."""
        return ERRORS.get(self.state_reason, "")

    @property
    def remedy(self) -> str:
        """What somebody has to do that it gets its events again; empty where nothing is to be done."""
        return REMEDIES.get(self.state_reason) or REMEDIES.get(self.state, "")

    @property
    def enabled(self) -> bool:
        """Whether it is sent anything."""
        return self.state in ("active", "failing")


def troubled(endpoints: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Those that get nothing until somebody does something, the given up ones first, then in their order."""
    found = [endpoint for endpoint in endpoints if endpoint.remedy]
    return tuple(sorted(found, key=lambda endpoint: endpoint.enabled))


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try: `status` 0 when there was no answer, then `error` says why."""

    at: datetime
    status: int
    milliseconds: float
    error: str = ""
    response_body: str = ""
    manual: bool = False

    @property
    def failed(self) -> bool:
        """Whether the receiver did not take it."""
        return not 200 <= self.status < 300

    @property
    def error_words(self) -> str:
        """Why, in words; an unforeseen code only stands there as it is."""
        return ERRORS.get(self.error, "lỗi")

    @property
    def outcome(self) -> str:
        """How it ended, in words: the receiver's status, or why there is none."""
        return f"trả lời {self.status}" if self.status else self.error_words

    @property
    def advice(self) -> str:
        """What to look at first; empty where nothing is to be said."""
        return advice(self.status, self.error)


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent, as the receiver got it."""

    headers: dict[str, str]
    body: str


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One event on its way to one endpoint."""

    event_id: UUID
    type: str
    dossier_id: UUID | None = None
    occurred_at: datetime
    state: str
    test: bool = False
    attempts_made: int = 0
    next_attempt_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    request: Sent | None = None
    waits_for: UUID | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers; before it was sent without those that are of the moment of sending."""
        headers = self.request.headers if self.request else {}
        return {name: text for name, text in headers.items() if self.attempts or name not in MADE_IN_SENDING}

    @property
    def failing(self) -> bool:
        """Whether it was tried and not taken, for good or so far."""
        return self.state == "failed" or (self.state == "pending" and self.attempts_made > 0)

    @property
    def tag(self) -> Tag:
        """Its state in a word."""
        if self.state == "pending" and self.failing:
            return FAILED_SO_FAR
        if self.state == "failed" and self.test:
            return TEST_REFUSED
        return DELIVERY_STATES.get(self.state, Tag(self.state, "calm"))

    @property
    def first_failure(self) -> Attempt | None:
        """The attempt with which it began to fail."""
        return min((each for each in self.attempts if each.failed), key=lambda each: each.at, default=None)


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """Events being sent again: how many of them have been dealt with."""

    id: UUID
    kind: str
    since: datetime
    state: str
    total: int
    done: int


class Deliveries(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `before` is where older ones begin."""

    deliveries: tuple[Delivery, ...]
    before: str | None = None


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A new endpoint with its secret, told once."""

    endpoint: Endpoint
    secret: str


class _Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    endpoints: tuple[Endpoint, ...]


class _Rotated(msgspec.Struct, frozen=True, kw_only=True):
    secret: str


class Webhooks:
    """The gateway's interface of webhooks, as somebody of the partner. Everything raises Refused or Unavailable.

    What changes something does so once per `key`, which is made with the form.
    """

    def __init__(self, person: Person) -> None:
        self._desk = person.desk

    async def listed(self) -> tuple[Endpoint, ...]:
        """Every endpoint."""
        return (await self._desk.get("gateway", "/webhooks", _Endpoints)).endpoints

    async def one(self, endpoint: UUID) -> Endpoint:
        """One of them."""
        return await self._desk.get("gateway", f"/webhooks/{endpoint}", Endpoint)

    async def add(self, url: str, types: list[str], description: str, *, key: str) -> Made:
        """A new one."""
        body = {"url": url, "types": types, "description": description}
        return await self._desk.act("gateway", "/webhooks", body, Made, key=key)

    async def set(self, endpoint: UUID, *, key: str, **changes: Any) -> Endpoint:
        """Other settings."""
        path = f"/webhooks/{endpoint}"
        return await self._desk.change("gateway", "PATCH", path, changes, Endpoint, key=key)

    async def delete(self, endpoint: UUID, *, key: str) -> None:
        """It is sent nothing any more, and forgotten."""
        await self._desk.change("gateway", "DELETE", f"/webhooks/{endpoint}", None, type(None), key=key)

    async def rotate(self, endpoint: UUID, overlap_hours: int, *, key: str) -> str:
        """A new secret; the old one goes on signing for so long."""
        body = {"overlap_hours": overlap_hours}
        path = f"/webhooks/{endpoint}/secret"
        return (await self._desk.act("gateway", path, body, _Rotated, key=key)).secret

    async def test(self, endpoint: UUID, type_: str, *, key: str) -> Delivery:
        """A test event, sent at once; Unavailable when the receiver lets one wait too long."""
        body = {"type": type_} if type_ else {}
        return await self._desk.change(
            "gateway", "POST", f"/webhooks/{endpoint}/test", body, Delivery, key=key
        )

    async def deliveries(
        self, endpoint: UUID, *, state: str = "", type_: str = "", dossier: str = "", before: str = ""
    ) -> Deliveries:
        """The newest deliveries of a state, a type, a dossier (empty: of any), before a place in the list."""
        given = {"state": state, "type": type_, "dossier": dossier, "before": before}
        query = {"limit": str(PAGE)} | {name: value for name, value in given.items() if value}
        return await self._desk.get("gateway", f"/webhooks/{endpoint}/deliveries", Deliveries, query=query)

    async def delivery(self, endpoint: UUID, event: UUID) -> Delivery:
        """One delivery with every attempt."""
        return await self._desk.get("gateway", f"/webhooks/{endpoint}/deliveries/{event}", Delivery)

    async def resend(self, endpoint: UUID, event: UUID, *, key: str) -> Delivery:
        """Send one again, now."""
        path = f"/webhooks/{endpoint}/deliveries/{event}/resend"
        return await self._desk.change("gateway", "POST", path, {}, Delivery, key=key)

    async def replay(self, endpoint: UUID, kind: str, since: datetime, *, key: str) -> Replay:
        """`recover` what failed since, or `replay-missing` what was never tried."""
        path = f"/webhooks/{endpoint}/{kind}"
        return await self._desk.act("gateway", path, {"since": since}, Replay, key=key)

    async def replayed(self, endpoint: UUID, replay: UUID) -> Replay:
        """How far it has got."""
        return await self._desk.get("gateway", f"/webhooks/{endpoint}/replays/{replay}", Replay)

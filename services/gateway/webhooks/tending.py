"""What partners do to their endpoints: each deed is checked, done and audited in the caller's transaction."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.ids import new_id
from libs.http.problems import FieldError, Problem
from libs.process.sealing import Sealer
from services.gateway.feed import feed_store
from services.gateway.partners import partner_store
from services.gateway.partners.administration import By
from services.gateway.partners.partner import Partner, is_pattern
from services.gateway.webhooks import endpoint_store, queue_store, replay_store, signing
from services.gateway.webhooks.addresses import Refused
from services.gateway.webhooks.endpoint import (
    ACTIVE,
    DISABLED,
    FAILING,
    KEEP_DAYS,
    PAUSED,
    RECOVER,
    Endpoint,
    Replay,
)
from services.gateway.webhooks.sending import Sender

ENDPOINTS_MAX = 20
SECRETS_MAX = 5
TYPES_MAX = 50
DESCRIPTION_MAX = 200
OVERLAP_HOURS_MAX = 168
# How far a partner's clock may be ahead of ours.
CLOCKS_DIFFER = timedelta(minutes=5)
_WHY = {
    "url-malformed": "Địa chỉ không hợp lệ",
    "scheme-not-allowed": "Địa chỉ phải bắt đầu bằng https://",
    "credentials-in-url": "Địa chỉ không được chứa tên đăng nhập hay mật khẩu",
    "name-not-resolved": "Không tìm thấy máy chủ của địa chỉ này",
    "address-not-allowed": "Địa chỉ phải thuộc mạng Internet công cộng",
    "port-not-allowed": "Cổng phải là 443 hoặc từ 1024 trở lên",
}


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a partner wants an endpoint to be; None: as it is."""

    url: str | None = None
    types: tuple[str, ...] | None = None
    description: str | None = None
    enabled: bool | None = None


async def check(sender: Sender, wanted: Wanted) -> None:
    """Whether the values can be taken, and the URL leads to the public internet now. Raises Problem 422."""
    wrong: list[FieldError] = []
    if wanted.url is not None:
        try:
            await sender.check(wanted.url)
        except Refused as refused:
            wrong.append(FieldError("url", refused.code, _WHY[refused.code]))
    if wanted.types is not None:
        wrong += _wrong_types(wanted.types)
    text = wanted.description or ""
    if len(text) > DESCRIPTION_MAX or not (text.isprintable() or not text):
        wrong.append(FieldError("description", "invalid", f"Mô tả dài tối đa {DESCRIPTION_MAX} ký tự"))
    if wrong:
        raise Problem(422, errors=wrong)


async def add(conn: Any, partner: Partner, wanted: Wanted, sealer: Sealer, by: By) -> tuple[UUID, UUID]:
    """A new endpoint, for events from now on; its id and its secret's. Raises Problem 409 when there are too many."""
    # Of two that are made at once, the second counts the first.
    await partner_store.find(conn, partner.code, lock=True)
    if await endpoint_store.count(conn, partner.code) >= ENDPOINTS_MAX:
        raise Problem(409, "too-many-endpoints", f"Mỗi đối tác có tối đa {ENDPOINTS_MAX} địa chỉ nhận")
    head = await feed_store.head(conn)
    endpoint = Endpoint(
        id=new_id(),
        partner=partner.code,
        url=wanted.url or "",
        types=wanted.types or (),
        description=wanted.description or "",
        state=ACTIVE,
        reason="",
        cursor=head.last,
        version=1,
        created_at=datetime.now(UTC),
    )
    await endpoint_store.insert(conn, endpoint)
    secret = await _add_secret(conn, endpoint.id, sealer)
    await audit(conn, endpoint, "webhook-added", by, ",".join(endpoint.types))
    return endpoint.id, secret


async def change(conn: Any, endpoint: Endpoint, wanted: Wanted, by: By) -> None:
    """Change it. Enabled again it gets everything since; a new URL is tried at once."""
    url = endpoint.url if wanted.url is None else wanted.url
    state, reason = endpoint.state, endpoint.reason
    again = url != endpoint.url and state == FAILING
    if wanted.enabled is False and state in {ACTIVE, FAILING}:
        state, reason = PAUSED, ""
    elif wanted.enabled is True and state in {PAUSED, DISABLED}:
        state, reason, again = ACTIVE, "", True
    elif again:
        state, reason = ACTIVE, ""
    await endpoint_store.change(
        conn,
        endpoint.id,
        url,
        endpoint.types if wanted.types is None else wanted.types,
        endpoint.description if wanted.description is None else wanted.description,
        state,
        reason,
    )
    if again:
        await queue_store.again(conn, endpoint.id)
    named = [name for name in ("url", "types", "description") if getattr(wanted, name) is not None]
    if state != endpoint.state:
        named.append(state)
    await audit(conn, endpoint, "webhook-changed", by, ",".join(named))


async def remove(conn: Any, endpoint: Endpoint, by: By) -> None:
    """Take it away; what was not delivered is not."""
    await endpoint_store.remove(conn, endpoint.id)
    await audit(conn, endpoint, "webhook-removed", by)


async def rotate(conn: Any, endpoint: Endpoint, overlap: timedelta, sealer: Sealer, by: By) -> UUID:
    """A new secret beside the others, which end after `overlap`; its id. Raises Problem 409 when there are too many."""
    now = datetime.now(UTC)
    if overlap and len(endpoint.counting(now)) >= SECRETS_MAX:
        raise Problem(409, "too-many-secrets", "Quá nhiều khóa còn hiệu lực, hãy đợi khóa cũ hết hạn")
    await endpoint_store.end_secrets(conn, endpoint.id, now + overlap)
    secret = await _add_secret(conn, endpoint.id, sealer)
    await endpoint_store.touch(conn, endpoint.id)
    await audit(conn, endpoint, "webhook-secret-rotated", by, f"overlap {overlap.total_seconds() / 3600:g} h")
    return secret


async def replay(conn: Any, endpoint: Endpoint, kind: str, since: datetime, by: By) -> Replay:
    """Begin a replay of what was said since a moment.

    Raises Problem 409 when one of its kind runs or nothing is sent, 422 when `since` is too long ago or yet to come.
    """
    if endpoint.state not in {ACTIVE, FAILING}:
        raise Problem(409, "endpoint-not-enabled", "Địa chỉ nhận đang tắt, hãy bật lại trước")
    now = datetime.now(UTC)
    if since > now + CLOCKS_DIFFER:
        raise Problem(422, errors=[FieldError("since", "in-the-future", "Phải là một thời điểm đã qua")])
    oldest = now - timedelta(days=KEEP_DAYS)
    if kind != RECOVER and since < oldest and endpoint.created_at < oldest:
        raise Problem(
            422,
            errors=[FieldError("since", "too-old", f"Chỉ biết việc gửi trong {KEEP_DAYS} ngày gần nhất")],
        )
    head = await feed_store.head(conn)
    found = Replay(
        id=new_id(),
        endpoint=endpoint.id,
        kind=kind,
        since=since,
        after=head.first - 1,
        # What is said later comes by itself; the cursor that is kept lags behind a little.
        until=head.last,
        state="running",
        total=await replay_store.unsuccessful(conn, endpoint.id, since) if kind == RECOVER else 0,
        done=0,
    )
    if kind == RECOVER:
        # Also what was delivered before the beginning of the feed was forgotten.
        found = msgspec.structs.replace(found, after=0)
    if not await replay_store.insert(conn, found):
        raise Problem(409, "replay-running", "Một lần gửi lại như vậy đang chạy")
    await audit(
        conn,
        endpoint,
        "webhook-recovered" if kind == RECOVER else "webhook-replayed",
        by,
        f"since {since.isoformat()}",
    )
    return found


async def known(conn: Any, partner: Partner, endpoint_id: UUID, *, lock: bool = False) -> Endpoint:
    """An endpoint of the partner's. Raises Problem 404, also for another's."""
    found = await endpoint_store.find(conn, partner.code, endpoint_id, lock=lock)
    if found is None:
        raise Problem(404, "endpoint-not-found", "Không tìm thấy địa chỉ nhận này")
    return found


async def secret_of(conn: Any, partner: Partner, endpoint_id: UUID, secret_id: UUID, sealer: Sealer) -> str:
    """A secret that was just made. Raises Problem 404 or 409 when it is there no more."""
    endpoint = await known(conn, partner, endpoint_id)
    for each in endpoint.secrets:
        if each.id == secret_id:
            return sealer.open(each.sealed, endpoint.id)
    raise Problem(409, "secret-replaced", "Khóa này đã được thay bằng khóa khác")


async def audit(conn: Any, endpoint: Endpoint, what: str, by: By, detail: str = "") -> None:
    """Add a deed to the partner's audit: the endpoint by its id, for a URL may hold a secret."""
    await partner_store.audit(
        conn,
        endpoint.partner,
        what,
        who=by.who,
        came_from=by.came_from,
        detail=f"{endpoint.id} {detail}".strip(),
    )


async def _add_secret(conn: Any, endpoint_id: UUID, sealer: Sealer) -> UUID:
    secret_id = new_id()
    sealed = sealer.seal(signing.new_secret(), endpoint_id)
    await endpoint_store.add_secret(conn, endpoint_id, secret_id, sealed)
    return secret_id


def _wrong_types(types: Sequence[str]) -> list[FieldError]:
    if not 1 <= len(types) <= TYPES_MAX:
        return [FieldError("types", "count", f"Cần từ 1 đến {TYPES_MAX} loại sự kiện")]
    return [
        FieldError("types", "unknown", f"Không có loại sự kiện nào là {pattern[:80]}")
        for pattern in types
        if not is_pattern(pattern)
    ]

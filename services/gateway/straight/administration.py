"""What administrators do about straight NATS: each deed is checked, done and audited in the caller's transaction."""

from datetime import datetime
from typing import Any

from libs.http.problems import Problem
from services.gateway.feed import feed_store
from services.gateway.feed.cursor import Cursor, position_of
from services.gateway.partners import partner_store
from services.gateway.partners.administration import By, known
from services.gateway.partners.partner import REVOKED
from services.gateway.straight import key_store, store
from services.gateway.straight.user_keys import public_user_key


async def switch_on(conn: Any, code: str, after: str, by: By) -> None:
    """Let a partner read by NATS what comes after a cursor ("" from the first event kept, "latest" only new ones).

    For one that does already, its stream begins anew there. Raises Problem 404, 409, and what `position_of` raises.
    """
    partner = await known(conn, code)
    if partner.state == REVOKED:
        raise Problem(409, "partner-revoked", "Đối tác đã bị thu hồi quyền")
    head = await feed_store.head(conn)
    position = position_of(after, head)
    await store.switch_on(conn, code, position)
    await _audit(conn, code, "nats-on", by, str(Cursor(head.feed, position)))


async def switch_off(conn: Any, code: str, by: By) -> None:
    """Let it read by NATS no more. Raises Problem 404."""
    await known(conn, code)
    if not await store.switch_off(conn, code):
        raise Problem(404, "nats-not-on", "Đối tác không nhận sự kiện qua NATS")
    await _audit(conn, code, "nats-off", by)


async def add_key(conn: Any, code: str, written: str, by: By, *, not_after: datetime | None = None) -> str:
    """Add a public NKey of a user (U…) and return it. Raises Problem 404, 409 or 422."""
    partner = await known(conn, code)
    if partner.state == REVOKED:
        raise Problem(409, "partner-revoked", "Đối tác đã bị thu hồi quyền")
    key = public_user_key(written)
    if not await key_store.add_key(conn, code, key, not_after):
        raise Problem(409, "key-exists", "Khóa này đã được đăng ký")
    await _audit(conn, code, "nats-key-added", by, key)
    return key


async def retire_key(conn: Any, code: str, key: str, by: By) -> None:
    """End a key, and within seconds the connections made with it. Raises Problem 404."""
    await known(conn, code)
    if not await key_store.retire_key(conn, code, key):
        raise Problem(404, "key-not-found", "Không tìm thấy khóa còn dùng với mã này")
    await _audit(conn, code, "nats-key-retired", by, key)


async def _audit(conn: Any, code: str, what: str, by: By, detail: str = "") -> None:
    await partner_store.audit(conn, code, what, who=by.who, came_from=by.came_from, detail=detail)

"""An endpoint as its partner sees it: how it stands, what waits, when it is tried next."""

from datetime import UTC, datetime
from typing import Any

from services.gateway.feed import feed_store
from services.gateway.feed.cursor import Cursor
from services.gateway.partners.partner import Partner
from services.gateway.webhooks import delivery_store, replay_store
from services.gateway.webhooks.endpoint import ACTIVE, FAILING, Endpoint, ShownEndpoint, ShownSecret
from services.gateway.webhooks.rights import Rights

# What waits is counted up to here.
WAITING_MAX = 1000


async def shown(conn: Any, partner: Partner, endpoint: Endpoint) -> ShownEndpoint:
    """An endpoint for its partner."""
    head = await feed_store.head(conn)
    # What a replay is yet to line up lies behind the cursor, where nothing is counted. Asked first: what it lines up
    # from now on is among what waits.
    replaying = await replay_store.goes_on(conn, endpoint.id)
    waiting, soonest, oldest = await delivery_store.waiting(conn, endpoint.id, WAITING_MAX)
    rights = Rights().of(partner, endpoint.types)
    all_counted = waiting < WAITING_MAX
    if all_counted and rights.types:
        after = max(endpoint.cursor, head.first - 1)
        until = min(head.last, after + feed_store.SCAN_MAX)
        waiting += await delivery_store.ahead(
            conn,
            endpoint.id,
            after=after,
            until=until,
            types=rights.types,
            readers=rights.readers,
            limit=WAITING_MAX - waiting,
        )
        all_counted = waiting < WAITING_MAX and until == head.last
    now = datetime.now(UTC)
    due = oldest if endpoint.state == FAILING else soonest
    later = due is not None and due > now and endpoint.state in {ACTIVE, FAILING}
    return ShownEndpoint(
        id=endpoint.id,
        url=endpoint.url,
        types=endpoint.types,
        description=endpoint.description,
        state=endpoint.state,
        state_reason=endpoint.reason,
        cursor=str(Cursor(head.feed, endpoint.cursor)),
        waiting=waiting,
        waiting_more=replaying or not all_counted,
        last_success_at=endpoint.last_success_at,
        last_failure_at=endpoint.last_failure_at,
        failing_since=endpoint.failing_since,
        next_attempt_at=due if later else None,
        failing_event=await delivery_store.refused(conn, endpoint.id),
        created_at=endpoint.created_at,
        secrets=tuple(
            ShownSecret(added_at=each.added_at, not_after=each.not_after) for each in endpoint.counting(now)
        ),
    )

"""From when on a partner may ask for what was not taken."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from libs.http.problems import Problem
from services.gateway.partners.administration import By
from services.gateway.webhooks import tending
from services.gateway.webhooks.endpoint import ACTIVE, RECOVER, REPLAY_MISSING, Endpoint

ENDPOINT = Endpoint(
    id=uuid4(),
    partner="bv",
    url="https://a.example.vn",
    types=("*",),
    description="",
    state=ACTIVE,
    reason="",
    cursor=0,
    version=1,
    created_at=datetime(2026, 11, 27, 3, 0, tzinfo=UTC),
)


@pytest.mark.parametrize("kind", [RECOVER, REPLAY_MISSING])
async def test_nothing_has_failed_in_the_future(kind: str) -> None:
    """Refused before anything is kept: it would find nothing, and hold up the next that is asked for."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(Problem) as refused:
        await tending.replay(None, ENDPOINT, kind, tomorrow, By("bv", "203.0.113.7"))
    assert refused.value.status == 422
    assert [(each.field, each.code) for each in refused.value.errors] == [("since", "in-the-future")]

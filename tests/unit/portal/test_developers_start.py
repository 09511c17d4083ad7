"""The way to a verified webhook knows what of it is done."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import msgspec

from services.portal.developers.partner import Audit, Deed, Key, Partner
from services.portal.developers.start import BIRTH_MADE, steps
from services.portal.developers.webhooks import (
    Attempt,
    Delivery,
    Endpoint,
    Sent,
    troubled,
)

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
NOTHING_DONE = Audit()
HOSPITAL = Partner(code="bv", name_vi="Bệnh viện", facility="93016", roles=("hospital",))


def endpoint(*, succeeded: bool = False) -> Endpoint:
    """A webhook, which may have taken something."""
    return Endpoint(
        id=uuid4(),
        url="https://a.example.vn",
        types=("*",),
        state="active",
        created_at=NOW,
        last_success_at=NOW if succeeded else None,
    )


def done(
    partner: Partner | None, *endpoints: Endpoint, audit: Audit = NOTHING_DONE, sandbox: bool = True
) -> list[bool | None]:
    """What of the way is done."""
    return [step.done for step in steps(partner, endpoints, audit, sandbox=sandbox, now=NOW)]


def test_somebody_new_has_done_nothing() -> None:
    """Reading is not counted: nobody can know it."""
    assert done(None) == [False, None, False, None, False, False, False]


def test_each_step_is_ticked_by_what_is_there() -> None:
    """By the webhooks, what they took, the births made and the keys that count."""
    assert done(HOSPITAL) == [True, None, False, None, False, False, False]
    assert done(HOSPITAL, endpoint()) == [True, None, True, None, False, False, False]
    made = Audit(deeds=(Deed(at=NOW, what=BIRTH_MADE, detail="", who="x", came_from=""),))
    key = Key(kid="k", algorithm="ES256", added_at=NOW)
    with_key = Partner(code="bv", name_vi="", facility="93016", roles=("hospital",), keys=(key,))
    assert done(with_key, endpoint(succeeded=True), audit=made) == [True, None, True, None, True, True, True]
    ended = Key(kid="k", algorithm="ES256", added_at=NOW, not_after=NOW - timedelta(days=1))
    assert done(Partner(code="bv", name_vi="", keys=(ended,)), sandbox=False)[-1] is False


def test_who_makes_no_births_is_not_asked_to() -> None:
    """A partner that only reads, and a city where people are real."""
    assert len(done(Partner(code="bh", name_vi="Bảo hiểm"))) == len(done(HOSPITAL)) - 1
    assert len(done(HOSPITAL, sandbox=False)) == len(done(HOSPITAL)) - 1


def test_a_count_that_stopped_is_not_told_as_exact() -> None:
    """The gateway counts what waits so far and no further."""
    words = [
        msgspec.structs.replace(endpoint(), waiting=waiting, waiting_more=more).waiting_words
        for waiting, more in ((0, False), (999, False), (0, True), (7, True), (1000, True))
    ]
    assert words == ["0", "999", "chưa đếm hết", "từ 7 trở lên", "từ 1.000 trở lên"]


def test_the_first_failure_is_the_oldest_one() -> None:
    """Whatever order the attempts are told in, and only of those that failed."""
    early, late = (
        Attempt(at=NOW + timedelta(minutes=minutes), status=500, milliseconds=1) for minutes in (1, 5)
    )
    fine = Attempt(at=NOW, status=204, milliseconds=1)
    delivery = Delivery(
        event_id=uuid4(), type="x", occurred_at=NOW, state="failed", attempts=(late, fine, early)
    )
    assert delivery.first_failure == early


def test_what_was_not_sent_has_no_signature() -> None:
    """Nor a time of sending: both are of the moment in which it goes."""
    headers = {"webhook-id": "1", "webhook-timestamp": "2", "webhook-signature": "v1,x"}
    waiting = Delivery(
        event_id=uuid4(), type="x", occurred_at=NOW, state="pending", request=Sent(headers=headers, body="{}")
    )
    assert waiting.headers == {"webhook-id": "1"}
    tried = msgspec.structs.replace(waiting, attempts=(Attempt(at=NOW, status=500, milliseconds=1),))
    assert tried.headers == headers


def test_an_attempt_says_how_it_ended() -> None:
    """By the receiver's status, else by why there is none; a test event is sent once, so nothing of it has stopped."""
    refused = Attempt(at=NOW, status=500, milliseconds=1, error="status")
    alone = Attempt(at=NOW, status=0, milliseconds=1, error="connection-failed")
    assert (refused.outcome, alone.outcome) == ("trả lời 500", "không kết nối được")
    test = Delivery(event_id=uuid4(), type="x", occurred_at=NOW, state="failed", test=True, attempts=(alone,))
    assert test.tag.word == "Không được nhận"
    assert msgspec.structs.replace(test, test=False).tag.word == "Không được nhận, đã dừng gửi"


def test_a_webhook_whose_last_delivery_failed_is_not_shown_as_going_well() -> None:
    """Until something has been taken after it."""
    taken, failed = NOW, NOW + timedelta(minutes=1)
    found = msgspec.structs.replace(endpoint(succeeded=True), last_failure_at=failed)
    assert (found.tag.look, found.failed_lately) == ("late", True)
    assert endpoint(succeeded=True).tag.look == "ready"
    mended = msgspec.structs.replace(found, last_success_at=failed, last_failure_at=taken)
    assert mended.tag.look == "ready"


def test_webhooks_that_get_nothing_are_named_the_given_up_first() -> None:
    """Each with what to do; those that run or that somebody has stopped on purpose are not among them."""
    failing, exhausted, gone, paused = (
        msgspec.structs.replace(endpoint(succeeded=True), state=state, state_reason=reason)
        for state, reason in (
            ("failing", ""),
            ("disabled", "exhausted"),
            ("disabled", "gone"),
            ("paused", ""),
        )
    )
    found = troubled((failing, endpoint(), exhausted, paused, gone))
    assert found == (exhausted, gone, failing)
    assert len({each.remedy for each in found}) == 3
    assert "xóa webhook" in gone.remedy
    assert "Bật lại" in exhausted.remedy
    assert "Bật lại" not in failing.remedy

"""Planning messages: rules, coalescing, quiet hours, states."""

from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.catalogue.calendar import VIETNAM
from libs.contracts.event import Event
from libs.contracts.intake import DossierReceived
from libs.contracts.results import ResultReady
from libs.contracts.routing import AppointmentMoved, DossierSettled
from services.notify import domain
from services.notify.domain import Outbox
from services.notify.rules import load_rules

BOOK = load_rules(Path(__file__).parents[3] / "catalogue")
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
QUIET = (time(21), time(7))


def ready(code: str) -> ResultReady:
    return ResultReady(
        result_id=uuid4(), result=code, delivery="hospital", place="hospital-desk", ready_at=NOW
    )


def settled(outcome: str = "granted") -> DossierSettled:
    return DossierSettled(outcome=outcome, status=9, settled_at=NOW, on_time=True)


def planned(*events: Event) -> Outbox:
    outbox = Outbox()
    for event in events:
        outbox = domain.plan(outbox, uuid4(), event, NOW, BOOK)
    return outbox


def test_one_outcome_is_one_message() -> None:
    """Settlement and two ready results, in any order, make one message to the applicant."""
    outbox = planned(ready("birth_certificate"), settled(), ready("insurance_card"))
    to_applicant = [m for m in outbox.waiting if m.audience == "applicant"]
    assert len(to_applicant) == 1
    assert to_applicant[0].rule == "ready"
    assert len(to_applicant[0].occasions) == 3


def test_the_same_event_twice_adds_nothing() -> None:
    """A repeated occasion does not grow the waiting message."""
    event = ready("birth_certificate")
    once = planned(event)
    assert domain.plan(once, uuid4(), event, NOW, BOOK).waiting == once.waiting


def test_rules_choose_by_the_event_s_fields() -> None:
    """Missing papers make another text than a complete dossier; an apology another than a moved appointment."""
    complete = DossierReceived(
        code="H1", procedure="p", channel="counter", receiving_agency="a", received_at=NOW
    )
    lacking = DossierReceived(
        code="H1", procedure="p", channel="counter", receiving_agency="a", received_at=NOW, missing=("x",)
    )
    assert planned(complete).waiting[0].rule == "received"
    assert planned(lacking).waiting[0].rule == "received-incomplete"
    moved = AppointmentMoved(
        was_at=NOW, appointment_at=NOW + timedelta(days=1), reason="late", apology=True, moved_at=NOW
    )
    assert planned(moved).waiting[0].rule == "apology"


@pytest.mark.parametrize(
    ("local_hour", "sends_at_local_hour"), [(20, 20), (21, 7), (23, 7), (0, 7), (6, 7), (7, 7), (12, 12)]
)
def test_quiet_hours_move_citizens_messages_to_the_morning(local_hour: int, sends_at_local_hour: int) -> None:
    """Between 21:00 and 07:00 local time a citizen's message waits for 07:00; a desk's does not."""
    moment = datetime(2026, 11, 23, local_hour, 0, tzinfo=VIETNAM).astimezone(UTC)
    after = domain.send_after(moment, "applicant", QUIET)
    assert after.astimezone(VIETNAM).hour == sends_at_local_hour
    assert domain.send_after(moment, "desk", QUIET) == moment


@given(st.integers(0, 10 * 366 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)))
def test_a_message_waits_less_than_a_night_and_never_into_one(moment: datetime) -> None:
    """Waiting ends within ten hours, at a moment that is not quiet."""
    after = domain.send_after(moment, "applicant", QUIET)
    assert timedelta(0) <= after - moment <= timedelta(hours=10)
    assert domain.send_after(after, "applicant", QUIET) == after


def test_late_receipts_do_not_move_a_message_back() -> None:
    """Delivered stays delivered; an unknown fate may still be cleared up."""
    assert not domain.may_move(domain.DELIVERED, domain.FAILED)
    assert not domain.may_move(domain.FAILED, domain.SENT)
    assert domain.may_move(domain.UNKNOWN, domain.DELIVERED)
    assert not domain.may_move(domain.UNKNOWN, domain.QUEUED)


def test_the_preferred_channel_comes_first_when_it_can_be_used() -> None:
    """Preference first, then the city's own ranking; unreachable channels are left out."""
    available = ["zalo", "sms", "email"]
    assert domain.channels_for("email", ["sms", "email"], available) == ["email", "sms"]
    assert domain.channels_for("zalo", ["sms", "email"], available) == ["sms", "email"]
    assert domain.channels_for("", [], available) == []

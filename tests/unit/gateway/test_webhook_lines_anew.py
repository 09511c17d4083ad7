"""One endpoint whose deliveries are read anew from the database, while some are in flight or not written yet."""

from datetime import timedelta
from uuid import uuid4

import msgspec
import pytest

from services.gateway.webhooks.line import Unwritten
from services.gateway.webhooks.schedule import TABLE, Schedule
from services.gateway.webhooks.sending import Attempted
from tests.unit.gateway.test_webhook_lines import (
    BEGIN,
    DOSSIERS,
    GONE,
    HANGS,
    REFUSED,
    item,
    line,
    said,
    taken,
    trusted,
    waiting,
)


def test_what_is_read_anew_does_not_send_twice() -> None:
    """What is in flight stays so when the endpoint was changed, and is still the first of its dossier."""
    made = trusted()
    made.push([item(1), item(2)])
    (flying,) = taken(made)
    rest = [waiting(made, item(number)) for number in (1, 2, 3)]
    made.renew(made.endpoint, [(None, b"k")], rest, more=False)
    assert (taken(made), made.waits) == ([], 3)
    made.settle(flying, said(), BEGIN, 0)
    assert [each.position for each in taken(made)] == [2]


def test_what_a_person_has_delivered_meanwhile_is_not_tried_again() -> None:
    """It was on its way and failed; its dossier goes on."""
    made = trusted()
    made.push([item(1), item(2)])
    (flying,) = taken(made)
    made.renew(made.endpoint, [(None, b"k")], [waiting(made, item(2))], more=False)
    made.settle(flying, REFUSED, BEGIN, 0)
    assert [each.position for each in taken(made)] == [2]
    assert made.waits == 1


def test_what_was_read_anew_before_an_outcome_was_written_is_out_of_date() -> None:
    """Of an event that was delivered meanwhile, of one that has failed meanwhile, and of the endpoint's state."""
    made = trusted()
    made.push([item(number, uuid4()) for number in (1, 2)])
    first, second = taken(made)
    rest = [waiting(made, each) for each in (first, second)]
    made.settle(first, said(), BEGIN, 0)
    settled, _ = made.settle(second, REFUSED, BEGIN, 0)
    made.health.state = "failing"
    unwritten = Unwritten({first.event_id: None, second.event_id: 0}, True)
    made.renew(made.endpoint, [(None, b"k")], rest, more=False, unwritten=unwritten)
    assert (made.waits, made.state) == (1, "failing")
    made.health.state = "active"
    assert taken(made) == []
    assert [each.event_id for each in taken(made, settled.next_attempt_at)] == [second.event_id]


@pytest.mark.parametrize("ends", ["later", "meanwhile"])
def test_what_is_put_in_line_again_during_its_last_try_begins_the_table_anew(ends: str) -> None:
    """Whether that try ends after the line has heard of it, or before and its outcome is not written yet."""
    made = line(schedule=Schedule(table=(0.0, 5.0), failures_max=1000))
    made.push([item(1)])
    made.settle(taken(made)[0], REFUSED, BEGIN, 0)
    now = BEGIN + timedelta(seconds=6)
    (last,) = taken(made, now)
    again = waiting(made, last, now)
    if ends == "later":
        made.renew(made.endpoint, [(None, b"k")], [again], more=False)
        settled, _ = made.settle(last, REFUSED, now, 0)
        assert (settled.state, settled.tries_before, settled.tries) == ("pending", 0, 1)
        now = settled.next_attempt_at
    else:
        settled, _ = made.settle(last, REFUSED, now, 0)
        assert (settled.state, settled.tries_before, settled.tries) == ("failed", 1, 2)
        unwritten = Unwritten({last.event_id: settled.tries_before})
        made.renew(made.endpoint, [(None, b"k")], [again], more=False, unwritten=unwritten)
    assert [each.event_id for each in taken(made, now)] == [last.event_id]


@pytest.mark.parametrize("tries", [0, len(TABLE) - 1])
@pytest.mark.parametrize("outcome", [GONE, HANGS, said(503, "status", 60.0), said()])
def test_an_answer_from_where_events_no_longer_go_says_nothing_of_the_endpoint(
    outcome: Attempted, tries: int
) -> None:
    """The event is delivered or begins anew, at once; its new address is not judged by the old one."""
    made = line(schedule=Schedule(failures_max=1, timeouts_max=1))
    made.push([msgspec.structs.replace(item(1), tries=tries), item(2, DOSSIERS[1])])
    sent = made.take(BEGIN)
    assert sent is not None
    moved = msgspec.structs.replace(made.endpoint, url="https://y/", version=2)
    rest = [waiting(made, each) for each in (item(1), item(2, DOSSIERS[1]))]
    made.renew(moved, [(None, b"k")], rest, more=False)
    settled, change = made.settle(sent, outcome, BEGIN, 0)
    assert (change, made.state, made.health.trusted) == (None, "active", False)
    assert settled.state == ("delivered" if outcome.delivered else "pending")
    assert outcome.delivered or (settled.tries, settled.next_attempt_at) == (0, BEGIN)
    assert (made.health.last_success_at, made.health.last_failure_at) == (None, None)
    other = made.take(BEGIN)
    assert other is not None
    assert other.position == (2 if outcome.delivered else 1)
    assert made.settle(other, GONE, BEGIN, 0)[1] is not None

"""One endpoint whose deliveries are read anew from the database, while some are in flight or not written yet."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.gateway.webhooks.delivery_store import Waiting
from services.gateway.webhooks.line import Unwritten
from services.gateway.webhooks.schedule import Schedule
from tests.unit.gateway.test_webhook_lines import BEGIN, DOSSIERS, REFUSED, item, line, said, taken, trusted


def test_what_is_read_anew_does_not_send_twice() -> None:
    """What is in flight stays so when the endpoint was changed, and is still the first of its dossier."""
    made = trusted()
    made.push([item(1), item(2)])
    (flying,) = taken(made)
    waiting = [
        Waiting(
            endpoint=made.id,
            event_id=UUID(int=1000 + number),
            position=number,
            dossier_id=DOSSIERS[0],
            tries=0,
            next_attempt_at=BEGIN,
        )
        for number in (1, 2, 3)
    ]
    made.renew(made.endpoint, [(None, b"k")], waiting, more=False)
    assert (taken(made), made.waits) == ([], 3)
    made.settle(flying, said(), BEGIN, 0)
    assert [each.position for each in taken(made)] == [2]


def test_what_a_person_has_delivered_meanwhile_is_not_tried_again() -> None:
    """It was on its way and failed; its dossier goes on."""
    made = trusted()
    made.push([item(1), item(2)])
    (flying,) = taken(made)
    rest = Waiting(
        endpoint=made.id,
        event_id=item(2).event_id,
        position=2,
        dossier_id=DOSSIERS[0],
        tries=0,
        next_attempt_at=BEGIN,
    )
    made.renew(made.endpoint, [(None, b"k")], [rest], more=False)
    made.settle(flying, REFUSED, BEGIN, 0)
    assert [each.position for each in taken(made)] == [2]
    assert made.waits == 1


def test_what_was_read_anew_before_an_outcome_was_written_is_out_of_date() -> None:
    """Of an event that was delivered meanwhile, of one that has failed meanwhile, and of the endpoint's state."""
    made = trusted()
    made.push([item(number, uuid4()) for number in (1, 2)])
    first, second = taken(made)
    waiting = [
        Waiting(
            endpoint=made.id,
            event_id=each.event_id,
            position=each.position,
            dossier_id=each.dossier_id,
            tries=0,
            next_attempt_at=BEGIN,
        )
        for each in (first, second)
    ]
    made.settle(first, said(), BEGIN, 0)
    settled, _ = made.settle(second, REFUSED, BEGIN, 0)
    made.state = "failing"
    unwritten = Unwritten({first.event_id: None, second.event_id: 0}, True)
    made.renew(made.endpoint, [(None, b"k")], waiting, more=False, unwritten=unwritten)
    assert (made.waits, made.state) == (1, "failing")
    made.state = "active"
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
    again = Waiting(
        endpoint=made.id,
        event_id=last.event_id,
        position=last.position,
        dossier_id=last.dossier_id,
        tries=0,
        next_attempt_at=now,
    )
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

"""One endpoint in the dispatcher's hands: order per dossier, the retry table, failing, recovering, giving up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.partners.partner import Partner
from services.gateway.webhooks.endpoint import Endpoint
from services.gateway.webhooks.line import IN_FLIGHT_MAX, WINDOW, Line
from services.gateway.webhooks.queue import Item
from services.gateway.webhooks.queue_store import Waiting
from services.gateway.webhooks.schedule import TABLE, Schedule, retry_after_seconds
from services.gateway.webhooks.sending import Attempted

BEGIN = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
PARTNER = Partner(code="p", name_vi="P", types=("*",), reads=("*",))
DOSSIERS = [UUID(int=number) for number in range(1, 6)]


def line(state: str = "active", schedule: Schedule | None = None) -> Line:
    """An endpoint of an active partner."""
    endpoint = Endpoint(
        id=uuid4(),
        partner="p",
        url="https://x/",
        types=("*",),
        description="",
        state=state,
        reason="",
        cursor=0,
        version=1,
        created_at=BEGIN,
    )
    made = Line(endpoint, [(None, b"k")], schedule or Schedule())
    made.allow(PARTNER)
    return made


def item(position: int, dossier: UUID = DOSSIERS[0], due: datetime = BEGIN) -> Item:
    """An event that waits."""
    return Item(event_id=UUID(int=1000 + position), position=position, dossier_id=dossier, due=due)


def waiting(made: Line, each: Item, due: datetime = BEGIN) -> Waiting:
    """The same as the database has it."""
    return Waiting(
        endpoint=made.id,
        event_id=each.event_id,
        position=each.position,
        dossier_id=each.dossier_id,
        tries=0,
        next_attempt_at=due,
    )


def said(status: int = 204, error: str = "", retry_after: float = 0.0) -> Attempted:
    """An answer."""
    return Attempted(at=BEGIN, status=status, error=error, retry_after_seconds=retry_after)


REFUSED, HANGS, GONE = said(500, "status"), said(0, "timeout"), said(410, "status")


def taken(made: Line, now: datetime = BEGIN) -> list[Item]:
    """All that may be sent now."""
    found: list[Item] = []
    each = made.take(now)
    while each is not None:
        found.append(each)
        each = made.take(now)
    return found


def trusted(schedule: Schedule | None = None) -> Line:
    """An endpoint whose last answer was good."""
    made = line(schedule=schedule)
    made.push([item(0, uuid4())])
    made.settle(taken(made)[0], said(), BEGIN, 0)
    return made


def test_the_retry_table_is_the_specifications() -> None:
    """Each wait from the attempt before, a tenth longer at most; ten attempts, then none."""
    hours = (2.0, 5.0, 10.0, 14.0, 20.0, 24.0)
    assert (0.0, 5.0, 300.0, 1800.0, *(3600 * each for each in hours)) == TABLE
    made = line(schedule=Schedule(failures_max=1000))
    made.push([item(1)])
    now, waits = BEGIN, []
    for _ in range(9):
        (sent,) = taken(made, now)
        settled, change = made.settle(sent, REFUSED, now, 0.5)
        assert (settled.state, change) == ("pending", None)
        waits.append((settled.next_attempt_at - now).total_seconds() / 1.05)
        assert taken(made, settled.next_attempt_at - timedelta(milliseconds=1)) == []
        now = settled.next_attempt_at
    assert waits == pytest.approx(TABLE[1:])
    (sent,) = taken(made, now)
    settled, _ = made.settle(sent, REFUSED, now, 0.5)
    assert (settled.state, settled.tries, settled.given_up_for) == ("failed", 10, "p")
    assert made.waits == 0


def test_an_event_that_fails_holds_its_dossier_only() -> None:
    """And when it is given up, its dossier goes on."""
    made = trusted(Schedule(table=(0.0, 5.0), failures_max=1000))
    made.push([item(1), item(2, DOSSIERS[1]), item(3), item(4, DOSSIERS[1])])
    first, other = taken(made)
    assert (first.position, other.position) == (1, 2)
    made.settle(first, REFUSED, BEGIN, 0)
    made.settle(other, said(), BEGIN, 0)
    assert [each.position for each in taken(made)] == [4]
    later = BEGIN + timedelta(seconds=6)
    made.settle(item(4, DOSSIERS[1]), said(), later, 0)
    (again,) = taken(made, later)
    assert again.position == 1
    settled, _ = made.settle(again, REFUSED, later, 0)
    assert settled.state == "failed"
    assert [each.position for each in taken(made, later)] == [3]


@pytest.mark.parametrize(("outcome", "after"), [(REFUSED, 10), (HANGS, 3), (said(302, "redirect"), 10)])
def test_a_run_of_failures_makes_an_endpoint_failing(outcome: Attempted, after: int) -> None:
    """Ten, or three time-outs; a success between begins anew."""
    made = trusted()
    made.push([item(number, uuid4()) for number in range(1, 40)])
    for number in range(after - 1):
        assert made.settle(made.take(BEGIN) or item(0), outcome, BEGIN, 0)[1] is None, number
    made.settle(made.take(BEGIN) or item(0), said(), BEGIN, 0)
    changes = [made.settle(made.take(BEGIN) or item(0), outcome, BEGIN, 0)[1] for _ in range(after)]
    assert [change is not None for change in changes] == [False] * (after - 1) + [True]
    assert made.state == "failing"
    assert made.room == 0


def test_a_failing_endpoint_is_tried_with_its_oldest_event_and_recovers_with_all() -> None:
    """One probe after the table; after a good answer everything that waited is due."""
    made = trusted()
    made.push([item(number, uuid4()) for number in range(1, 31)])
    for _ in range(10):
        made.settle(made.take(BEGIN) or item(0), REFUSED, BEGIN, 0)
    assert taken(made) == []
    now = BEGIN + timedelta(seconds=5)
    (probe,) = taken(made, now)
    assert probe.position == 1
    made.settle(probe, REFUSED, now, 0)
    assert taken(made, now + timedelta(seconds=299)) == []
    now += timedelta(seconds=300)
    (probe,) = taken(made, now)
    _, change = made.settle(probe, said(), now, 0)
    assert change is not None
    assert (change.state, made.state) == ("active", "active")
    sent = []
    while batch := taken(made, now):
        assert len(batch) <= IN_FLIGHT_MAX
        for each in batch:
            sent.append(each.position)
            made.settle(each, said(), now, 0)
    assert sent == list(range(2, 31))


def test_an_endpoint_is_disabled_when_its_probe_is_exhausted() -> None:
    """After all of the table; the event stays pending, so that enabling gives everything."""
    made = line("failing", Schedule(table=(0.0, 5.0)))
    made.push([item(1), item(2)])
    now = BEGIN
    for expected in (None, "disabled"):
        (probe,) = taken(made, now)
        settled, change = made.settle(probe, REFUSED, now, 0)
        assert settled.state == "pending"
        assert (change and change.state) == expected
        now += timedelta(seconds=5)
    assert change is not None
    assert change.reason == "exhausted"
    assert taken(made, now + timedelta(days=9)) == []
    assert made.waits == 2


def test_gone_disables_at_once() -> None:
    """410 is the receiver's own word; what comes back after it changes nothing."""
    made = trusted()
    made.push([item(number, uuid4()) for number in range(1, 4)])
    sent = taken(made)
    settled, change = made.settle(sent[0], GONE, BEGIN + timedelta(seconds=9), 0)
    assert change is not None
    assert (settled.state, change.state, change.reason) == ("pending", "disabled", "gone")
    assert change.at == GONE.at == made.health.last_failure_at
    assert made.settle(sent[1], GONE, BEGIN, 0)[1] is None
    assert made.settle(sent[2], said(), BEGIN, 0)[1] is None
    assert (made.state, taken(made)) == ("disabled", [])


def test_retry_after_rests_the_endpoint() -> None:
    """All of it, for as long as it asks within an hour; the event no less than the table says."""
    made = trusted()
    made.push([item(1), item(2, DOSSIERS[1])])
    first = made.take(BEGIN)
    assert first is not None
    settled, _ = made.settle(first, said(429, "status", 60), BEGIN, 0)
    assert settled.next_attempt_at == BEGIN + timedelta(seconds=60)
    assert taken(made, BEGIN + timedelta(seconds=59)) == []
    assert len(taken(made, BEGIN + timedelta(seconds=60))) == 1
    asked = {"30": 30, " 5 ": 5, "999999999": 3600, "-1": 0, "Wed, 21 Oct": 0, "": 0, "1e9": 0, "٣": 0}
    assert {text: retry_after_seconds(text) for text in asked} == asked


def test_a_receiver_that_has_not_answered_well_gets_one_at_a_time() -> None:
    """A new one as well, and one that keeps an event for long."""
    made = line()
    made.push([item(number, uuid4()) for number in range(1, 30)])
    assert len(taken(made)) == 1
    made = trusted()
    made.push([item(number, uuid4()) for number in range(1, 30)])
    assert len(taken(made)) == IN_FLIGHT_MAX
    made = trusted()
    made.push([item(1, uuid4())])
    assert len(taken(made)) == 1
    made.push([item(number, uuid4()) for number in range(2, 30)])
    assert taken(made, BEGIN + timedelta(seconds=2)) == []


def test_a_partner_that_is_suspended_gets_nothing() -> None:
    """Nothing is looked up or sent; what waits goes on waiting."""
    made = trusted()
    made.push([item(1)])
    made.allow(msgspec.structs.replace(PARTNER, state="suspended"))
    assert (taken(made), made.room) == ([], 0)
    made.allow(None)
    assert (taken(made), made.room) == ([], 0)
    made.allow(PARTNER)
    assert (len(taken(made)), made.room) == (1, WINDOW - 1)


def test_trust_outlives_the_process() -> None:
    """An endpoint that answered last is not met with doubt by the next dispatcher; one that did not is."""
    endpoint = msgspec.structs.replace(line().endpoint, last_success_at=BEGIN)
    assert Line(endpoint, [], Schedule()).health.trusted
    later = BEGIN + timedelta(seconds=1)
    assert not Line(msgspec.structs.replace(endpoint, last_failure_at=later), [], Schedule()).health.trusted
    assert not line().health.trusted


Step = tuple[str, int]


@given(
    st.lists(
        st.tuples(st.sampled_from(["push", "good", "bad", "take", "wait", "renew"]), st.integers(0, 4)),
        max_size=120,
    )
)
def test_whatever_happens_each_dossier_is_in_order_and_nothing_is_lost(steps: list[Step]) -> None:
    """Random pushes, answers, waits and new readings: first deliveries of a dossier are in the feed's order."""
    made = trusted(Schedule(table=(0.0, 1.0, 2.0, 4.0), failures_max=5))
    now, position = BEGIN, 0
    flying: list[Item] = []
    delivered: dict[UUID, list[int]] = {dossier: [] for dossier in DOSSIERS}
    ended: set[int] = set()

    def answer(good: bool, index: int) -> None:
        if not flying:
            return
        each = flying.pop(index % len(flying))
        settled, _ = made.settle(each, said() if good else REFUSED, now, 0)
        if settled.state != "pending":
            ended.add(each.position)
        if settled.state == "delivered":
            delivered[each.dossier_id].append(each.position)

    acts: dict[str, Callable[[int], None]] = {
        "good": lambda index: answer(True, index),
        "bad": lambda index: answer(False, index),
        "take": lambda _index: flying.extend(taken(made, now)),
    }
    pending: dict[int, Waiting] = {}
    for what, number in steps:
        if what == "push" and made.room:
            position += 1
            pushed = item(position, DOSSIERS[number], now)
            made.push([pushed])
            pending[position] = waiting(made, pushed, now)
        elif what == "wait":
            now += timedelta(seconds=number)
        elif what == "renew" and made.state != "disabled":
            rest = [each for place, each in pending.items() if place not in ended]
            made.renew(
                msgspec.structs.replace(made.endpoint, state=made.state), [(None, b"k")], rest, more=False
            )
        elif what in acts:
            acts[what](number)
        assert len({each.dossier_id for each in flying}) == len(flying)
    for _ in range(200):
        now += timedelta(seconds=10)
        flying.extend(taken(made, now))
        while flying:
            answer(True, 0)
    assert made.state == "disabled" or (ended, made.waits) == (set(range(1, position + 1)), 0)
    assert all(found == sorted(set(found)) for found in delivered.values())

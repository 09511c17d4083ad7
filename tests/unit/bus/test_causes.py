"""An event comes after the one it came of, whichever producer said it."""

from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libs.bus.arrivals import Arrival, Sorted, sort
from libs.bus.causes import DELIVERIES_MAX, in_causal_order, outside
from libs.contracts.event import Envelope

DOSSIER = UUID(int=7)
NOW = datetime(2026, 11, 27, tzinfo=UTC)


def arrival(
    source: str, sequence: int, *, id_: int, cause: int | None = None, deliveries: int = 1
) -> Arrival:
    """An event of one dossier."""
    made = Arrival(SimpleNamespace(subject="", headers=None, payload=b"", deliveries=deliveries), source)
    made.dossier_id, made.sequence, made.event_id = DOSSIER, sequence, UUID(int=id_)
    made.envelope = Envelope(
        id=UUID(int=id_),
        source=source,
        type="",
        dossier_id=DOSSIER,
        time=NOW,
        sequence=sequence,
        causation_id=None if cause is None else UUID(int=cause),
    )
    return made


def planned(arrivals: list[Arrival], recorded: tuple[int, ...] = ()) -> Sorted:
    """What becomes of a batch."""
    return in_causal_order(sort(arrivals, {}), {UUID(int=each) for each in recorded})


def ids(arrivals: list[Arrival]) -> list[int]:
    """Their event ids as small numbers."""
    return [each.event_id.int for each in arrivals if each.event_id is not None]


def test_an_effect_that_overtook_its_cause_comes_after_it() -> None:
    """Both are in one batch."""
    plan = planned([arrival("routing", 1, id_=2, cause=1), arrival("intake", 1, id_=1)])
    assert (ids(plan.due), plan.gaps) == ([1, 2], [])
    assert plan.positions == {("intake", DOSSIER): 1, ("routing", DOSSIER): 1}


def test_an_effect_waits_for_a_cause_still_to_come_and_the_rest_of_its_dossier_with_it() -> None:
    """The sequence of its producer is kept; other producers go on."""
    plan = planned(
        [
            arrival("routing", 1, id_=2, cause=1),
            arrival("routing", 2, id_=3),
            arrival("notify", 1, id_=4, cause=3),
            arrival("results", 1, id_=5),
        ]
    )
    assert (ids(plan.due), ids(plan.gaps)) == ([5], [2, 3, 4])
    assert plan.positions == {("results", DOSSIER): 1}


def test_a_cause_recorded_before_is_waited_for_no_more() -> None:
    """Only what is not in the batch is asked for."""
    batch = [arrival("routing", 1, id_=2, cause=1), arrival("results", 1, id_=3, cause=2)]
    assert outside(batch) == [UUID(int=1)]
    assert ids(planned(batch, recorded=(1,)).due) == [2, 3]


def test_a_cause_that_never_comes_holds_a_dossier_up_for_a_while_only() -> None:
    """After so many deliveries the event is applied without it."""
    late = arrival("routing", 1, id_=2, cause=1, deliveries=DELIVERIES_MAX + 1)
    assert ids(planned([late, arrival("routing", 2, id_=3)]).due) == [2, 3]


def test_events_that_claim_to_come_of_each_other_keep_their_sequences() -> None:
    """Nobody says so; whoever does stops nobody."""
    batch = [
        arrival("intake", 1, id_=1, cause=4),
        arrival("intake", 2, id_=2),
        arrival("routing", 1, id_=3, cause=2),
        arrival("routing", 2, id_=4),
    ]
    found = ids(planned(batch).due)
    assert sorted(found) == [1, 2, 3, 4]
    assert found.index(1) < found.index(2)
    assert found.index(3) < found.index(4)


@given(st.permutations(range(12)))
def test_a_batch_in_any_order_ends_in_one_that_causes_allow(order: list[int]) -> None:
    """Three producers in turn, each event of the one before it."""
    chain = [
        arrival(("intake", "routing", "results")[n % 3], n // 3 + 1, id_=n + 1, cause=n or None)
        for n in range(12)
    ]
    plan = planned([chain[n] for n in order])
    assert (ids(plan.due), plan.gaps) == (list(range(1, 13)), [])

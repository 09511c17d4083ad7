"""Which events of a batch are due, old or ahead of their turn."""

from types import SimpleNamespace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from libs.bus.arrivals import Arrival, Key, Reader, halves, sort
from libs.bus.handling import Decision
from libs.contracts.intake import DossierAccepted, DossierReceived

dossiers = st.sampled_from([UUID(int=number) for number in range(3)])
places = st.tuples(st.sampled_from(["intake", "results"]), dossiers)
batches = st.lists(st.tuples(places, st.integers(1, 6)), max_size=25)


def arrival(key: Key, sequence: int) -> Arrival:
    """An arrival at this place."""
    made = Arrival(SimpleNamespace(subject="", headers=None, payload=b"", deliveries=1), key[0])
    made.dossier_id, made.sequence = key[1], sequence
    return made


@given(batches, st.dictionaries(places, st.integers(1, 4)))
def test_a_batch_in_any_order_applies_each_dossier_without_gap(
    batch: list[tuple[Key, int]], positions: dict[Key, int]
) -> None:
    """Due are the consecutive sequences after the position, once each and in order; nothing is lost from the batch."""
    arrivals = [arrival(key, sequence) for key, sequence in batch]
    found = sort(arrivals, positions)
    for key in {key for key, _ in batch}:
        last = positions.get(key, 0)
        there = {sequence for each, sequence in batch if each == key}
        expected: list[int] = []
        while last + len(expected) + 1 in there:
            expected.append(last + len(expected) + 1)
        assert [each.sequence for each in found.due if each.key == key] == expected
        assert found.positions.get(key, last) == last + len(expected)
        assert all(each.sequence > last + len(expected) + 1 for each in found.gaps if each.key == key)
    sorted_ids = sorted(map(id, [*found.due, *found.old, *found.gaps]))
    assert sorted_ids == sorted(map(id, arrivals))


@given(batches)
def test_a_broken_message_without_a_dossier_is_due(batch: list[tuple[Key, int]]) -> None:
    """It has no turn to wait for."""
    lost = Arrival(SimpleNamespace(subject="", headers=None, payload=b"", deliveries=1), "intake")
    found = sort([*(arrival(key, sequence) for key, sequence in batch), lost], {})
    assert found.due[-1] is lost


@given(batches.filter(bool))
def test_a_batch_is_split_between_dossiers(batch: list[tuple[Key, int]]) -> None:
    """Nothing is lost, no dossier is in both halves, and only a single dossier leaves the second one empty."""
    arrivals = [arrival(key, sequence) for key, sequence in batch]
    first, second = halves(arrivals)
    assert sorted(map(id, [*first, *second])) == sorted(map(id, arrivals))
    of_first, of_second = ({each.dossier_id for each in half} for half in (first, second))
    assert not of_first & of_second
    assert 0 <= len(of_first) - len(of_second) <= 1


def test_a_reader_knows_what_its_service_acts_on() -> None:
    """What has a handler presses; what has none is only counted."""
    reader = Reader({DossierAccepted: lambda state, _received, _context: Decision(state=state)})
    accepted, received = (
        SimpleNamespace(subject=event.SUBJECT, headers=None, payload=b"", deliveries=1)
        for event in (DossierAccepted, DossierReceived)
    )
    assert reader.acts_on(accepted)
    assert not reader.acts_on(received)

"""How long work gathers after a batch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.bus.gathering import SECONDS_EACH, Gathering

SETTINGS = Gathering(seconds_max=0.1, below=192)
COUNTS = st.integers(1, 191)
TIMES = st.floats(0.0, 5.0)


@given(count=COUNTS)
def test_the_pause_is_at_least_as_long_as_the_batch_took(count: int) -> None:
    """However few there were: waiting costs nobody more than the work did."""
    assert SETTINGS.pause_seconds(count, 0.1) == 0.1


@given(count=st.integers(1, 50), took=st.floats(0.0, 0.002))
def test_the_pause_grows_with_the_batch_and_not_with_its_time(count: int, took: float) -> None:
    """A delay on a busy machine is not multiplied by how many wait."""
    assert SETTINGS.pause_seconds(count, took) == pytest.approx(count * SECONDS_EACH)


@given(count=COUNTS, more=COUNTS, took=TIMES)
def test_the_fuller_a_batch_the_longer_the_pause_up_to_a_limit(count: int, more: int, took: float) -> None:
    """Never shorter for more messages, never beyond the limit."""
    less, greater = sorted((count, more))
    assert SETTINGS.pause_seconds(less, took) <= SETTINGS.pause_seconds(greater, took) <= SETTINGS.seconds_max


@given(count=COUNTS, took=TIMES)
def test_where_nobody_waits_the_pause_is_never_shorter_than_its_least(count: int, took: float) -> None:
    """What a few others of its dossier follow shares their batch."""
    unhurried = Gathering(seconds_min=0.05, seconds_max=0.1, below=192)
    assert unhurried.pause_seconds(count, took) == max(0.05, SETTINGS.pause_seconds(count, took))


@given(count=st.integers(192, 1000), took=TIMES)
def test_after_a_full_batch_there_is_no_pause(count: int, took: float) -> None:
    """The next messages are there already."""
    assert SETTINGS.pause_seconds(count, took) == 0


@given(took=TIMES)
def test_after_nothing_there_is_no_pause(took: float) -> None:
    """A relay that found nothing waits for its wake-up, not for time."""
    assert SETTINGS.pause_seconds(0, took) == 0

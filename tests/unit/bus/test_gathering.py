"""How long work gathers after a batch."""

from hypothesis import given
from hypothesis import strategies as st

from libs.bus.gathering import FEW, Gathering

SETTINGS = Gathering(seconds_max=0.1, below=192)
COUNTS = st.integers(1, 191)
TIMES = st.floats(0.0, 5.0)


@given(count=st.integers(1, FEW), took=st.floats(0.0, 0.1))
def test_after_a_few_the_pause_is_as_long_as_the_batch_took(count: int, took: float) -> None:
    """Little load: nobody waits longer for company than for the work."""
    assert SETTINGS.pause_seconds(count, took) == took


def test_the_pause_grows_in_proportion_to_the_batch() -> None:
    """Four times as many as a few: four times as long as the batch took."""
    assert SETTINGS.pause_seconds(4 * FEW, 0.02) == 0.08


@given(count=COUNTS, more=COUNTS, took=TIMES)
def test_the_fuller_a_batch_the_longer_the_pause_up_to_a_limit(count: int, more: int, took: float) -> None:
    """Never shorter for more messages, never beyond the limit."""
    less, greater = sorted((count, more))
    assert SETTINGS.pause_seconds(less, took) <= SETTINGS.pause_seconds(greater, took) <= SETTINGS.seconds_max


@given(count=st.integers(192, 1000), took=TIMES)
def test_after_a_full_batch_there_is_no_pause(count: int, took: float) -> None:
    """The next messages are there already."""
    assert SETTINGS.pause_seconds(count, took) == 0


@given(took=TIMES)
def test_after_nothing_there_is_no_pause(took: float) -> None:
    """A relay that found nothing waits for its wake-up, not for time."""
    assert SETTINGS.pause_seconds(0, took) == 0

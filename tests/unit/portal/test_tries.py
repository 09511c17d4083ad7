"""How often one address may try."""

from hypothesis import given
from hypothesis import strategies as st

from services.portal.citizens.tries import Tries, wait_words


class Clock:
    """A clock moved by hand."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_the_twenty_first_try_in_a_minute_waits_until_the_first_is_a_minute_old() -> None:
    """However the twenty were spread; another address has its own."""
    clock = Clock()
    tries = Tries(now=clock)
    for _ in range(20):
        assert tries.wait("a") == 0
        tries.note("a")
        clock.seconds += 2
    assert tries.wait("a") == 20
    assert tries.wait("b") == 0
    clock.seconds += 20
    assert tries.wait("a") == 0


# Quarters of a second are added up exactly.
@given(st.lists(st.integers(0, 120).map(lambda quarters: quarters / 4), max_size=80))
def test_never_more_than_allowed_in_any_minute(pauses: list[float]) -> None:
    """A window that slides has no border at which twice as many would pass."""
    clock = Clock()
    tries = Tries(tries=5, now=clock)
    made: list[float] = []
    for pause in pauses:
        clock.seconds += pause
        if tries.wait("a") == 0:
            tries.note("a")
            made.append(clock.seconds)
    assert all(later - first >= 60 for first, later in zip(made, made[5:], strict=False))


def test_addresses_remembered_are_bounded() -> None:
    """Memory does not grow with addresses."""
    tries = Tries(clients_max=3, now=Clock())
    for number in range(100):
        tries.note(str(number))
    assert list(tries._made) == ["97", "98", "99"]


def test_the_wait_is_told_in_words_a_person_uses() -> None:
    """Seconds, then minutes, then hours."""
    assert wait_words(42) == "Vui lòng chờ 42 giây rồi thử lại."
    assert wait_words(600) == "Vui lòng chờ 10 phút rồi thử lại."
    assert "2 giờ" in wait_words(7000)

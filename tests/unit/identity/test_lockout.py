"""How failures lock, grow and are forgotten."""

from datetime import UTC, datetime, timedelta

import pytest

from services.identity.lockout import (
    ACCOUNT,
    ADDRESS,
    LIMITS,
    Tries,
    address_key,
    after_failure,
    after_success,
    wait_seconds,
)

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
LIMIT = LIMITS[ACCOUNT]


def failed(times: int, *, limit_of: str = ACCOUNT, until: datetime = NOW) -> Tries:
    """So many failures, each as soon as it was heard."""
    tries = Tries()
    for _ in range(times):
        tries = after_failure(tries, LIMITS[limit_of], until)
    return tries


def test_a_few_failures_are_free_and_each_further_one_doubles_the_wait() -> None:
    """4 mistakes cost nothing, the 5th half a minute, then a minute, two, four … up to a quarter of an hour."""
    waits = [wait_seconds(failed(times), NOW) for times in range(12)]
    assert waits == [0, 0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900]
    assert wait_seconds(failed(10_000), NOW) == 900


def test_a_lock_ends_by_itself() -> None:
    """To the second; the failure after it locks longer."""
    tries = failed(5)
    assert wait_seconds(tries, NOW + timedelta(seconds=29.5)) == 1
    assert wait_seconds(tries, NOW + timedelta(seconds=30)) == 0
    later = NOW + timedelta(seconds=31)
    assert wait_seconds(after_failure(tries, LIMIT, later), later) == 60


def test_failures_are_forgotten_after_a_day() -> None:
    """A day after the last one counting begins anew, not a second before."""
    tries = failed(20)
    assert after_failure(tries, LIMIT, NOW + timedelta(days=1, seconds=1)).failures == 1
    assert after_failure(tries, LIMIT, NOW + timedelta(days=1)).failures == 21


def test_success_clears_an_account_but_takes_only_itself_back_from_an_address() -> None:
    """Else whoever has one account could clear the count of guesses at others by signing in now and then."""
    assert after_success(failed(4), ACCOUNT) == Tries()
    many = failed(60, limit_of=ADDRESS)
    assert after_success(many, ADDRESS).failures == 59
    assert after_success(many, ADDRESS).locked_until == many.locked_until
    last_free = failed(50, limit_of=ADDRESS)
    assert wait_seconds(last_free, NOW) == 30
    assert wait_seconds(after_success(last_free, ADDRESS), NOW) == 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
    ],
)
def test_a_subscriber_is_counted_as_one(address: str, key: str) -> None:
    """All addresses of a /64 are one household's."""
    assert address_key(address) == key


@pytest.mark.parametrize("text", ["", "quầy 3", "203.0.113", "203.0.113.7:80", "0x7f000001"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """A caller that forgets the address must not be counted together with everybody else who does."""
    with pytest.raises(ValueError, match="address"):
        address_key(text)

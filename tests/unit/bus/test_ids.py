"""Ids sort by the time they were made."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import RFC_4122

import pytest

from libs.bus.ids import new_id


def test_ids_rise_and_differ() -> None:
    """Many ids of one millisecond are all different and in order."""
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_an_id_is_a_uuid_of_version_7_with_the_time_in_front() -> None:
    """Version and variant are those of RFC 9562, the first 48 bits the Unix time in milliseconds."""
    made = new_id()
    assert (made.version, made.variant) == (7, RFC_4122)
    assert abs((made.int >> 80) - time.time_ns() // 1_000_000) < 60_000


def test_a_clock_that_steps_back_does_not_step_ids_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the clock was set back an hour the next id is still the greatest."""
    before = new_id()
    behind = time.time_ns() - 3_600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: behind)
    assert new_id() > before


def test_threads_share_the_order() -> None:
    """Ids made by several threads at once are all different."""
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda _: new_id(), range(4_000)))
    assert len(set(made)) == 4_000

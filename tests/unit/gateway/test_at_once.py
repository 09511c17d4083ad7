"""What one partner has under way is bounded, and takes nothing from another."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from services.gateway.partners.at_once import AtOnce, NoPlaceFree


async def test_beyond_its_places_a_partner_is_told_to_come_again() -> None:
    """Who does not wait, and who waits for nothing, gets 429; another partner has its own."""
    at_once = AtOnce(2)
    async with AsyncExitStack() as held:
        for code in ("bv-1", "bv-1", "bv-2"):
            await held.enter_async_context(at_once.place(code, wait_seconds=0))
        for wait_seconds in (0, 0.01):
            with pytest.raises(NoPlaceFree) as refused:
                async with at_once.place("bv-1", wait_seconds=wait_seconds):
                    raise AssertionError
            assert refused.value.status == 429
            assert refused.value.headers == {"Retry-After": "5"}
    async with at_once.place("bv-1", wait_seconds=0):
        pass


async def test_who_waits_comes_in_by_turns() -> None:
    """A place that becomes free is the first one's who waited; also one that was left by a failure."""
    at_once, came = AtOnce(1), list[int]()

    async def one(number: int) -> None:
        async with at_once.place("bv-1", wait_seconds=None):
            came.append(number)
            await asyncio.sleep(0)
            if number == 1:
                raise ConnectionError

    ended = await asyncio.gather(*(one(number) for number in range(4)), return_exceptions=True)
    assert came == [0, 1, 2, 3]
    assert [isinstance(each, ConnectionError) for each in ended] == [False, True, False, False]


async def test_a_partner_with_nothing_under_way_leaves_nothing() -> None:
    """However many have come, what is kept is of those that are there."""
    at_once = AtOnce(1)
    async with at_once.place("bv-1", wait_seconds=0):
        async with at_once.place("bv-2", wait_seconds=0):
            assert set(at_once._places_of) == {"bv-1", "bv-2"}
        assert set(at_once._places_of) == {"bv-1"}
    assert not at_once._places_of

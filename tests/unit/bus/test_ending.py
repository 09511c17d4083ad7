"""A task is ended also when it has swallowed a cancellation."""

import asyncio

from libs.bus.ending import end_tasks


async def test_a_cancellation_that_was_swallowed_is_repeated() -> None:
    """As Python 3.11's wait_for swallows one that comes together with its result."""
    swallowed = 0

    async def going_on() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if swallowed:
                    raise
                swallowed += 1

    tasks = [asyncio.create_task(going_on()), asyncio.create_task(asyncio.sleep(60))]
    await asyncio.sleep(0)
    await end_tasks(*tasks)
    assert swallowed == 1
    assert all(task.cancelled() for task in tasks)

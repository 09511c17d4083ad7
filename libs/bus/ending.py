"""Ending a task that would otherwise go on for ever."""

import asyncio
from typing import Any


async def end_tasks(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel tasks until they are done; what they ended with is theirs.

    Python 3.11's wait_for, inside the libraries, swallows a cancellation that comes together with its result: one
    cancellation may not be enough.
    """
    while left := [task for task in tasks if not task.done()]:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=1)

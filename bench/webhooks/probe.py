"""The limit: the same events to the same healthy receivers with the same HTTP library, and nothing else.

No database, no order, no retries, no signature: each event as soon as it is there, to all at once. What it says of
itself goes to the log; when an event was there it writes to stdout: id, monotonic nanoseconds.
"""

import asyncio
import os
import sys
import time

import httpcore
import uvloop

from libs.bus.ids import new_id

BODY = b"x" * 700
HEADERS = {"content-type": "application/cloudevents+json"}


async def main(receivers: int, port: int, per_second: float, events: int) -> None:
    """Send so many events at that pace, and five before."""
    words = os.fdopen(os.dup(1), "w")
    pools = [httpcore.AsyncConnectionPool() for _ in range(receivers)]

    async def post(number: int, headers: list[tuple[str, str]]) -> None:
        url = f"http://127.1.0.{number + 1}:{port}/hook"
        await pools[number].request("POST", url, headers=headers, content=BODY)

    for _ in range(events + 5):
        began, event_id = time.monotonic(), str(new_id())
        words.write(f"{event_id} {time.monotonic_ns()}\n")
        headers = [*HEADERS.items(), ("webhook-id", event_id)]
        await asyncio.gather(*(post(number, headers) for number in range(receivers)))
        await asyncio.sleep(max(0.0, began + 1 / per_second - time.monotonic()))
    words.flush()
    for pool in pools:
        await pool.aclose()


if __name__ == "__main__":
    count, port, per_second, events = sys.argv[1:]
    uvloop.run(main(int(count), int(port), float(per_second), int(events)))

"""Pages and acts asked for at an even pace, whether the server keeps up or not."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from uuid import uuid4

import httpx
import msgspec

PER_SECOND = 50
SECONDS = 6.0
WARM_UP = 20
ANSWER_SECONDS_MAX = 30.0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request to be made again and again. A form's idempotency key is new each time."""

    what: str
    path: str
    cookie: str = ""
    csrf: str = ""
    form: Mapping[str, str] | None = None
    most_ms: float = 300.0


async def served(url: str, asked: Asked) -> tuple[float, ...]:
    """Milliseconds from the moment a request was due until its whole answer, PER_SECOND for SECONDS."""
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=200)
    headers = {"Cookie": asked.cookie, "X-CSRF": asked.csrf, "HX-Request": "true"} if asked.csrf else {}
    if asked.cookie:
        headers["Cookie"] = asked.cookie
    async with httpx.AsyncClient(
        base_url=url, headers=headers, limits=limits, timeout=ANSWER_SECONDS_MAX, trust_env=False
    ) as client:

        async def once() -> None:
            if asked.form is None:
                answer = await client.get(asked.path)
            else:
                answer = await client.post(asked.path, data={**asked.form, "khoa": str(uuid4())})
            answer.raise_for_status()

        for _ in range(WARM_UP):
            await once()
        return await paced(once)


async def paced(once: Callable[[], Awaitable[None]]) -> tuple[float, ...]:
    """Do it PER_SECOND for SECONDS; how long after its moment each was done, in milliseconds."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def at(place: int) -> float:
        due = began + place / PER_SECOND
        await asyncio.sleep(due - loop.time())
        await once()
        return (loop.time() - due) * 1000

    return tuple(await asyncio.gather(*(at(place) for place in range(int(PER_SECOND * SECONDS)))))

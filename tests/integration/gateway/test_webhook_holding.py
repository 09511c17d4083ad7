"""What waits is held in memory within a bound for all endpoints together, in even shares; all of it is sent."""

from uuid import UUID, uuid4

import msgspec

from tests.fixtures.receiver import HELD, SLOWLY, always, receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import House, accepted, received
from tests.integration.gateway.webhook_desk import QUICK, desk_of, dispatching, has

# Two endpoints share it: ten each.
LITTLE = msgspec.structs.replace(QUICK, held_max=20)


async def waiting(house: House, endpoint: str) -> int:
    """How many deliveries are pending; of a receiver that answers nothing, all of them are held."""
    pending = "SELECT count(*) FROM delivery WHERE state = 'pending' AND endpoint = $1"
    return int(await house.pool.fetchval(pending, UUID(endpoint)))


async def say_many(house: House, dossiers: int) -> list[UUID]:
    """Two events of each of so many dossiers."""
    return [each for _ in range(dossiers) for each in await house.say(uuid4(), received(), accepted())]


def pairs(said: list[UUID]) -> list[tuple[UUID, UUID]]:
    """The two events of each dossier."""
    return list(zip(said[::2], said[1::2], strict=True))


async def test_each_endpoint_is_lined_up_for_within_its_share(house: House) -> None:
    """One that keeps its share full takes nothing from the other, which gets everything; then it does as well."""
    await house.partner()
    desk = await desk_of(house)
    held: list[int] = []

    async with receiver(always(HELD)) as slow, receiver(always(SLOWLY)) as quick:
        full, _ = await desk.add(slow.url)
        await desk.add(quick.url)
        async with dispatching(house, LITTLE):
            said = await say_many(house, 30)

            async def quick_has_all() -> bool:
                held.append(await waiting(house, full))
                return set(said) <= set(quick.ids)

            await eventually(quick_has_all)
            # What does not fit as a whole is looked for again when half of the share is free: it may hold less.
            assert 0 < max(held) <= 10
            slow.answering = always(204)
            slow.released.set()
            await eventually(has(slow, said), deadline_seconds=20)
        assert len(slow.ids) == len(quick.ids) == 60


async def test_what_is_pending_beyond_the_share_is_read_when_there_is_room(house: House) -> None:
    """Made by a dispatcher that had more room; each once, and each dossier in order."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver(lambda _request: 204 if there.released.is_set() else HELD) as there:
        endpoint, _ = await desk.add(there.url)
        async with dispatching(house):
            said = await say_many(house, 30)

            async def all_wait() -> bool:
                return await waiting(house, endpoint) == 60

            await eventually(all_wait)
        there.released.set()
        # The one that was on its way had its answer nobody heard.
        await eventually(lambda: there.open == 0)
        before = len(there.ids)
        async with dispatching(house, msgspec.structs.replace(QUICK, held_max=10)):
            await eventually(has(there, said), deadline_seconds=20)
        taken = there.ids[before:]
        assert sorted(taken) == sorted(said)
        assert all(taken.index(first) < taken.index(then) for first, then in pairs(said))

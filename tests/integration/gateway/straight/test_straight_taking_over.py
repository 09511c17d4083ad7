"""An inbox outlives whoever reads it: what is handed in is taken in order, at once, by the next one."""

import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.gateway.settings import Settings
from services.gateway.straight.layout import inbox_stream
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import HOSPITAL, House
from tests.integration.gateway.straight.inbox_desk import Desk, Recorder
from tests.integration.gateway.straight.partners_nats import PartnersNats
from tests.integration.gateway.test_process import running

pytestmark = pytest.mark.timeout(90)


@pytest.mark.parametrize("fate", ["killed", "frozen"])
async def test_whoever_takes_over_goes_on_at_once_and_in_order(
    fate: str,
    settings: Callable[..., Settings],
    houses: Callable[..., Any],
    partners_nats: PartnersNats,
    tmp_path: Path,
) -> None:
    """What a process held in its hands when it ended is taken first; one that was only frozen disturbs nothing."""
    recorder, log = Recorder(), tmp_path / "first.log"
    house: House = await houses(taker=recorder, **partners_nats.settings)
    await house.partner(HOSPITAL)
    await partners_nats.admit(house)
    # Its owners are away, so it goes on holding what it has fetched.
    with running(settings(**partners_nats.settings), log) as (first, _):
        client = await partners_nats.connect(seconds=30)
        desk = Desk(house, partners_nats, recorder, client)
        await eventually(desk.is_open, deadline_seconds=20)
        sent = [f"e{number}" for number in range(60)]
        for event_id in sent:
            await desk.hand_in(event_id)
        await eventually(lambda: _waits(log), deadline_seconds=20)
        if fate == "killed":
            first.kill()
            first.wait()
        else:
            first.send_signal(signal.SIGSTOP)
            # As the database does by itself when a session has been idle for long.
            await house.pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gateway straight'"
            )
        began = time.monotonic()
        async with partners_nats.at_work(house.process):
            answered = await desk.answers(1)
            assert time.monotonic() - began < 10
            answered += await desk.answers(59)
            first.send_signal(signal.SIGCONT)
            sent.append("e60")
            await desk.hand_in("e60")
            answered += await desk.answers(1)
            await eventually(desk.is_empty)
    assert [answer.id for answer in answered] == sent
    assert [event_id for _, event_id, _ in recorder.taken] == sent


async def test_a_message_that_never_came_is_read_before_the_next(desk: Callable[[], Any]) -> None:
    """What went out while the connection was lost is still in the inbox, and is taken, without a restart."""
    async with desk() as at:
        admin, box = await at.partners_nats.admin(), "_INBOX.lost"
        lost = await admin.subscribe(box)
        asked = f"$JS.API.CONSUMER.MSG.NEXT.{inbox_stream(HOSPITAL.code)}.{await at.reader()}"
        # The server serves those who ask in turn, so one of the messages goes astray.
        await admin.publish(asked, b'{"batch":1,"expires":20000000000}', reply=box)
        await admin.flush()
        sent = ["e1", "e2", "e3", "e4"]
        for event_id in sent:
            await at.publish(event_id, b"good")
        astray = await lost.next_msg(20)
        assert (astray.headers or {})["ce-id"] in sent
        assert [answer.id for answer in await at.answers(4, seconds=20)] == sent
        await eventually(at.is_empty)


async def _waits(log: Path) -> bool:
    return "partner-event-waits" in log.read_text()

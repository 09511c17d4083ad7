"""A sender that ends in the middle of a batch: what no provider heard of is sent by itself, the rest never twice."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

import asyncpg
import pytest

from services.notify import recording
from services.notify.channels import Accepted, Begin, Destination, Letter
from tests.fixtures.servers import eventually
from tests.integration.notify import post_office
from tests.integration.notify.conftest import Bureau, ready, received
from tests.integration.notify.sender_process import AT_ONCE, STOPPING

pytestmark = pytest.mark.timeout(60)
MESSAGES = 6


@contextmanager
def sending(bureau: Bureau, dossiers: Sequence[UUID]) -> Iterator["subprocess.Popen[bytes]"]:
    """A sender in a process of its own, killed at the end of the block."""
    module = "tests.integration.notify.sender_process"
    command = [sys.executable, "-m", module, bureau.database.app_dsn, str(bureau.post.port)]
    child = subprocess.Popen([*command, *map(str, dossiers)], stdout=subprocess.PIPE)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGKILL)
        child.communicate(timeout=10)


def stopping(child: "subprocess.Popen[bytes]") -> None:
    """Wait until the sender says it has heard SIGTERM; whatever else it prints is its log."""
    assert child.stdout is not None
    assert STOPPING in (line.decode().strip() for line in child.stdout)


async def due(bureau: Bureau) -> list[UUID]:
    """Dossiers with one message each that is due now."""
    dossiers = [await bureau.dossier(received()) for _ in range(MESSAGES)]
    await bureau.waiting_is_over()
    return dossiers


async def states(bureau: Bureau) -> dict[str, int]:
    """How many messages are in each state."""
    rows = await bureau.pool.fetch("SELECT state, count(*) AS count FROM message GROUP BY state")
    return {row["state"]: row["count"] for row in rows}


async def sent_by_the_next(bureau: Bureau, expected: dict[str, int]) -> None:
    """Another sender runs, nobody else does anything; in the end the messages are in these states."""
    stop = asyncio.Event()
    running = asyncio.create_task(bureau.sender().run(stop))

    async def settled() -> bool:
        return await states(bureau) == expected

    await eventually(settled, deadline_seconds=20)
    stop.set()
    await running


def letters(bureau: Bureau) -> int:
    """How many letters the post office holds; each message at most once."""
    ids = [mail.message_id for mail in bureau.post.mails]
    assert len(set(ids)) == len(ids)
    return len(ids)


async def test_a_killed_sender_loses_none_and_sends_none_twice(bureau: Bureau) -> None:
    """kill -9 while two letters are at the provider: those two are unknown, the untouched four are sent by the next."""
    dossiers = await due(bureau)
    bureau.post.hold.clear()

    async def two_at_the_provider() -> bool:
        return letters(bureau) == AT_ONCE

    with sending(bureau, dossiers) as child:
        await eventually(two_at_the_provider, deadline_seconds=20)
        child.kill()
    bureau.post.hold.set()
    await sent_by_the_next(bureau, {"unknown": AT_ONCE, "sent": MESSAGES - AT_ONCE})
    assert letters(bureau) == MESSAGES


async def test_a_killed_sender_whose_provider_had_heard_nothing_leaves_nothing_unknown(
    bureau: Bureau,
) -> None:
    """kill -9 while the mail server does not even greet: all are sent by the next sender."""
    dossiers = await due(bureau)
    bureau.post.manners = lambda _: post_office.SILENT_AT_GREETING

    async def two_are_connected() -> bool:
        return bureau.post.visits == AT_ONCE

    with sending(bureau, dossiers) as child:
        await eventually(two_are_connected, deadline_seconds=20)
        child.kill()
    bureau.post.manners = lambda _: post_office.GOOD
    await sent_by_the_next(bureau, {"sent": MESSAGES})
    assert letters(bureau) == MESSAGES


async def test_a_stopped_sender_ends_what_it_began_and_begins_no_more(bureau: Bureau) -> None:
    """SIGTERM while two letters are at a slow provider: both are recorded, the untouched four wait as they were."""
    dossiers = await due(bureau)
    bureau.post.hold.clear()

    async def two_at_the_provider() -> bool:
        return letters(bureau) == AT_ONCE

    with sending(bureau, dossiers) as child:
        await eventually(two_at_the_provider, deadline_seconds=20)
        child.terminate()
        await asyncio.to_thread(stopping, child)
        bureau.post.hold.set()
        assert await asyncio.to_thread(child.wait, 10) == 0
    assert await states(bureau) == {"sent": AT_ONCE, "queued": MESSAGES - AT_ONCE}
    rows = await bureau.pool.fetch("SELECT reason, failures FROM message WHERE state = 'queued'")
    assert {tuple(row) for row in rows} == {("sender-stopped", 0)}
    await sent_by_the_next(bureau, {"sent": MESSAGES})
    assert letters(bureau) == MESSAGES


async def test_a_database_error_while_intake_is_away_loses_nothing(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can be put back for a while: the messages are due again by themselves and go out once."""
    monkeypatch.setattr(recording, "_PATIENCE_SECONDS", 0.3)
    await due(bureau)
    owner = await asyncpg.connect(bureau.database.migrator_dsn)
    await owner.execute(
        "CREATE FUNCTION hiccup() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'hiccup' USING ERRCODE = 'lock_not_available'; END $$;"
        "CREATE TRIGGER hiccup BEFORE UPDATE ON message FOR EACH ROW WHEN (NEW.reason = 'intake-away')"
        " EXECUTE FUNCTION hiccup()"
    )
    bureau.intake.away = True
    with pytest.raises(TimeoutError):
        await bureau.sender(lease_seconds=1.0).send_due()
    bureau.intake.away = False
    await owner.execute("DROP TRIGGER hiccup ON message")
    await owner.close()
    assert await states(bureau) == {"queued": MESSAGES}
    await sent_by_the_next(bureau, {"sent": MESSAGES})
    assert letters(bureau) == MESSAGES


class Watched:
    """A channel that does something of the test's before and after it is allowed to begin."""

    name = "email"

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.before: list[object] = []

    async def send(self, letter: Letter, destination: Destination, begin: Begin) -> Accepted:
        """Do what is ordered, begin, take the letter."""
        assert destination.channel == self.name
        if self.before:
            await self.before.pop(0)()  # type: ignore[operator]
        await begin()
        self.bodies.append(letter.body)
        return Accepted(provider_id=str(letter.id))


async def test_a_message_counts_as_being_sent_from_the_moment_its_provider_may_hear_of_it(
    bureau: Bureau,
) -> None:
    """Taken it is still queued; being sent is committed before the letter is handed over, and not earlier."""
    seen: list[str] = []

    class Looking(Watched):
        async def send(self, letter: Letter, destination: Destination, begin: Begin) -> Accepted:
            seen.extend(await states(bureau))
            accepted = await super().send(letter, destination, begin)
            seen.extend(await states(bureau))
            return accepted

    bureau.channels = {"email": Looking()}
    dossier_id = await bureau.dossier(received())
    await bureau.send()
    assert seen == ["queued", "sending"]
    assert await bureau.states(dossier_id) == ["sent"]


async def test_a_message_that_grows_after_it_was_taken_goes_out_as_grown(bureau: Bureau) -> None:
    """News of the same group comes while the channel connects: the old text is not sent, one letter tells all."""
    channel = Watched()
    bureau.channels = {"email": channel}
    dossier_id = await bureau.dossier(ready("birth_certificate"))

    async def grow() -> None:
        await bureau.hear(dossier_id, ready("insurance_card"))

    channel.before.append(grow)
    await bureau.send()
    assert channel.bodies == []
    await bureau.send()
    (body,) = channel.bodies
    assert "Giấy khai sinh" in body
    assert "Thẻ bảo hiểm y tế" in body


async def test_a_fault_before_the_provider_hears_of_a_letter_is_tried_again(bureau: Bureau) -> None:
    """Our own mistake while connecting has sent nothing: the letter waits and goes out once."""
    channel = Watched()
    bureau.channels = {"email": channel}
    dossier_id = await bureau.dossier(received())

    async def stumble() -> None:
        raise RuntimeError("a fault of ours")

    channel.before.append(stumble)
    await bureau.send()
    (row,) = await bureau.messages(dossier_id)
    assert (row["state"], row["reason"], row["failures"]) == ("queued", "internal-error", 1)
    await bureau.send()
    assert await bureau.states(dossier_id) == ["sent"]
    assert len(channel.bodies) == 1

"""What cannot be applied is kept, never blocks others, and is settled by a person exactly once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
import pytest_asyncio

from libs.bus import batch, dead_letters, inbox
from libs.bus.consumer import Service
from libs.bus.consumer_settings import ConsumerSettings
from libs.bus.dead_letters import NotOpen
from libs.bus.ids import new_id
from libs.contracts.cloudevents import encode_data
from libs.telemetry.metrics import exposition
from tests.fixtures.database import DatabaseFactory
from tests.integration.bus.probe_service import (
    HANDLERS,
    QUICK,
    Context,
    Probe,
    corrected,
    in_order,
    load,
    open_probe,
    save,
    supplemented,
    until,
)

SECRET = "Nguyễn Văn Bí Mật"
NUMBER = "079123456789"


@pytest_asyncio.fixture
async def probe(database: DatabaseFactory, nats_server: Any) -> AsyncIterator[Probe]:
    """A probe service on a fresh database and a fresh server."""
    found = await open_probe(await database("routing"), nats_server.url)
    yield found
    await found.client.close()
    await found.pool.close()


async def letters(probe: Probe) -> list[Any]:
    """Every dead letter, oldest first."""
    return await probe.pool.fetch("SELECT * FROM bus.dead_letter ORDER BY id")


async def test_a_rejected_event_is_kept_and_its_dossier_goes_on(probe: Probe) -> None:
    """A rejection makes one dead letter with its code, moves the position, and is not delivered again."""
    dossier = new_id()
    await probe.producer.say(dossier, supplemented())
    rejected = await probe.producer.say(dossier, corrected("reject"))
    await probe.producer.say(dossier, supplemented())
    async with probe.consumer() as consumer:
        await probe.has("probe.effect", 2)
        await probe.settled()
        assert consumer.status().dead_letters_in_row == 0
    (letter,) = await letters(probe)
    assert (letter["reason"], letter["code"], letter["status"]) == ("rejected", "no-such-case", "open")
    assert (letter["event_id"], letter["dossier_id"], letter["sequence"]) == (rejected.id, dossier, 2)
    assert await probe.count("bus.inbox") == 3


async def test_every_kind_of_broken_message_becomes_one_dead_letter(probe: Probe) -> None:
    """Undecodable, foreign, unknown or nameless messages are kept with their reason and hold up nobody."""
    say = probe.producer
    good = encode_data(supplemented())

    async def broken(payload: bytes, **headers: str) -> None:
        await say.publish(say.envelope(new_id(), supplemented()), payload, **headers)

    await broken(b"no json")
    await broken(b'{"request": "one"}')
    await broken(b"\xff\xfe" * 50_000)
    await broken(good, time="yesterday")
    await broken(good, source="results")
    await broken(good, specversion="9.9")
    await broken(good, datacontenttype="text/plain")
    await broken(good, subject="%FF")
    await probe.client.request("intake.dossier-supplemented.v1", b"nothing around it", timeout=5)
    newer = msgspec.structs.replace(
        say.envelope(new_id(), supplemented()), type="intake.dossier-supplemented.v2"
    )
    await say.publish(newer, good)
    other = new_id()
    for _ in range(3):
        await say.say(other, supplemented())
    async with probe.consumer():
        await probe.has("bus.dead_letter", 10)
        await probe.has("probe.effect", 3)
        await probe.settled()
    codes = {(letter["reason"], letter["code"]) for letter in await letters(probe)}
    assert codes == {
        ("undecodable", "data-malformed"),
        ("undecodable", "data-malformed request"),
        ("undecodable", "attribute-malformed time"),
        ("undecodable", "foreign"),
        ("undecodable", "specversion-unknown"),
        ("undecodable", "datacontenttype-unknown"),
        ("undecodable", "encoding-invalid subject"),
        ("undecodable", "headers-missing"),
        ("unknown-version", "intake.dossier-supplemented.v2"),
    }


async def test_a_broken_event_does_not_hold_up_its_dossier(probe: Probe) -> None:
    """The place of a broken event in its dossier is found in its headers, so what follows is applied."""
    dossier = new_id()
    await probe.producer.publish(probe.producer.envelope(dossier, supplemented()), b"{", time="never")
    await probe.producer.say(dossier, supplemented())
    async with probe.consumer():
        await probe.has("probe.effect", 1)
        await probe.settled()
    assert await probe.pool.fetchval("SELECT sequence FROM bus.position") == 2


async def test_the_same_broken_message_is_kept_once(probe: Probe) -> None:
    """Redelivery and refill do not multiply dead letters."""
    envelope = probe.producer.envelope(new_id(), supplemented())
    async with probe.consumer():
        for epoch in range(3):
            await probe.producer.publish(
                envelope, b"{", message_id=f"{envelope.id}.e{epoch}", subject="nobody"
            )
        await probe.settled()
    assert await probe.count("bus.dead_letter") == 1


async def test_a_failing_handler_stops_only_its_dossier(probe: Probe) -> None:
    """A handler that raises is tried again later; others of the same batch are applied, its followers wait."""
    probe.context.failing.add("bug")
    sick, well = new_id(), new_id()
    await probe.producer.say(sick, corrected("bug"))
    await probe.producer.say(sick, supplemented())
    for _ in range(5):
        await probe.producer.say(well, supplemented())
    async with probe.consumer(msgspec.structs.replace(QUICK, failures_max=1000)):
        await probe.has("probe.effect", 5)
        probe.context.failing.clear()
        await probe.has("probe.effect", 7)
        await probe.settled()
    assert in_order(await probe.effects())
    assert await probe.count("bus.dead_letter") == 0
    assert await probe.count("bus.attempt") == 0


async def test_failing_for_ever_ends_as_a_dead_letter(probe: Probe) -> None:
    """After the allowed failures the event is kept as exhausted with the error's type, and its dossier goes on."""
    probe.context.failing.add("bug")
    dossier = new_id()
    await probe.producer.say(dossier, corrected("bug"))
    await probe.producer.say(dossier, supplemented())
    async with probe.consumer():
        await probe.has("probe.effect", 1)
        await probe.settled()
    (letter,) = await letters(probe)
    assert (letter["reason"], letter["code"]) == ("exhausted", "KeyError")
    assert await probe.count("bus.attempt") == 0


async def test_a_save_that_fails_is_found_message_by_message(probe: Probe) -> None:
    """When the batch's SQL fails, each message is tried alone and only the guilty one becomes a dead letter."""
    guilty = new_id()

    async def picky_save(connection: Any, changes: Any) -> None:
        if any(change.dossier_id == guilty for change in changes):
            await connection.execute("SELECT 1/0")
        await save(connection, changes)

    dossiers = [new_id() for _ in range(6)]
    for dossier in (*dossiers, guilty):
        await probe.producer.say(dossier, supplemented())
    async with probe.consumer(save=picky_save):
        await probe.has("probe.effect", 6)
        await probe.has("bus.dead_letter", 1)
        await probe.settled()
    (letter,) = await letters(probe)
    assert (letter["reason"], letter["code"]) == ("exhausted", "DivisionByZeroError")
    assert letter["dossier_id"] == guilty


async def test_an_event_that_ended_its_processes_is_not_tried_again(probe: Probe) -> None:
    """An event begun by as many processes as allowed, none of which came back, is kept before it is tried."""
    envelope = await probe.producer.say(new_id(), supplemented())
    await probe.pool.execute("INSERT INTO bus.attempt VALUES ($1, 3, 0)", envelope.id)
    taken = await probe.client.jetstream().pull_subscribe_bind("routing-intake", "INTAKE")
    (message,) = await taken.fetch(1, timeout=5)
    await message.nak()
    async with probe.consumer():
        await probe.has("bus.dead_letter", 1)
        await probe.settled()
    (letter,) = await letters(probe)
    assert letter["reason"] == "unfinished"
    assert probe.context.handled == 0


async def test_too_many_in_a_row_stop_the_consumer_until_a_person_resumes_it(probe: Probe) -> None:
    """The stream stops at the limit, for every replica; resumed, it goes on where it stood."""
    settings = ConsumerSettings(
        lanes=1, dead_letters_in_row_max=5, refused_nak_seconds=0.2, hold_seconds=0.2, failures_max=5
    )
    for _ in range(12):
        await probe.producer.say(new_id(), corrected("reject"))
    async with probe.consumer(settings) as consumer:
        await until(lambda: "in a row" in consumer.status().stopped_reason, 10, "the consumer says so")
        assert await probe.count("bus.dead_letter") == 5
        assert shown('bus_consumer_stopped{consumer="routing-intake"}') == 1
        assert shown('bus_consumer_stopped{consumer="routing-results"}') == 0
        async with probe.consumer(settings) as replica:
            await until(
                lambda: replica.status().stopped_reason == "intake: 5 dead letters in a row", 10, "both stop"
            )
        assert await probe.count("bus.dead_letter") == 5
        assert await inbox.resume(probe.pool, "intake", "operator")
        await probe.has("bus.dead_letter", 10, seconds=20)
        await until(lambda: "in a row" in consumer.status().stopped_reason, 10, "the consumer stops again")
        assert (
            await probe.count("bus.consumer_state", "stopped_at IS NOT NULL AND resumed_by = 'operator'") == 1
        )
        assert await inbox.resume(probe.pool, "intake", "operator")
        await probe.has("bus.dead_letter", 12, seconds=20)
        listening = 'bus_consumer_stopped{consumer="routing-intake"}'
        await until(lambda: shown(listening) == 0, 10, "it is shown listening again")


async def test_dead_letters_of_all_lanes_count(probe: Probe) -> None:
    """Batches of two lanes in flight at once: the dead letters of both are in the row, and stop the consumer."""
    one = new_id()
    other = next(each for each in iter(new_id, None) if hash(str(each)) % 2 != hash(str(one)) % 2)
    both = asyncio.Barrier(2)

    async def load_together(connection: Any, dossier_ids: Sequence[UUID]) -> dict[UUID, Any]:
        async with asyncio.timeout(10):
            await both.wait()
        return await load(connection, dossier_ids)

    settings = msgspec.structs.replace(QUICK, lanes=2, dead_letters_in_row_max=4)
    async with probe.consumer(settings, load=load_together) as consumer:
        for _ in range(2):
            for dossier in (one, other):
                await probe.producer.say(dossier, corrected("reject"))
            await probe.settled()
        assert await probe.count("bus.dead_letter") == 4
        assert consumer.status().dead_letters_in_row == 4
        for dossier in (one, other):
            await probe.producer.say(dossier, corrected("reject"))
        await until(lambda: "in a row" in consumer.status().stopped_reason, 10, "the consumer says so")


async def test_success_between_dead_letters_breaks_the_row(probe: Probe) -> None:
    """Dead letters with successes between them never stop the consumer."""
    for _ in range(15):
        await probe.producer.say(new_id(), corrected("reject"))
        await probe.producer.say(new_id(), supplemented())
    async with probe.consumer(msgspec.structs.replace(QUICK, dead_letters_in_row_max=10, lanes=1)):
        await probe.has("bus.dead_letter", 15)
        await probe.has("probe.effect", 15)
    assert await probe.count("bus.consumer_state") == 0


async def test_a_retry_applies_the_event_exactly_once(probe: Probe) -> None:
    """Two retries at once: one applies the event past the sequence check, the other finds the letter closed."""
    probe.context.failing.add("bug")
    dossier = new_id()
    envelope = await probe.producer.say(dossier, corrected("bug"))
    await probe.producer.say(dossier, supplemented())
    async with probe.consumer():
        await probe.has("probe.effect", 1)
        await probe.settled()
    probe.context.failing.clear()
    service = Service(name="routing", handlers=HANDLERS, load=load, save=save, context=probe.context)
    (letter,) = await letters(probe)

    async def retry() -> object:
        async with probe.pool.acquire() as connection:
            return await batch.retry(connection, service, letter["id"], who="operator")

    outcomes = await asyncio.gather(retry(), retry(), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotOpen", "Retried"]
    assert [effect[2] for effect in await probe.effects()] == [2, 1]
    (letter,) = await letters(probe)
    assert (letter["status"], letter["resolved_by"]) == ("retried", "operator")
    assert await probe.count("bus.outbox", f"causation_id = '{envelope.id}'") == 1
    assert await probe.pool.fetchval("SELECT sequence FROM bus.position") == 2


async def test_a_retry_still_refused_leaves_the_letter_open(probe: Probe) -> None:
    """A retry that is rejected again counts, keeps the code, and changes nothing else."""
    await probe.producer.say(new_id(), corrected("reject"))
    async with probe.consumer():
        await probe.has("bus.dead_letter", 1)
    service = Service(name="routing", handlers=HANDLERS, load=load, save=save, context=Context())
    (letter,) = await letters(probe)
    async with probe.pool.acquire() as connection:
        retried = await batch.retry(connection, service, letter["id"], who="operator")
    assert retried.flaw is not None
    assert retried.flaw.code == "no-such-case"
    (letter,) = await letters(probe)
    assert (letter["status"], letter["tries"]) == ("open", 1)
    assert await probe.count("probe.effect") == 0


async def test_what_waits_for_a_person_is_measured(probe: Probe) -> None:
    """Open dead letters and dossiers with a gap are figures that an alarm can look at."""
    dossier = new_id()
    await probe.producer.say(new_id(), corrected("reject"))
    await probe.producer.say(dossier, supplemented(), sequence=2)
    async with probe.consumer():
        await until(lambda: shown("bus_gaps_waiting") == 1, 10, "a gap is shown")
        await probe.has("bus.dead_letter", 1)
        await probe.producer.say(dossier, supplemented(), sequence=1)
        await until(lambda: shown("bus_gaps_waiting") == 0, 10, "no gap is shown")
    async with probe.consumer():
        await until(lambda: shown("bus_dead_letters_open") == 1, 10, "an open letter is shown")


def shown(name: str) -> float:
    """The value of a metric, as it is scraped."""
    lines = exposition().decode().splitlines()
    (value,) = [line.rpartition(" ")[2] for line in lines if line.startswith(f"mot_cua_{name} ")]
    return float(value)


async def test_discarding_needs_an_open_letter_and_keeps_who_and_why(probe: Probe) -> None:
    """A letter is discarded once, with its reason, and stays in the table."""
    await probe.producer.say(new_id(), corrected("reject"))
    async with probe.consumer():
        await probe.has("bus.dead_letter", 1)
    (letter,) = await letters(probe)
    await dead_letters.resolve(probe.pool, letter["id"], status="discarded", who="op", why="test data")
    with pytest.raises(NotOpen):
        await dead_letters.resolve(probe.pool, letter["id"], status="discarded", who="op", why="again")
    (letter,) = await letters(probe)
    assert (letter["status"], letter["resolved_by"], letter["resolution"]) == ("discarded", "op", "test data")


async def test_no_value_of_a_message_is_shown_or_logged(
    probe: Probe, capfd: pytest.CaptureFixture[str]
) -> None:
    """Names and numbers hidden anywhere in broken or failing messages appear in no log line and no shown letter."""
    payload = msgspec.json.encode(
        {
            "request": NUMBER,
            "components": [SECRET, NUMBER],
            "complete": SECRET,
            "supplemented_at": SECRET,
            SECRET: NUMBER,
            "extra": {"name": SECRET},
        }
    )
    say = probe.producer
    await say.publish(say.envelope(new_id(), supplemented()), payload)
    await say.publish(
        say.envelope(new_id(), supplemented()), payload, time=NUMBER, secret=NUMBER, subject=NUMBER
    )
    probe.context.failing.add("bug")
    await say.say(new_id(), corrected("bug"))
    await probe.client.request(f"intake.{NUMBER}", payload, headers={NUMBER: NUMBER}, timeout=5)
    async with probe.consumer():
        await probe.has("bus.dead_letter", 4)
        await probe.settled()
    shown = [await dead_letters.show(probe.pool, letter["id"]) for letter in await letters(probe)]
    texts = await probe.pool.fetch("SELECT reason, code, subject, resolution FROM bus.dead_letter")
    everything = msgspec.json.encode(shown).decode() + str(texts) + "".join(capfd.readouterr())
    for canary in (SECRET, "Bí Mật", NUMBER):
        assert canary not in everything

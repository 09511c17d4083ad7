"""What a connection of a partner may do: its own, and nothing else; and what ends it."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from services.gateway.partners import administration
from services.gateway.partners.partner import ACTIVE, REVOKED, SUSPENDED
from services.gateway.straight import administration as straight
from services.gateway.straight import door
from services.gateway.straight.layout import events_stream, inbox_stream
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import BY, EVERYTHING, HOSPITAL, House, accepted, assigned, received
from tests.integration.gateway.straight.partners_nats import NotLetIn, PartnersNats, ids, take

pytestmark = pytest.mark.timeout(90)

MINE, THEIRS = events_stream(HOSPITAL.code), events_stream(EVERYTHING.code)
# What somebody would try: others' streams, the API that makes and reads them, the city, the server itself.
FORBIDDEN = [
    f"$JS.API.CONSUMER.INFO.{THEIRS}.own",
    f"$JS.API.CONSUMER.MSG.NEXT.{THEIRS}.own",
    f"$JS.API.CONSUMER.CREATE.{MINE}.another",
    f"$JS.API.CONSUMER.CREATE.{THEIRS}.another",
    f"$JS.API.CONSUMER.DELETE.{MINE}.own",
    f"$JS.API.CONSUMER.PAUSE.{MINE}.own",
    f"$JS.API.STREAM.INFO.{MINE}",
    f"$JS.API.STREAM.INFO.{THEIRS}",
    f"$JS.API.STREAM.MSG.GET.{THEIRS}",
    f"$JS.API.DIRECT.GET.{THEIRS}",
    f"$JS.API.STREAM.PURGE.{MINE}",
    f"$JS.API.STREAM.DELETE.{MINE}",
    f"$JS.API.STREAM.MSG.GET.{inbox_stream(HOSPITAL.code)}",
    "$JS.API.STREAM.CREATE.OWN",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.INFO.INTAKE",
    "$JS.API.INFO",
    "$SYS.REQ.ACCOUNT.PING.CONNZ",
    "$SYS.REQ.SERVER.PING",
    "$SYS.REQ.USER.AUTH",
    "server.any.kick",
]


async def test_a_partner_may_do_nothing_but_its_own(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """No request beyond its own durable is answered, and nothing is heard but what it asked for."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    await house.partner(EVERYTHING)
    await partners_nats.admit(house)
    await partners_nats.admit(house, EVERYTHING.code)
    async with partners_nats.at_work(house.process):
        said = await house.say(uuid4(), received("93017"), accepted("93017"))
        other = await partners_nats.connect(EVERYTHING.code)
        held = await take(other, EVERYTHING.code, 2, ack=False)
        client = await partners_nats.connect()
        heard: list[str] = []
        for subject in (
            ">",
            "events.>",
            f"events.{HOSPITAL.code}.>",
            "intake.>",
            "$SYS.>",
            f"_INBOX_{EVERYTHING.code}.>",
        ):
            await client.subscribe(subject, cb=_hearing(heard))
        answered = await asyncio.gather(*(_is_answered(client, subject) for subject in FORBIDDEN))
        assert [subject for subject, yes in zip(FORBIDDEN, answered, strict=True) if yes] == []
        # Another's message is not acknowledged away, and nobody speaks for another or as the city.
        for message in held:
            await client.publish(message.reply, b"+ACK")
        for subject in (
            f"inbox.{EVERYTHING.code}.x",
            f"events.{HOSPITAL.code}.x",
            f"events.{EVERYTHING.code}.x",
        ):
            await client.publish(subject, b"{}")
        await client.flush()
        assert (await partners_nats.durable(EVERYTHING.code)).num_ack_pending == 2
        assert await partners_nats.stored(EVERYTHING.code) == 2
        assert await partners_nats.stored(HOSPITAL.code) == 0
        assert ids(held) == said
        assert heard == []


# Where an answer must not lead: the API, which JetStream's own answers may call, and what is another's.
ASTRAY = [
    f"$JS.API.STREAM.DELETE.{THEIRS}",
    f"$JS.API.STREAM.PURGE.{THEIRS}",
    f"$JS.API.CONSUMER.DELETE.{THEIRS}.own",
    f"$JS.API.STREAM.DELETE.{inbox_stream(EVERYTHING.code)}",
    f"inbox.{EVERYTHING.code}.x",
    f"events.{EVERYTHING.code}.x",
    "$SYS.REQ.USER.AUTH",
]


async def test_an_answer_leads_nowhere_but_to_who_has_asked(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """Whatever is given as the reply of a permitted request: nothing is deleted, stored or confirmed by the answer."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    await house.partner(EVERYTHING)
    await partners_nats.admit(house)
    await partners_nats.admit(house, EVERYTHING.code)
    async with partners_nats.at_work(house.process):
        said = await house.say(uuid4(), received("93017"), accepted("93017"))
        other = await partners_nats.connect(EVERYTHING.code)
        held = await take(other, EVERYTHING.code, 2, ack=False)
        client = await partners_nats.connect()
        await eventually(lambda: partners_nats.holds(HOSPITAL.code, 0))
        heard: list[str] = []
        admin = await partners_nats.admin()
        for subject in ASTRAY:
            await admin.subscribe(subject, cb=_hearing(heard))
        for subject in ASTRAY:
            # Nothing waits: the answer is an empty message, which deletes and confirms.
            nothing = b'{"batch":1,"no_wait":true}'
            await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{MINE}.own", nothing, reply=subject)
            await client.publish(f"$JS.API.CONSUMER.INFO.{MINE}.own", b"", reply=subject)
            await client.publish(f"inbox.{HOSPITAL.code}.x", b"{}", reply=subject)
        await client.publish(f"inbox.{HOSPITAL.code}.x", b"{}", reply=held[0].reply)
        await client.flush()
        await asyncio.sleep(1)
        assert heard == []
        durable = await partners_nats.durable(EVERYTHING.code)
        assert (durable.num_ack_pending, await partners_nats.stored(EVERYTHING.code)) == (2, 2)
        assert not await partners_nats.is_gone(inbox_stream(EVERYTHING.code))
        assert ids(held) == said


async def test_only_who_proves_a_registered_key_is_let_in(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """A key nobody registered, a registered one of a partner that is not switched on, none at all, the nobody's."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    await house.partner(EVERYTHING)
    await partners_nats.admit(house)
    await partners_nats.add_key(house, EVERYTHING.code)
    partners_nats.new_seed("stranger")
    async with partners_nats.at_work(house.process):
        await partners_nats.connect()
        for key in ("stranger", EVERYTHING.code):
            with pytest.raises(NotLetIn):
                await partners_nats.connect(HOSPITAL.code, key=key, seconds=1)
        assert (
            await partners_nats.knock(b'"nkey":"%s"' % partners_nats.public(HOSPITAL.code))
            == "Authorization Violation"
        )
        forged = b'"nkey":"%s","sig":"%s"' % (partners_nats.public(HOSPITAL.code), b"A" * 86)
        assert await partners_nats.knock(forged) == "Authorization Violation"
        assert await partners_nats.knock(b'"user":"gateway","pass":"guess"') == "Authorization Violation"
        assert await partners_nats.knock(b'"verbose":false') == "Authorization Violation"
    assert ("nats-refused", partners_nats.public(EVERYTHING.code).decode()) in await house.deeds(
        EVERYTHING.code
    )


async def test_a_suspended_partner_reads_nothing_more_and_goes_on_when_it_is_resumed(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """Within seconds its connection ends and its stream is gone; what it had not confirmed waits in the feed."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    said = await house.say(uuid4(), received(), accepted(), assigned())
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        client = await partners_nats.connect()
        assert ids(await take(client, HOSPITAL.code, 1)) == said[:1]
        await _set_state(house, SUSPENDED)
        await eventually(lambda: not client.is_connected)
        await eventually(lambda: partners_nats.is_gone(MINE))
        with pytest.raises(NotLetIn):
            await partners_nats.connect(seconds=1)
        await _set_state(house, ACTIVE)
        assert ids(await take(await partners_nats.connect(), HOSPITAL.code, 2)) == said[1:]
        await _set_state(house, REVOKED)
        await eventually(lambda: partners_nats.is_gone(MINE))
        with pytest.raises(NotLetIn):
            await partners_nats.connect(seconds=1)


async def test_keys_overlap_and_a_retired_one_ends_its_connections(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """Both let in until the old one is retired; then its connection ends and the other's stays."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        old = await partners_nats.connect()
        await partners_nats.add_key(house, HOSPITAL.code, "next")
        new = await partners_nats.connect(HOSPITAL.code, key="next")
        public = partners_nats.public(HOSPITAL.code).decode()
        async with house.pool.acquire() as conn, conn.transaction():
            await straight.retire_key(conn, HOSPITAL.code, public, BY)
        await eventually(lambda: not old.is_connected)
        with pytest.raises(NotLetIn):
            await partners_nats.connect(seconds=1)
        said = await house.say(uuid4(), received())
        assert ids(await take(new, HOSPITAL.code, 1)) == said


async def test_one_partner_does_not_take_the_room_of_others(
    houses: Callable[..., Any], partners_nats: PartnersNats, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of its connections only so many stay, the oldest; another partner's is none of them."""
    monkeypatch.setattr(door, "OF_ONE_MAX", 2)
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    await house.partner(EVERYTHING)
    await partners_nats.admit(house)
    await partners_nats.admit(house, EVERYTHING.code)
    async with partners_nats.at_work(house.process):
        other = await partners_nats.connect(EVERYTHING.code)
        mine = [await partners_nats.connect() for _ in range(4)]
        await eventually(lambda: not mine[2].is_connected and not mine[3].is_connected)
        assert mine[0].is_connected
        assert mine[1].is_connected
        assert other.is_connected


async def test_a_smaller_scope_also_holds_for_what_waits(
    houses: Callable[..., Any], partners_nats: PartnersNats
) -> None:
    """What is in the stream and no longer allowed is never handed out; what still is comes, and comes once."""
    house: House = await houses(**partners_nats.settings)
    await house.partner(HOSPITAL)
    dossier = uuid4()
    said = await house.say(dossier, received(), accepted(), assigned())
    await partners_nats.admit(house)
    async with partners_nats.at_work(house.process):
        await eventually(lambda: partners_nats.holds(HOSPITAL.code, 3))
        async with house.pool.acquire() as conn, conn.transaction():
            await administration.change_scope(conn, HOSPITAL.code, ["routing.*"], HOSPITAL.reads, BY)
        await eventually(lambda: partners_nats.holds(HOSPITAL.code, 1))
        client = await partners_nats.connect()
        assert ids(await take(client, HOSPITAL.code, 2, seconds=3)) == said[2:]
        async with house.pool.acquire() as conn, conn.transaction():
            await administration.change_scope(conn, HOSPITAL.code, ["*"], ["facility/93017"], BY)
        await eventually(lambda: partners_nats.holds(HOSPITAL.code, 0))
        await house.say(dossier, received("93016"))
        assert await take(client, HOSPITAL.code, 1, seconds=3) == []


async def _set_state(house: House, state: str) -> None:
    async with house.pool.acquire() as conn, conn.transaction():
        await administration.set_state(conn, HOSPITAL.code, state, BY)


def _hearing(heard: list[str]) -> Any:
    async def hear(message: Any) -> None:
        heard.append(message.subject)

    return hear


async def _is_answered(client: Client, subject: str) -> bool:
    try:
        await client.request(subject, b"{}", timeout=1)
    except NatsError:
        return False
    return True

"""A partner's contact is told by letter which endpoints were given up."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio

from libs.http.auth import TokenSigner
from libs.http.client import ServiceClient
from services.gateway.partners import administration
from services.gateway.partners.partner import address_in
from services.gateway.webhooks.telling import PATH, Telling
from services.notify.partner_letters import WebhooksStopped, letter_of
from tests.fixtures.receiver import Receiver, always, receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import BY, HOSPITAL, House, received
from tests.integration.gateway.owner import Owner
from tests.integration.gateway.webhook_desk import Desk, desk_of, dispatching

CONTACT = "Phòng CNTT <cntt@benh-vien.example>"


@pytest_asyncio.fixture
async def telling(house: House, owner: Owner) -> AsyncIterator[Telling]:
    """The task, with the owner of the tests in notify's place."""
    signer = TokenSigner.from_file("gateway", house.settings.service_key)
    async with ServiceClient(owner.url, "notify", signer, attempts_max=1) as notify:
        yield Telling(house.process.transactions, notify)


async def given_up(house: House, *endpoints: str) -> None:
    """They answer 410 to what is said."""
    desk = await desk_of(house)
    async with dispatching(house):
        await house.say(uuid4(), received())
        for endpoint in endpoints:
            await eventually(partial(desk.state_is, endpoint, "disabled"))


async def hospital(house: House, contact: str = CONTACT) -> Desk:
    """A partner with this contact."""
    await house.partner(msgspec.structs.replace(HOSPITAL, contact=contact))
    return await desk_of(house)


@asynccontextmanager
async def one_given_up(house: House, contact: str = CONTACT) -> AsyncIterator[tuple[Desk, str, Receiver]]:
    """A partner with this contact, its one endpoint, which was given up, and the receiver there."""
    desk = await hospital(house, contact)
    async with receiver(always(410)) as there:
        endpoint, _ = await desk.add(there.url)
        await given_up(house, endpoint)
        yield desk, endpoint, there


async def pass_by(house: House, time: timedelta) -> None:
    """So much of what partners are to wait for their next letter is over."""
    await house.pool.execute("UPDATE partner SET tell_after = tell_after - $1::interval", time)


async def said_in(house: House) -> list[tuple[str, str]]:
    """What the audit says of telling."""
    return [deed for deed in await house.deeds(HOSPITAL.code) if deed[0].endswith("told")]


async def test_one_letter_names_all_that_were_given_up_and_no_url(
    house: House, owner: Owner, telling: Telling
) -> None:
    """To the address within the contact, once; what notify is asked for is what it reads, and its words name both."""
    desk = await hospital(house)
    async with receiver(always(410)) as there:
        endpoints = sorted([(await desk.add(f"{there.url}?secret=1"))[0] for _ in range(2)])
        await given_up(house, *endpoints)
    assert await telling.turn()
    assert not await telling.turn()
    (call,) = owner.calls
    assert (call.path, call.actor.subject, call.actor.kind) == (PATH, "gateway", "service")
    asked = msgspec.json.decode(call.body, type=WebhooksStopped)
    assert (asked.to, asked.partner) == ("cntt@benh-vien.example", HOSPITAL.name_vi)
    assert sorted(str(each.id) for each in asked.webhooks) == endpoints
    assert {(each.host, each.reason) for each in asked.webhooks} == {("127.0.0.1", "gone")}
    assert "secret" not in call.body.decode()
    letter = letter_of(asked, "https://mot-cua.example/dev/webhook")
    assert all(endpoint in letter.body for endpoint in endpoints)
    ((what, detail),) = await said_in(house)
    assert what == "webhook-told"
    assert sorted(detail.split()) == endpoints


async def test_a_letter_is_owed_until_notify_has_sent_it(
    house: House, owner: Owner, telling: Telling
) -> None:
    """Away, it is tried again after a while under the same id; and beside it nobody else tries."""
    owner.refuse(503)
    async with one_given_up(house) as (_, endpoint, _):
        await asyncio.gather(telling.turn(), telling.turn())
        assert (len(owner.calls), await said_in(house)) == (1, [])
        assert not await telling.turn()
        await pass_by(house, timedelta(minutes=6))
        assert await telling.turn()
        first, second = owner.calls
        assert first.body == second.body
        assert await said_in(house) == [("webhook-told", endpoint)]


@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_a_notify_that_does_not_know_such_letters_owes_them_still(
    house: House, owner: Owner, telling: Telling, status: int
) -> None:
    """One of before, one set up wrongly, one that fails: only that an address takes no mail ends it."""
    owner.refuse(status)
    async with one_given_up(house) as (_, endpoint, _):
        assert await telling.turn()
        assert (len(owner.calls), await said_in(house)) == (1, [])
        await pass_by(house, timedelta(minutes=6))
        assert await telling.turn()
        assert await said_in(house) == [("webhook-told", endpoint)]


async def test_what_was_given_up_again_while_a_letter_was_sent_is_owed_one(
    house: House, owner: Owner, telling: Telling
) -> None:
    """The letter on its way tells of the time before."""
    async with one_given_up(house) as (desk, endpoint, _):
        owner.released.clear()
        turn = asyncio.create_task(telling.turn())
        await eventually(lambda: bool(owner.calls))
        await desk.did("PATCH", f"/{endpoint}", {"enabled": True})
        await given_up(house, endpoint)
        assert not turn.done()
        owner.released.set()
        assert await turn
    await house.pool.execute("UPDATE partner SET tell_after = now()")
    assert await telling.turn()
    assert len({json.loads(call.body)["id"] for call in owner.calls}) == 2


async def test_a_partner_gets_one_letter_an_hour_at_most(
    house: House, owner: Owner, telling: Telling
) -> None:
    """However often its endpoint is enabled and given up again; what was put right by then needs none."""
    async with one_given_up(house) as (desk, endpoint, _):
        assert await telling.turn()
        await desk.did("PATCH", f"/{endpoint}", {"enabled": True})
        await given_up(house, endpoint)
        assert not await telling.turn()
        await desk.did("PATCH", f"/{endpoint}", {"enabled": True})
        await pass_by(house, timedelta(hours=1))
        assert await telling.turn()
    assert not await telling.turn()
    assert len(owner.calls) == 1


async def test_a_test_that_is_taken_after_it_was_given_up_does_not_hide_since_when_it_failed(
    house: House, owner: Owner, telling: Telling
) -> None:
    """The endpoint stays off, so its partner is told as before; the task goes on."""
    async with one_given_up(house) as (desk, endpoint, there):
        since = (await desk.show(endpoint))["failing_since"]
        there.answering = always(204)
        tried = await desk.did("POST", f"/{endpoint}/test", {})
    assert tried["state"] == "delivered"
    assert await telling.turn()
    (call,) = owner.calls
    ((webhook),) = json.loads(call.body)["webhooks"]
    assert webhook["since"] == since is not None


@pytest.mark.parametrize("contact", ["", "ông Ba, 0912 345 678"])
async def test_without_an_address_the_audit_says_that_nobody_was_told(
    house: House, owner: Owner, telling: Telling, contact: str
) -> None:
    """Also when notify says that the address takes no mail."""
    async with one_given_up(house, contact) as (desk, endpoint, _):
        assert await telling.turn()
        assert await said_in(house) == [("webhook-not-told", f"{endpoint} no-address")]
        async with house.pool.acquire() as conn, conn.transaction():
            await administration.change_contact(conn, HOSPITAL.code, CONTACT, BY)
        await house.pool.execute("UPDATE partner SET tell_after = now()")
        await desk.did("PATCH", f"/{endpoint}", {"enabled": True})
        await given_up(house, endpoint)
        owner.refuse(422, "address-refused")
        assert await telling.turn()
    assert (await said_in(house))[1:] == [("webhook-not-told", f"{endpoint} address-refused")]
    assert json.loads(owner.calls[0].body)["to"] == "cntt@benh-vien.example"


@pytest.mark.parametrize(
    ("contact", "address"),
    [
        ("it@bv.example", "it@bv.example"),
        ("Phòng CNTT (it@bv.example), 0912345678", "it@bv.example"),
        ("thư: it@bv.example.", "it@bv.example"),
        ("0912345678", ""),
    ],
)
def test_the_address_is_found_in_what_an_operator_wrote(contact: str, address: str) -> None:
    """The first one."""
    assert address_in(contact) == address


async def test_the_process_tells_where_notify_is(houses: Callable[..., Any]) -> None:
    """Only then is there such a task."""
    without, with_it = await houses(), await houses(notify_url="http://127.0.0.1:1")
    assert len(with_it.process.background) == len(without.process.background) + 1

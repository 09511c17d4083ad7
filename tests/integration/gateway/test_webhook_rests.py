"""Webhooks that rest: disabled, paused, of a suspended partner, without a secret; and what comes when they go on."""

from uuid import uuid4

from standardwebhooks.webhooks import Webhook

from tests.fixtures.receiver import receiver
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import EVERYTHING, HOSPITAL, House, accepted, received
from tests.integration.gateway.webhook_desk import LONG_AGO, bystander, desk_of, dispatching, has


async def test_an_endpoint_is_disabled_after_the_whole_table_and_enabled_gets_everything(
    house: House,
) -> None:
    """The cursor is kept; what was tried in vain is tried anew."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver(lambda _request: 500) as there, dispatching(house):
        endpoint, _ = await desk.add(there.url)
        said = [event for _ in range(6) for event in await house.say(uuid4(), received())]
        await eventually(lambda: desk.state_is(endpoint, "disabled"), deadline_seconds=20)
        assert (await desk.show(endpoint))["state_reason"] == "exhausted"
        said += await house.say(uuid4(), received())
        there.answering = lambda _request: 204
        async with bystander(house) as gone_on:
            await gone_on()
            assert there.ids == []
        assert (await desk.call("POST", f"/{endpoint}/recover", {"since": LONG_AGO})).status_code == 409
        await desk.did("PATCH", f"/{endpoint}", {"enabled": True})
        await eventually(has(there, said))
        assert sorted(there.ids) == sorted(said)
    assert ("webhook-disabled", f"{endpoint} exhausted") in await house.deeds(HOSPITAL.code)


async def test_gone_disables_at_once_and_a_paused_one_goes_on_where_it_was(house: House) -> None:
    """410 after one attempt; paused, nothing is sent; what was said meanwhile comes when it is enabled."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver(lambda _request: 410) as there, dispatching(house):
        endpoint, _ = await desk.add(there.url)
        said = await house.say(uuid4(), received())
        await eventually(lambda: desk.state_is(endpoint, "disabled"))
        shown = await desk.show(endpoint)
        assert (shown["state_reason"], shown["last_success_at"]) == ("gone", None)
        assert shown["failing_since"] == shown["last_failure_at"] is not None
        assert len(there.requests) == 1
        there.answering = lambda _request: 204
        await desk.did("PATCH", f"/{endpoint}", {"enabled": True})
        await eventually(has(there, said))
        await desk.did("PATCH", f"/{endpoint}", {"enabled": False})
        async with bystander(house) as gone_on:
            await gone_on()
            said += await house.say(uuid4(), received(), accepted())
            await gone_on()
            assert there.ids == said[:1]
        await desk.did("PATCH", f"/{endpoint}", {"enabled": True})
        await eventually(has(there, said))
        assert there.ids == said


async def test_a_suspended_partner_gets_nothing_more_and_all_of_it_when_it_is_let_go_on(house: House) -> None:
    """Within a minute; here within what the dispatcher asks for, which is seconds."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there, bystander(house) as gone_on:
        # The dispatcher never knew it to be let in: when it is, the dispatcher knows of the suspension as well.
        await house.pool.execute("UPDATE partner SET state = 'suspended' WHERE code = $1", EVERYTHING.code)
        async with dispatching(house):
            await desk.add(there.url)
            said = await house.say(uuid4(), received())
            await eventually(has(there, said))
            await house.pool.execute(
                "UPDATE partner SET state = CASE code WHEN $1 THEN 'suspended' ELSE 'active' END",
                HOSPITAL.code,
            )
            await gone_on()
            said += await house.say(uuid4(), received(), accepted())
            await gone_on()
            assert there.ids == said[:1]
            await house.pool.execute("UPDATE partner SET state = 'active'")
            await eventually(has(there, said))
            assert there.ids == said


async def test_a_secret_that_cannot_be_opened_stops_its_endpoint_only(house: House) -> None:
    """As after a lost WEBHOOK_KEY: nothing goes out unsigned; rotated, the endpoint gets everything since."""
    await house.partner()
    desk = await desk_of(house)
    async with receiver() as there, receiver() as other, dispatching(house):
        endpoint, _ = await desk.add(there.url)
        await house.pool.execute("UPDATE endpoint_secret SET sealed = sealed || '\\x00'::bytea")
        await house.pool.execute("UPDATE endpoint SET version = version + 1")
        await desk.add(other.url)
        async with bystander(house) as gone_on:
            await gone_on()
            said = await house.say(uuid4(), received(), accepted())
            await eventually(has(other, said))
            await gone_on()
            assert there.requests == []
        secret = (await desk.did("POST", f"/{endpoint}/secret"))["secret"]
        await eventually(has(there, said))
        assert there.ids == said
        Webhook(secret).verify(there.requests[0].body, there.requests[0].headers)

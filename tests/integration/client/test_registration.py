"""The partner's own entry with the client package: its key rotated with overlap while it works, the old one ended."""

import asyncio
from datetime import UTC, datetime

import pytest

from libs.bus.ids import new_id
from mot_cua import AsyncClient, SigningKey
from mot_cua.errors import Conflict, CredentialsRefused, NotFound, Unauthorised
from tests.integration.client.conftest import Gateway
from tests.integration.gateway.conftest import HOSPITAL, received

pytestmark = pytest.mark.timeout(90)


async def test_a_partner_sees_what_it_is(gateway: Gateway) -> None:
    """Blocking and awaited alike: in whose name it acts, its keys, what was done."""

    def look() -> tuple[str, list[str]]:
        with gateway.client() as client:
            return client.partner.get().name_vi, [deed.what for deed in client.partner.audit(limit=10).deeds]

    name, deeds = await asyncio.to_thread(look)
    assert name == HOSPITAL.name_vi
    assert deeds == ["token-given", "key-added", "added"]
    async with gateway.async_client() as client:
        found = await client.partner.get()
        assert (found.code, found.agency, found.facility) == (HOSPITAL.code, HOSPITAL.agency, "93016")
        assert (found.roles, found.types, found.reads) == (("hospital",), ("*",), ("facility/93016",))
        assert [(key.kid, key.algorithm, key.retired_at) for key in found.keys] == [("k1", "ES256", None)]


async def test_a_key_is_rotated_while_the_program_works(gateway: Gateway) -> None:
    """The new key counts from the next call on, the old one until it is retired; then who has it is out."""
    await gateway.house.say(new_id(), received())
    new = SigningKey.generate("k2")
    async with gateway.async_client() as client, gateway.async_client() as other:
        for each in (client, other):
            assert await count(each) == 1
        assert await client.partner.rotate_key(new) == "k1"
        assert client.session.key is new
        # Said again, there is no old one: whoever ends what it names does not end the only key.
        assert await client.partner.rotate_key(new) is None
        # At once, although the gateway had looked at the partner a moment before.
        assert await count(client) == await count(other) == 1
        await client.partner.retire_key("k1")
        with pytest.raises(NotFound):
            await client.partner.retire_key("k1")
        with pytest.raises((Unauthorised, CredentialsRefused)):
            await asyncio.wait_for(until_refused(other), 40)
        assert await count(client) == 1
        with pytest.raises(Conflict) as last:
            await client.partner.retire_key("k2")
        assert last.value.code == "last-key"
        keys = {key.kid: key for key in (await client.partner.get()).keys}
        assert keys["k1"].retired_at is not None
        assert keys["k2"].retired_at is None


async def test_a_rotation_that_was_cut_off_is_said_again(gateway: Gateway) -> None:
    """The key was registered and the program killed: the next run goes on. Under another's id nothing is changed."""
    new = SigningKey.generate("k2")
    async with gateway.async_client() as client:
        assert await client.partner.add_key(new.public_jwk()) == "k2"
        assert await client.partner.rotate_key(new) == "k1"
    async with gateway.async_client() as client:
        old = client.session.key
        with pytest.raises(CredentialsRefused):
            await client.partner.rotate_key(SigningKey.generate("k2"))
        assert client.session.key is old
        assert (await client.partner.get()).code == HOSPITAL.code


async def test_a_key_has_an_end_if_it_is_given_one(gateway: Gateway) -> None:
    """And one id once."""
    until = datetime(2030, 1, 1, tzinfo=UTC)
    async with gateway.async_client() as client:
        public = SigningKey.generate().public_jwk()
        assert await client.partner.add_key(public, kid="k3", not_after=until) == "k3"
        with pytest.raises(Conflict) as there:
            await client.partner.add_key(public, kid="k3")
        assert there.value.code == "key-exists"
        with pytest.raises(ValueError, match="zone"):
            await client.partner.add_key(public, kid="k4", not_after=datetime(2030, 1, 1))  # noqa: DTZ001
        assert {key.kid: key.not_after for key in (await client.partner.get()).keys}["k3"] == until


async def count(client: AsyncClient) -> int:
    """How many events it reads."""
    return len([event async for event in client.feed(follow=False)])


async def until_refused(client: AsyncClient) -> None:
    """Read until it may not any more."""
    while True:
        await count(client)
        await asyncio.sleep(1)

"""Names of receivers, asked of a real name server: one that hangs holds nobody but those who want its names."""

import asyncio
import ipaddress
import time
from collections.abc import Sequence

import pytest

from services.gateway.webhooks.addresses import Address
from services.gateway.webhooks.resolving import ADDRESSES_KEPT_MAX, NameServers
from services.gateway.webhooks.tended import CHECKS_MAX
from tests.fixtures.name_server import SILENT, name_server
from tests.fixtures.servers import eventually
from tests.integration.gateway.conftest import EVERYTHING, House
from tests.integration.gateway.webhook_desk import desk_of

GOOD, SLOW = "nhan.example", "slow.example"


def answering(name: str, type_: str) -> Sequence[str] | str | None:
    """Silence for one domain, two addresses for everything else."""
    if name.endswith(SLOW):
        return SILENT
    return ["1.1.1.1", "1.0.0.1"] if type_ == "A" else ["2606:4700::1111"]


def texts(addresses: Sequence[Address]) -> list[str]:
    """As they are written."""
    return [str(each) for each in addresses]


async def test_a_hundred_names_that_hang_delay_no_other_and_end() -> None:
    """At once beside them an answer; their own end is no address, after the time a lookup has."""
    async with name_server(answering) as server:
        names = NameServers(asking=server.resolver(), seconds=2.0)
        began = time.monotonic()
        slow = [asyncio.create_task(names.addresses(f"{number}.{SLOW}")) for number in range(100)]
        await eventually(lambda: len(server.asked) == 200)
        first, second, third = texts(await names.addresses(GOOD))
        # IPv4 before IPv6, in turn.
        assert (sorted((first, third)), second) == (["1.0.0.1", "1.1.1.1"], "2606:4700::1111")
        assert not any(task.done() for task in slow), "beside them and not after them"
        assert set(await asyncio.gather(*slow)) == {()}
        assert time.monotonic() - began < 5


async def test_a_name_is_asked_for_once_however_many_want_it() -> None:
    """At the same time, and for half a minute after; whoever gives up takes the answer from nobody."""
    moment = 0.0
    async with name_server(answering) as server:
        names = NameServers(asking=server.resolver(), now=lambda: moment)
        first = asyncio.create_task(names.addresses(GOOD))
        others = [asyncio.create_task(names.addresses(GOOD)) for _ in range(50)]
        await asyncio.sleep(0)
        first.cancel()
        assert {len(each) for each in await asyncio.gather(*others)} == {3}
        await names.addresses(GOOD)
        assert server.asked == {(GOOD, "A"): 1, (GOOD, "AAAA"): 1}
        moment = 31.0
        await names.addresses(GOOD)
        assert server.asked == {(GOOD, "A"): 2, (GOOD, "AAAA"): 2}


@pytest.mark.parametrize("trouble", ["SERVFAIL", "REFUSED", [], SILENT])
async def test_a_server_that_fails_for_one_kind_of_address_is_believed_about_the_other(
    trouble: Sequence[str] | str | None,
) -> None:
    """Many do not know AAAA."""
    async with name_server(lambda _name, type_: ["1.1.1.1"] if type_ == "A" else trouble) as server:
        names = NameServers(asking=server.resolver(), seconds=0.5)
        assert texts(await names.addresses(GOOD)) == ["1.1.1.1"]


async def test_of_a_name_with_thousands_of_addresses_a_few_are_kept() -> None:
    """An answer that fills a message costs no more than another."""
    many = [f"1.1.{number >> 8}.{number & 255}" for number in range(3_000)]
    async with name_server(lambda _name, type_: many if type_ == "A" else []) as server:
        names = NameServers(asking=server.resolver())
        assert 0 < len(await names.addresses(GOOD)) <= ADDRESSES_KEPT_MAX


@pytest.mark.parametrize("host", ["không-có.example", "a..b", "x" * 64 + ".vn", "2130706433", "127.1", ""])
async def test_what_is_no_name_has_no_address(host: str) -> None:
    """Numbers are names here, which nobody has."""
    async with name_server(lambda _name, _type: "NXDOMAIN") as server:
        assert await NameServers(asking=server.resolver()).addresses(host) == ()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "LOCALHOST."])
async def test_addresses_and_localhost_are_asked_of_nobody(host: str) -> None:
    """They are what they are."""
    async with name_server(answering) as server:
        assert ipaddress.ip_address("127.0.0.1" if host != "::1" else "::1") in (
            await NameServers(asking=server.resolver()).addresses(host)
        )
        assert not server.asked


async def test_a_partner_has_four_names_looked_up_at_once_and_others_are_served(house: House) -> None:
    """429 beyond; another partner's URL is judged meanwhile."""
    await house.partner()
    await house.partner(EVERYTHING)
    bad, good = await desk_of(house), await desk_of(house, EVERYTHING.code)
    async with name_server(answering) as server:
        # Where the process has it from resolv.conf.
        house.process.sender._resolver = NameServers(asking=server.resolver(), seconds=3.0)
        asked = [
            bad.call("POST", "", {"url": f"https://{number}.{SLOW}/", "types": ["*"]})
            for number in range(CHECKS_MAX + 3)
        ]
        answers = asyncio.gather(*asked)
        await eventually(lambda: len(server.asked) == 2 * CHECKS_MAX)
        made = await good.call("POST", "", {"url": f"https://{GOOD}/", "types": ["*"]})
        assert made.status_code == 201
        assert not answers.done()
        statuses = sorted(answer.status_code for answer in await answers)
    assert statuses == [422] * CHECKS_MAX + [429] * 3

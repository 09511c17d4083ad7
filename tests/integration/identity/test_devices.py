"""Kiosks, boards, counter screens and tablets: paired by a code, known by a token, revoked at once."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from libs.http.auth import IDENTITY
from services.identity import api_devices
from services.identity.sealing import new_token
from tests.integration.identity.conftest import COUNTER, HOSPITAL, WARD, House

pytestmark = pytest.mark.timeout(60)
BOARD = {"kind": "board", "place": "Sảnh tầng 1", "name": "Bảng gọi số"}


def counter(house: House, subject: str = "can-bo-03", agency: str = COUNTER) -> httpx.AsyncClient:
    """An officer at a counter."""
    return house.client(IDENTITY, subject, agency=agency, roles=("one_stop",))


async def begin(house: House, address: str = "", pairing: str = "") -> httpx.Response:
    """The portal asks for a device at this address (empty: it does not say) to be paired."""
    headers = {"X-Forwarded-For": address} if address else {}
    return await house.portal.post(
        "/devices/pairings", json={"pairing": pairing or new_token()}, headers=headers
    )


async def start(house: House, address: str = "") -> dict[str, Any]:
    """A device shows a code."""
    pairing = new_token()
    answer = await begin(house, address, pairing)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found | {"pairing": pairing}


async def test_a_device_is_paired_and_gets_the_same_token_however_often_it_asks(house: House) -> None:
    """It waits, an officer types the code, it asks again: its token, until the pairing is over."""
    started = await start(house)
    assert len(started["code"]) == 6
    assert started["expires_in_seconds"] == 600
    waiting = await house.post("/devices/pairings/state", pairing=started["pairing"])
    assert waiting.status_code == 202
    async with counter(house) as officer:
        answer = await officer.post("/devices", json=BOARD | {"code": started["code"]})
        assert answer.status_code == 201, answer.text
        again = await officer.post("/devices", json=BOARD | {"code": started["code"]})
        assert again.status_code == 404
        (listed,) = (await officer.get("/devices")).json()
    assert (listed["id"], listed["paired_by"]) == (answer.json()["id"], "can-bo-03")
    answers = await asyncio.gather(
        *(house.post("/devices/pairings/state", pairing=started["pairing"]) for _ in range(3))
    )
    assert [each.status_code for each in answers] == [200, 200, 200]
    (device,) = {each.json()["device"] for each in answers}
    assert (await house.post("/devices/token", device=device)).json() == BOARD | {"agency": COUNTER}
    rows = await house.pool.fetch("SELECT t::text FROM device t UNION ALL SELECT t::text FROM pairing t")
    assert not any(secret in row["t"] for row in rows for secret in (device, started["pairing"]))
    assert device != started["pairing"]
    await house.pool.execute("UPDATE pairing SET expires_at = now()")
    late = await house.post("/devices/pairings/state", pairing=started["pairing"])
    assert late.status_code == 410
    assert (await house.post("/devices/token", device=device)).status_code == 200
    whats = await house.pool.fetch("SELECT what, actor FROM account_event WHERE device_id IS NOT NULL")
    assert [tuple(row) for row in whats] == [("device-paired", "can-bo-03")]


async def test_a_beginning_that_is_repeated_begins_no_second_pairing(house: House) -> None:
    """The same secret has the same code, one after another or at once; a secret that could be guessed is refused."""
    pairing = new_token()
    answers = await asyncio.gather(*(house.post("/devices/pairings", pairing=pairing) for _ in range(3)))
    assert {each.status_code for each in answers} == {201}
    assert len({each.json()["code"] for each in answers}) == 1
    await house.pool.execute("UPDATE pairing SET expires_at = expires_at - interval '1 minute'")
    again = (await house.post("/devices/pairings", pairing=pairing)).json()
    assert again["code"] == answers[0].json()["code"]
    assert 500 < again["expires_in_seconds"] <= 540
    assert await house.pool.fetchval("SELECT count(*) FROM pairing") == 1
    for short in ("", "short"):
        assert (await house.post("/devices/pairings", pairing=short)).status_code == 422


async def test_a_revoked_device_is_out_at_once(house: House) -> None:
    """By an officer of its agency or an operator; for others it is not there."""
    started = await start(house)
    async with (
        counter(house) as officer,
        counter(house, "can-bo-07", "one-stop-31411-2025") as other,
        house.operator() as operator,
    ):
        device_id = (await officer.post("/devices", json=BOARD | {"code": started["code"]})).json()["id"]
        state = await house.post("/devices/pairings/state", pairing=started["pairing"])
        device = state.json()["device"]
        assert (await other.get("/devices")).json() == []
        assert (await other.post(f"/devices/{device_id}/revoke")).status_code == 404
        assert (await officer.post(f"/devices/{uuid4()}/revoke")).status_code == 404
        assert (await house.post("/devices/token", device=device)).status_code == 200
        assert len((await operator.get("/devices")).json()) == 1
        revoked = [(await officer.post(f"/devices/{device_id}/revoke")).status_code for _ in range(2)]
        assert revoked == [204, 204]
    refused = await house.post("/devices/token", device=device)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:mot-cua:problem:device-unknown")
    assert await house.pool.fetchval("SELECT count(*) FROM account_event WHERE what = 'device-revoked'") == 1


async def test_a_code_is_good_for_ten_minutes(house: House) -> None:
    """Then it can be neither typed nor asked for."""
    started = await start(house)
    await house.pool.execute("UPDATE pairing SET expires_at = now()")
    async with counter(house) as officer:
        assert (await officer.post("/devices", json=BOARD | {"code": started["code"]})).status_code == 404
    expired = await house.post("/devices/pairings/state", pairing=started["pairing"])
    assert (expired.status_code, expired.json()["type"]) == (410, "urn:mot-cua:problem:pairing-expired")
    assert (await house.post("/devices/pairings/state", pairing="unknown")).status_code == 410


async def test_codes_cannot_be_guessed(house: House) -> None:
    """Ten wrong ones lock the officer for a while; a right one clears the count."""
    started = await start(house)
    wrong = BOARD | {"code": f"{(int(started['code']) + 1) % 1_000_000:06d}"}
    right = BOARD | {"code": started["code"]}
    async with counter(house) as officer, counter(house, "can-bo-05") as other:
        for _ in range(10):
            assert (await officer.post("/devices", json=wrong)).status_code == 404
        assert (await officer.post("/devices", json=right)).status_code == 429
        for _ in range(9):
            await other.post("/devices", json=wrong)
        key = {"Idempotency-Key": "k1"}
        claimed = [(await other.post("/devices", json=right, headers=key)).status_code for _ in range(3)]
        assert claimed == [201, 201, 201]
        assert (await other.post("/devices", json=wrong)).status_code == 404
    assert await house.pool.fetchval("SELECT count(*) FROM device") == 1


async def test_a_flood_of_pairings_is_stopped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody's browser can open the page that begins one."""
    monkeypatch.setattr(api_devices, "OPEN_PAIRINGS_MAX", 3)
    codes = {(await start(house, f"203.0.113.{number}"))["code"] for number in range(3)}
    assert len(codes) == 3
    assert (await begin(house, "203.0.113.9")).status_code == 429
    async with counter(house) as officer:
        assert (await officer.post("/devices", json=BOARD | {"code": codes.pop()})).status_code == 201
    assert (await begin(house, "203.0.113.9")).status_code == 201


@pytest.mark.parametrize(
    ("flooding", "other"),
    [
        (["203.0.113.7"] * 40, "203.0.113.8"),
        ([f"2001:db8:7:{number:x}::1" for number in range(40)], "2001:db8:8::1"),
    ],
)
async def test_one_network_cannot_stop_the_pairing_of_the_city(
    house: House, flooding: list[str], other: str
) -> None:
    """Three of a network wait, the oldest gives way to the next; a hall elsewhere keeps its code and is paired."""
    hall = await start(house, other)
    answers = [(await start(house, address)) for address in flooding]
    states = [
        (await house.post("/devices/pairings/state", pairing=each["pairing"])).status_code for each in answers
    ]
    assert states == [410] * 37 + [202] * 3
    assert (await begin(house, flooding[-1], answers[-1]["pairing"])).json()["code"] == answers[-1]["code"]
    assert await house.pool.fetchval("SELECT count(*) FROM pairing") == 4
    async with counter(house) as officer:
        for code in (hall["code"], answers[-3]["code"]):
            assert (await officer.post("/devices", json=BOARD | {"code": code})).status_code == 201
        assert (await officer.post("/devices", json=BOARD | {"code": answers[0]["code"]})).status_code == 404
    # A device that was paired is no longer one that waits, and nobody's flood takes its token.
    for _ in range(5):
        await start(house, flooding[-1])
    for paired in (hall, answers[-3]):
        assert (await house.post("/devices/pairings/state", pairing=paired["pairing"])).status_code == 200


async def test_of_many_beginnings_at_once_three_of_a_network_wait(house: House) -> None:
    """They are counted one after another, however they come."""
    answers = await asyncio.gather(*(begin(house, "203.0.113.7") for _ in range(12)))
    assert {each.status_code for each in answers} == {201}
    assert await house.pool.fetchval("SELECT count(*) FROM pairing") == 3


async def test_who_pairs(house: House) -> None:
    """Officers of a counter and operators; with a kind there is and a code of digits."""
    started = await start(house)
    given = BOARD | {"code": started["code"]}
    for client in (
        house.client(IDENTITY, "ho-tich-01", agency=WARD, roles=("civil_status",)),
        house.client(IDENTITY, "nu-ho-sinh-01", agency=HOSPITAL, roles=("hospital",)),
        house.portal,
    ):
        assert (await client.post("/devices", json=given)).status_code == 403
    async with house.operator() as operator:
        for changes in ({"kind": "toaster"}, {"code": "12345"}, {"code": "１２３４５６"}, {"name": ""}):
            assert (await operator.post("/devices", json=given | changes)).status_code == 422
        assert (await operator.post("/devices", json=given)).status_code == 201

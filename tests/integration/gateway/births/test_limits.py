"""Bundles and XML9 files at the gateway's door: who may, how much, in which form; and an intake that is away."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import date
from typing import Any

import httpx
import msgspec
import pytest

from deploy.local.sample_xml9 import Births, envelope
from services.gateway.fhir import desk as fhir_desk
from services.gateway.fhir.bundles import NotABundle
from services.gateway.fhir.issues import error
from services.gateway.inbound import desk as saying_desk
from tests.fixtures.fhir import bundle, one_birth
from tests.integration.gateway.births.conftest import FHIR, Intake, Software, dossier_of, issues, slugs
from tests.integration.gateway.conftest import EVERYTHING, HOSPITAL, House

TODAY = date(2026, 11, 27)


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"<Bundle xmlns='http://hl7.org/fhir'/>", "application/fhir+xml", 415),
        (b"{}", "text/plain", 415),
        (b"{}", "", 415),
        (b"{" + b" " * (2 << 20) + b"}", FHIR, 413),
        (b"{", FHIR, 400),
        (b'{"resourceType":"Bundle","type":"document","type":"document"}', FHIR, 400),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, FHIR, 400),
        (b"\xff\xfe{}", FHIR, 400),
        (b'{"resourceType":"Bundle","id":"\\u0000"}', FHIR, 400),
        (b'{"resourceType":"Bundle","type":"document","entry":[1,[],"x",null]}', FHIR, 422),
    ],
)
async def test_what_is_no_bundle_is_refused_in_fhirs_own_words(
    software: Software, content: bytes, media_type: str, status: int
) -> None:
    """XML, 2 MiB, deep nesting, a key twice, another encoding: an OperationOutcome each time."""
    answer = await software.send(content, media_type=media_type)
    assert answer.status_code == status, answer.text
    assert issues(answer)[0]["severity"] == "error"
    assert answer.headers["content-type"] == FHIR


async def test_only_a_partner_with_a_facility_may(software: Software) -> None:
    """401 without a token, 403 for who acts for no hospital, 429 for who floods; others go on."""
    house = software.house
    nobody = Software(house, {})
    assert (await nobody.send(bundle("collection", one_birth(1)))).status_code == 401
    await house.partner(EVERYTHING)
    reader = Software(house, await house.token(EVERYTHING.code))
    assert (await reader.send(bundle("collection", one_birth(1)))).status_code == 403
    answers = [await reader.send(b"{") for _ in range(60)]
    flooded = [answer for answer in answers if answer.status_code == 429]
    assert flooded
    assert "too-many-requests" in slugs(flooded[0])
    assert int(flooded[0].headers["retry-after"]) >= 1
    assert (await software.send(b"{")).status_code == 400


async def test_what_one_partner_sends_at_once_is_bounded_and_leaves_room_for_others(
    software: Software, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two files and sixteen Bundles of one lie in memory; one more is told to come back, another's is taken."""
    house = software.house
    await house.partner(EVERYTHING)
    reader = Software(house, await house.token(EVERYTHING.code))
    monkeypatch.setattr(saying_desk, "WAIT_SECONDS_MAX", 0.1)
    async with AsyncExitStack() as held:
        for paper, count in ((True, saying_desk.PAPERS_MAX), (False, saying_desk.BODIES_MAX)):
            for _ in range(count):
                await held.enter_async_context(house.process._saying.place(HOSPITAL, paper=paper))
        file = await software.send(b"<x/>", path="/births/xml9", media_type="application/xml")
        assert (file.status_code, int(file.headers["retry-after"]) > 0) == (429, True)
        sent = await software.send(b"{")
        assert (sent.status_code, issues(sent)[0]["code"]) == (429, "throttled")
        assert (await reader.send(b"{")).status_code == 403
    assert (await software.send(b"{")).status_code == 400


async def test_a_crowd_of_bundles_of_one_partner_delays_no_other(
    software: Software, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many of one wait to be judged, another's is judged beside them."""
    order: list[bytes] = []

    def slowly(content: bytes, _mapping: Any) -> Any:
        time.sleep(0.1)
        order.append(content)
        raise NotABundle(400, [error("structure", "x")])

    monkeypatch.setattr(fhir_desk, "judged", slowly)
    desk = software.house.process.fhir
    other = msgspec.structs.replace(HOSPITAL, code="bv-93007")
    await software.house.partner(other)
    crowd = [asyncio.create_task(desk.submit(HOSPITAL, b"%d" % number, "http")) for number in range(8)]
    await asyncio.sleep(0)
    await desk.submit(other, b"mine", "http")
    await asyncio.gather(*crowd)
    assert order.index(b"mine") <= 2, order


async def test_an_outage_of_intake_is_no_refusal(
    software: Software, intake: Intake, monkeypatch: Any
) -> None:
    """503 with Retry-After and a transient issue, and the birth once when it is sent again."""
    sent = bundle("message", one_birth(2))
    clients = software.house.process.acting._clients["intake"]
    url = clients._http.base_url
    clients._http.base_url = httpx.URL("http://127.0.0.1:1")
    answer = await software.send(sent)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert [issue["code"] for issue in issues(answer)] == ["transient"]
    assert answer.json()["entry"][0]["resource"]["response"]["code"] == "transient-error"
    clients._http.base_url = url
    assert (await software.send(sent)).status_code == 201
    assert await intake.dossiers() == 1


async def test_xml9_goes_on_to_intake_and_its_report_comes_back(software: Software, intake: Intake) -> None:
    """Record by record; the same file gets the same report; a refusal comes back with its reason."""
    made = Births(21, today=TODAY)
    content = envelope([made.single(), made.twins()], made_on=TODAY)
    answer = await software.send(content, path="/births/xml9", media_type="application/xml")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["accepted"], answer.json()["facility_code"]) == (3, "93016")
    again = await software.send(content, path="/births/xml9", media_type="application/xml")
    assert again.json() == answer.json()
    other = envelope([made.single()], made_on=TODAY, facility_code="93007")
    refused = await software.send(other, path="/births/xml9", media_type="application/xml")
    assert refused.status_code == 422
    assert refused.json()["type"].startswith("urn:mot-cua:problem:upload-")
    assert (await software.send(b"{}", path="/births/xml9", media_type=FHIR)).status_code == 415
    assert await intake.dossiers() == 3


async def test_what_was_handed_in_is_audited(software: Software) -> None:
    """Each Bundle and file with its digest and what became of its births; the audit cannot be changed."""
    await software.send(bundle("collection", one_birth(3)))
    await software.send(b"{")
    await software.send(b"<x/>", path="/births/xml9", media_type="application/xml")
    async with software.house.pool.acquire() as conn:
        rows = await conn.fetch(
            "SELECT format, way, status, taken, length(sha256) FROM submission ORDER BY id"
        )
        assert [tuple(row) for row in rows] == [
            ("fhir", "http", 201, 1, 32),
            ("fhir", "http", 400, 0, 32),
            ("xml9", "http", 422, 0, 32),
        ]


async def test_a_birth_sent_both_ways_is_known(
    software: Software, intake: Intake, houses: Callable[..., Awaitable[House]]
) -> None:
    """One certificate, by XML9 and as a Bundle: 409 with the dossier, from any process of the gateway."""
    (record,) = Births(22, today=TODAY).single()
    content = envelope([[record]], made_on=TODAY)
    await software.send(content, path="/births/xml9", media_type="application/xml")
    sent = json.loads(json.dumps(bundle("collection", one_birth(4))))
    numbers = sent["entry"][0]["resource"]["identifier"]
    numbers[0]["value"], numbers[1]["value"] = record["SO"], record["QUYEN_SO"]
    beside = await houses(intake_url=intake.url)
    other = Software(beside, await software.house.token(HOSPITAL.code))
    answer = await other.send(sent)
    assert answer.status_code == 409, answer.text
    (row,) = await intake.rows("SELECT id FROM dossier")
    assert dossier_of(answer) == str(row["id"])

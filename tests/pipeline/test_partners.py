"""Another system beside the city: what a hospital's software reads of a birth's whole course."""

import json
from collections import Counter
from typing import Any

import httpx
import pytest

from deploy.local.partners import ALL_PARTNER, HOSPITAL_PARTNER, token_form
from deploy.local.sample_xml9 import envelope
from tests.fixtures.fhir import bundle, one_birth
from tests.pipeline.papers import of_the_ward
from tests.pipeline.software import Software
from tests.pipeline.town import Town, until
from tests.pipeline.ways import FHIR, of_these_days

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]
RETURNED = 10


async def token(town: Town, partner: str) -> dict[str, str]:
    """The headers of a partner that has proved itself."""
    url = town.city.urls["gateway"]
    async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as client:
        granted = await client.post("/oauth/token", data=token_form(partner, town.city.partners, url))
    return {"Authorization": f"Bearer {granted.json()['access_token']}"}


async def read_all(town: Town, headers: dict[str, str]) -> list[dict[str, Any]]:
    """Everything a partner may read, from the beginning."""
    url = town.city.urls["gateway"]
    async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False, headers=headers) as client:
        events: list[dict[str, Any]] = []
        cursor = ""
        while True:
            answer = await client.get("/events", params={"after": cursor, "limit": 1000})
            assert answer.status_code == 200, answer.text
            if answer.headers["next-cursor"] == cursor:
                return events
            events += answer.json()
            cursor = answer.headers["next-cursor"]


async def test_a_hospital_reads_the_whole_course_of_its_birth_in_order(town: Town) -> None:
    """From the declaration to the closing: once each, in order of sequence, every event after the one it came of."""
    dossier = (await town.declare())["dossier_id"]
    await town.settle(dossier)
    for code in ("birth_certificate", "insurance_card"):
        await town.hand_over(dossier, (await town.until_result(dossier, code))["id"])
    await town.until_status(dossier, RETURNED)

    hospital = await token(town, HOSPITAL_PARTNER)

    async def course() -> list[dict[str, Any]] | None:
        found = [each for each in await read_all(town, hospital) if each["subject"] == dossier]
        return found if any(each["type"] == "results.dossier-closed.v1" for each in found) else None

    events = await until(course)
    types = [event["type"] for event in events]
    assert types[0] == "intake.dossier-received.v1"
    assert {"intake.dossier-accepted.v1", "routing.dossier-settled.v1"} <= set(types)
    assert types.count("results.result-handed-over.v1") == 2
    reached: Counter[str] = Counter()
    seen: set[str] = set()
    for event in events:
        reached[event["source"]] += 1
        assert int(event["sequence"]) == reached[event["source"]]
        assert event.get("causationid") is None or event["causationid"] in seen
        seen.add(event["id"])
    assert len(seen) == len(events)
    everything = await read_all(town, await token(town, ALL_PARTNER))
    assert [each for each in everything if each["subject"] == dossier][: len(events)] == events


async def test_births_in_hospitals_own_formats_run_the_whole_course(town: Town) -> None:
    """A FHIR Bundle over HTTP and an XML9 file in the drop folder: accepted, and the partner reads it in the feed."""
    async with Software(town, HOSPITAL_PARTNER) as hospital:
        sent = of_these_days(bundle("document", one_birth(8)), town)
        answer = await hospital.http.post("/fhir", content=sent, headers=FHIR)
        assert answer.status_code == 201, answer.text
    by_bundle = answer.headers["location"].rpartition("/")[2]

    place = town.city.drop / HOSPITAL_PARTNER
    file = envelope([of_the_ward(town.births, "single")], made_on=town.today)
    (place / ".hom-nay.xml").write_bytes(file)
    (place / ".hom-nay.xml").rename(place / "in" / "hom-nay.xml")

    async def acknowledged() -> dict[str, Any] | None:
        path = place / "out" / "hom-nay.xml.1.ack.json"
        return json.loads(path.read_bytes()) if path.exists() else None

    ack = await until(acknowledged)
    assert ack["state"] == "accepted"
    headers = await token(town, HOSPITAL_PARTNER)
    for dossier in (by_bundle, ack["dossier_id"]):

        async def accepted(wanted: str = dossier) -> bool | None:
            told = [event["type"] for event in await read_all(town, headers) if event["subject"] == wanted]
            return "routing.case-opened.v1" in told or None

        assert await until(accepted)

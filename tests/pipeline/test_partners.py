"""Another system beside the city: a hospital's software with the client package, and what it reads and does."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from deploy.local.partners import ALL_PARTNER, HOSPITAL_PARTNER, OTHER_HOSPITAL_PARTNER, kid_of, partner_token
from deploy.local.sample_xml9 import envelope
from mot_cua import AsyncClient, Event, MemoryCursor, Said, SigningKey
from mot_cua.errors import Conflict, Invalid, NotAllowed, NotFound
from mot_cua.events import CaseOpened, DossierClosed, ResultHandedOver
from services.portal.developers.journey import COURSE
from tests.fixtures.fhir import bundle, one_birth
from tests.pipeline.papers import birth_body, of_the_ward, receiver_of
from tests.pipeline.software import Software
from tests.pipeline.town import Town, until
from tests.pipeline.ways import FHIR, of_these_days

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]
RETURNED = 10


def partner(town: Town, code: str) -> AsyncClient:
    """A partner's program."""
    key = SigningKey.from_file(town.city.partners / f"{code}.pem", kid_of(code, town.city.partners))
    return AsyncClient(town.city.urls["gateway"], code, key)


async def course(client: AsyncClient, dossier: str) -> list[Event]:
    """What the partner reads of a dossier once it is closed, following the feed from its first event on."""
    found: list[Event] = []
    async for event in client.feed(MemoryCursor(), page_events=1000):
        if event.subject == dossier:
            found.append(event)
            if isinstance(event.data, DossierClosed):
                break
    return found


async def test_a_hospital_reads_the_whole_course_of_its_birth_in_order(town: Town) -> None:
    """From the declaration to the closing: once each, in order of sequence, every event after the one it came of."""
    dossier = (await town.declare())["dossier_id"]
    await town.settle(dossier)
    for code in ("birth_certificate", "insurance_card"):
        await town.hand_over(dossier, (await town.until_result(dossier, code))["id"])
    await town.until_status(dossier, RETURNED)
    async with partner(town, HOSPITAL_PARTNER) as hospital, partner(town, ALL_PARTNER) as insurance:
        events = await course(hospital, dossier)
        types = [event.type for event in events]
        assert types[0] == "intake.dossier-received.v1"
        assert {"intake.dossier-accepted.v1", "routing.dossier-settled.v1"} <= set(types)
        assert sum(isinstance(event.data, ResultHandedOver) for event in events) == 2
        reached: Counter[str] = Counter()
        seen: set[str] = set()
        for event in events:
            reached[event.source] += 1
            assert event.sequence == reached[event.source]
            assert event.causation_id in seen | {""}
            seen.add(event.id)
        assert len(seen) == len(events)
        assert await course(insurance, dossier) == events
        # As /dev tells it: each type of the course is there, first said after the one it comes after.
        for type_, earlier in COURSE:
            assert not earlier or types.index(earlier) < types.index(type_)


async def test_a_hospital_s_software_does_what_its_desk_does(town: Town) -> None:
    """Declares a birth, is told what is wrong with another, reads the file, hands the papers over; each once."""
    body = birth_body(of_the_ward(town.births, "single")[0], town.today)
    async with partner(town, HOSPITAL_PARTNER) as hospital:
        declared = await hospital.births.declare(body, event_id="sinh-1")
        again = await hospital.births.declare(body, event_id="sinh-1")
        dossier = declared.dossier_id
        assert (declared.status, declared.replayed, again.replayed) == (201, False, True)
        assert again.result == declared.result
        with pytest.raises(Conflict) as known:
            await hospital.births.declare(body)
        assert dossier in str(known.value.more)
        wrong: dict[str, Any] = body | {"mother": body["mother"] | {"birth_date": "hôm qua"}}
        with pytest.raises(Invalid) as refused:
            await hospital.births.declare(wrong)
        assert [error.pointer for error in refused.value.errors] == ["/mother/birth_date"]

        file = await hospital.city.dossier(dossier, purpose="bedside")
        assert file["dossier"]["code"] == declared.result["code"]
        await town.settle(dossier)
        for code in ("birth_certificate", "insurance_card"):
            paper = (await town.until_result(dossier, code))["id"]
            await hospital.results.arrived(dossier, paper)
            assert (await hospital.city.document(paper)).startswith(b"%PDF-")
            await hospital.results.handed_over(dossier, [paper], receiver_of(file["file"]))
        await town.until_status(dossier, RETURNED)
        assert {result["state"] for result in await hospital.city.results(dossier)} >= {"handed-over"}


async def test_a_box_whose_key_was_ended_goes_on_with_a_fresh_one(town: Town) -> None:
    """As the client's README rotates: the box's own key ends, and its command gives a token all the same."""
    folder = town.city.folder
    first = kid_of(OTHER_HOSPITAL_PARTNER, town.city.partners)
    async with partner(town, OTHER_HOSPITAL_PARTNER) as client:
        assert await client.partner.rotate_key(SigningKey.generate("cua-toi")) == first
        await client.partner.retire_key(first)
        for _ in range(2):
            assert await asyncio.to_thread(partner_token, OTHER_HOSPITAL_PARTNER, folder=folder)
        fresh = kid_of(OTHER_HOSPITAL_PARTNER, town.city.partners)
        keys = (await client.partner.get()).keys
    assert {key.kid: key.retired_at is None for key in keys} == {first: False, "cua-toi": True, fresh: True}
    async with partner(town, OTHER_HOSPITAL_PARTNER) as again:
        assert (await again.partner.get()).contact == f"it@{OTHER_HOSPITAL_PARTNER}.example"


async def test_who_may_not_is_told_so(town: Town) -> None:
    """A partner that only reads declares nothing; a dossier of nobody is not found."""
    async with partner(town, ALL_PARTNER) as insurance, partner(town, HOSPITAL_PARTNER) as hospital:
        body = birth_body(of_the_ward(town.births, "single")[0], town.today)
        with pytest.raises(NotAllowed):
            await insurance.births.declare(body)
        nobody = "0195f0aa-0000-7000-8000-000000000001"
        with pytest.raises(NotFound):
            await hospital.city.case(nobody)
        with pytest.raises(NotFound):
            await hospital.births.withdraw(nobody)


async def test_steps_of_others_are_not_the_hospital_s(town: Town) -> None:
    """In order and among others in one batch: what is refused is told, the rest is done."""
    bodies = [birth_body(of_the_ward(town.births, "single")[0], town.today) for _ in range(2)]
    async with partner(town, HOSPITAL_PARTNER) as hospital:
        dossier = (await hospital.births.declare(bodies[0])).dossier_id
        outcomes = await hospital.events.say_all(
            [
                Said(type="partner.step-started.v1", data={"step": "register_birth"}, dossier_id=dossier),
                Said(type="partner.dossier-withdrawn.v1", data={}, dossier_id=dossier),
                Said(type="partner.birth-declared.v1", data=bodies[1]),
                Said(type="partner.nothing.v1"),
            ]
        )
        assert [outcome.state for outcome in outcomes] == ["refused", "refused", "taken", "refused"]
        codes = [outcome.refusal.code if outcome.refusal else "" for outcome in outcomes]
        assert codes[1:] == ["earlier-refused", "", "type-unknown"]


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
    opened: set[str] = set()
    async with partner(town, HOSPITAL_PARTNER) as program:
        async for event in program.feed(MemoryCursor(), page_events=1000):
            if isinstance(event.data, CaseOpened):
                opened.add(event.subject)
            if {by_bundle, ack["dossier_id"]} <= opened:
                break

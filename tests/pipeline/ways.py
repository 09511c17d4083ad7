"""The ways the canary people go through the city: good ones, bad inputs, forced errors, strangers' questions."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import httpx

from deploy.local.city import City
from deploy.local.partners import HOSPITAL_PARTNER
from deploy.local.sample_xml9 import envelope
from tests.faults.dump import TESTER
from tests.faults.leftovers import admin
from tests.fixtures.fhir import bundle, one_birth, resource
from tests.pipeline.canaries import (
    CANARIES,
    SpanReceiver,
)
from tests.pipeline.papers import birth_body, of_the_ward, outcome_of
from tests.pipeline.software import Software
from tests.pipeline.town import Town, refusal, until

FHIR = {"Content-Type": "application/fhir+json"}


class Traces:
    """What the city has written and answered while the canaries went through it."""

    def __init__(self, city: City, town: Town, spans: SpanReceiver) -> None:
        self.city = city
        self.town = town
        self.spans = spans
        self.answers: list[tuple[str, bytes]] = []
        """What people were told who may not know: the problem or page, and what it was about."""


def birth(town: Town, number: str = "mother's number", name: str = "mother") -> dict[str, Any]:
    """A birth of canaries."""
    body = birth_body(of_the_ward(town.births, "single")[0], town.today)
    body["mother"] |= {
        "name": CANARIES[name],
        "birth_date": "1991-03-04",
        "document": body["mother"]["document"] | {"number": CANARIES[number]},
        "insurance_number": CANARIES["insurance number"],
        "contact": {"phone": CANARIES["phone"], "email": CANARIES["e-mail"]},
    }
    body["mother"]["residence"]["address"] = CANARIES["address"]
    body["father"] = {
        "name": CANARIES["father"],
        "birth_date": "1988-01-02",
        "document": {"number": CANARIES["father's number"], "kind": "personal-id"},
    }
    body["child"] |= {"intended_name": CANARIES["child"], "place_of_birth": CANARIES["place of birth"]}
    body["attendants"] = {"midwife": CANARIES["midwife"], "recorder": CANARIES["recorder"]}
    body["certificate"]["treatment_code"] = CANARIES["treatment"]
    return body


async def good_way(town: Town) -> str:
    """A birth from the declaration to both papers in hand, with a supplement and words between officers."""
    receipt = await town.declare(birth(town))
    dossier: str = receipt["dossier_id"]
    await town.start(dossier, "register_birth")
    asked = {
        "step": "register_birth",
        "components": ["declaration"],
        "reason": "missing-paper",
        "note": CANARIES["note"],
    }
    await town.post("civil_status", "routing", f"/cases/{dossier}/supplement-requests", asked)
    await town.until_status(dossier, 5)
    await town.post("hospital", "intake", f"/dossiers/{dossier}/supplements", {"components": ["declaration"]})

    async def resumed() -> bool | None:
        return (await town.case(dossier))["status"] != 5 or None

    await until(resumed)
    await town.complete(
        dossier,
        "register_birth",
        child_name=CANARIES["registered child"],
        personal_id=CANARIES["child's number"],
    )
    await town.complete(dossier, "register_residence")
    await town.complete(dossier, "issue_insurance_card", card_number=CANARIES["card number"])
    for code in ("birth_certificate", "insurance_card"):
        result = await town.until_result(dossier, code)
        receiver = {
            "name": CANARIES["receiver"],
            "relation": "authorised",
            "identity_number": CANARIES["receiver's number"],
            "authorisation": CANARIES["note"],
        }
        done = await town.hand_over(dossier, result["id"], **receiver)
        await town.people["hospital"].get_bytes("results", done["receipt"])
    await town.until_status(dossier, 10)
    correct = {
        "changes": [{"path": "child.intended_name", "value": CANARIES["registered child"]}],
        "explanation": CANARIES["note"],
    }
    other = await town.declare(birth(town, "second mother's number", "receiver"))
    await town.post("hospital", "intake", f"/dossiers/{other['dossier_id']}/corrections", correct)
    return dossier


def wrong_births(town: Town) -> list[Any]:
    """Declarations with mistakes of every kind."""
    good = birth(town)
    name, number = CANARIES["mother"], CANARIES["mother's number"]
    return [
        good | {CANARIES["child"]: 1},
        good | {"mother": good["mother"] | {"birth_date": name}},
        good | {"mother": good["mother"] | {"contact": {"phone": number, "email": name}}},
        good | {"child": good["child"] | {"sex": number, "weight_g": name}},
        good | {"mother": good["mother"] | {"document": {"number": f"{number}7"}}},
        good | {"mother": good["mother"] | {"name": f"{name}\u0000"}},
        good | {"card": {"name": CANARIES["father"], "number": number, "birth_date": "1970-01-01"}},
        [name, number],
        name,
    ]


async def bad_inputs(traces: Traces, dossier: str) -> None:
    """What people send by mistake, full of canaries."""
    town = traces.town
    name, number = CANARIES["mother"], CANARIES["mother's number"]
    for body in wrong_births(town):
        await refused(traces, "birth", town.post("hospital", "intake", "/births", body))
    form = {
        "procedure": "2.000815",
        "form": {
            "applicant": {
                "name": CANARIES["applicant"],
                "phone": CANARIES["applicant's number"],
                CANARIES["address"]: CANARIES["e-mail"],
            },
            "documents": CANARIES["occasion"],
        },
        "components": [CANARIES["occasion"]],
        "options": {CANARIES["occasion"]: True},
    }
    await refused(traces, "form", town.post("counter", "intake", "/dossiers", form))
    step = f"/cases/{dossier}/steps/register_birth"
    outcome = {"outcome": {"child_name": 7, "register_number": name, CANARIES["child"]: CANARIES["child"]}}
    await refused(traces, "outcome", town.post("civil_status", "routing", f"{step}/complete", outcome))
    await refused(traces, "amendment", town.post("civil_status", "routing", f"{step}/amend", outcome))
    hand = {"results": [str(uuid4())], "receiver": {"name": CANARIES["receiver"], "relation": number}}
    await refused(
        traces, "hand-over", town.post("hospital", "results", f"/dossiers/{dossier}/hand-over", hand)
    )
    await bad_requests(traces, dossier)
    await bad_uploads(traces)
    await bad_events(traces, dossier)
    await bad_bundles(traces)
    await bad_drops(traces)


async def bad_requests(traces: Traces, dossier: str) -> None:
    """Canaries in paths, queries and headers, and in bodies that are no JSON."""
    name, number = CANARIES["mother"], CANARIES["mother's number"]
    async with httpx.AsyncClient(timeout=10) as client:
        for service, url in traces.city.urls.items():
            for path in (f"/dossiers/{number}", f"/{name}", f"/status/{number}", f"/verify/{number}"):
                for method in ("GET", "POST"):
                    answer = await client.request(
                        method,
                        url + path,
                        params={"name": name, "phone": CANARIES["phone"]},
                        headers={
                            "X-Purpose": CANARIES["e-mail"],
                            "Authorization": f"Bearer {number}.{number}.{number}",
                            "X-Request-ID": CANARIES["e-mail"],
                            "traceparent": number,
                            "User-Agent": CANARIES["e-mail"],
                            "Idempotency-Key": CANARIES["e-mail"],
                        },
                        content=f'{{"name": "{name}", '.encode(),
                    )
                    # A server may say which path was not found to whom asked for it; that is no leak.
                    assert answer.status_code in range(400, 500), (service, path, answer.status_code)
    hospital = traces.town.people["hospital"]
    broken = f'{{"mother": {{"name": "{name}", "number": {number}abc'.encode()
    await refused(traces, "broken JSON", hospital.post_bytes("intake", "/births", broken, "application/json"))
    reading = hospital.get("intake", f"/dossiers/{dossier}", purpose=CANARIES["phone"])
    await refused(traces, "purpose", reading)


async def bad_events(traces: Traces, dossier: str) -> None:
    """The same as events of a hospital's software, which writes names wherever it may write anything."""
    name, number = CANARIES["mother"], CANARIES["mother's number"]
    async with Software(traces.town, HOSPITAL_PARTNER) as hospital:
        for data in wrong_births(traces.town):
            answer = await hospital.send(hospital.event("birth-declared", data=data))
            assert answer.status_code in (400, 422), answer.text
            traces.answers.append(("event", answer.content))
        for changes in (
            {"id": number, "source": f"{hospital.source}/{number}", "subject": name},
            {"type": f"partner.{number}.v1"},
            {"extension": name, "subject": dossier, "type": "partner.step-started.v1"},
            {"time": name},
            {name: number},
        ):
            given = hospital.event("birth-declared", data={"name": name}) | changes
            assert (await hospital.send(given)).status_code == 422
        taken = hospital.event("stay-changed", dossier, {}, id=CANARIES["phone"])
        assert (await hospital.send(taken)).status_code == 200
        await hospital.look_up(f"intake/dossiers/{number}?name={CANARIES['phone']}", CANARIES["e-mail"])


async def bad_bundles(traces: Traces) -> None:
    """FHIR Bundles of canaries, a good one and wrong ones: names in every place, also where numbers belong."""
    made = bundle("document", one_birth(7))
    baby, mum = resource(made, "Patient"), resource(made, "RelatedPerson")
    baby["name"], mum["name"] = [{"text": CANARIES["child"]}], [{"text": CANARIES["mother"]}]
    baby["identifier"][0]["value"] = CANARIES["occasion"]
    mum["telecom"][0]["value"] = CANARIES["phone"]
    made["identifier"]["value"] = CANARIES["note"]
    async with Software(traces.town, HOSPITAL_PARTNER) as hospital:
        answer = await hospital.http.post("/fhir", content=of_these_days(made, traces.town), headers=FHIR)
        assert answer.status_code == 201, answer.text
        mum["identifier"][0]["value"] = CANARIES["father"]
        mum["address"][0]["extension"][1]["valueCoding"]["code"] = CANARIES["address"]
        baby[CANARIES["mother's number"]] = CANARIES["child"]
        baby["gender"] = CANARIES["receiver"]
        made["entry"][0]["resource"]["author"] = [{"reference": f"https://{CANARIES['e-mail']}/"}]
        for content in (of_these_days(made, traces.town), json.dumps(made).encode()[:-9]):
            answer = await hospital.http.post("/fhir", content=content, headers=FHIR)
            assert answer.status_code in (400, 422), answer.text


async def bad_drops(traces: Traces) -> None:
    """Files in the drop folder: acknowledged without a name, their own names kept out of logs."""
    town = traces.town
    record = of_the_ward(town.births, "single")[0] | {"HO_TEN_NND": CANARIES["mother"]}
    wrong = record | {"SO": "1", "SO_CCCD_NND": CANARIES["mother's number"] + "9"}
    place = town.city.drop / HOSPITAL_PARTNER
    for name, content in (
        ("mot.xml", envelope([[record], [wrong]], made_on=town.today)),
        (f"{CANARIES['mother']}.json", json.dumps({"name": CANARIES["mother"]}).encode()),
    ):
        temporary = place / "in" / f".{name}"
        temporary.write_bytes(content)
        temporary.rename(place / "in" / name)
    out = place / "out"

    async def told() -> bool | None:
        return len(list(out.glob("*.summary.json"))) == 2 or None

    await until(told)
    for path in out.glob("*.ack.json"):
        traces.answers.append(("acknowledgement", path.read_bytes()))


def of_these_days(made: Any, town: Town) -> bytes:
    """The Bundle as of a birth some days ago, by the town's calendar."""
    text = json.dumps(made, ensure_ascii=False)
    for back, day in ((3, "2026-11-20"), (2, "2026-11-21")):
        text = text.replace(day, (town.today - timedelta(days=back)).isoformat())
    return text.encode()


async def bad_uploads(traces: Traces) -> None:
    """XML9 files with wrong records of canaries. The report tells the hospital what is wrong where, without values."""
    town = traces.town
    hospital = town.people["hospital"]
    record = of_the_ward(town.births, "single")[0] | {
        "HO_TEN_NND": CANARIES["mother"],
        "SO_CCCD_NND": CANARIES["mother's number"] + "9",
        "NGAYSINH_NND": CANARIES["mother's number"],
        "HO_TEN_CHA": CANARIES["father"],
        "NOI_CU_TRU_NND": CANARIES["address"],
    }
    file = envelope([[record]], made_on=town.today)
    report = await hospital.post_bytes("intake", "/births/xml9", file, "application/xml")
    assert report["refused"] == 1
    traces.answers.append(("upload report", json.dumps(report, ensure_ascii=False).encode()))
    entity = f'<!DOCTYPE a [<!ENTITY x "{CANARIES["mother"]}">]><a>&x;</a>'.encode()
    await refused(traces, "entity", hospital.post_bytes("intake", "/births/xml9", entity, "application/xml"))
    torn = file[: len(file) // 2]
    await refused(traces, "torn", hospital.post_bytes("intake", "/births/xml9", torn, "application/xml"))


async def forced_errors(traces: Traces) -> None:
    """Errors of the database whose details hold the row: a broken constraint, a missing table."""
    town, city = traces.town, traces.city
    connection = await asyncpg.connect(city.dsn("intake", "migrator"), timeout=10)
    try:
        await connection.execute("ALTER TABLE file ADD CONSTRAINT tester CHECK (kind = 'none') NOT VALID")
        new = birth(town, "third mother's number", "receiver")
        await refused(traces, "constraint", town.declare(new), status=500)
        await connection.execute("ALTER TABLE file DROP CONSTRAINT tester")
        await connection.execute("ALTER TABLE natural_key RENAME TO natural_key_away")
        await refused(traces, "table", town.declare(new), status=500)
        await connection.execute("ALTER TABLE natural_key_away RENAME TO natural_key")
    finally:
        await connection.close()
    dossier = (await town.declare())["dossier_id"]
    await town.start(dossier, "register_birth")
    connection = await asyncpg.connect(city.dsn("routing", "migrator"), timeout=10)
    try:
        await connection.execute("ALTER TABLE outcome ADD CONSTRAINT tester CHECK (step = '?') NOT VALID")
        outcome = outcome_of("register_birth", 4471, town.today) | {
            "child_name": CANARIES["registered child"],
            "personal_id": "092326771398",
        }
        path = f"/cases/{dossier}/steps/register_birth/complete"
        completing = town.post("civil_status", "routing", path, {"outcome": outcome})
        await refused(traces, "constraint", completing, status=500)
        await connection.execute("ALTER TABLE outcome DROP CONSTRAINT tester")
    finally:
        await connection.close()


async def bad_messages(city: City) -> None:
    """Messages nobody should have sent, with canaries in them: they become dead letters."""
    name = CANARIES["mother"]
    headers = {
        "ce-specversion": "1.0",
        "ce-id": CANARIES["mother's number"],
        "ce-source": "intake",
        "ce-type": "intake.dossier-accepted.v1",
        "ce-subject": CANARIES["phone"],
        "ce-time": "never",
        "ce-sequence": "1",
        TESTER: "canary",
    }
    async with admin(city) as client:
        await client.publish(
            "intake.dossier-accepted.v1", json.dumps({"code": name}).encode(), headers=headers
        )
        good = headers | {
            "ce-id": str(uuid4()),
            "ce-subject": str(uuid4()),
            "ce-time": "2026-11-23T00:00:00Z",
        }
        await client.publish(
            "intake.dossier-accepted.v1", json.dumps({"code": [name]}).encode(), headers=good
        )
        await client.flush(timeout=5)
    connection = await asyncpg.connect(city.dsn("routing", "migrator"), timeout=10)
    try:

        async def dead() -> bool | None:
            return await connection.fetchval("SELECT count(*) >= 2 FROM bus.dead_letter") or None

        await until(dead)
    finally:
        await connection.close()


async def strangers(traces: Traces, dossier: str) -> None:
    """What others are told: another agency, the public, an operator."""
    town = traces.town
    stranger = town.people["other_police"]
    await refused(traces, "case", stranger.get("routing", f"/cases/{dossier}"))
    await refused(traces, "file", stranger.get("intake", f"/dossiers/{dossier}", purpose="settle-step"))
    await refused(traces, "results", stranger.get("results", f"/dossiers/{dossier}/results"))
    code = await town.value("intake", "SELECT code FROM dossier WHERE id = $1::uuid", dossier)
    token = await town.value(
        "results", "SELECT verify_token FROM result WHERE dossier_id = $1::uuid LIMIT 1", dossier
    )
    async with httpx.AsyncClient(timeout=10) as client:
        for service, path in (("intake", f"/status/{code}"), ("results", f"/verify/{token}")):
            answer = await client.get(traces.city.urls[service] + path)
            assert answer.status_code == 200
            traces.answers.append((path, answer.content))
        for service, url in traces.city.urls.items():
            metrics = await client.get(f"{url}/metrics")
            assert metrics.status_code == 200
            traces.answers.append((f"metrics of {service}", metrics.content))
    letters = await town.people["operator"].get("routing", "/bus/dead-letters", state="all")
    assert letters
    traces.answers.append(("dead letters", json.dumps(letters, ensure_ascii=False).encode()))
    inbox = await town.people["hospital"].get("notify", "/inbox", limit=200, unread=False)
    traces.answers.append(("inbox of the desk", json.dumps(inbox, ensure_ascii=False).encode()))


async def refused(traces: Traces, what: str, call: Any, *, status: int = 0) -> None:
    refused = await refusal(call)
    assert refused.status == status or not status, (what, refused.status)
    traces.answers.append((what, json.dumps(refused.problem, ensure_ascii=False).encode()))

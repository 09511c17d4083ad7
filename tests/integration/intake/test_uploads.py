"""XML9 uploads: a report per record, good records taken, bad ones named, a file sent twice known."""

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from deploy.local.sample_xml9 import Births, envelope, inner_file, sample_upload
from libs.contracts.routing import DossierSettled
from services.intake import api_uploads, upload_store
from services.intake.birth_reception import assembled
from services.intake.dossier import Dossier
from services.intake.reception import Sender
from services.intake.reception_store import Known, store_submissions
from services.intake.uploads import UploadAnswer
from services.intake.xml9 import parse_upload
from tests.integration.intake.conftest import HOSPITAL, MORNING, OTHER_HOSPITAL, Intake
from tests.integration.intake.test_dossiers import hear

TODAY = date(2026, 11, 23)


async def test_four_births_in_three_deliveries_become_four_dossiers(intake: Intake) -> None:
    """A single child, twins and a child without a father: four dossiers, codes in Vietnamese sentences."""
    answer = await intake.post("/births/xml9", sample_upload(7, today=TODAY), intake.hospital())
    assert answer.status_code == 201, answer.text
    report = answer.json()
    assert (report["accepted"], report["known"], report["refused"], report["failed"]) == (4, 0, 0, 0)
    assert report["summary"] == "Tệp có 4 giấy chứng sinh: 4 đã tiếp nhận."
    records = report["records"]
    assert len({record["dossier_id"] for record in records}) == 4
    assert all(record["text"].startswith("Đã tiếp nhận, mã hồ sơ 3") for record in records)
    for record in records:
        subjects = [subject for subject, _ in await intake.events(record["dossier_id"])]
        assert subjects == ["intake.dossier-received.v1", "intake.dossier-accepted.v1"]
    flagged = await intake.rows("SELECT count(*) AS n FROM likely_duplicate")
    assert flagged[0]["n"] == 0
    again = await intake.get(f"/uploads/{report['upload_id']}", intake.hospital())
    assert again.content == answer.content
    assert (
        await intake.get(f"/uploads/{report['upload_id']}", intake.hospital(OTHER_HOSPITAL))
    ).status_code == 404


async def test_a_bad_record_stops_no_good_one(intake: Intake) -> None:
    """The bad record is named with its field and reason; the others become dossiers."""
    maker = Births(11, today=TODAY)
    good, bad, other = maker.single(), maker.single(), maker.no_father()
    bad[0]["CAN_NANG_CON"] = "3,2"
    answer = await intake.post("/births/xml9", envelope([good, bad, other], made_on=TODAY), intake.hospital())
    assert answer.status_code == 201, answer.text
    statuses = [record["status"] for record in answer.json()["records"]]
    assert statuses == ["accepted", "refused", "accepted"]
    refused = answer.json()["records"][1]
    assert "CAN_NANG_CON" in {problem["field"] for problem in refused["problems"]}
    assert refused["dossier_id"] is None
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 2


async def test_a_mother_from_outside_the_city_is_a_refused_record(intake: Intake) -> None:
    """A commune that nobody here serves refuses that record only, and says so."""
    maker = Births(12, today=TODAY)
    away, here = maker.single(), maker.single()
    away[0] |= {
        "MATINH_CU_TRU": "01",
        "MAHUYEN_CU_TRU": "",
        "MAXA_CU_TRU": "00097",
        "MA_THE_TAM": "TE1011234567890",
    }
    answer = await intake.post("/births/xml9", envelope([away, here], made_on=TODAY), intake.hospital())
    records = answer.json()["records"]
    assert [record["status"] for record in records] == ["refused", "accepted"]
    found = {(problem["field"], problem["code"]) for problem in records[0]["problems"]}
    assert ("MAXA_CU_TRU", "commune-not-served") in found


async def test_a_file_sent_again_gives_the_same_report(intake: Intake) -> None:
    """Under the same key the same bytes; under a new key the stored report; no second dossier either way."""
    data, key = sample_upload(13, today=TODAY), str(uuid4())
    first = await intake.post("/births/xml9", data, intake.hospital(), key=key)
    same_key = await intake.post("/births/xml9", data, intake.hospital(), key=key)
    assert (same_key.status_code, same_key.content) == (201, first.content)
    new_key = await intake.post("/births/xml9", data, intake.hospital())
    assert (new_key.status_code, new_key.content) == (200, first.content)
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 4


async def test_a_file_sent_by_several_at_once_is_taken_once(intake: Intake) -> None:
    """Four copies at the same moment make four dossiers and one report."""
    data = sample_upload(14, today=TODAY)
    answers = await asyncio.gather(*(intake.post("/births/xml9", data, intake.hospital()) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.content for answer in answers}) == 1
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 4


async def test_copies_sent_to_several_processes_share_one_report(intake: Intake) -> None:
    """Each takes its copy for the first; whoever is answered with an address finds the report there."""
    data = sample_upload(17, today=TODAY)
    sent = [process.post("/births/xml9", data, intake.hospital()) for process in (intake, intake.beside())]
    answers = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} <= {200, 201}
    assert len({answer.json()["upload_id"] for answer in answers}) == 1
    for answer in answers:
        found = await intake.get(answer.headers["location"], intake.hospital())
        assert (found.status_code, found.json()["upload_id"]) == (200, answer.json()["upload_id"])
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 4


async def test_a_report_that_is_replaced_keeps_its_address(intake: Intake) -> None:
    """Even when who replaces it did not know of the old one."""
    first = await intake.post("/births/xml9", sample_upload(18, today=TODAY), intake.hospital())
    report = msgspec.json.decode(first.content, type=UploadAnswer)
    (fingerprint,) = (await intake.rows("SELECT fingerprint FROM upload"))[0]
    other = msgspec.structs.replace(report, upload_id=uuid4())
    async with intake.office.writer.transaction() as connection:
        assert await upload_store.keep(connection, other, fingerprint, "midwife") == report
    again = await intake.get(first.headers["location"], intake.hospital())
    assert again.content == first.content


async def test_births_known_already_are_reported_with_their_dossiers(intake: Intake) -> None:
    """A file with two new births and two of yesterday's file: the old ones are known, by code."""
    maker = Births(15, today=TODAY)
    yesterday = [maker.single(), maker.single()]
    first = await intake.post("/births/xml9", envelope(yesterday, made_on=TODAY), intake.hospital())
    today = [*yesterday, maker.twins()]
    second = await intake.post("/births/xml9", envelope(today, made_on=TODAY), intake.hospital())
    records = second.json()["records"]
    assert [record["status"] for record in records] == ["known", "known", "accepted", "accepted"]
    assert [r["code"] for r in records[:2]] == [r["code"] for r in first.json()["records"]]
    assert records[0]["text"] == f"Việc sinh này đã có hồ sơ {records[0]['code']}."


async def test_a_withdrawn_birth_may_be_uploaded_again_in_the_same_file(intake: Intake) -> None:
    """When a dossier of a file came to nothing, the same file is read anew and that birth taken."""
    data = envelope([Births(16, today=TODAY).single()], made_on=TODAY)
    first = (await intake.post("/births/xml9", data, intake.hospital())).json()["records"][0]
    await intake.post(f"/dossiers/{first['dossier_id']}/withdrawal", {}, intake.hospital())
    withdrawn = DossierSettled(outcome="withdrawn", status=7, settled_at=intake.office.now(), on_time=True)
    await hear(intake, first["dossier_id"], withdrawn)
    again = await intake.post("/births/xml9", data, intake.hospital())
    assert again.status_code == 201, again.text
    assert again.json()["records"][0]["status"] == "accepted"
    assert again.json()["records"][0]["dossier_id"] != first["dossier_id"]


async def test_a_birth_twice_in_one_file_is_one_dossier(intake: Intake) -> None:
    """The same certificate with other blanks and case is named as repeated, however often the file is sent."""
    maker = Births(20, today=TODAY)
    (once,), (other,) = maker.single(), maker.single()
    once |= {"SO": "7a1/NB", "QUYEN_SO": "Q2"}
    spaced = once | {"SO": "7A1 /NB", "QUYEN_SO": " q 2", "SO_CCCD_NND": once["SO_CCCD_NND"]}
    data = envelope([[once], [spaced], [other]], made_on=TODAY)
    for expected in (["accepted", "refused", "accepted"], ["known", "refused", "known"]):
        answer = await intake.post("/births/xml9", data, intake.hospital())
        assert answer.status_code == 201, answer.text
        records = answer.json()["records"]
        assert [record["status"] for record in records] == expected
        assert [problem["code"] for problem in records[1]["problems"]] == ["repeated-in-file"]
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 2


async def test_records_that_tell_of_one_birth_share_its_dossier(intake: Intake) -> None:
    """Stored together, the later of two submissions with one key is known by the dossier of the earlier."""
    (first,) = Births(21, today=TODAY).single()
    reports = [
        parse_upload(envelope([[record]], made_on=TODAY), today=TODAY, units=intake.office.catalogue.units)
        for record in (first, first | {"SO": "another"})
    ]
    sender = Sender(subject="midwife", channel="hospital", facility=HOSPITAL)
    submissions = [
        assembled(
            report.records[0].declaration, [], sender, intake.office.fresh(), MORNING, intake.office.desk
        )
        for report in reports
        if report.records[0].declaration is not None
    ]
    async with intake.office.writer.transaction() as connection:
        dossier, known = await store_submissions(connection, submissions)
    assert isinstance(dossier, Dossier)
    assert known == Known(dossier_id=dossier.id, code=dossier.code)


async def test_a_refused_record_is_judged_anew_when_its_file_is_sent_again(intake: Intake) -> None:
    """A birth dated tomorrow is refused today and taken tomorrow, from the same file; the other one is known."""
    maker = Births(22, today=TODAY)
    good, early = maker.single(), maker.single()
    early[0] |= {"NGAY_SINH_CON": "202611240300", "NGAY_CT": "20261124"}
    data = envelope([good, early], made_on=TODAY)
    first = await intake.post("/births/xml9", data, intake.hospital())
    assert [record["status"] for record in first.json()["records"]] == ["accepted", "refused"]
    intake.set_time(MORNING + timedelta(days=1))
    second = await intake.post("/births/xml9", data, intake.hospital())
    assert [record["status"] for record in second.json()["records"]] == ["known", "accepted"]
    report = await intake.get(first.headers["location"], intake.hospital())
    assert report.content == second.content
    third = await intake.post("/births/xml9", data, intake.hospital())
    assert (third.status_code, third.content) == (200, second.content)


async def test_a_large_file_is_stored_in_parts(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each part is a transaction: what was stored before a failure stays, and the file sent again is complete."""
    monkeypatch.setattr(api_uploads, "CHUNK_RECORDS", 2)
    maker = Births(23, today=TODAY)
    data = envelope([maker.single() for _ in range(5)], made_on=TODAY)
    asked = 0

    async def failing(connection: Any, submissions: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 2:
            raise TimeoutError
        return await store_submissions(connection, submissions)

    monkeypatch.setattr(api_uploads, "store_submissions", failing)
    assert (await intake.post("/births/xml9", data, intake.hospital())).status_code == 503
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 2
    again = await intake.post("/births/xml9", data, intake.hospital())
    assert [record["status"] for record in again.json()["records"]] == ["known"] * 2 + ["accepted"] * 3
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 5


async def test_a_key_used_for_another_file_stores_nothing(intake: Intake) -> None:
    """The key is looked at before the first part is stored."""
    key = str(uuid4())
    await intake.post("/births/xml9", sample_upload(24, today=TODAY), intake.hospital(), key=key)
    other = await intake.post("/births/xml9", sample_upload(25, today=TODAY), intake.hospital(), key=key)
    assert other.status_code == 422
    assert (await intake.rows("SELECT count(*) AS n FROM dossier"))[0]["n"] == 4


async def test_a_truncated_or_foreign_file_is_refused_whole(intake: Intake) -> None:
    """Fewer HOSO than announced, another hospital's code, a DOCTYPE, or no XML: 422 and nothing is stored."""
    good = sample_upload(17, today=TODAY)
    truncated = envelope([Births(17, today=TODAY).single()], made_on=TODAY, announced=2)
    doctype = good.replace(b"<GIAMDINHHS>", b'<!DOCTYPE x [<!ENTITY a "b">]><GIAMDINHHS>')
    for data, code in (
        (truncated, "truncated"),
        (sample_upload(17, today=TODAY, facility_code=OTHER_HOSPITAL), "facility-other"),
        (doctype, ""),
        (b"no xml at all", ""),
    ):
        answer = await intake.post("/births/xml9", data, intake.hospital())
        assert answer.status_code == 422, answer.text
        assert code in answer.json()["type"]
    assert (await intake.rows("SELECT count(*) AS n FROM upload"))[0]["n"] == 0


async def test_the_bare_inner_file_is_taken_from_a_signed_in_hospital(intake: Intake) -> None:
    """The inner XML9 file alone is the sender's own; a counter has no births to upload."""
    data = inner_file(Births(18, today=TODAY).twins())
    answer = await intake.post("/births/xml9", data, intake.hospital())
    assert (answer.status_code, answer.json()["accepted"]) == (201, 2)
    assert answer.json()["facility_code"] == "93016"
    assert (await intake.post("/births/xml9", data, intake.counter())).status_code == 403


async def test_a_birth_by_form_and_by_file_is_one(intake: Intake) -> None:
    """What POST /births declared, the XML9 file of that evening reports as known."""
    (record,) = Births(19, today=TODAY).single()
    minute = record["NGAY_SINH_CON"]
    declared = {
        "certificate": {
            "facility_code": "93016",
            "number": record["SO"],
            "book": record["QUYEN_SO"],
            "issued_on": date.fromisoformat(record["NGAY_CT"]),
        },
        "mother": {
            "name": record["HO_TEN_NND"],
            "birth_date": date.fromisoformat(record["NGAYSINH_NND"]),
            "ethnic_code": record["MA_DANTOC_NND"],
            "document": {"number": record["SO_CCCD_NND"]},
            "residence": {
                "address": record["NOI_CU_TRU_NND"],
                "province_code": record["MATINH_CU_TRU"],
                "commune_code": record["MAXA_CU_TRU"],
                "as_of": TODAY,
            },
        },
        "child": {
            "sex": int(record["GIOI_TINH_CON"]),
            "birth_time": f"{minute[:4]}-{minute[4:6]}-{minute[6:8]}T{minute[8:10]}:{minute[10:]}:00",
            "place_of_birth": record["NOI_SINH_CON"],
        },
        "attendants": {"midwife": record["NGUOI_DO_DE"]},
    }
    first = await intake.post("/births", declared, intake.hospital())
    assert first.status_code == 201, first.text
    answer = await intake.post("/births/xml9", envelope([[record]], made_on=TODAY), intake.hospital())
    (known,) = answer.json()["records"]
    assert (known["status"], known["dossier_id"]) == ("known", first.json()["dossier_id"])

"""XML9 uploads: a report per record, good records taken, bad ones named, a file sent twice known."""

import asyncio
from datetime import date
from uuid import uuid4

from deploy.local.sample_xml9 import Births, envelope, inner_file, sample_upload
from libs.contracts.routing import DossierSettled
from tests.integration.intake.conftest import OTHER_HOSPITAL, Intake
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

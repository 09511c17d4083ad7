"""A day in the city: what is handed in, what is asked for, and how every dossier should end."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec

from deploy.local.agencies import plain
from deploy.local.officials import Official, Refused
from deploy.local.sample_xml9 import Births, envelope, sample_upload
from libs.catalogue.calendar import VIETNAM
from services.intake.xml9 import parse_upload

RETURNED, STOPPED = 10, 8
# How far the day may lag before it is given up: documents, messages and desks need seconds, not minutes.
STEP_DEADLINE_SECONDS = 90.0


class Expectation(msgspec.Struct, kw_only=True):
    """One dossier of the day and the national status it should end with."""

    dossier_id: str
    code: str
    what: str
    ends: int
    status: int = 0
    status_name: str = ""
    results: list[dict[str, Any]] = []
    receiver: str = ""


class Day:
    """Plays the hospital and the counter; the agencies work beside it (deploy.local.agencies)."""

    def __init__(
        self, hospital: Official, counter: Official, police: Official, civil_status: Official
    ) -> None:
        self._hospital = hospital
        self._counter = counter
        self._police = police
        self._civil_status = civil_status
        self.dossiers: list[Expectation] = []
        # Dossiers the script decides itself; the agencies' officers leave them alone.
        self.reserved: set[str] = set()
        self.news: list[tuple[datetime, str]] = []
        self.played = False

    def tell(self, line: str) -> None:
        """A line of news, with the time it became known."""
        self.news.append((datetime.now(VIETNAM), line))

    async def play(self, seed: int, *, decides: bool = True) -> None:
        """Hand everything in and do what the script decides; with `decides` false that is left to the desks.

        Raises Refused when a service says no.
        """
        await self._upload_xml9(seed)
        await self._declare_birth(seed)
        await self._certified_copy()
        await self._insurance_card()
        residence = await self._residence(seed)
        if decides:
            await self._supplemented(residence)
        certificate = await self._marital_certificate(seed)
        if decides:
            await self._refused(certificate)
        self.played = True

    async def hand_over_results(self, stop: asyncio.Event, *, pause_seconds: float) -> None:
        """The desks' work until `stop`: take in papers, hand them to the mother or the applicant."""
        while not stop.is_set():
            for desk in (self._hospital, self._counter):
                # A service is restarting: the desk looks again.
                with contextlib.suppress(httpx.HTTPError, Refused):
                    await self._work_off_desk(desk)
            await asyncio.sleep(pause_seconds)

    # -- handing in ------------------------------------------------------------------------------------------

    async def _upload_xml9(self, seed: int) -> None:
        file = sample_upload(seed, today=_today(), births=("single", "twins", "no-father"))
        report = await self._hospital.post_bytes("intake", "/births/xml9", file, "application/xml")
        names = ("một con", "sinh đôi, con thứ nhất", "sinh đôi, con thứ hai", "không khai cha")
        for what, record in zip(names, report["records"], strict=True):
            self._expect(record, f"Khai sinh XML9, {what}", RETURNED)
        self.tell(f"Bệnh viện gửi tệp XML9: {len(report['records'])} giấy chứng sinh được nhận.")

    async def _declare_birth(self, seed: int) -> None:
        records = Births(seed + 500_000, today=_today()).single()
        file = envelope([records], made_on=_today())
        (record,) = parse_upload(file, today=_today()).records
        if record.declaration is None:
            raise RuntimeError("the sample birth was refused by its own rules")
        body = plain(record.declaration)
        body.pop("extra", None)
        receipt = await self._hospital.post_json("intake", "/births", body)
        self._expect(receipt, "Khai sinh, nữ hộ sinh khai qua API", RETURNED)
        self.tell("Nữ hộ sinh khai báo một ca sinh qua API.")

    async def _certified_copy(self) -> None:
        receipt = await self._counter.post_json(
            "intake",
            "/dossiers",
            {
                "procedure": "2.000815",
                "channel": "counter",
                "form": {
                    "applicant": _applicant("Phạm Văn Lâm", "079085012345"),
                    "documents": [{"name": "Bằng tốt nghiệp đại học", "pages": 1, "copies": 2}],
                },
                "components": ["original"],
                "unit": "31340",
            },
        )
        self._expect(receipt, "Chứng thực bản sao (quầy 3)", RETURNED)

    async def _insurance_card(self) -> None:
        receipt = await self._counter.post_json(
            "intake",
            "/dossiers",
            {
                "procedure": "1.014137",
                "channel": "counter",
                "form": {
                    "applicant": _applicant("Võ Thị Hồng", "092190004321"),
                    "child": {"name": "Võ Minh Khôi", "sex": "male", "birth_date": "2025-03-14"},
                    "residence": {"unit_code": "31340", "address": "Khu vực 2, phường Ngã Bảy"},
                    "insurance": {"first_care_facility": "93016"},
                },
                "components": ["declaration", "birth_certificate"],
                "unit": "31340",
            },
        )
        self._expect(receipt, "Thẻ BHYT trẻ em (quầy 3)", RETURNED)

    async def _residence(self, seed: int) -> str:
        receipt = await self._counter.post_json(
            "intake",
            "/dossiers",
            {
                "procedure": "1.004222",
                "channel": "counter",
                "form": {
                    "applicant": _applicant("Đặng Thị Ánh", "093192007788"),
                    "subject": {"name": "Đặng Thị Ánh"},
                    "residence": {"unit_code": "31340", "address": f"Số {seed}, khu vực 5, phường Ngã Bảy"},
                },
                "components": ["declaration"],
                "unit": "31340",
            },
        )
        dossier_id: str = receipt["dossier_id"]
        self.reserved.add(dossier_id)
        self._expect(receipt, "Đăng ký thường trú, thiếu giấy tờ rồi bổ sung", RETURNED)
        return dossier_id

    async def _supplemented(self, dossier_id: str) -> None:
        """The police find a paper missing: the clock stops until the family hands it in."""
        await self._until_on_desk(self._police, dossier_id)
        await self._police.post_json(
            "routing",
            f"/cases/{dossier_id}/supplement-requests",
            {
                "step": "register_residence",
                "components": ["kinship_proof"],
                "reason": "missing-paper",
                "note": "Thiếu giấy tờ chứng minh quan hệ với chủ hộ.",
            },
        )
        self.tell("Công an phường yêu cầu bổ sung một hồ sơ; thời hạn tạm dừng.")
        await self._until_status(dossier_id, 5)
        await self._counter.post_json(
            "intake", f"/dossiers/{dossier_id}/supplements", {"components": ["kinship_proof"]}
        )
        self.tell("Người dân đã bổ sung; thời hạn chạy tiếp.")
        self.reserved.discard(dossier_id)

    async def _marital_certificate(self, seed: int) -> str:
        receipt = await self._counter.post_json(
            "intake",
            "/dossiers",
            {
                "procedure": "1.004873",
                "channel": "counter",
                "form": {
                    "applicant": _applicant("Huỳnh Tấn Đạt", "093094003344"),
                    "subject": {"name": "Huỳnh Tấn Đạt"},
                    "purpose": f"Vay vốn ngân hàng {seed}",
                },
                "components": ["declaration", "identity_paper"],
                "unit": "31340",
            },
        )
        dossier_id: str = receipt["dossier_id"]
        self.reserved.add(dossier_id)
        self._expect(receipt, "Xác nhận tình trạng hôn nhân, bị từ chối", STOPPED)
        return dossier_id

    async def _refused(self, dossier_id: str) -> None:
        await self._until_on_desk(self._civil_status, dossier_id)
        await self._civil_status.post_json(
            "routing",
            f"/cases/{dossier_id}/refusal",
            {"step": "confirm_marital_status", "reason": "not-eligible", "note": "Không đủ điều kiện."},
        )
        self.tell("Tư pháp - hộ tịch từ chối một hồ sơ, có nêu lý do.")

    # -- handing over ----------------------------------------------------------------------------------------

    async def _work_off_desk(self, desk: Official) -> None:
        place = desk.post.agency
        arriving = await desk.get("results", "/results", state=["issued", "dispatched"], limit=200)
        for result in arriving["results"]:
            await desk.post_json("results", f"/results/{result['id']}/arrive", {})
        waiting = await desk.get("results", "/results", state=["ready"], limit=200)
        by_dossier: dict[str, list[str]] = {}
        for result in waiting["results"]:
            if result["place"] == place:
                by_dossier.setdefault(result["dossier_id"], []).append(result["id"])
        for dossier_id, result_ids in by_dossier.items():
            await self._hand_over(desk, dossier_id, result_ids)

    async def _hand_over(self, desk: Official, dossier_id: str, result_ids: Sequence[str]) -> None:
        answer = await desk.get("intake", f"/dossiers/{dossier_id}", purpose="hand-over")
        receiver = _receiver(answer["file"])
        await desk.post_json(
            "results",
            f"/dossiers/{dossier_id}/hand-over",
            {"results": list(result_ids), "receiver": receiver, "signed_on_paper": True},
        )
        for expected in self.dossiers:
            if expected.dossier_id == dossier_id:
                expected.receiver = (
                    f"{receiver['name']} ({'mẹ' if receiver['relation'] == 'mother' else 'người nộp'})"
                )

    # -- looking ---------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Bring every dossier's status and results up to date, as the desks see them."""
        lines: dict[str, dict[str, Any]] = {}
        for desk in (self._hospital, self._counter):
            with contextlib.suppress(httpx.HTTPError, Refused):
                page = await desk.get("intake", "/dossiers", limit=200)
                lines |= {line["dossier_id"]: line for line in page["dossiers"]}
        for expected in self.dossiers:
            line = lines.get(expected.dossier_id)
            if line is None:
                continue
            expected.status, expected.status_name = line["status"], line["status_name"]
            expected.results = await self._results(expected.dossier_id)

    async def _results(self, dossier_id: str) -> list[dict[str, Any]]:
        """Every result of a dossier; each desk sees those it issues or hands over."""
        found: dict[str, dict[str, Any]] = {}
        for desk in (self._hospital, self._counter, self._police):
            with contextlib.suppress(httpx.HTTPError, Refused):
                page = await desk.get("results", f"/dossiers/{dossier_id}/results")
                found |= {result["id"]: result for result in page["results"]}
        return list(found.values())

    async def fetch(self, result_id: str, kind: str, path: Path) -> bool:
        """Save a result's document or receipt; False when no desk may see it or there is none."""
        for desk in (self._hospital, self._counter, self._police, self._civil_status):
            try:
                path.write_bytes(await desk.get_bytes("results", f"/results/{result_id}/{kind}"))
            except (httpx.HTTPError, Refused):
                continue
            return True
        return False

    def unfinished(self) -> list[Expectation]:
        """The dossiers that have not ended as they should."""
        return [d for d in self.dossiers if d.status != d.ends]

    def _expect(self, receipt: dict[str, Any], what: str, ends: int) -> None:
        self.dossiers.append(
            Expectation(dossier_id=receipt["dossier_id"], code=receipt["code"], what=what, ends=ends)
        )

    async def _until_on_desk(self, officer: Official, dossier_id: str) -> None:
        async with asyncio.timeout(STEP_DEADLINE_SECONDS):
            while True:
                # A service is restarting: asked again.
                with contextlib.suppress(httpx.HTTPError, Refused):
                    page = await officer.get("routing", "/steps", limit=500)
                    if any(step["dossier_id"] == dossier_id for step in page["steps"]):
                        return
                await asyncio.sleep(0.2)

    async def _until_status(self, dossier_id: str, status: int) -> None:
        async with asyncio.timeout(STEP_DEADLINE_SECONDS):
            while True:
                with contextlib.suppress(httpx.HTTPError, Refused):
                    page = await self._counter.get("intake", "/dossiers", limit=200)
                    if any(d["dossier_id"] == dossier_id and d["status"] == status for d in page["dossiers"]):
                        return
                await asyncio.sleep(0.2)


def _receiver(file: dict[str, Any]) -> dict[str, str]:
    """The mother at the hospital bed, or whoever handed the dossier in."""
    if "mother" in file and "document" in file["mother"]:
        mother = file["mother"]
        return {"name": mother["name"], "relation": "mother", "identity_number": mother["document"]["number"]}
    applicant = file["applicant"]
    number = applicant.get("identity", {}).get("number", "")
    return {"name": applicant["name"], "relation": "applicant", "identity_number": number}


def _applicant(name: str, number: str) -> dict[str, Any]:
    return {
        "name": name,
        "relation": "self",
        "identity": {"kind": "citizen_id", "number": number},
        "phone": "0912345678",
        "email": f"nguoi-dan-{uuid4().hex[:6]}@vidu.example",
        "message_channel": "email",
    }


def _today() -> date:
    return datetime.now(VIETNAM).date()

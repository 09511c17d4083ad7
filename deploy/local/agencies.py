"""The agencies of the day: officers who take the steps on their desks and complete them with plausible outcomes."""

import asyncio
import contextlib
from datetime import date, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from deploy.local.officials import Official, Post, Refused
from deploy.local.server_folder import write_private
from libs.catalogue import Catalogue
from libs.catalogue.calendar import VIETNAM
from libs.catalogue.insurance_numbers import child_card_end

# Agencies whose role appears in the steps of the day, in both wards of the city.
ROLES = ("civil_status", "justice", "police_residence", "police_identity", "social_insurance")


class Numbers:
    """Running numbers for registers and cards, remembered so that a later day does not give one twice."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = int(path.read_text()) if path.exists() else 100

    def next(self) -> int:
        """The next number."""
        self._last += 1
        write_private(self._path, str(self._last).encode())
        return self._last


def posts_of(catalogue: Catalogue, on: date) -> list[Post]:
    """One officer for every agency of the city that does steps."""
    posts = []
    for agency in catalogue.agencies():
        roles = tuple(role for role in agency.roles if role in ROLES)
        if roles and agency.in_force(on):
            posts.append(Post(subject=f"can-bo-{agency.code}", agency=agency.code, roles=roles))
    return posts


class Officer:
    """Works off the desk of one agency, called `office`. `leave_alone`: dossiers the script decides itself."""

    def __init__(self, official: Official, numbers: Numbers, leave_alone: set[str], *, office: str) -> None:
        self._official = official
        self._office = office
        self._numbers = numbers
        self._leave_alone = leave_alone

    async def run(self, stop: asyncio.Event, *, pause_seconds: float) -> None:
        """Take steps until `stop`; a person's pace is `pause_seconds` a look."""
        while not stop.is_set():
            # Somebody else was quicker, or a service is restarting: the list is asked again.
            with contextlib.suppress(httpx.HTTPError, Refused):
                await self.work_off()
            await asyncio.sleep(pause_seconds)

    async def work_off(self) -> int:
        """Complete what lies on the desk now; returns how many steps."""
        page = await self._official.get("routing", "/steps", state=["assigned", "started"])
        mine = [step for step in page["steps"] if step["dossier_id"] not in self._leave_alone]
        for step in mine:
            # One refused, or of a kind this play has no outcome for, must not keep the others waiting.
            with contextlib.suppress(Refused, KeyError, ValueError):
                await self.complete(step["dossier_id"], step["step"])
        return len(mine)

    async def complete(self, dossier_id: str, step: str) -> None:
        """Read the file, begin the step, complete it."""
        file = await self._official.get("intake", f"/dossiers/{dossier_id}", purpose="settle-step")
        path = f"/cases/{dossier_id}/steps/{step}"
        await self._official.post_json("routing", f"{path}/start", {}, key=f"{dossier_id}-{step}-start")
        outcome = self._outcome(step, file)
        await self._official.post_json("routing", f"{path}/complete", {"outcome": outcome})

    def _outcome(self, step: str, answer: dict[str, Any]) -> dict[str, Any]:
        now = datetime.now(VIETNAM)
        today, number = now.date(), self._numbers.next()
        signed = {"signer_name": "Lê Văn Bình", "signer_title": "Chủ tịch"}
        child = answer["file"].get("child") or {}
        if step == "register_birth":
            return {
                "register_number": f"{number}/{today.year}",
                "register_book": f"01/{today.year}",
                "registered_on": today.isoformat(),
                "child_name": self._child_name(answer["file"]),
                "personal_id": self._personal_id(child, number),
                "registration_place": self._office.replace("Tư pháp – hộ tịch UBND", "Ủy ban nhân dân"),
                **signed,
            }
        if step == "register_residence":
            return {
                "residence_number": f"{number}/TB",
                "registered_on": today.isoformat(),
                "signer_name": "Trần Quốc Hưng",
                "signer_title": "Trưởng Công an phường",
            }
        if step == "issue_insurance_card":
            born = date.fromisoformat(str(child.get("birth_time") or child.get("birth_date"))[:10])
            return {
                "card_number": f"TE192{number:010d}",
                "valid_from": born.isoformat(),
                "valid_to": child_card_end(born).isoformat(),
                "first_care_facility": "93016",
                "signer_name": "Nguyễn Thu Hà",
                "signer_title": "Giám đốc",
            }
        return {
            "document_number": f"{number}/CT",
            "register_book": f"01/{today.year}",
            "issued_on": today.isoformat(),
        } | signed

    @staticmethod
    def _child_name(file: dict[str, Any]) -> str:
        child = file["child"]
        return (
            child.get("intended_name") or child.get("name") or f"{file['mother']['name'].split()[0]} An Nhiên"
        )

    @staticmethod
    def _personal_id(child: dict[str, Any], number: int) -> str:
        """A number of the right shape: province 092, century and sex, year, six digits (domain: identifiers)."""
        female = child.get("sex") in (2, "female")
        born = int(str(child["birth_time"])[:4])
        century = 2 * (born // 100 - 19)
        return f"092{century + female}{born % 100:02d}{number % 1_000_000:06d}"


def plain(value: Any) -> Any:
    """A Struct as plain data for a JSON body."""
    return msgspec.to_builtins(value)

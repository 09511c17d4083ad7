"""Families of births that lack papers are reminded, by events that tell no birthday."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from libs.catalogue.calendar import VIETNAM
from services.intake import store
from services.intake.birth_terms import birth_procedures, born_on, plan, remind, reminders
from tests.integration.intake.conftest import MORNING, Intake
from tests.integration.intake.samples import certified_copy

BORN = date(2026, 11, 20)


def birth_form(*components: str, born: date = BORN) -> dict[str, Any]:
    """A birth registered at the counter, with these papers."""
    return {
        "procedure": "1.001193",
        "unit": "31340",
        "form": {
            "child": {"sex": "female", "birth_time": f"{born}T08:15"},
            "applicant": {"name": "Phạm Thị Canary", "relation": "mother", "phone": "0912345678"},
        },
        "components": list(components),
    }


async def work(intake: Intake, now: datetime) -> int:
    async with intake.office.writer.transaction() as connection:
        await plan(connection, birth_procedures(intake.office.catalogue))
        return await remind(connection, now)


async def reminded(intake: Intake, dossier_id: str) -> list[dict[str, Any]]:
    return [data for subject, data in await intake.events(dossier_id) if "birth-reminder" in subject]


async def test_a_birth_that_lacks_papers_is_reminded_twice(intake: Intake) -> None:
    """Before the 30th and before the 50th day, with what is missing, once each; other dossiers not at all."""
    lacking = (await intake.post("/dossiers", birth_form("declaration"), intake.counter())).json()
    other = (await intake.post("/dossiers", certified_copy(components=[]), intake.counter())).json()
    first, second = reminders(BORN)
    await work(intake, first - timedelta(seconds=1))
    assert await reminded(intake, lacking["dossier_id"]) == []
    for now, number in ((first, 1), (first, 1), (second, 2), (second, 2)):
        await work(intake, now)
        said = await reminded(intake, lacking["dossier_id"])
        assert said[-1] == {"number": number, "missing": lacking["missing"]}
        assert len(said) == number
    assert lacking["missing"]
    assert await reminded(intake, other["dossier_id"]) == []


async def test_an_accepted_or_withdrawn_birth_is_not_reminded(intake: Intake) -> None:
    """Once the papers came, or the family took the dossier back, nothing is said any more."""
    supplied, taken_back = [
        (await intake.post("/dossiers", birth_form("declaration"), intake.counter())).json() for _ in range(2)
    ]
    await work(intake, datetime(2026, 11, 24, tzinfo=UTC))
    given = {"components": supplied["missing"]}
    path = f"/dossiers/{supplied['dossier_id']}/supplements"
    assert (await intake.post(path, given, intake.counter())).status_code == 200
    await intake.post(f"/dossiers/{taken_back['dossier_id']}/withdrawal", {}, intake.counter())
    await work(intake, reminders(BORN)[1])
    for receipt in (supplied, taken_back):
        assert await reminded(intake, receipt["dossier_id"]) == []


async def test_one_found_late_hears_the_newest_only(intake: Intake) -> None:
    """When both days have passed one reminder is said."""
    receipt = (await intake.post("/dossiers", birth_form(), intake.counter())).json()
    await work(intake, reminders(BORN)[1] + timedelta(days=1))
    assert [data["number"] for data in await reminded(intake, receipt["dossier_id"])] == [2]


@pytest.mark.parametrize(("days_before", "numbers"), [(90, []), (40, [2])])
async def test_days_before_reception_and_after_the_term_bring_no_news(
    intake: Intake, days_before: int, numbers: list[int]
) -> None:
    """Who comes late is not told what the desk told them already; nothing is said once the 60 days are over."""
    born = MORNING.date() - timedelta(days=days_before)
    late = (await intake.post("/dossiers", birth_form(born=born), intake.counter())).json()
    in_time = (await intake.post("/dossiers", birth_form(), intake.counter())).json()
    await work(intake, MORNING)
    assert await reminded(intake, late["dossier_id"]) == []
    await work(intake, MORNING + timedelta(days=15))
    assert [data["number"] for data in await reminded(intake, late["dossier_id"])] == numbers
    await work(intake, datetime.combine(BORN + timedelta(days=61), time(8), VIETNAM))
    assert await reminded(intake, in_time["dossier_id"]) == []


async def test_reminders_follow_a_corrected_birthday(intake: Intake) -> None:
    """A year written wrong brought none, the right one brings both; a day earlier than thought brings them earlier."""
    wrong = BORN.replace(year=2025)
    dossier_id = (await intake.post("/dossiers", birth_form(born=wrong), intake.counter())).json()[
        "dossier_id"
    ]
    await work(intake, MORNING)
    for right in (BORN, BORN - timedelta(days=14)):
        changes = [{"path": "child.birth_time", "value": f"{right}T08:15"}]
        body = {"changes": changes, "explanation": "Ghi nhầm ngày sinh"}
        answer = await intake.post(f"/dossiers/{dossier_id}/corrections", body, intake.counter())
        assert answer.status_code == 200, answer.text
    first, second = reminders(BORN - timedelta(days=14))
    await work(intake, first - timedelta(seconds=1))
    assert await reminded(intake, dossier_id) == []
    for now in (first, second):
        await work(intake, now)
    assert [data["number"] for data in await reminded(intake, dossier_id)] == [1, 2]


async def test_a_dossier_being_worked_on_is_reminded_later(intake: Intake) -> None:
    """The reminders wait for no lock: they leave that dossier for the next round."""
    receipt = (await intake.post("/dossiers", birth_form(), intake.counter())).json()
    await work(intake, MORNING)
    async with intake.office.writer.transaction() as connection:
        await store.load(connection, [UUID(receipt["dossier_id"])])
        assert await work(intake, reminders(BORN)[0]) == 0
    assert await work(intake, reminders(BORN)[0]) == 1


def test_every_birth_of_a_week_is_reminded_at_one_moment() -> None:
    """The time of a reminder is a Monday morning, the same for a whole week of births, and in time."""
    for day in (BORN + timedelta(days=n) for n in range(40)):
        for at, days in zip(reminders(day), (30, 50), strict=True):
            assert (at.weekday(), at.hour) == (0, 8)
            assert timedelta(days=days - 7) < at.date() - day <= timedelta(days=days)


def test_the_day_of_birth_is_read_from_declarations_and_forms() -> None:
    """Both have it in one place."""
    assert born_on(b'{"child": {"birth_time": "2026-11-20T08:15:00", "sex": 2}, "mother": {}}') == BORN


async def test_a_file_that_tells_no_birthday_stops_nobody(intake: Intake) -> None:
    """Such a dossier is reminded from its reception on."""
    receipt = (await intake.post("/dossiers", birth_form(), intake.counter())).json()
    await intake.rows("UPDATE file SET content = '{}' WHERE dossier_id = $1::uuid", receipt["dossier_id"])
    await work(intake, reminders(MORNING.date())[0])
    assert [data["number"] for data in await reminded(intake, receipt["dossier_id"])] == [1]

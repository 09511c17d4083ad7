"""The term to register a birth: families whose dossier still lacks papers are reminded of it.

60 days from the birth (Luật Hộ tịch 2014 Đ15), reminders about the 30th and the 50th. The day of birth stays here: a
reminder falls on the Monday of that week, so that not even the time of its event tells the day.
"""

import asyncio
from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.outbox import Outgoing, emit
from libs.bus.writer import Writer
from libs.catalogue import Catalogue
from libs.catalogue.calendar import VIETNAM
from libs.contracts.intake import BirthReminderDue
from libs.process.repeating import repeat
from libs.telemetry.logs import log
from services.intake import birth_term_store, file_store, store
from services.intake.dossier import RECEIVED, Dossier
from services.intake.file_store import FileVersion
from services.intake.reception import REGISTRATION_TERM

# What the catalogue says a step begins that registers the birth of a child.
CHILD_RESIDENCE = "child-residence"
REMINDER_DAYS = (30, 50)
REMINDED_AT = time(8)
BATCH_MAX = 200
POLL_SECONDS = 600.0


class _Child(msgspec.Struct):
    birth_time: str


class _Born(msgspec.Struct):
    """What declarations and forms of a birth have alike."""

    child: _Child


def born_on(content: bytes) -> date:
    """The day of birth in a file of a birth, as declared (local). Raises ValueError when it has none."""
    return date.fromisoformat(msgspec.json.decode(content, type=_Born).child.birth_time[:10])


def reminders(born: date) -> list[datetime]:
    """When the family is to be reminded, first to last."""
    days = [born + timedelta(days=days) for days in REMINDER_DAYS]
    mondays = [day - timedelta(days=day.weekday()) for day in days]
    return [datetime.combine(monday, REMINDED_AT, VIETNAM) for monday in mondays]


def birth_procedures(catalogue: Catalogue) -> frozenset[str]:
    """The procedures, of all times, that register the birth of a child."""
    versions = [version for code in catalogue.procedure_codes() for _, version in catalogue.versions_of(code)]
    return frozenset(v.code for v in versions if any(s.begins_term == CHILD_RESIDENCE for s in v.steps))


async def plan(connection: Any, procedures: Collection[str], rows_max: int = BATCH_MAX) -> int:
    """Plan the reminders of births that wait to be accepted, in the caller's transaction; for how many that was."""
    received = await birth_term_store.unplanned(connection, procedures, rows_max)
    files = await file_store.newest(connection, list(received))
    planned = [
        # Who came to the desk after that day was told of the term there.
        (dossier_id, number, at, received[dossier_id] if at < received[dossier_id] else None)
        for dossier_id, file in files.items()
        for number, at in enumerate(reminders(_begin(file, received[dossier_id])), start=1)
    ]
    await birth_term_store.plan(connection, planned)
    return len(files)


async def plan_again(connection: Any, dossier: Dossier, content: bytes, now: datetime) -> None:
    """Move the reminders there are to what the corrected file says; the caller holds the dossier's lock."""
    try:
        moments = reminders(born_on(content))
    except ValueError:
        return
    await birth_term_store.move(connection, dossier.id, moments, received_at=dossier.received_at, now=now)


def _begin(file: FileVersion, received_at: datetime) -> date:
    """The day of birth, or of reception where a file does not tell it: one odd file must not stop the others."""
    try:
        return born_on(file.content)
    except ValueError:
        log.error("birth-day-not-read", dossier_id=file.dossier_id)
        return received_at.astimezone(VIETNAM).date()


async def remind(connection: Any, now: datetime, rows_max: int = BATCH_MAX) -> int:
    """Say which reminders are due, in the caller's transaction; how many were looked at.

    Of several due at once the newest is said; none for a dossier that lacks nothing or waits no longer, nor when the
    term is over.
    """
    due = await birth_term_store.due(connection, now, rows_max)
    newest: dict[UUID, int] = {}
    for dossier_id, number in due:
        newest[dossier_id] = max(number, newest.get(dossier_id, 0))
    dossiers = await store.load(connection, sorted(newest))
    files = await file_store.newest(connection, sorted(newest))
    today = now.astimezone(VIETNAM).date()
    said = [
        Outgoing(
            dossier_id=dossier.id, event=BirthReminderDue(number=newest[dossier.id], missing=dossier.missing)
        )
        for dossier in dossiers.values()
        if dossier.state == RECEIVED
        and dossier.missing
        and today <= _begin(files[dossier.id], dossier.received_at) + REGISTRATION_TERM
    ]
    await emit(connection, store.SOURCE, said)
    await birth_term_store.mark_said(connection, due, now)
    return len(due)


class BirthTerms:
    """Plans and says reminders until told to stop, by the database's clock."""

    def __init__(self, writer: Writer, catalogue: Catalogue, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._writer = writer
        self._procedures = birth_procedures(catalogue)
        self._poll_seconds = poll_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Work off what there is, then look again every `poll_seconds`."""
        await repeat(self._once, stop, name="birth-terms", pause_seconds=self._poll_seconds)

    async def _once(self) -> int:
        async with self._writer.transaction() as connection:
            now = await birth_term_store.now(connection)
            return await plan(connection, self._procedures) + await remind(connection, now)

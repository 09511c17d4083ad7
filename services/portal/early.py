"""How much earlier than promised a dossier was settled: one rule for officers and for families. Pure."""

from datetime import datetime

from libs.catalogue.calendar import WorkingCalendar
from libs.catalogue.errors import CatalogueError

# National status codes of what was decided as it was asked for; a refusal is never early.
GRANTED = frozenset({9, 10})


def early_days(status: int, settled_at: datetime, appointment_at: datetime, calendar: WorkingCalendar) -> int:
    """Whole working days between the two; 0 for what was not granted, was not early, or lies outside the calendar."""
    if status not in GRANTED or settled_at >= appointment_at:
        return 0
    try:
        days = calendar.working_days_between(
            calendar.local_date(settled_at), calendar.local_date(appointment_at)
        )
    except CatalogueError:
        return 0
    return max(days, 0)

"""Where mother and child lie in the hospital, and which of them a bedside list shows. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from libs.http.bodies import Body
from services.intake.births import LocalMinute, Problem, written
from services.intake.texts import hidden_signs

PLACE_LENGTH_MAX = 40
# A planned day further away is a slip of the pen. [judgement]
DISCHARGE_SPAN = timedelta(days=365)
# Nobody lies in for longer after a birth when nothing was planned: then the family has left. [judgement]
LEFT_AFTER = timedelta(days=14)
# Where no discharge was told, a bed is taken to be free sooner: most mothers go home within four days, nobody writes
# that down, and a warning that is false for ten days more is read by nobody. [judgement]
UNTOLD_STAY = timedelta(days=4)
BedsideState = Literal["inside", "left", "refused", "all"]
Place = Annotated[str, msgspec.Meta(max_length=PLACE_LENGTH_MAX)]


class Stay(Body, frozen=True, kw_only=True):
    """Room and bed as the ward calls them, and the planned discharge by the ward's clock; null is not known."""

    room: Place = ""
    bed: Place = ""
    discharge_at: LocalMinute | None = None


def written_stay(stay: Stay) -> Stay:
    """The same stay in its one written form."""
    minute = stay.discharge_at.replace(second=0, microsecond=0) if stay.discharge_at else None
    return Stay(room=written(stay.room), bed=written(stay.bed), discharge_at=minute)


def stay_problems(stay: Stay, wall_clock: datetime, path: str = "") -> Iterator[Problem]:
    """What is wrong with a stay by the ward's clock (`wall_clock`, without an offset)."""
    yield from hidden_signs({"room": stay.room, "bed": stay.bed}, path)
    if stay.discharge_at is not None and abs(stay.discharge_at - wall_clock) > DISCHARGE_SPAN:
        field = f"{path}.discharge_at".lstrip(".")
        yield Problem(field=field, code="too-far", message_vi="Giờ ra viện dự kiến cách hôm nay quá một năm.")

"""What intake and results tell of the births of a ward. Pure."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

# National codes of the state of a dossier.
REFUSED, TO_SUPPLEMENT, WITHDRAWN, STOPPED, RETURNED = 3, 5, 7, 8, 10


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """Where they lie, and when they leave by the ward's clock."""

    room: str = ""
    bed: str = ""
    discharge_at: datetime | None = None


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """A paper or a field that is still wanted."""

    kind: Literal["component", "field"]
    code: str
    label: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """All that is wanted, and until when."""

    respond_by: datetime | None
    things: tuple[Thing, ...]


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How the family receives a result."""

    code: str
    delivery: str
    place: str = ""


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """One birth of the hospital, as intake lists it."""

    dossier_id: UUID
    code: str
    status: int
    received_at: datetime
    appointment_at: datetime
    mother: str
    child: str
    sex: str
    birth_time: str
    order: int
    count: int
    stay: Stay | None
    asked: Asked | None
    likely_duplicate: bool
    tracking_token: str = ""
    results: tuple[Way, ...] = ()
    refusal: str = ""

    @property
    def refused(self) -> bool:
        """Whether it was not taken in, and may be declared again."""
        return self.status == REFUSED

    @property
    def came_to_nothing(self) -> bool:
        """Whether it was refused at the door, or stopped by who was to settle it."""
        return self.status in (REFUSED, STOPPED)

    @property
    def ended_words(self) -> str:
        """Why nothing will come of it, and what the ward does about that; empty while something may."""
        if self.status == REFUSED:
            why = f": {self.refusal.rstrip('.')}" if self.refusal else ""
            return f"Một cửa không tiếp nhận{why}. Báo gia đình; sửa chỗ sai rồi khai báo lại"
        if self.status == STOPPED:
            return "Cơ quan giải quyết đã dừng hồ sơ. Lý do ghi trong thông báo gửi gia đình; hỏi bộ phận một cửa"
        return ""

    @property
    def clock_words(self) -> str:
        """That the appointment does not count as it stands; empty when it does."""
        if self.status == TO_SUPPLEMENT:
            return "thời hạn đang tạm dừng; bổ sung đủ thì ngày hẹn được tính lại"
        return "thời hạn chưa tính, vì còn thiếu giấy tờ" if self.asked else ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One result, as it counts now."""

    id: UUID
    code: str
    name_vi: str
    state: str
    state_vi: str
    delivery: str
    place: str
    place_vi: str
    handed_over_at: datetime | None = None
    receiver_vi: str = ""

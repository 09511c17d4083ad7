"""What stands on the cards of a maternity ward: who lies where, three lamps, what is late. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import msgspec

from services.portal.hospital.births_told import RETURNED, Birth, Result, Way

BIRTH, RESIDENCE, INSURANCE = "birth_certificate", "residence_notice", "insurance_card"
LAMPS: Sequence[tuple[str, str]] = ((BIRTH, "Khai sinh"), (RESIDENCE, "Thường trú"), (INSURANCE, "BHYT"))
# Ways for who leaves the hospital: code → words of the button.
ELSEWHERE: Mapping[str, str] = {
    "counter": "Trả tại phường",
    "post": "Gửi qua bưu chính",
    "electronic": "Bản điện tử",
}
# How a result that is not received at the bed will come.
COMES: Mapping[str, str] = {
    "counter": "sẽ trả tại phường",
    "post": "sẽ gửi qua bưu chính",
    "electronic": "sẽ có bản điện tử",
    "hospital": "sẽ trả tại bệnh viện khác",
}
# How long before they leave the desk is told what will not be ready. [judgement]
ALARM_AHEAD = timedelta(hours=24)
Tab = Literal["tai-giuong", "cho-bo-sung", "da-tra"]
TABS: Mapping[Tab, str] = {
    "tai-giuong": "Tại giường",
    "cho-bo-sung": "Chờ bổ sung, bị từ chối",
    "da-tra": "Đã trả",
}


class Lamp(msgspec.Struct, frozen=True, kw_only=True):
    """One of the three: a sign and words that say the same, and the name of its colours."""

    name: str
    sign: str
    words: str
    look: str

    @property
    def done(self) -> bool:
        """Whether the family has it, or can fetch it anywhere."""
        return self.look in ("done", "electronic")


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One bed with its newborn; `to_ask` are the results the family may want to receive elsewhere, since it leaves."""

    birth: Birth
    lamps: tuple[Lamp, ...]
    alarm: str = ""
    late: str = ""
    left: bool = False
    to_ask: tuple[Way, ...] = ()

    @property
    def tab(self) -> Tab:
        """Where the card stands."""
        if self.birth.status == RETURNED or (self.lamps and all(lamp.done for lamp in self.lamps)):
            return "da-tra"
        return "cho-bo-sung" if self.birth.asked or self.birth.came_to_nothing else "tai-giuong"

    @property
    def place(self) -> str:
        """Room and bed."""
        stay = self.birth.stay
        parts = [
            f"Phòng {stay.room}" if stay and stay.room else "",
            f"giường {stay.bed}" if stay and stay.bed else "",
        ]
        words = " – ".join(part for part in parts if part)
        return words[:1].upper() + words[1:] if words else "Chưa ghi giường"

    @property
    def child(self) -> str:
        """The baby, with its order among several."""
        sex = {"1": "bé trai", "male": "bé trai", "2": "bé gái", "female": "bé gái"}.get(self.birth.sex, "bé")
        name = self.birth.child or "chưa đặt tên"
        several = f" ({self.birth.order}/{self.birth.count})" if self.birth.count > 1 else ""
        return f"{sex} {name}{several}"


def lamp_of(name: str, result: Result | None, desk: str, way: Way | None = None) -> Lamp:
    """The lamp of a result as seen at the desk `desk`; None: its step is not done yet, and it will come by `way`."""
    if result is None or result.state == "pending":
        will = "" if way is None or way.place == desk else f", {COMES[way.delivery]}"
        return Lamp(name=name, sign="○", words=f"đang làm{will}", look="working")
    if result.state == "handed-over":
        return Lamp(name=name, sign="✓", words="đã trao", look="done")
    if result.state in ("revoked", "rejected", "superseded", "cancelled"):
        return Lamp(name=name, sign="✕", words=result.state_vi.lower(), look="late")
    if result.delivery == "electronic":
        return Lamp(name=name, sign="◆", words="có bản điện tử", look="electronic")
    if result.place != desk:
        where = "qua bưu chính" if result.delivery == "post" else f"tại {result.place_vi}"
        return Lamp(name=name, sign="→", words=f"trả {where}", look="electronic")
    if result.state == "ready":
        return Lamp(name=name, sign="●", words="sẵn sàng trao", look="ready")
    return Lamp(name=name, sign="◐", words="đã cấp, đang chuyển về", look="waiting")


def _never(lamp: Lamp) -> Lamp:
    """What was being made will not come; what there is stays what it is."""
    return Lamp(name=lamp.name, sign="✕", words="không có", look="late") if lamp.look == "working" else lamp


def cards(
    births: Iterable[tuple[Birth, bool]], results: Mapping[UUID, Sequence[Result]], desk: str, now: datetime
) -> list[Card]:
    """The cards in the order given; each birth with whether the family has left. `now` is in the ward's zone."""
    return [_card(birth, left, results.get(birth.dossier_id, ()), desk, now) for birth, left in births]


def _card(birth: Birth, left: bool, results: Sequence[Result], desk: str, now: datetime) -> Card:
    known = {result.code: result for result in results}
    ways = {way.code: way for way in birth.results}
    lamps = tuple(lamp_of(name, known.get(code), desk, ways.get(code)) for code, name in LAMPS)
    if birth.came_to_nothing:
        lamps = tuple(_never(lamp) for lamp in lamps)
    card = Card(birth=birth, lamps=lamps, left=left)
    if card.tab == "da-tra" or birth.came_to_nothing:
        return card
    missing = [lamp.name for lamp in lamps if lamp.look in ("working", "waiting", "late")]
    # What comes to the family elsewhere need not be here when it leaves.
    here = [
        name for code, name in LAMPS if name in missing and (code not in ways or ways[code].place == desk)
    ]
    if left:
        # Nor can who is gone take what lies here ready.
        here += [lamp.name for lamp in lamps if lamp.look == "ready"]
    alarm = _alarm(birth, left, here, now)
    # A paper that has left its issuer can be neither posted nor made a file.
    open_ones = {code for code, _ in LAMPS if code not in known or known[code].state in ("pending", "issued")}
    to_ask = tuple(
        ways[code] for code, _ in LAMPS if code in open_ones and code in ways and ways[code].place == desk
    )
    return msgspec.structs.replace(
        card, alarm=alarm, late=_late(birth, missing, now), to_ask=to_ask if alarm else ()
    )


def _alarm(birth: Birth, left: bool, due: Sequence[str], now: datetime) -> str:
    """What must be said before the family leaves without the papers due at this desk, or has left without them."""
    if not due:
        return ""
    leaves = leaves_at(birth, now)
    if left:
        return "Gia đình đã ra viện, còn giấy chưa trao"
    if leaves is None or leaves - now > ALARM_AHEAD:
        return ""
    when = f"{leaves:%H:%M}" if leaves.date() == now.date() else f"{leaves:%H:%M ngày %d/%m}"
    return (
        f"Ra viện {when}, chưa có: {', '.join(due)}. Hỏi gia đình muốn nhận tại phường, qua bưu chính "
        "hay bản điện tử"
    )


def leaves_at(birth: Birth, now: datetime) -> datetime | None:
    """When they leave, in the zone of `now`; a stay is told by the ward's wall clock."""
    told = birth.stay.discharge_at if birth.stay else None
    return told.replace(tzinfo=now.tzinfo) if told else None


def has_left(birth: Birth, now: datetime) -> bool:
    """Whether the hour they were to leave at is past; who has none is taken to lie in."""
    leaves = leaves_at(birth, now)
    return leaves is not None and leaves <= now


def _late(birth: Birth, missing: Sequence[str], now: datetime) -> str:
    due = birth.appointment_at.astimezone(now.tzinfo)
    return f"Quá hẹn từ {due:%H:%M ngày %d/%m}" if missing and due < now and not birth.asked else ""


def by_tab(found: Iterable[Card]) -> dict[Tab, list[Card]]:
    """The cards of each tab; on the first also those that wait for papers, since they lie there."""
    tabs: dict[Tab, list[Card]] = {tab: [] for tab in TABS}
    for card in found:
        tabs[card.tab].append(card)
        # Nobody lies in because of a dossier that came to nothing; while the family is there it is told.
        if card.left and card.birth.came_to_nothing:
            continue
        if card.tab == "cho-bo-sung":
            tabs["tai-giuong"].append(card)
    return tabs


def day_in_a_sentence(found: Sequence[Card], now: datetime) -> str:
    """What the desk may be proud of, or not yet: births of today and how many are registered."""
    today = [card for card in found if card.birth.received_at.astimezone(now.tzinfo).date() == now.date()]
    if not today:
        return ""
    done = sum(card.lamps[0].look not in ("working", "late") for card in today)
    return f"Hôm nay khai {len(today)} bé, {done}/{len(today)} đã có khai sinh"

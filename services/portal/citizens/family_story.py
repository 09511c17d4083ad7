"""What a family's page says, in the order of its questions: how it stands, until when, what to do, where. Pure."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from libs.catalogue.calendar import WorkingCalendar
from services.portal.citizens.family import Course, Desk, Details, Result, Told, Wait
from services.portal.citizens.family_words import (
    CHANNELS,
    FEE_TO_DO,
    FEE_WAIT,
    HISTORY,
    LACKING,
    LACKING_TO_DO,
    NAMED_TO_DO,
    OUTSIDE_TO_DO,
    OUTSIDE_WAIT,
    SENTENCES,
    STOPPED_CLOCK,
    STOPPED_TO_DO,
    TO_DO,
    UNNAMED_TO_DO,
    WAITS_FOR,
    WEEK,
)
from services.portal.early import early_days
from services.portal.wording import Tag, appointment, day, day_and_clock, day_in_words, local, status_tag

WAITING, REFUSED, ASKED, FEE, WITHDRAWN, STOPPED, READY, DONE = 1, 3, 5, 6, 7, 8, 9, 10
UNDER_WAY = frozenset({WAITING, 2, 4, ASKED, FEE})
ENDED_BADLY = frozenset({REFUSED, STOPPED})
# Minutes of a working day, for "còn 3 giờ làm việc".
HOUR_MINUTES = 60
Line = tuple[datetime, str, str]


class Glance(msgspec.Struct, frozen=True, kw_only=True):
    """The answer in three lines: status, the day that counts, what to do. All a code alone is told."""

    tag: Tag
    flag: Tag | None
    sentence: str
    day_label: str
    day: str
    to_do: str


class Fetch(msgspec.Struct, frozen=True, kw_only=True):
    """A result: where it is now, and at which desk with which hours when it is there to be fetched."""

    result: Result
    words: str
    desk: Desk | None = None
    hours: tuple[str, ...] = ()
    electronic: bool = False


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """The whole page besides the names."""

    glance: Glance
    wanted: tuple[str, ...]
    wanted_until: str
    why_wanted: str
    waits: tuple[str, ...]
    apologies: tuple[str, ...]
    refusals: tuple[tuple[str, str], ...]
    results: tuple[Fetch, ...]
    steps: tuple[tuple[str, str, str], ...]
    history: tuple[Line, ...]
    messages: tuple[Line, ...]


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What status and days alone tell; `lacking` while something is to be handed in, `stopped` while no day counts,
    `waits_for` why, by the kinds of WAITS_FOR."""

    status: int
    received_at: datetime
    appointment_at: datetime
    ended_at: datetime | None
    lacking: bool = False
    stopped: bool = False
    waits_for: frozenset[str] = frozenset()


def glance(stand: Standing, now: datetime, calendar: WorkingCalendar, where: str) -> Glance:
    """The answer to a code; `where` papers that lack are brought."""
    status, appointment_at, ended_at = stand.status, stand.appointment_at, stand.ended_at
    label, moment = _day_of(status, stand.received_at, appointment_at, ended_at)
    if stand.lacking and status == WAITING:
        return Glance(
            tag=status_tag(ASKED),
            flag=None,
            sentence=LACKING,
            day_label=label,
            day=day_in_words(moment),
            to_do=LACKING_TO_DO.format(where=where),
        )
    if stand.stopped and status in UNDER_WAY:
        sentence = f"{SENTENCES[status]} {STOPPED_CLOCK.format(why=_why(stand))}"
        day_label = "Ngày hẹn trước khi tạm dừng"
        return Glance(
            tag=status_tag(status),
            flag=Tag("Đang dừng tính hạn", "calm"),
            sentence=sentence,
            day_label=day_label,
            day=appointment(moment),
            to_do=_to_do(stand, TO_DO[ASKED], OUTSIDE_TO_DO),
        )
    return Glance(
        tag=status_tag(status),
        flag=flag_of(status, appointment_at, ended_at, now, calendar),
        sentence=SENTENCES[status],
        day_label=label,
        day=appointment(moment) if status in UNDER_WAY and status != WAITING else day_in_words(moment),
        to_do=TO_DO[status],
    )


def story(
    details: Details, told: Told, now: datetime, calendar: WorkingCalendar, agency_name: Callable[[str], str]
) -> Story:
    """The page of a dossier; `agency_name` gives what people call an agency by its code."""
    moved = told.course.appointment_at if told.course else details.appointment_at
    settled = next((change.at for change in details.history if change.status == READY), details.ended_at)
    asked = details.asked
    course = told.course
    stand = Standing(
        status=details.status,
        received_at=details.received_at,
        appointment_at=moved,
        ended_at=settled,
        lacking=asked is not None,
        # A request for papers stops the clock, whichever service tells of it first.
        stopped=details.status == ASKED or (course is not None and course.stopped),
        waits_for=waits_for(course),
    )
    first = glance(stand, now, calendar, details.agency.name)
    names = "; ".join(thing.label for thing in asked.things) if asked else ""
    # What a code alone is not told: which papers, and what is waited for.
    if names or (stand.waits_for and stand.status in UNDER_WAY):
        papers = f"Hãy mang đến {details.agency.name}: {names}." if names else TO_DO[ASKED]
        first = msgspec.structs.replace(first, to_do=_to_do(stand, papers, _outside(course)))
    return Story(
        glance=first if asked or details.status != READY else _fetching(first, told.results),
        wanted=tuple(thing.label for thing in asked.things) if asked else (),
        wanted_until=day_and_clock(asked.respond_by) if asked and asked.respond_by else "",
        why_wanted=course.asked.reason_vi if course and course.asked else "",
        waits=tuple(map(_waiting, course.waits)) if course and course.stopped else (),
        apologies=tuple(
            _apology(one.was_at, one.appointment_at, one.reason_vi, one.agency_vi) for one in course.apologies
        )
        if course
        else (),
        refusals=tuple(
            (one.name, " ".join(filter(None, (one.reason_text, one.note)))) for one in told.refused
        ),
        results=tuple(_fetch(result, told.places) for result in told.results),
        steps=tuple(
            (step.name, agency_name(step.agency), day_and_clock(step.completed_at))
            for step in told.steps
            if step.completed_at is not None and step.state == "completed"
        ),
        history=tuple((change.at, HISTORY[change.status], "") for change in reversed(details.history)),
        messages=tuple(
            (
                message.sent_at or message.created_at,
                message.about_vi,
                _sent(message.channel, message.state_vi),
            )
            for message in reversed(told.messages)
        ),
    )


def waits_for(course: Course | None) -> frozenset[str]:
    """Why the clock stands still, by the kinds of WAITS_FOR, which do not tell the procedure; none when not known."""
    if course is None or not course.stopped:
        return frozenset()
    return frozenset(FEE_WAIT if one.reason == FEE_WAIT else OUTSIDE_WAIT for one in course.waits)


def _why(stand: Standing) -> str:
    """As a part of a sentence; nothing beside papers that are owed, for which the clock would stand still anyhow."""
    if _owes_papers(stand):
        return ""
    why = " và ".join(words for kind, words in WAITS_FOR.items() if kind in stand.waits_for)
    return f" vì {why}" if why else ""


def _owes_papers(stand: Standing) -> bool:
    return stand.status == ASKED or stand.lacking


def _to_do(stand: Standing, papers: str, outside: str) -> str:
    """Everything that is owed, whatever else is waited for; else that the new day will be told."""
    owed = [papers] if _owes_papers(stand) else []
    if FEE_WAIT in stand.waits_for:
        owed.append(FEE_TO_DO)
    elif stand.status == FEE:
        owed.append(TO_DO[FEE])
    if OUTSIDE_WAIT in stand.waits_for:
        owed.append(outside)
    return " ".join(owed) or STOPPED_TO_DO.get(stand.status, TO_DO[stand.status])


def _outside(course: Course | None) -> str:
    """What somebody outside the agency has to do, in the words of the catalogue where it has them."""
    waits = course.waits if course else ()
    what = "; ".join(_begun_small(one.reason_vi) for one in waits if one.reason != FEE_WAIT and one.reason_vi)
    return NAMED_TO_DO.format(what=what) if what else UNNAMED_TO_DO


def _waiting(one: Wait) -> str:
    what = f"chờ {_begun_small(one.reason_vi)}, " if one.reason_vi else ""
    return f"{one.step_vi} ({one.agency_vi}): {what}từ {day_and_clock(one.since)}."


def _begun_small(words: str) -> str:
    return f"{words[:1].lower()}{words[1:]}"


def flag_of(
    status: int, appointment_at: datetime, ended_at: datetime | None, now: datetime, calendar: WorkingCalendar
) -> Tag | None:
    """Early by working days, near or late by days; nothing while the family is waited for, or when it ended badly."""
    promised = local(appointment_at).date()
    if status in (READY, DONE):
        early = early_days(status, ended_at, appointment_at, calendar) if ended_at else 0
        return Tag(f"Trả sớm {early} ngày làm việc", "early") if early > 0 else None
    if status not in (2, 4):
        return None
    if now > appointment_at:
        late = (local(now).date() - promised).days
        return Tag(f"Quá hạn {late} ngày" if late else "Quá hạn", "late")
    left = (promised - local(now).date()).days
    if left == 0:
        return Tag("Hẹn trả hôm nay", "near")
    return Tag(f"Còn {left} ngày", "calm")


def opening_hours(desk: Desk) -> tuple[str, ...]:
    """When a desk is open, days with the same hours together: `Thứ Hai – Thứ Sáu: 07:00-11:00, 13:00-17:00`."""
    grouped: list[tuple[str, str, tuple[str, ...]]] = []
    for code, name in WEEK.items():
        hours = desk.hours.get(code, ())
        if grouped and grouped[-1][2] == hours:
            grouped[-1] = (grouped[-1][0], name, hours)
        else:
            grouped.append((name, name, hours))
    return tuple(
        f"{first if first == last else f'{first} – {last}'}: {', '.join(hours)}"
        for first, last, hours in grouped
        if hours
    )


def _day_of(
    status: int, received_at: datetime, appointment_at: datetime, ended_at: datetime | None
) -> tuple[str, datetime]:
    if status == WAITING:
        return "Ngày nộp", received_at
    if status in UNDER_WAY:
        return "Hẹn trả kết quả", appointment_at
    if status == READY:
        return ("Có kết quả từ", ended_at) if ended_at else ("Hẹn trả kết quả", appointment_at)
    return ("Trả kết quả ngày" if status == DONE else "Kết thúc ngày"), ended_at or appointment_at


def _fetching(first: Glance, results: Sequence[Result]) -> Glance:
    """What to do once it is decided: fetch what is ready, wait for what is still on its way."""
    ready = [result for result in results if result.state == "ready" and result.medium == "paper"]
    electronic = any(result.state == "ready" and result.medium == "electronic" for result in results)
    if ready:
        to_do = f"Hãy mang giấy tờ tùy thân đến nhận: {'; '.join(result.name_vi for result in ready)}."
        if electronic:
            to_do += " Bản điện tử tải ngay ở dưới."
    elif electronic:
        to_do = "Hãy tải kết quả điện tử ở dưới."
    else:
        to_do = "Kết quả đang được chuyển đến nơi trả; chúng tôi sẽ báo khi ông/bà có thể đến nhận."
    return msgspec.structs.replace(first, to_do=to_do)


def _fetch(result: Result, places: Mapping[str, Desk]) -> Fetch:
    desk = places.get(result.place)
    at = f" tại {result.place_vi}" if result.place_vi else ""
    if result.state == "handed-over":
        when = f" lúc {day_and_clock(result.handed_over_at)}" if result.handed_over_at else ""
        return Fetch(
            result=result,
            words=f"Đã trao{at}{when}{f' cho: {result.receiver_vi.lower()}' if result.receiver_vi else ''}",
        )
    if result.state == "ready" and result.medium == "electronic":
        return Fetch(result=result, words="Bản điện tử có ký số, tải tại đây", electronic=True)
    if result.state == "ready":
        hours = opening_hours(desk) if desk else ()
        return Fetch(result=result, words=f"Sẵn sàng để nhận{at}", desk=desk, hours=hours)
    where = f", sẽ nhận{at}" if at else ""
    return Fetch(result=result, words=f"{result.state_vi}{where}")


def _apology(was_at: datetime, appointment_at: datetime, reason: str, agency: str) -> str:
    why = f" Lý do: {reason[:1].lower()}{reason[1:].rstrip('.')}." if reason else ""
    return (
        f"{agency} xin lỗi ông/bà vì chưa giải quyết xong hồ sơ vào ngày {day(was_at)} như đã hẹn."
        f"{why} Hẹn lại: {appointment(appointment_at)}."
    )


def _sent(channel: str, state: str) -> str:
    way = CHANNELS.get(channel, "")
    return f"{state} qua {way}" if way else state

"""The lists officers work from, gathered from the services that keep them, in one shape for the page."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.catalogue import Catalogue
from libs.http.client import Unavailable
from libs.http.problems import Problem
from services.portal.case.answers import Apology, Deadline, LegalAct
from services.portal.case.reading import hand_over_page, purpose_of
from services.portal.case.words import agency_words, deadline_flag
from services.portal.console.door import Door, door_of, door_page
from services.portal.sessions import Person
from services.portal.wording import Tag

ROWS = 50
AT_THE_DOOR = "cho-tiep-nhan"
# What waits for the family: steps, which routing lists, and before them what lacks papers at the door.
AWAITED = "cho-bo-sung"
SUMMARIES_MAX = 200
# What the one button of a row does at once; every other act opens its panel.
START = "start"
RESUME = "resume"
STARTED = "started"
SUPPLY = "supply"


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """One list of the officer; `count` is None while its service is away."""

    slug: str
    name_vi: str
    service: str
    action: str = ""
    empty_vi: str = ""
    count: int | None = None
    more: bool = False


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list. `action` is the one thing to do: at once for `start`, else at `href`."""

    dossier_id: UUID
    code: str
    procedure: str
    step: str = ""
    step_name: str = ""
    state: str = ""
    agency: str = ""
    holder: str = ""
    flag: Tag | None = None
    due_at: datetime | None = None
    flagged: bool = False
    version: int | None = None
    action: str = ""
    action_name: str = ""
    href: str = ""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """A page of a list; `after` leads to the next, empty on the last."""

    rows: tuple[Row, ...]
    after: str = ""


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Whose dossier it is."""

    dossier_id: UUID
    code: str
    procedure_short_name: str
    applicant: str
    subject: str = ""
    likely_duplicate: bool = False


class _Queues(msgspec.Struct, frozen=True, kw_only=True):
    queues: tuple[Queue, ...]


class StepLine(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a list as routing tells it; `acts` are those of the list's buttons that the officer may do now."""

    dossier_id: UUID
    code: str
    procedure_name_vi: str
    step: str
    step_name_vi: str
    agency_vi: str
    state: str
    deadline: Deadline
    holder: str
    flagged: bool
    version: int
    acts: tuple[LegalAct, ...]
    apology: Apology | None = None


class _Steps(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[StepLine, ...]
    next: str | None = None


class _Paper(msgspec.Struct, frozen=True, kw_only=True):
    id: UUID
    dossier_id: UUID
    changed_at: datetime


class _PaperRow(msgspec.Struct, frozen=True, kw_only=True):
    result: _Paper
    name_vi: str
    state_vi: str
    act: str


class _Papers(msgspec.Struct, frozen=True, kw_only=True):
    rows: tuple[_PaperRow, ...]
    next: UUID | None = None


class _Summaries(msgspec.Struct, frozen=True, kw_only=True):
    summaries: tuple[Summary, ...]


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """The officer's lists in their order, each with how much is in it, and the `door` two of them were counted from."""

    queues: tuple[Queue, ...]
    door: Door | None = None


async def lists_of(person: Person) -> Lists:
    """What the officer works from."""
    steps, papers, door = await asyncio.gather(
        person.desk.get("routing", "/queues", _Queues), _paper_counts(person), door_of(person)
    )
    counted = {queue.slug: queue for queue in papers}
    found = [_with_door(counted.get(queue.slug, queue), door) for queue in steps.queues]
    if door is not None:
        found.insert(1, _door_queue(door))
    return Lists(queues=tuple(found), door=door)


async def awaited(person: Person) -> Queue | None:
    """The list of what waits for the family, as `lists_of` counts it; None while it cannot be told."""
    try:
        steps, door = await asyncio.gather(person.desk.get("routing", "/queues", _Queues), door_of(person))
    except Unavailable:
        return None
    return next((_with_door(queue, door) for queue in steps.queues if queue.slug == AWAITED), None)


async def listing_of(
    person: Person, queue: Queue, after: str, catalogue: Catalogue, door: Door | None
) -> Listing:
    """A page of a list, the most urgent first; `door` as it was counted. Raises Refused for a page there is not."""
    match queue.service:
        case "intake":
            return await _at_the_door(person, after, catalogue)
        case "results":
            return await _papers(person, queue, after)
    query: dict[str, str | int] = {"limit": ROWS} | ({"after": after} if after else {})
    page = await person.desk.get("routing", f"/queues/{queue.slug}", _Steps, query=query)
    steps = tuple(_step_row(row, queue) for row in page.rows)
    first: tuple[Row, ...] = ()
    if door is not None and queue.slug == AWAITED and not after:
        first = lacking_rows(door, agency_words(catalogue, person.account.agency))
    return Listing(rows=(*first, *steps), after=page.next or "")


async def names_of(
    person: Person, dossiers: Sequence[UUID], known: Mapping[UUID, Summary]
) -> dict[UUID, Summary]:
    """Whose dossiers these are; only those not known yet are asked for, since every one is a recorded read."""
    wanted = [one for one in dict.fromkeys(dossiers) if one not in known][:SUMMARIES_MAX]
    found = {one: known[one] for one in dossiers if one in known}
    if wanted:
        purpose = purpose_of(person)
        body = {"dossier_ids": wanted, "purpose": purpose}
        answer = await person.desk.read("intake", "/dossiers/summaries", body, _Summaries, purpose=purpose)
        found |= {one.dossier_id: one for one in answer.summaries}
    return found


async def _paper_counts(person: Person) -> tuple[Queue, ...]:
    if not person.account.agency:
        return ()
    try:
        return (await person.desk.get("results", "/queues", _Queues)).queues
    except Unavailable:
        return ()


def _with_door(queue: Queue, door: Door | None) -> Queue:
    """A list of routing as the page has it: to what waits for the family comes what lacks papers at the door."""
    if queue.slug != AWAITED or door is None or queue.count is None:
        return queue
    return msgspec.structs.replace(
        queue, count=queue.count + len(door.lacking), more=queue.more or door.before is not None
    )


def _door_queue(door: Door) -> Queue:
    return Queue(
        slug=AT_THE_DOOR,
        name_vi="Chờ tiếp nhận",
        service="intake",
        action="accept",
        empty_vi="Không có hồ sơ nào chờ tiếp nhận.",
        count=len(door.dossiers),
        more=door.before is not None,
    )


def _step_row(row: StepLine, queue: Queue) -> Row:
    action, name, href = action_of(row, queue)
    return Row(
        dossier_id=row.dossier_id,
        code=row.code,
        procedure=row.procedure_name_vi,
        step=row.step,
        step_name=row.step_name_vi,
        state=row.state,
        agency=row.agency_vi,
        holder=row.holder,
        flag=deadline_flag(row.deadline),
        due_at=row.deadline.due_at,
        flagged=row.flagged,
        version=row.version,
        action=action,
        action_name=name,
        href=href,
    )


def action_of(row: StepLine, queue: Queue) -> tuple[str, str, str]:
    """The act, its words and its address: what the list is for if it may be done now, else to let a clock run on, or
    to begin; else nothing.
    """
    if row.apology is not None:
        return "sign-apology", "Ký", _panel(row.dossier_id, "sign-apology", row.step)
    allowed = {act.act: act.name_vi for act in row.acts}
    # To begin again what is begun is allowed and changes nothing; while the clock stands the next thing is another.
    if row.state == STARTED or row.deadline.word == "stopped":
        allowed.pop(START, None)
    act = next((one for one in (queue.action, RESUME, START) if one in allowed), "")
    return act, allowed.get(act, ""), "" if act in ("", START) else _panel(row.dossier_id, act, row.step)


def _panel(dossier_id: UUID, act: str, step: str) -> str:
    return f"/ho-so/{dossier_id}/viec/{act}?buoc={step}"


async def _papers(person: Person, queue: Queue, after: str) -> Listing:
    query: dict[str, str | int] = {"limit": ROWS} | ({"after": after} if after else {})
    page = await person.desk.get("results", f"/queues/{queue.slug}", _Papers, query=query)
    rows = tuple(
        Row(
            dossier_id=row.result.dossier_id,
            code="",
            procedure=row.name_vi,
            step_name=row.state_vi,
            state=row.state_vi,
            due_at=row.result.changed_at,
            action=row.act,
            action_name="Nhận về" if row.act == "arrive" else "Trả kết quả",
            href=hand_over_page(person, row.result.dossier_id),
        )
        for row in page.rows
    )
    return Listing(rows=rows, after=str(page.next or ""))


async def _at_the_door(person: Person, after: str, catalogue: Catalogue) -> Listing:
    page = await door_page(person, limit=ROWS, before=_id(after) if after else "")
    agency = agency_words(catalogue, person.account.agency)
    rows = tuple(
        Row(
            dossier_id=line.dossier_id,
            code=line.code,
            procedure=line.procedure,
            step_name=line.lacks if line.missing else "Chờ tiếp nhận",
            agency=agency,
            due_at=line.received_at,
            action="open",
            action_name="Xem và tiếp nhận",
            href=f"/ho-so/{line.dossier_id}",
        )
        for line in page.dossiers
    )
    return Listing(rows=rows, after=str(page.before or ""))


def lacking_rows(door: Door, agency: str) -> tuple[Row, ...]:
    """What was received without all its papers; it has no deadline before it is taken.

    The ROWS longest waiting, so that the steps below keep their place and names; as one is taken the next comes up.
    """
    return tuple(
        Row(
            dossier_id=line.dossier_id,
            code=line.code,
            procedure=line.procedure,
            step_name=line.lacks,
            agency=agency,
            action=SUPPLY,
            action_name="Nhận bổ sung",
            href=_panel(line.dossier_id, SUPPLY, ""),
        )
        for line in tuple(reversed(door.lacking))[:ROWS]
    )


def _id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise Problem(404) from None


def whole(row: Row, summary: Summary | None) -> dict[str, Any]:
    """A row with whose dossier it is, where the officer may know."""
    return {
        "row": row,
        "code": row.code or (summary.code if summary else ""),
        "procedure": summary.procedure_short_name
        if summary and row.procedure[:1].isdigit()
        else row.procedure,
        "applicant": summary.applicant if summary else "",
        "subject": summary.subject if summary else "",
        "duplicate": bool(summary and summary.likely_duplicate),
    }

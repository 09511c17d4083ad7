"""One dossier as an officer sees it, gathered from the services that own its parts."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar
from uuid import UUID

import msgspec

from libs.http.client import Refused, Unavailable
from libs.http.problems import Problem
from services.portal.case.answers import (
    Apologies,
    Apology,
    CaseDesk,
    CaseView,
    CustodyAct,
    File,
    Hits,
    Reads,
    Result,
    Summaries,
)
from services.portal.sessions import Person

T = TypeVar("T")
CODE_LENGTH_MAX = 60


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to a dossier: all that may change while somebody looks at it.

    `results` is None while they cannot be read; `case` and `desk` before the dossier was accepted.
    """

    case: CaseView | None
    desk: CaseDesk | None
    results: tuple[Result, ...] | None
    custody: tuple[CustodyAct, ...] = ()
    apologies: tuple[Apology, ...] = ()


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    summaries: tuple[msgspec.Raw, ...]


def purpose_of(person: Person) -> str:
    """What an officer looks into a dossier for: an agency settles its step, everybody else checks the dossier."""
    return "check-dossier" if person.has("one_stop", "hospital") else "settle-step"


def handles(person: Person, file: File) -> bool:
    """Whether the officer speaks for the applicant: at the counter that received it, the hospital that declared it."""
    dossier, account = file.dossier, person.account
    at_counter = person.has("one_stop") and account.agency == dossier.receiving_agency
    return at_counter or (person.has("hospital") and account.facility == dossier.facility != "")


def hand_over_page(person: Person, dossier_id: UUID) -> str:
    """Where the officer takes in and hands over this dossier's papers; empty for who does neither."""
    if person.has("one_stop"):
        return f"/quay/tra-ket-qua/{dossier_id}"
    return f"/bv/ho-so/{dossier_id}" if person.has("hospital") else ""


async def dossier_id_of(person: Person, text: str) -> UUID:
    """The dossier an address names by its id or its code. Raises Problem 404."""
    try:
        return UUID(text)
    except ValueError:
        pass
    if len(text) > CODE_LENGTH_MAX:
        raise Problem(404)
    try:
        found = await person.desk.get("intake", "/search", Hits, query={"q": text, "limit": 2})
    except Refused as refused:
        raise (Problem(404) if refused.status == 422 else refused) from None
    hits = [hit for hit in found.hits if hit.matched == "code"]
    if len(hits) != 1:
        raise Problem(404)
    return hits[0].dossier_id


async def file_of(person: Person, dossier_id: UUID) -> File:
    """The file; the read is recorded. Raises Refused, 404 for a dossier of somebody else."""
    return await person.desk.get("intake", f"/dossiers/{dossier_id}", File, purpose=purpose_of(person))


async def only_hands_over(person: Person, dossier_id: UUID) -> bool:
    """Whether the officer's desk hands a result over and has nothing else to do with the dossier: no file to see."""
    if not person.has("one_stop", "hospital"):
        return False
    body = {"dossier_ids": [dossier_id], "purpose": "hand-over"}
    found = await person.desk.read("intake", "/dossiers/summaries", body, _Found, purpose="hand-over")
    return bool(found.summaries)


async def story_of(person: Person, dossier_id: UUID, *, notes: bool) -> Story:
    """What happens to the dossier; with `notes` also what officers wrote, and that read is recorded."""
    desk = person.desk
    purpose = purpose_of(person) if notes else None
    case, work, results, custody, apologies = await asyncio.gather(
        _known(desk.get("routing", f"/cases/{dossier_id}", CaseView, purpose=purpose)),
        desk_of(person, dossier_id),
        _results(person, dossier_id),
        _custody(person, dossier_id),
        _apologies(person, dossier_id),
    )
    return Story(case=case, desk=work, results=results, custody=custody, apologies=apologies)


async def desk_of(person: Person, dossier_id: UUID) -> CaseDesk | None:
    """What the officer may do with the dossier, also with a step just given back; None for who has nothing to do."""
    return await _known(person.desk.get("routing", f"/cases/{dossier_id}/desk", CaseDesk))


def logins_of(story: Story) -> tuple[str, ...]:
    """The officers the story knows by login: who did what, and who has a step in hand."""
    entries = story.case.timeline if story.case else ()
    steps = story.desk.steps if story.desk else ()
    return (
        *(entry.by for entry in entries),
        *(act.actor for act in story.custody),
        *(step.holder for step in steps),
    )


async def reads_of(person: Person, dossier_id: UUID) -> Reads | None:
    """Who looked into the dossier; None for who may not know."""
    return await _known(person.desk.get("intake", f"/dossiers/{dossier_id}/reads", Reads))


async def _known(asked: Awaitable[T]) -> T | None:
    """The answer; None where there is nothing for this officer."""
    try:
        return await asked
    except Refused as refused:
        if refused.status in (403, 404):
            return None
        raise


async def _results(person: Person, dossier_id: UUID) -> tuple[Result, ...] | None:
    body = {"dossier_ids": [dossier_id]}
    try:
        asked = person.desk.read("results", "/results/summaries", body, Summaries, purpose=purpose_of(person))
        found = await _known(asked)
    except Unavailable:
        # The rest of the page is worth showing without them.
        return None
    return tuple(result for one in (found.dossiers if found else ()) for result in one.results)


async def _custody(person: Person, dossier_id: UUID) -> tuple[CustodyAct, ...]:
    try:
        found = await _known(
            person.desk.get("results", f"/dossiers/{dossier_id}/custody", tuple[CustodyAct, ...])
        )
    except Unavailable:
        return ()
    return found or ()


async def _apologies(person: Person, dossier_id: UUID) -> tuple[Apology, ...]:
    found = await _known(person.desk.get("routing", "/apologies", Apologies))
    return tuple(one for one in (found.apologies if found else ()) if one.dossier_id == dossier_id)

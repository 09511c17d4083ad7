"""H1, the maternity ward: who lies where, what is ready, what is late. Live."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from libs.catalogue.calendar import VIETNAM
from libs.http.client import Refused
from libs.http.problems import Problem
from services.portal.hospital.births_told import STOPPED, WITHDRAWN, Birth, Result
from services.portal.hospital.declare import desk_of
from services.portal.hospital.ward_view import (
    ELSEWHERE,
    TABS,
    Card,
    Tab,
    by_tab,
    cards,
    day_in_a_sentence,
    has_left,
)
from services.portal.live import Watch, stream
from services.portal.rendering import context_of, page, renderer_of
from services.portal.sessions import Person, officer_of, requires

router = APIRouter()
HOSPITAL = Annotated[Person, Depends(requires("hospital"))]
PURPOSE = "bedside"
BATCH_MAX = 200
ROWS_MAX = 100
TEMPLATE = "hospital/ward.html"


class Births(msgspec.Struct, frozen=True):
    """A list of intake's."""

    births: tuple[Birth, ...]
    more: bool = False


class Ward(msgspec.Struct, frozen=True):
    """The births of a ward, each with whether it was on the list of families that left; `more`: not all are here."""

    births: tuple[tuple[Birth, bool], ...]
    more: bool


class _Dossier(msgspec.Struct, frozen=True):
    dossier_id: UUID
    results: tuple[Result, ...]


class _Summaries(msgspec.Struct, frozen=True):
    dossiers: tuple[_Dossier, ...]


async def births_of(person: Person, state: str) -> Births:
    """The births of the officer's hospital: inside, left or refused. Every one is a recorded read."""
    query: dict[str, str | int] = {"state": state, "limit": ROWS_MAX}
    return await person.desk.get("intake", "/bedside", Births, query=query)


async def birth_of(person: Person, dossier_id: UUID) -> Birth:
    """One birth of the officer's hospital, a recorded read. Raises Problem 404 for any other dossier."""
    try:
        return await person.desk.get("intake", f"/bedside/{dossier_id}", Birth)
    except Refused as refused:
        if refused.status != 404:
            raise
        raise Problem(404) from None


async def results_of(person: Person, dossier_ids: Sequence[UUID]) -> dict[UUID, tuple[Result, ...]]:
    """The results there are of each dossier."""
    if not dossier_ids:
        return {}
    body = {"dossier_ids": dossier_ids[:BATCH_MAX]}
    found = await person.desk.read("results", "/results/summaries", body, _Summaries, purpose=PURPOSE)
    return {one.dossier_id: one.results for one in found.dossiers}


async def ward_of(person: Person) -> Ward:
    """The births of the ward: what was refused, then by discharge, then families that have left. Recorded reads."""
    states = ("refused", "inside", "left")
    refused, inside, left = await asyncio.gather(*(births_of(person, state) for state in states))
    here = [birth for birth in (*refused.births, *inside.births) if birth.status != WITHDRAWN]
    gone = [birth for birth in left.births if birth.status not in (WITHDRAWN, STOPPED)]
    births = (*((birth, False) for birth in here), *((birth, True) for birth in gone))
    return Ward(births, refused.more or inside.more or left.more)


async def cards_of(person: Person, births: Sequence[tuple[Birth, bool]]) -> list[Card]:
    """Their cards with the results as they are now; who was inside may have left since."""
    results, now = await results_of(person, [birth.dossier_id for birth, _ in births]), wall_clock()
    seen = [(birth, gone or has_left(birth, now)) for birth, gone in births]
    return cards(seen, results, person.account.agency, now)


def wall_clock() -> datetime:
    """Now, in the ward's zone."""
    return datetime.now(VIETNAM)


async def _shown(person: Person, tab: Tab, known: Ward) -> dict[str, Any]:
    found = await cards_of(person, known.births)
    tabs = by_tab(found)
    return {
        "tab": tab,
        "tabs": [(each, words, len(tabs[each])) for each, words in TABS.items()],
        "cards": tabs[tab],
        "more": known.more,
        "ways": tuple(ELSEWHERE.items()),
        "sentence": day_in_a_sentence(found, wall_clock()),
    }


@router.get("/bv")
async def ward(request: Request, person: HOSPITAL, xem: Tab = "tai-giuong") -> Response:
    """The cards of one tab."""
    desk_of(request, person)
    context = await _shown(person, xem, await ward_of(person))
    return page(request, TEMPLATE, person, headers={"Cache-Control": "no-store"}, **context)


@router.get("/bv/dong")
async def ward_live(request: Request, person: HOSPITAL, xem: Tab = "tai-giuong") -> StreamingResponse:
    """The same cards, whenever something may have changed."""
    watch = Watch(places=(person.account.agency, desk_of(request, person).facility))
    known: Ward | None = None

    async def look() -> str:
        nonlocal known
        officer = await officer_of(request, "hospital")
        # Who lies there is read again only when something has happened: every such read is recorded.
        if known is None or watch.news:
            known = await ward_of(officer)
        context = context_of(request, officer, await _shown(officer, xem, known))
        return renderer_of(request).fragment(TEMPLATE, "cards", context)

    return stream(request, watch, look)


async def card_of(person: Person, birth: Birth) -> tuple[Card, tuple[Result, ...]]:
    """The card of one birth with its results, as they are now."""
    results, now = await results_of(person, [birth.dossier_id]), wall_clock()
    (card,) = cards([(birth, has_left(birth, now))], results, person.account.agency, now)
    return card, results.get(birth.dossier_id, ())

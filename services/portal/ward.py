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
from services.portal.declare import desk_of
from services.portal.live import Watch, stream
from services.portal.rendering import context_of, page, renderer_of
from services.portal.sessions import Person, officer_of, requires
from services.portal.ward_view import (
    NOT_TAKEN,
    TABS,
    Birth,
    Card,
    Result,
    Tab,
    by_tab,
    cards,
    day_in_a_sentence,
    leaves_at,
)

router = APIRouter()
HOSPITAL = Annotated[Person, Depends(requires("hospital"))]
PURPOSE = "bedside"
BATCH_MAX = 200
ROWS_MAX = 100
TEMPLATE = "ward.html"


class Births(msgspec.Struct, frozen=True):
    """A list of intake's."""

    births: tuple[Birth, ...]


class _Dossier(msgspec.Struct, frozen=True):
    dossier_id: UUID
    results: tuple[Result, ...]


class _Summaries(msgspec.Struct, frozen=True):
    dossiers: tuple[_Dossier, ...]


async def births_of(person: Person, state: str) -> tuple[Birth, ...]:
    """The births of the officer's hospital: inside, left or all."""
    query: dict[str, str | int] = {"state": state, "limit": ROWS_MAX}
    found = await person.desk.get("intake", "/bedside", Births, query=query)
    return found.births


async def results_of(person: Person, dossier_ids: Sequence[UUID]) -> dict[UUID, tuple[Result, ...]]:
    """The results there are of each dossier."""
    if not dossier_ids:
        return {}
    body = {"dossier_ids": dossier_ids[:BATCH_MAX]}
    found = await person.desk.read("results", "/results/summaries", body, _Summaries, purpose=PURPOSE)
    return {one.dossier_id: one.results for one in found.dossiers}


async def ward_of(person: Person) -> list[Card]:
    """Every card of the ward, by discharge; families that have left come after."""
    inside, left = await asyncio.gather(births_of(person, "inside"), births_of(person, "left"))
    births = [(birth, False) for birth in inside] + [(birth, True) for birth in left]
    births = [(birth, gone) for birth, gone in births if birth.status not in NOT_TAKEN]
    results = await results_of(person, [birth.dossier_id for birth, _ in births])
    return cards(births, results, person.account.agency, wall_clock())


def wall_clock() -> datetime:
    """Now, in the ward's zone."""
    return datetime.now(VIETNAM)


async def _shown(person: Person, tab: Tab) -> dict[str, Any]:
    found = await ward_of(person)
    tabs = by_tab(found)
    return {
        "tab": tab,
        "tabs": [(each, words, len(tabs[each])) for each, words in TABS.items()],
        "cards": tabs[tab],
        "sentence": day_in_a_sentence(found, wall_clock()),
    }


@router.get("/bv")
async def ward(request: Request, person: HOSPITAL, xem: Tab = "tai-giuong") -> Response:
    """The cards of one tab."""
    desk_of(request, person)
    context = await _shown(person, xem)
    return page(request, TEMPLATE, person, headers={"Cache-Control": "no-store"}, **context)


@router.get("/bv/dong")
async def ward_live(request: Request, person: HOSPITAL, xem: Tab = "tai-giuong") -> StreamingResponse:
    """The same cards, whenever something may have changed."""

    async def look() -> str:
        officer = await officer_of(request, "hospital")
        context = context_of(request, officer, await _shown(officer, xem))
        return renderer_of(request).fragment(TEMPLATE, "cards", context)

    places = (person.account.agency, desk_of(request, person).facility)
    return stream(request, Watch(places=places), look)


async def card_of(person: Person, dossier_id: UUID) -> tuple[Card | None, tuple[Result, ...]]:
    """One card with its results; None for a dossier that is not among the ward's."""
    births, results = await asyncio.gather(births_of(person, "all"), _results_of_one(person, dossier_id))
    birth = next((birth for birth in births if birth.dossier_id == dossier_id), None)
    if birth is None:
        return None, ()
    now = wall_clock()
    leaves = leaves_at(birth, now)
    (card,) = cards(
        [(birth, leaves is not None and leaves < now)], {dossier_id: results}, person.account.agency, now
    )
    return card, results


async def _results_of_one(person: Person, dossier_id: UUID) -> tuple[Result, ...]:
    try:
        return (await results_of(person, [dossier_id])).get(dossier_id, ())
    except Refused as refused:
        if refused.status != 404:
            raise
        return ()

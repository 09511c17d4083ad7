"""The family receives results otherwise than it had chosen: where they are goes on from there. Pure."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from libs.contracts.event import Event
from libs.contracts.intake import ChosenResult
from libs.contracts.results import ResultDispatched
from services.results.domain import (
    CANCELLED,
    DISPATCHED,
    ELECTRONIC,
    ISSUED,
    PENDING,
    POST,
    READY,
    Custody,
    Result,
    Step,
    close_if_arrived,
    moved,
    put,
    ready,
)


def redirect(custody: Custody, chosen: Sequence[ChosenResult], at: datetime) -> Step:
    """Receive these results as chosen now, also those that are called for later.

    What is not printed yet, or lies with who issued it, only gets its new destination. A paper on its way or at its
    desk is from now on on its way to the new one, which takes it in as any other. What the post has stays with it, and
    what is in somebody's hands with them; a closed dossier keeps everything.
    """
    if custody.closed_at is not None:
        return custody, ()
    kept = {one.code: one for one in (*custody.chosen, *chosen)}
    custody = msgspec.structs.replace(custody, chosen=tuple(kept.values()))
    events: list[Event] = []
    for choice in chosen:
        for result in custody.results:
            if result.code != choice.code or (result.delivery, result.place) == (
                choice.delivery,
                choice.place,
            ):
                continue
            turned, said = _turned(result, choice, at)
            custody = put(custody, turned)
            events += said
    custody, closing = close_if_arrived(custody, at)
    return custody, (*events, *closing)


def _turned(result: Result, choice: ChosenResult, at: datetime) -> tuple[Result, tuple[Event, ...]]:
    turned = msgspec.structs.replace(result, delivery=choice.delivery, place=choice.place)
    if result.state in (PENDING, CANCELLED):
        return turned, ()
    posted = result.state == DISPATCHED and result.delivery == POST
    if result.state not in (ISSUED, DISPATCHED, READY) or posted:
        return result, ()
    if choice.delivery == ELECTRONIC:
        return moved(turned, READY, at), (ready(turned, at),)
    if result.state == ISSUED or result.delivery == ELECTRONIC:
        # No paper has left who issued it.
        return moved(turned, ISSUED, at), ()
    left = ResultDispatched(result_id=result.id, result=result.code, place=choice.place, dispatched_at=at)
    return moved(turned, DISPATCHED, at), (left,)

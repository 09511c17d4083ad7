"""The family receives results otherwise than it had chosen: where they are goes on from there. Pure."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from libs.contracts.event import Event
from libs.contracts.intake import ChosenResult
from services.results.domain import (
    CANCELLED,
    DISPATCHED,
    ELECTRONIC,
    HANDED_OVER,
    ISSUED,
    PENDING,
    POST,
    READY,
    VALID_STATES,
    Custody,
    Redirection,
    Result,
    Step,
    close_if_arrived,
    dispatched,
    moved,
    put,
    ready,
)


def redirect(
    custody: Custody, chosen: Sequence[ChosenResult], at: datetime, *, cause: UUID, by: str = ""
) -> Step:
    """Receive these results as chosen now, also those that are called for later. `cause` is the event, `by` who chose.

    What is not printed yet, or lies with who issued it, only gets its new destination. A paper on its way or at its
    desk is from now on on its way to the new desk, which takes it in as any other. What can no longer be turned
    (`_stays`) is left as it was, and its way is the one that counts; a closed dossier keeps everything.
    """
    if custody.closed_at is not None:
        return custody, ()
    ways = {one.code: one for one in custody.chosen}
    acts: list[Redirection] = []
    events: list[Event] = []
    for choice in chosen:
        versions = [result for result in custody.results if result.code == choice.code]
        held = next((result for result in versions if _stays(result, choice)), None)
        if held is not None:
            acts.append(_act(held, cause, by, refused=True))
        if held is None or any(result.state == PENDING for result in versions):
            ways[choice.code] = choice
        else:
            # Not the refused one: routing was told that, too, and would say it again of a later version.
            ways[choice.code] = ChosenResult(
                code=held.code, delivery=held.delivery, place=held.place, copies=held.copies
            )
        for result in versions:
            if result is held or (result.delivery, result.place) == (choice.delivery, choice.place):
                continue
            turned, said = _turned(result, choice, at)
            if turned is not result:
                custody = put(custody, turned)
                acts.append(_act(turned, cause, by, refused=False))
                events += said
    custody = msgspec.structs.replace(
        custody, chosen=tuple(ways.values()), redirections=(*custody.redirections, *acts)
    )
    custody, closing = close_if_arrived(custody, at)
    return custody, (*events, *closing)


def _stays(result: Result, choice: ChosenResult) -> bool:
    """Whether the paper cannot go that way any more.

    What the post or somebody has is gone. What has left its issuer for a desk is carried on to a desk only: who would
    post it, or destroy it for a file, is nobody.
    """
    if result.state not in VALID_STATES or result.delivery == ELECTRONIC:
        return False
    if result.state == HANDED_OVER or (result.state == DISPATCHED and result.delivery == POST):
        return (result.delivery, result.place) != (choice.delivery, choice.place)
    return result.state in (DISPATCHED, READY) and choice.delivery in (ELECTRONIC, POST)


def _turned(result: Result, choice: ChosenResult, at: datetime) -> tuple[Result, tuple[Event, ...]]:
    turned = msgspec.structs.replace(result, delivery=choice.delivery, place=choice.place)
    if result.state in (PENDING, CANCELLED):
        return turned, ()
    if result.state not in (ISSUED, DISPATCHED, READY):
        return result, ()
    if choice.delivery == ELECTRONIC:
        return moved(turned, READY, at), (ready(turned, at),)
    if result.state == ISSUED or result.delivery == ELECTRONIC:
        # No paper has left who issued it.
        return moved(turned, ISSUED, at), ()
    return moved(turned, DISPATCHED, at), (dispatched(turned, at),)


def _act(result: Result, cause: UUID, by: str, *, refused: bool) -> Redirection:
    return Redirection(
        event=cause,
        by=by,
        result_id=result.id,
        delivery=result.delivery,
        place=result.place,
        refused=refused,
    )

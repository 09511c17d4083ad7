"""How the results of a dossier are received, chosen otherwise on the way. Pure: no I/O, no clock."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from libs.contracts.intake import ChosenResult, DeliveryChanged
from services.intake.dossier import (
    ACCEPTED,
    RECEIVED,
    RETURNED,
    STOPPED,
    TAKEN_BACK,
    Dossier,
    IllegalMove,
    Step,
)


def choice_of(dossier: Dossier, code: str) -> ChosenResult | None:
    """How a result of the dossier is received as things stand; None for one that is not chosen."""
    return next((chosen for chosen in dossier.results if chosen.code == code), None)


def change_delivery(dossier: Dossier, wanted: Iterable[ChosenResult], at: datetime) -> Step:
    """Receive these results otherwise. Raises IllegalMove for an ended dossier or a result already in hand.

    Before acceptance nobody need be told: dossier-accepted says how every result is received.
    """
    if dossier.state not in (RECEIVED, ACCEPTED) or dossier.case_status in (RETURNED, STOPPED, TAKEN_BACK):
        raise IllegalMove("already-ended", "Hồ sơ đã kết thúc, không đổi được cách nhận kết quả.")
    changed = {choice.code: choice for choice in wanted if choice != choice_of(dossier, choice.code)}
    if not changed:
        raise IllegalMove("nothing-changed", "Cách nhận kết quả không có gì thay đổi.")
    if changed.keys() & frozenset(dossier.handed_over):
        raise IllegalMove("already-handed-over", "Kết quả đã được trao, không đổi được cách nhận.")
    after = msgspec.structs.replace(
        dossier, results=tuple(changed.get(chosen.code, chosen) for chosen in dossier.results)
    )
    if dossier.state == RECEIVED:
        return after, ()
    return after, (DeliveryChanged(results=tuple(changed.values()), changed_at=at),)


def handed_over(dossier: Dossier, code: str, delivery: str, place: str) -> Dossier:
    """The result is in somebody's hands. What had been chosen otherwise meanwhile came too late: it says what was."""
    results = tuple(
        msgspec.structs.replace(chosen, delivery=delivery, place=place) if chosen.code == code else chosen
        for chosen in dossier.results
    )
    given = tuple(dict.fromkeys((*dossier.handed_over, code)))
    return msgspec.structs.replace(dossier, results=results, handed_over=given)

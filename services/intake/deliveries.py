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
    DeliveryAct,
    Dossier,
    IllegalMove,
    Step,
)

ELECTRONIC, POST = "electronic", "post"


def choice_of(dossier: Dossier, code: str) -> ChosenResult | None:
    """How a result of the dossier is received as things stand; None for one that is not chosen."""
    return next((chosen for chosen in dossier.results if chosen.code == code), None)


def change_delivery(
    dossier: Dossier, wanted: Iterable[ChosenResult], at: datetime, *, officer: str, agency: str
) -> Step:
    """Receive these results otherwise, as an officer of the agency writes down for the family.

    Raises IllegalMove for an ended dossier, a result in somebody's hands or with the post, and a paper that is with a
    desk or on its way to one and is now to be posted or electronic: it can only be carried on to another desk.
    Before acceptance nobody need be told: dossier-accepted says how every result is received.
    """
    if dossier.state not in (RECEIVED, ACCEPTED) or dossier.case_status in (RETURNED, STOPPED, TAKEN_BACK):
        raise IllegalMove("already-ended", "Hồ sơ đã kết thúc, không đổi được cách nhận kết quả.")
    changed = {choice.code: choice for choice in wanted if choice != choice_of(dossier, choice.code)}
    if not changed:
        raise IllegalMove("nothing-changed", "Cách nhận kết quả không có gì thay đổi.")
    for choice in changed.values():
        _check_reachable(dossier, choice)
    act = DeliveryAct(at=at, officer=officer, agency=agency, results=tuple(changed.values()))
    after = msgspec.structs.replace(
        dossier,
        results=tuple(changed.get(chosen.code, chosen) for chosen in dossier.results),
        delivery_acts=(*dossier.delivery_acts, act),
    )
    if dossier.state == RECEIVED:
        return after, ()
    return after, (DeliveryChanged(results=act.results, changed_at=at, by=agency),)


def _check_reachable(dossier: Dossier, choice: ChosenResult) -> None:
    """Raises IllegalMove for a paper that cannot go that way any more, as far as results has said where it is."""
    if choice.code in dossier.handed_over:
        raise IllegalMove("already-handed-over", "Kết quả đã được trao, không đổi được cách nhận.")
    now = dossier.whereabouts.get(choice.code)
    if now is None:
        return
    if now.delivery == POST:
        raise IllegalMove("already-posted", "Kết quả đã gửi qua bưu chính, không đổi được cách nhận.")
    if now.place and choice.delivery in (ELECTRONIC, POST):
        raise IllegalMove(
            "paper-at-desk",
            "Bản giấy đã chuyển đến nơi trả, chỉ có thể chuyển tiếp đến bệnh viện hoặc quầy khác.",
        )


def on_its_way(dossier: Dossier, code: str, delivery: str, place: str) -> Dossier:
    """Results says how the result goes. What had been chosen otherwise and did not reach the paper came too late.

    Where results took the choice after all, its next word says so. Of an electronic one there is none, so the choice
    stays: paper may be wanted instead as long as the dossier is open. Words older than `delivery` tell nothing.
    """
    chosen = choice_of(dossier, code)
    if chosen is None or not delivery:
        return dossier
    way = msgspec.structs.replace(chosen, delivery=delivery, place=place)
    results = dossier.results
    if delivery != ELECTRONIC:
        results = tuple(way if one is chosen else one for one in results)
    return msgspec.structs.replace(dossier, results=results, whereabouts={**dossier.whereabouts, code: way})


def handed_over(dossier: Dossier, code: str, delivery: str, place: str) -> Dossier:
    """The result is in somebody's hands, and how it came there is how it is received."""
    given = tuple(dict.fromkeys((*dossier.handed_over, code)))
    return msgspec.structs.replace(on_its_way(dossier, code, delivery, place), handed_over=given)


def anew(dossier: Dossier, code: str) -> Dossier:
    """The version known until now is valid no more: where it went binds no newer one."""
    if code not in dossier.whereabouts and code not in dossier.handed_over:
        return dossier
    return msgspec.structs.replace(
        dossier,
        handed_over=tuple(given for given in dossier.handed_over if given != code),
        whereabouts={known: way for known, way in dossier.whereabouts.items() if known != code},
    )

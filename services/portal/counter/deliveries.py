"""How the citizen wants to receive each result: at this counter, at another one, by post, electronically. Pure.

Names of the boxes: `nhan.<code>` the way of a result, `noi.<code>` the commune whose one-stop shop hands it over.
"""

from datetime import date
from typing import Any

import msgspec

from libs.catalogue import Agency, AmbiguousUnit, Catalogue, Procedure, UnknownAgency
from services.portal.counter.drafts import Draft
from services.portal.forms.reading import Problems, Unreadable, commune_of

WAY, PLACE = "nhan.", "noi."
HERE, ELSEWHERE, NOT_WANTED = "counter", "elsewhere", "none"
# The bed is the hospital's own screen: at a counter nobody lies in one.
WAYS = {
    HERE: "Tại quầy này",
    ELSEWHERE: "Tại một cửa của xã, phường khác",
    "post": "Qua bưu chính công ích",
    "electronic": "Bản điện tử",
}


class DeliveryLine(msgspec.Struct, frozen=True, kw_only=True):
    """One result in the officer's form: the ways it may be received, the one chosen, the place typed."""

    code: str
    name: str
    ways: tuple[tuple[str, str], ...]
    chosen: str
    place: str

    @property
    def elsewhere(self) -> bool:
        """Whether the place has to be said."""
        return self.chosen == ELSEWHERE


def delivery_lines(draft: Draft, procedure: Procedure) -> tuple[DeliveryLine, ...]:
    """The results the dossier will have with the options chosen."""
    lines = []
    for result in procedure.results_for(procedure.chosen_steps(draft.options(procedure))):
        ways = [
            (way, words)
            for way, words in WAYS.items()
            if way in result.deliveries or (way == ELSEWHERE and HERE in result.deliveries)
        ]
        if result.on_request:
            ways.insert(0, (NOT_WANTED, "Không yêu cầu"))
        if not ways:
            continue
        usual = NOT_WANTED if result.on_request else result.default_delivery
        codes = [way for way, _ in ways]
        typed = draft.text(WAY + result.code)
        lines.append(
            DeliveryLine(
                code=result.code,
                name=result.name_vi,
                ways=tuple(ways),
                chosen=next((one for one in (typed, usual, HERE) if one in codes), codes[0]),
                place=draft.text(PLACE + result.code),
            )
        )
    return tuple(lines)


def chosen_deliveries(
    draft: Draft, procedure: Procedure, catalogue: Catalogue, today: date
) -> tuple[list[dict[str, Any]], Problems]:
    """The choices as intake takes them, and what is wrong with the places."""
    chosen: list[dict[str, Any]] = []
    problems: Problems = []
    for line in delivery_lines(draft, procedure):
        if line.chosen == NOT_WANTED:
            continue
        if not line.elsewhere:
            chosen.append({"code": line.code, "delivery": line.chosen})
            continue
        try:
            place = shop_of(catalogue, line.place, today)
        except Unreadable as error:
            problems.append((PLACE + line.code, f"Nơi nhận {line.name}: {error.message}"))
        else:
            chosen.append({"code": line.code, "delivery": HERE, "place": place.code})
    return chosen, problems


def shop_of(catalogue: Catalogue, typed: str, today: date) -> Agency:
    """The one-stop shop of the commune as typed. Raises Unreadable."""
    if not typed:
        raise Unreadable("hãy ghi xã, phường nơi nhận.")
    try:
        return catalogue.agency_for("one_stop", commune_of(catalogue.units, typed, today), today)
    except AmbiguousUnit:
        raise Unreadable("đơn vị hành chính này đã được chia tách, hãy chọn đơn vị hiện nay.") from None
    except UnknownAgency:
        raise Unreadable("xã, phường này không có bộ phận một cửa trả kết quả của thành phố.") from None


def deliveries_read(draft: Draft, procedure: Procedure) -> list[tuple[str, str]]:
    """Each result and how it is received, in words: to be read back and shown before it is printed."""
    return [
        (line.name, f"{words}: {line.place}" if line.elsewhere and line.place else words)
        for line in delivery_lines(draft, procedure)
        for way, words in line.ways
        if way == line.chosen and way != NOT_WANTED
    ]

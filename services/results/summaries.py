"""What of a dossier's results there is now, in words, without anybody's name: for lamps, lists and families."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.catalogue import Catalogue
from libs.catalogue.errors import CatalogueError, UnknownAgency
from libs.http.auth import Actor
from services.results import desk
from services.results.desk_store import Receiver
from services.results.domain import CANCELLED, ELECTRONIC, PENDING, SUPERSEDED, VALID_STATES
from services.results.views import agency_name
from services.results.words import RELATIONS, RESULTS, STATES

_decode = msgspec.json.Decoder(Receiver).decode


class ResultSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The version of a result that counts now. `receiver` is the relation of who took it, never a name.

    `replacing` says that a newer version is being made.
    """

    id: UUID
    code: str
    name_vi: str
    version: int
    state: str
    state_vi: str
    agency: str
    delivery: str
    medium: str
    place: str
    place_vi: str
    changed_at: datetime
    handed_over_at: datetime | None
    receiver: str
    receiver_vi: str
    replacing: bool


class DossierSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The results of one dossier, in the order of their codes."""

    dossier_id: UUID
    results: tuple[ResultSummary, ...]


class PlaceView(msgspec.Struct, frozen=True, kw_only=True):
    """A desk people go to. `hours` are by weekday (mon … sun), each a list of HH:MM-HH:MM; empty when not known."""

    code: str
    name_vi: str
    address_vi: str
    phone: str
    hours: dict[str, tuple[str, ...]]


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """Where the results of a dossier are for its family, with the desks they go to by code."""

    dossier_id: UUID
    results: tuple[ResultSummary, ...]
    places: dict[str, PlaceView]


def name_of(row: Any) -> str:
    """What the result is called: as its paper says, or before there is one by its code."""
    return str(row["title"] or RESULTS.get(row["code"], row["code"]))


def concerns(actor: Actor, rows: Sequence[Any]) -> bool:
    """Whether the actor's desk has to do with the dossier: it issued, handed in or hands over one of its results.

    The portal asks for the family, operators look after everything.
    """
    if actor.kind == "service" or desk.OPERATOR in actor.roles:
        return True
    return any(
        desk.is_one_of(actor, row["agency"], row["place"], row["desk"], row["receiving"]) for row in rows
    )


def summary_of(dossier_id: UUID, rows: Sequence[Any], catalogue: Catalogue) -> DossierSummary:
    """One dossier's results from its rows, which are in the order of code and version."""
    by_code: dict[str, list[Any]] = {}
    for row in rows:
        by_code.setdefault(row["code"], []).append(row)
    found = (_current(versions, catalogue) for versions in by_code.values())
    return DossierSummary(dossier_id=dossier_id, results=tuple(one for one in found if one is not None))


def whereabouts_of(summary: DossierSummary, catalogue: Catalogue) -> Whereabouts:
    """Where the family goes for each result; electronic ones are fetched, posted ones come."""
    places = {result.place for result in summary.results if result.place}
    return Whereabouts(
        dossier_id=summary.dossier_id,
        results=summary.results,
        places={code: _place(code, catalogue) for code in sorted(places)},
    )


def _current(versions: Sequence[Any], catalogue: Catalogue) -> ResultSummary | None:
    """The valid version, or else the newest that is not only a replacement given up."""
    living = [row for row in versions if row["state"] not in (SUPERSEDED, CANCELLED)]
    if not living:
        return None
    row = next((row for row in living if row["state"] in VALID_STATES), living[-1])
    receiver = _decode(row["receiver"]).relation if row["receiver"] else ""
    return ResultSummary(
        id=row["id"],
        code=row["code"],
        name_vi=name_of(row),
        version=row["version"],
        state=row["state"],
        state_vi=STATES[row["state"]],
        agency=row["agency"],
        delivery=row["delivery"],
        medium="electronic" if row["delivery"] == ELECTRONIC else "paper",
        place=row["place"],
        place_vi=agency_name(catalogue, row["place"]) if row["place"] else "",
        changed_at=row["changed_at"],
        handed_over_at=row["handed_over_at"],
        receiver=receiver,
        receiver_vi=RELATIONS.get(receiver, ""),
        replacing=row["state"] != PENDING and living[-1]["state"] == PENDING,
    )


def _place(code: str, catalogue: Catalogue) -> PlaceView:
    hours: Mapping[str, tuple[str, ...]] = {}
    try:
        agency = catalogue.agency(code)
        # A hospital does not keep the week of offices; what hours its desk has is not known.
        if agency.calendar or not agency.facility_code:
            hours = catalogue.opening_hours(agency.calendar).week
    except (CatalogueError, UnknownAgency):
        return PlaceView(code=code, name_vi=code, address_vi="", phone="", hours={})
    return PlaceView(
        code=code,
        name_vi=agency.name_vi,
        address_vi=agency.address_vi,
        phone=agency.phone,
        hours=dict(hours),
    )

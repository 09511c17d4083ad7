"""What happened to a dossier before, or instead of, its acceptance: only intake knows it. Pure."""

from collections.abc import Iterator, Mapping

from libs.catalogue import Catalogue, Procedure
from services.portal.case.answers import Dossier
from services.portal.case.words import Line, agency_words
from services.portal.wording import Tag, status_tag

NEW, ASKED = 1, 5
ENDINGS: Mapping[str, str] = {"refused": "Từ chối tiếp nhận", "withdrawn": "Rút hồ sơ"}


def door_tag(status: int, dossier: Dossier) -> Tag:
    """The word for a dossier that has no case yet: what waits for its papers says so, as its slip does."""
    return status_tag(ASKED if status == NEW and dossier.missing else status)


def door_lines(dossier: Dossier, procedure: Procedure, catalogue: Catalogue) -> tuple[Line, ...]:
    """The newest first: how it ended at the door and why, and that it was handed in, with what lacked."""
    return (*_ended(dossier, catalogue), _handed_in(dossier, procedure, catalogue))


def _ended(dossier: Dossier, catalogue: Catalogue) -> Iterator[Line]:
    if dossier.ended_at is None or dossier.state not in ENDINGS:
        return
    reasons = {one.code: one.name_vi for known in catalogue.reasons.values() for one in known}
    yield Line(
        at=dossier.ended_at,
        words=ENDINGS[dossier.state],
        where=agency_words(catalogue, dossier.receiving_agency),
        more=reasons.get(dossier.reason, ""),
    )


def _handed_in(dossier: Dossier, procedure: Procedure, catalogue: Catalogue) -> Line:
    names = {one.code: one.name_vi for one in procedure.components}
    lacking = "; ".join(names.get(code, code) for code in dossier.missing)
    return Line(
        at=dossier.received_at,
        words="Nhận hồ sơ",
        where=agency_words(catalogue, dossier.receiving_agency),
        more=f"Còn thiếu: {lacking}" if lacking else "",
    )

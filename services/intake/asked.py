"""What a family was asked for, in the words of the procedure's own papers and form. Pure."""

from datetime import datetime
from typing import Literal

import msgspec

from libs.catalogue import Catalogue, Procedure
from services.intake.dossier import Dossier

# A hospital's declaration names some parts otherwise than the procedure's form, whose words are shown.
_AS_IN_FORMS = (
    ("child.intended_name", "child.name"),
    (".document", ".identity"),
    ("certificate.", "medical_certificate."),
    (".nationality_code", ".nationality"),
)


class AskedThing(msgspec.Struct, frozen=True, kw_only=True):
    """One paper (by its code) or one field of the form (by its path) that is still wanted; `label` is for people."""

    kind: Literal["component", "field"]
    code: str
    label: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Everything still wanted; `respond_by` is None for what lacked at reception, which has no term."""

    respond_by: datetime | None
    things: tuple[AskedThing, ...]


def asked_of(dossier: Dossier, catalogue: Catalogue) -> Asked | None:
    """What the family has to bring, or None."""
    if dossier.ended:
        return None
    request = dossier.open_request
    wanted = request.missing if request else dossier.missing
    if not wanted:
        return None
    procedure = catalogue.procedure(dossier.procedure, dossier.procedure_from)
    fields = frozenset(request.fields) if request else frozenset()
    things = tuple(
        AskedThing(kind="field", code=code, label=field_words(procedure, code))
        if code in fields
        else AskedThing(kind="component", code=code, label=component_words(procedure, code))
        for code in wanted
    )
    return Asked(respond_by=request.respond_by if request else None, things=things)


def component_words(procedure: Procedure, code: str) -> str:
    """What a paper is called; the code itself for one the procedure does not know."""
    return next((c.name_vi for c in procedure.components if c.code == code), code)


def field_words(procedure: Procedure, path: str) -> str:
    """What a field of a form or a declaration is called."""
    for ours, theirs in _AS_IN_FORMS:
        path = path.replace(ours, theirs)
    return procedure.field_label(path)

"""A new version of a file: checked like the first, its keys claimed anew, compared with births near it, its reminders
moved.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from libs.http.auth import Actor
from libs.http.problems import Problem
from services.intake import birth_terms, duplicate_store, file_store
from services.intake.birth_duplicates import NaturalKeys, natural_keys, traits_of
from services.intake.births import BirthDeclaration
from services.intake.corrections import Entry, corrected_birth, corrected_form
from services.intake.dossier import Dossier
from services.intake.form_reception import form_keys
from services.intake.office import Office, duplicate, refused
from services.intake.reception import FILE_BIRTH, Refused


async def rewrite(
    office: Office,
    connection: Any,
    actor: Actor,
    dossier: Dossier,
    entries: Sequence[Entry],
    reason: str,
    *,
    seen: int | None = None,
) -> tuple[Dossier, tuple[str, ...]]:
    """Write a new version of the file when the entries change it; the locked dossier, flagged when it now looks like
    another, and the changed paths. `seen` is the version the entries were made from, where that was told.
    Raises Problem 422 or 409.
    """
    if not entries:
        return dossier, ()
    old = (await file_store.newest(connection, [dossier.id]))[dossier.id]
    if seen is not None:
        await _refuse_overtaken(connection, old, seen)
    try:
        content, fields, keys = _changed(office, dossier, old, entries)
    except Refused as error:
        raise refused(error) from None
    if not fields:
        return dossier, ()
    known = await file_store.replace_keys(connection, dossier.id, keys.claimed, keys.likely)
    if known is not None:
        raise duplicate(known)
    await file_store.add_version(
        connection, old, content, written_by=actor.subject, reason=reason, changed=fields
    )
    await birth_terms.plan_again(connection, dossier, content, office.now())
    pairs = await duplicate_store.near(connection, dossier.id, keys.likely_near)
    written = {dossier.id: (old.kind, content, dossier.facility)}
    if pairs and await duplicate_store.flag(connection, pairs, written):
        dossier = msgspec.structs.replace(dossier, likely_duplicate=True)
    return dossier, fields


async def _refuse_overtaken(connection: Any, old: file_store.FileVersion, seen: int) -> None:
    """Raise Problem 409 when the file says something else than in the version that was seen.

    A later version that only adds an explanation says the same.
    """
    if seen == old.version or await file_store.content_of(connection, old.dossier_id, seen) == old.content:
        return
    raise Problem(
        409,
        "file-changed",
        "Hồ sơ vừa được người khác sửa",
        "Hãy xem lại nội dung mới của hồ sơ rồi gửi lại.",
        extra={"file_version": old.version},
    )


def _changed(
    office: Office, dossier: Dossier, old: file_store.FileVersion, entries: Sequence[Entry]
) -> tuple[bytes, tuple[str, ...], NaturalKeys]:
    if old.kind == FILE_BIRTH:
        declaration = msgspec.json.decode(old.content, type=BirthDeclaration)
        birth, fields = corrected_birth(declaration, entries, office.now(), office.desk)
        return msgspec.json.encode(birth), fields, natural_keys(traits_of(birth))
    procedure = office.catalogue.procedure(dossier.procedure, dossier.procedure_from)
    form, fields = corrected_form(
        procedure,
        msgspec.json.decode(old.content),
        dossier.options,
        entries,
        office.now(),
        office.desk,
        facility=dossier.facility,
    )
    return msgspec.json.encode(form), fields, form_keys(procedure, form, dossier.facility)

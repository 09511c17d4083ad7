"""What the HTTP of results answers with."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from libs.catalogue import Catalogue
from libs.catalogue.errors import CatalogueError, UnknownAgency
from services.results.domain import REVOKED, SUPERSEDED, VALID_STATES


class ResultView(msgspec.Struct, frozen=True, kw_only=True):
    """One result as a desk sees it."""

    id: UUID
    dossier_id: UUID
    code: str
    version: int
    agency: str
    delivery: str
    place: str
    state: str
    changed_at: datetime


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page of results; `next` is the `after` of the following page."""

    results: list[ResultView]
    next: UUID | None = None


class HandoverDone(msgspec.Struct, frozen=True, kw_only=True):
    """The act of handing over, and where its receipt can be fetched."""

    handover_id: UUID
    results: list[ResultView]
    receipt: str


class CustodyAct(msgspec.Struct, frozen=True, kw_only=True):
    """One act on a result: when, what, by whom."""

    at: datetime
    result_id: UUID
    act: str
    actor: str
    agency: str
    note: str


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """What anybody may know of a document: is it valid, what it is, who issued it when, its SHA-256. No person."""

    status: str
    status_vi: str
    result: str
    result_vi: str
    version: int
    agency: str
    agency_vi: str
    issued_at: datetime | None
    changed_at: datetime | None = None
    sha256: str = ""


def agency_name(catalogue: Catalogue, code: str) -> str:
    """What people call the agency; its code when the catalogue no longer has it."""
    try:
        return catalogue.agency(code).name_vi
    except (CatalogueError, UnknownAgency):
        return code


def view_of(row: Any) -> ResultView:
    """A result row as a desk sees it."""
    return ResultView(**{name: row[name] for name in ResultView.__struct_fields__})


def verification_of(row: Any, agency_name: str) -> Verification:
    """The public answer about a result row; it is called what its paper calls itself."""
    status, words = "invalid", "Không còn hiệu lực"
    if row["state"] in VALID_STATES:
        status, words = "valid", "Còn hiệu lực"
    elif row["state"] == SUPERSEDED:
        status, words = "superseded", "Đã được thay thế bằng bản mới"
    elif row["state"] == REVOKED:
        status, words = "revoked", "Đã bị thu hồi"
    return Verification(
        status=status,
        status_vi=words,
        result=row["code"],
        result_vi=row["title"] or row["code"],
        version=row["version"],
        agency=row["agency"],
        agency_vi=agency_name,
        issued_at=row["issued_at"],
        changed_at=None if status == "valid" else row["changed_at"],
        sha256=row["document_sha256"].hex() if row["document_sha256"] else "",
    )

"""What is said about a Bundle: issues, and the OperationOutcome or response Bundle that carries them. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from libs.bus.ids import new_id
from services.gateway.fhir.place_in_bundle import Place, expression

MEDIA_TYPE = "application/fhir+json"
SLUGS = "urn:mot-cua:fhir:issue"
DOSSIER = "urn:mot-cua:fhir:dossier"
Severity = Literal["fatal", "error", "warning", "information"]
# Elements named in one issue; a Bundle of many more is not told better by a longer list.
EXPRESSIONS_MAX = 200
ISSUES_MAX = 500
# Our slugs that have a code of their own in FHIR's list (issue-type); whatever else a rule finds is `business-rule`.
_CODES = {
    "required": "required",
    "invalid": "value",
    "structure": "structure",
    "unknown": "code-invalid",
    "duplicate-birth": "duplicate",
    "not-found": "not-found",
    "not-allowed": "forbidden",
    "too-many-requests": "throttled",
    "too-many-at-once": "throttled",
    "unavailable": "transient",
    "file-changed": "conflict",
    "reference-external": "not-supported",
    "reference-unresolved": "not-found",
    "not-supported": "not-supported",
    "too-large": "too-costly",
    "unmapped": "informational",
    "received": "informational",
    "updated": "informational",
    "unchanged": "informational",
    "withdrawn": "informational",
}


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to say: `slug` is for programs, `text` for people; `places` are elements of the sender's Bundle."""

    severity: Severity
    slug: str
    text: str
    places: tuple[Place, ...] = ()
    dossier: "Dossier | None" = None

    @property
    def stops(self) -> bool:
        """Whether nothing is taken because of it."""
        return self.severity in ("error", "fatal")


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """What the sender learns of the dossier of a birth. `link` opens the family's page, empty when it is not told."""

    id: UUID
    code: str
    link: str = ""


def error(slug: str, text: str, *places: Place) -> Issue:
    """An issue that stops."""
    return Issue(severity="error", slug=slug, text=text, places=places)


def outcome(issues: Sequence[Issue]) -> dict[str, Any]:
    """The issues as an OperationOutcome; errors first, as many as anybody reads."""
    rank = {"fatal": 0, "error": 1, "warning": 2, "information": 3}
    ordered = sorted(issues, key=lambda issue: rank[issue.severity])[:ISSUES_MAX]
    return {"resourceType": "OperationOutcome", "issue": [_issue(issue) for issue in ordered]}


def message_response(
    request: dict[str, Any], issues: Sequence[Issue], status: int, at: datetime
) -> dict[str, Any]:
    """The answer to a message: a Bundle with a MessageHeader that names the request, and the outcome."""
    code = "ok" if status < 300 else ("transient-error" if status in (429, 503) else "fatal-error")
    outcome_url = f"urn:uuid:{new_id()}"
    header: dict[str, Any] = {
        "resourceType": "MessageHeader",
        "id": str(new_id()),
        "source": {"name": "Một Cửa", "endpoint": "urn:mot-cua:gateway"},
        "response": {
            "identifier": str(request.get("id") or "unknown"),
            "code": code,
            "details": {"reference": outcome_url},
        },
    }
    for name in ("eventCoding", "eventUri"):
        if name in request:
            header[name] = request[name]
    return {
        "resourceType": "Bundle",
        "id": str(new_id()),
        "type": "message",
        "timestamp": at.isoformat(timespec="seconds"),
        "entry": [
            {"fullUrl": f"urn:uuid:{header['id']}", "resource": header},
            {"fullUrl": outcome_url, "resource": outcome(issues)},
        ],
    }


def transaction_response(entries: Sequence[Any], issues: Sequence[Issue], status: int) -> dict[str, Any]:
    """The answer to a transaction that was taken: as many entries as it had, each with what concerns it."""
    answered = []
    for index in range(len(entries)):
        concerning = [
            issue for issue in issues if any(place[:2] == ("entry", index) for place in issue.places)
        ]
        line: dict[str, Any] = {"status": f"{status}"}
        dossier = next((issue.dossier for issue in concerning if issue.dossier), None)
        if dossier is not None:
            line["location"] = f"/city/intake/dossiers/{dossier.id}"
        if concerning:
            line["outcome"] = outcome(concerning)
        answered.append({"response": line})
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": answered}


def _issue(issue: Issue) -> dict[str, Any]:
    written: dict[str, Any] = {
        "severity": issue.severity,
        "code": _CODES.get(issue.slug, "business-rule"),
        "details": {"coding": [{"system": SLUGS, "code": issue.slug}], "text": issue.text},
        "diagnostics": issue.text,
    }
    if issue.places:
        written["expression"] = [expression(place) for place in issue.places[:EXPRESSIONS_MAX]]
    if (dossier := issue.dossier) is not None:
        told = [("id", "valueUuid", f"urn:uuid:{dossier.id}"), ("code", "valueString", dossier.code)]
        if dossier.link:
            told.append(("link", "valueUrl", dossier.link))
        written["extension"] = [
            {"url": DOSSIER, "extension": [{"url": name, kind: value} for name, kind, value in told]}
        ]
    return written

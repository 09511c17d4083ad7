"""Births as HL7 FHIR R4 Bundles: handed in, updated by handing in other content, taken back."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from mot_cua.answers import read
from mot_cua.effects import Request, Response, Steps
from mot_cua.errors import Problem
from mot_cua.operations import M, Resource, operation

MEDIA_TYPE = "application/fhir+json"
DOSSIER_EXTENSION = "urn:mot-cua:fhir:dossier"
ENTERED_IN_ERROR = "entered-in-error"
_STOPS = ("fatal", "error")
# What becomes of a birth, as the gateway's issues say it.
_BECAME = ("received", "updated", "unchanged", "withdrawn")


class FhirDossier(msgspec.Struct, frozen=True, kw_only=True):
    """The dossier of a birth. `link` opens the family's page, "" when it is not told."""

    id: str = ""
    code: str = ""
    link: str = ""


class Issue(msgspec.Struct, frozen=True, kw_only=True):
    """One thing an OperationOutcome says: `expression` are FHIRPaths of elements in the Bundle that was sent.

    `code` is for programs (`required`, `not-correctable` …), `issue_type` is FHIR's own; `text` is Vietnamese.
    """

    severity: str
    issue_type: str
    code: str
    text: str
    expression: tuple[str, ...] = ()
    dossier: FhirDossier | None = None

    @property
    def stops(self) -> bool:
        """Whether nothing was taken because of it."""
        return self.severity in _STOPS


class BundleTaken(msgspec.Struct, frozen=True, kw_only=True):
    """A Bundle that was taken. `issues` also name what was kept without being mapped."""

    status: int
    issues: tuple[Issue, ...]

    @property
    def dossiers(self) -> tuple[FhirDossier, ...]:
        """The dossier of each birth in it, each once."""
        found = {issue.dossier.id: issue.dossier for issue in self.issues if issue.dossier is not None}
        return tuple(found.values())

    @property
    def became(self) -> tuple[str, ...]:
        """What came of it: `received`, `updated`, `unchanged`, `withdrawn`."""
        return tuple(name for name in _BECAME if any(issue.code == name for issue in self.issues))


class BundleRefused(Problem):
    """Nothing, or of several births not everything, was taken: `issues` say why, each with its FHIRPaths.

    `status` as of every Problem: 422 wrong, 409 known from elsewhere or ended, 404 a void of what nobody told of.
    """

    def __init__(self, refused: Problem, issues: tuple[Issue, ...]) -> None:
        first = next((issue for issue in issues if issue.stops), None)
        super().__init__(
            refused.status,
            first.code if first else refused.code,
            detail="; ".join(_line(issue) for issue in issues if issue.stops),
            more=refused.more,
            retry_after_seconds=refused.retry_after_seconds,
        )
        self.issues = issues


class Fhir(Resource[M]):
    """Birth notices of a hospital's software (`/fhir`). The same Bundle again is the same birth: send it as often as
    you like."""

    @operation
    def send(self, bundle: Mapping[str, Any]) -> Steps[BundleTaken]:
        """Hand in a Bundle (document, message, transaction, collection): a new birth, or other content of a known one.

        Raises BundleRefused with every problem at once.
        """
        return self._send(bundle)

    @operation
    def void(self, bundle: Mapping[str, Any]) -> Steps[BundleTaken]:
        """Take the birth of this Bundle back: it is sent as `voided` makes it.

        Raises BundleRefused when it is too late or nobody told of it; ValueError as `voided`.
        """
        return self._send(voided(bundle))

    def _send(self, bundle: Mapping[str, Any]) -> Steps[BundleTaken]:
        request = Request(
            method="POST",
            url=self.session.address("/fhir"),
            headers={"content-type": MEDIA_TYPE},
            content=msgspec.json.encode(bundle),
        )
        try:
            response = yield from self.session.call(request)
        except Problem as refused:
            if issues := issues_in(refused.more):
                raise BundleRefused(refused, issues) from None
            raise
        return _taken(response)


def voided(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the Bundle that takes its birth back: its Composition, else its Encounter, is `entered-in-error`.

    Raises ValueError for a Bundle with neither; a message may say it by an event that ends with `-void` instead.
    """
    made = copy.deepcopy(dict(bundle))
    resources = [entry.get("resource") for entry in _dicts(made.get("entry"))]
    for kind in ("Composition", "Encounter"):
        found = [each for each in _dicts(resources) if each.get("resourceType") == kind]
        for resource in found:
            resource["status"] = ENTERED_IN_ERROR
        if found:
            return made
    raise ValueError("a void needs a Composition or an Encounter in the Bundle")


def issues_in(document: Any) -> tuple[Issue, ...]:
    """The issues of every OperationOutcome in an answer, itself one or a Bundle that carries it."""
    return tuple(_issue(issue) for found in _outcomes(document) for issue in _dicts(found.get("issue")))


def _taken(response: Response) -> BundleTaken:
    return BundleTaken(status=response.status, issues=issues_in(read(response, dict[str, Any])))


def _outcomes(document: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(document, dict):
        return
    if "issue" in document:
        yield document
    for entry in _dicts(document.get("entry")):
        yield from _outcomes(entry.get("resource"))
        answered = entry.get("response")
        yield from _outcomes(answered.get("outcome") if isinstance(answered, dict) else None)


def _issue(issue: Mapping[str, Any]) -> Issue:
    details = issue.get("details")
    coding: dict[str, Any] = next(_dicts(details.get("coding") if isinstance(details, dict) else None), {})
    expression = issue.get("expression")
    return Issue(
        severity=str(issue.get("severity", "")),
        issue_type=str(issue.get("code", "")),
        code=str(coding.get("code", "")),
        text=str(issue.get("diagnostics", "")),
        expression=tuple(map(str, expression)) if isinstance(expression, list) else (),
        dossier=_dossier(issue),
    )


def _dossier(issue: Mapping[str, Any]) -> FhirDossier | None:
    for extension in _dicts(issue.get("extension")):
        if extension.get("url") == DOSSIER_EXTENSION:
            parts = list(_dicts(extension.get("extension")))
            told = {part.get("url"): _value(part) for part in parts}
            dossier_id = told.get("id", "").removeprefix("urn:uuid:")
            return FhirDossier(id=dossier_id, code=told.get("code", ""), link=told.get("link", ""))
    return None


def _value(part: Mapping[str, Any]) -> str:
    return next((str(value) for name, value in part.items() if name.startswith("value")), "")


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())


def _line(issue: Issue) -> str:
    return f"{', '.join(issue.expression)}: {issue.text}" if issue.expression else issue.text

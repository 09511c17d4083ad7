"""Whether each resource is what FHIR R4 says it may be: judged by the models of the fhir.resources package.

R4B's definitions of the resources a birth notice has are those of R4. One resource is judged at a time, so that one the
package cannot read hides no other. Its values are not used afterwards: our mapping reads what was sent.
"""

from collections.abc import Iterator
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from services.gateway.fhir.bundles import Bundle
from services.gateway.fhir.issues import Issue, error
from services.gateway.fhir.place_in_bundle import Place

PROBLEMS_MAX = 100
# Resources of these kinds may stand in a birth notice; more are not loaded for whoever names them.
KINDS = frozenset(
    [
        "Appointment",
        "Basic",
        "Binary",
        "CarePlan",
        "CareTeam",
        "Composition",
        "Condition",
        "Consent",
        "Coverage",
        "Device",
        "DiagnosticReport",
        "DocumentReference",
        "Encounter",
        "EpisodeOfCare",
        "FamilyMemberHistory",
        "Flag",
        "Goal",
        "Group",
        "HealthcareService",
        "Immunization",
        "List",
        "Location",
        "Media",
        "Medication",
        "MedicationAdministration",
        "MedicationRequest",
        "MedicationStatement",
        "MessageHeader",
        "Observation",
        "Organization",
        "Patient",
        "Person",
        "Practitioner",
        "PractitionerRole",
        "Procedure",
        "Provenance",
        "QuestionnaireResponse",
        "RelatedPerson",
        "RiskAssessment",
        "ServiceRequest",
        "Specimen",
    ]
)
# What the package raises besides ValidationError on content it did not foresee.
_UNFORESEEN = (LookupError, AttributeError, TypeError, ValueError, AssertionError, RecursionError)


def model_issues(bundle: Bundle) -> Iterator[Issue]:
    """What the model has to say about the outer Bundle and each resource, by place. Raises nothing."""
    shell = {name: value for name, value in bundle.tree.items() if name != "entry"}
    shell["entry"] = [
        {name: value for name, value in entry.items() if name != "resource"}
        if isinstance(entry, dict)
        else entry
        for entry in bundle.entries
    ]
    yield from _judged("Bundle", shell, ())
    for index, entry in enumerate(bundle.entries):
        place: Place = ("entry", index, "resource")
        if not isinstance(entry, dict):
            continue
        resource = entry.get("resource")
        if resource is None:
            # A DELETE of a transaction has none.
            continue
        kind = resource.get("resourceType") if isinstance(resource, dict) else None
        if not isinstance(kind, str):
            yield error("structure", "Mục này không có tài nguyên FHIR đọc được.", place)
        elif kind not in KINDS:
            yield error("not-supported", "Loại tài nguyên này không dùng trong thông báo sinh.", place)
        else:
            yield from _judged(kind, resource, place)


def _judged(kind: str, resource: dict[str, Any], place: Place) -> Iterator[Issue]:
    try:
        get_fhir_model_class(kind).model_validate(resource)
    except ValidationError as wrong:
        for one in wrong.errors(include_url=False, include_context=False, include_input=False)[:PROBLEMS_MAX]:
            # The package's own marker of what is no element stands last.
            keys = tuple(key for key in one["loc"] if key != "root")
            yield _said(one["type"], (*place, *keys))
    except _UNFORESEEN:
        yield error("structure", "Tài nguyên không theo cấu trúc FHIR R4.", place)


def _said(kind: str, place: Place) -> Issue:
    if kind == "extra_forbidden":
        return error("structure", "FHIR R4 không có phần tử này ở đây.", place)
    if kind == "missing" or kind.endswith(".missing"):
        return error("required", "FHIR R4 đòi phải có phần tử này.", place)
    if kind.endswith("_type") or kind == "model_validation_format":
        return error("structure", "Giá trị không đúng kiểu dữ liệu FHIR.", place)
    return error("invalid", "Giá trị không hợp lệ theo FHIR R4.", place)

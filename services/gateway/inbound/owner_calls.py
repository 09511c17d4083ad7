"""Where each thing a partner says is judged: one row a type. What it means is in libs/contracts/partner.py."""

import re
from collections.abc import Mapping

import msgspec

from libs.http.problems import FieldError, Problem

# What may stand in a path: nothing that leads out of its place.
_CODE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_INTAKE, _ROUTING, _RESULTS = "intake", "routing", "results"


class OwnerCall(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint of the owner, and how the event fills it.

    `path` names {dossier} (the event's subject), {component} (an attribute) and members of the data (`takes`), which do
    not go into the body. `told_dossier`: the path has no dossier, so the body says which one the sender means.
    `location` is where this gateway shows what came of it, filled from the answer.
    """

    service: str
    path: str
    takes: tuple[str, ...] = ()
    body: bool = True
    told_dossier: bool = False
    status: int = 200
    location: str = ""

    @property
    def about_dossier(self) -> bool:
        """Whether the event is about a dossier there is."""
        return "{dossier}" in self.path or self.told_dossier


def _step(act: str) -> OwnerCall:
    return OwnerCall(
        service=_ROUTING,
        path=f"/cases/{{dossier}}/steps/{{step}}/{act}",
        takes=("step",),
        location="/city/routing/cases/{dossier_id}",
    )


def _case(act: str) -> OwnerCall:
    return OwnerCall(
        service=_ROUTING, path=f"/cases/{{dossier}}/{act}", location="/city/routing/cases/{dossier_id}"
    )


def _dossier(act: str, *, body: bool = True) -> OwnerCall:
    return OwnerCall(
        service=_INTAKE,
        path=f"/dossiers/{{dossier}}/{act}",
        body=body,
        location="/city/intake/dossiers/{dossier_id}",
    )


def _new(path: str) -> OwnerCall:
    return OwnerCall(service=_INTAKE, path=path, status=201, location="/city/intake/dossiers/{dossier_id}")


def _paper(act: str) -> OwnerCall:
    return OwnerCall(
        service=_RESULTS,
        path=f"/results/{{result_id}}/{act}",
        takes=("result_id",),
        told_dossier=True,
        location="/city/results/dossiers/{dossier_id}/results",
    )


OWNER_CALLS: Mapping[str, OwnerCall] = {
    "partner.birth-declared.v1": _new("/births"),
    "partner.dossier-handed-in.v1": _new("/dossiers"),
    "partner.paper-attached.v1": OwnerCall(
        service=_INTAKE,
        path="/dossiers/{dossier}/attachments?component={component}",
        status=201,
        location="/city/intake/dossiers/{dossier_id}/attachments/{number}",
    ),
    "partner.supplement-handed-in.v1": _dossier("supplements"),
    "partner.dossier-corrected.v1": _dossier("corrections"),
    "partner.dossier-withdrawn.v1": _dossier("withdrawal"),
    "partner.delivery-chosen.v1": _dossier("delivery"),
    "partner.stay-changed.v1": _dossier("stay"),
    "partner.dossier-accepted.v1": _dossier("accept", body=False),
    "partner.dossier-refused.v1": _dossier("refuse"),
    "partner.step-started.v1": _step("start"),
    "partner.step-released.v1": _step("undo-start"),
    "partner.step-completed.v1": _step("complete"),
    "partner.step-amended.v1": _step("amend"),
    "partner.step-returned.v1": _step("return"),
    "partner.return-withdrawn.v1": _step("undo-return"),
    "partner.step-assigned.v1": _step("assign"),
    "partner.step-refused.v1": _case("refusal"),
    "partner.finding-recorded.v1": _step("findings"),
    "partner.supplement-requested.v1": _case("supplement-requests"),
    "partner.supplement-request-withdrawn.v1": _step("undo-supplement-request"),
    "partner.clock-paused.v1": _case("pauses"),
    "partner.clock-resumed.v1": _case("pauses/end"),
    "partner.pause-withdrawn.v1": _step("undo-pause"),
    "partner.result-dispatched.v1": _paper("dispatch"),
    "partner.result-arrived.v1": _paper("arrive"),
    "partner.receiver-checked.v1": OwnerCall(service=_RESULTS, path="/dossiers/{dossier}/receiver-check"),
    "partner.result-handed-over.v1": OwnerCall(
        service=_RESULTS,
        path="/dossiers/{dossier}/hand-over",
        location="/city/results{receipt}",
    ),
    "partner.replacement-ordered.v1": _paper("supersede"),
}


def is_id(text: str) -> bool:
    """Whether it is a UUID as it is usually written."""
    return bool(_ID.fullmatch(text))


def path_of(call: OwnerCall, dossier: str, members: Mapping[str, str]) -> str:
    """The path for this event. Raises Problem 422 for a member that is missing or can stand in no path."""
    wrong = [error for name in call.takes if (error := _wrong(name, members.get(name, "")))]
    if wrong:
        raise Problem(422, errors=wrong)
    return call.path.format(dossier=dossier, **members)


def _wrong(name: str, value: str) -> FieldError | None:
    if not value:
        return FieldError(name, "required", "Thiếu trường bắt buộc")
    if name.endswith("_id"):
        return None if is_id(value) else FieldError(name, "uuid", "Mã định danh không đúng dạng UUID")
    if not _CODE.fullmatch(value):
        return FieldError(name, "pattern", "Giá trị không đúng mẫu quy định")
    return None

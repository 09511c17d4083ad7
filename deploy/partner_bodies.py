"""`python -m deploy.partner_bodies` writes what the data of partners' events looks like, as the services read it.

Contracts may not import services, and services not each other, so the schemas lie in libs/contracts as a file that this
writes (`make events`); a test holds the file equal to what the services read now.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from libs.contracts.partner import JSON, SAYINGS
from libs.contracts.partner_documents import DATA_FILE
from services.gateway.inbound.owner_calls import OWNER_CALLS
from services.intake import api as intake
from services.intake import api_delivery, api_dossiers
from services.intake.stays import Stay
from services.results import acts, api_handover
from services.routing import wire

# Type → what its owner reads the data as; the members that stand in the path are added. None: there is no data.
BODIES: Mapping[str, type[msgspec.Struct] | None] = {
    "partner.birth-declared.v1": intake.NewBirth,
    "partner.dossier-handed-in.v1": intake.NewDossier,
    "partner.supplement-handed-in.v1": api_dossiers.Supplement,
    "partner.dossier-corrected.v1": api_dossiers.Correction,
    "partner.dossier-withdrawn.v1": api_dossiers.Withdrawal,
    "partner.delivery-chosen.v1": api_delivery.DeliveryChange,
    "partner.stay-changed.v1": Stay,
    "partner.dossier-accepted.v1": None,
    "partner.dossier-refused.v1": api_dossiers.Refusal,
    "partner.step-started.v1": wire.StartBody,
    "partner.step-released.v1": wire.StartBody,
    "partner.step-completed.v1": wire.CompleteBody,
    "partner.step-amended.v1": wire.AmendBody,
    "partner.step-returned.v1": wire.ReturnBody,
    "partner.return-withdrawn.v1": wire.StartBody,
    "partner.step-assigned.v1": wire.AssignBody,
    "partner.step-refused.v1": wire.RefusalBody,
    "partner.finding-recorded.v1": wire.FindingBody,
    "partner.supplement-requested.v1": wire.SupplementBody,
    "partner.supplement-request-withdrawn.v1": wire.StartBody,
    "partner.clock-paused.v1": wire.PauseBody,
    "partner.clock-resumed.v1": wire.PauseBody,
    "partner.pause-withdrawn.v1": wire.StartBody,
    "partner.result-dispatched.v1": acts.Note,
    "partner.result-arrived.v1": acts.Note,
    "partner.receiver-checked.v1": api_handover.CardBody,
    "partner.result-handed-over.v1": api_handover.HandoverBody,
    "partner.replacement-ordered.v1": acts.Replacement,
}
_IN_PATH: Mapping[str, dict[str, Any]] = {
    "step": {"type": "string", "description": "the step of the case, by its code"},
    "result_id": {
        "type": "string",
        "format": "uuid",
        "description": "the paper, of the dossier in `subject`",
    },
}
_FILE = {
    "description": "The scan itself, at most 10 MiB: the body in binary mode, `data_base64` in JSON.",
    "type": "string",
    "contentEncoding": "base64",
}


def schemas() -> dict[str, Any]:
    """The JSON Schema of each type's data."""
    return {saying.type: _schema(saying.type) if JSON in saying.media_types else _FILE for saying in SAYINGS}


def document() -> bytes:
    """The file's content."""
    return msgspec.json.format(msgspec.json.encode(schemas()), indent=1) + b"\n"


def _schema(type_: str) -> dict[str, Any]:
    body, call = BODIES[type_], OWNER_CALLS[type_]
    if body is None:
        return {"type": "object", "properties": {}, "additionalProperties": False}
    found = msgspec.json.schema(body)
    top = found["$defs"].pop(body.__name__)
    # Which dossier is meant says the event's subject.
    given = {
        name: kind
        for name, kind in top["properties"].items()
        if not (call.told_dossier and name == "dossier_id")
    }
    named = {**top, "properties": {name: _IN_PATH[name] for name in call.takes} | given}
    required = [*call.takes, *top.get("required", [])]
    return (
        named
        | ({"required": required} if required else {})
        | ({"$defs": found["$defs"]} if found["$defs"] else {})
    )


def main(file: Path = DATA_FILE) -> int:
    """Write the file."""
    file.write_bytes(document())
    return 0


if __name__ == "__main__":
    sys.exit(main())

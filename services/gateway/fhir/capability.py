"""What this gateway can do as FHIR says it: the CapabilityStatement of `GET /fhir/metadata` (FHIR R4, 2.21.0.3.6)."""

from typing import Any

from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from services.gateway.fhir.bundles import BYTES_MAX, ENTRIES_MAX, TYPES
from services.gateway.fhir.issues import MEDIA_TYPE

# Of this description, not of the program: changed with what is said below.
_DATE = "2026-11-27"
_FHIR_VERSION = "4.0.1"
_BIRTHS = (
    f"Birth notices as a Bundle ({', '.join(TYPES)}), at most {BYTES_MAX >> 10} KiB and {ENTRIES_MAX} entries. "
    "The birth is known by its certificate: the first notice is a declaration, other content for the same certificate "
    "an update, entered-in-error (Composition.status, Encounter.status, or a message event ending with -void) a void. "
    "The same Bundle again gets the same answer. Nothing is read or searched here: events and dossiers have their own "
    "interface."
)
_TOKEN = (
    "OAuth 2.0 client credentials with private_key_jwt (RFC 7523): "  # noqa: S105 - words about tokens
    "a bearer token of a registered partner that acts for the hospital. Where: /.well-known/oauth-authorization-server."
)


def capability(issuer_url: str, version: str) -> dict[str, Any]:
    """The statement of the gateway that partners reach at `issuer_url`. Raises ValueError when R4 does not allow it."""
    address = f"{issuer_url.rstrip('/')}/fhir"
    statement: dict[str, Any] = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _DATE,
        "kind": "instance",
        "software": {"name": "Một Cửa: gateway", "version": version},
        "implementation": {"description": "Một Cửa: births from hospitals", "url": address},
        "fhirVersion": _FHIR_VERSION,
        "format": [MEDIA_TYPE],
        "rest": [
            {
                "mode": "server",
                "documentation": f"POST {address}. {_BIRTHS}",
                "security": {
                    "cors": False,
                    "service": [
                        {
                            "coding": [
                                {
                                    "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                                    "code": "OAuth",
                                }
                            ]
                        }
                    ],
                    "description": _TOKEN,
                },
                "interaction": [
                    {"code": "transaction", "documentation": "PUT and POST of a birth; DELETE is not taken."}
                ],
                "operation": [
                    {
                        "name": "process-message",
                        "definition": "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message",
                    }
                ],
            }
        ],
        "messaging": [
            {
                "endpoint": [
                    {
                        "protocol": {
                            "system": "http://terminology.hl7.org/CodeSystem/message-transport",
                            "code": "http",
                        },
                        "address": f"{address}/$process-message",
                    }
                ],
                "documentation": "Answered at once by a message: response.code ok, fatal-error or transient-error.",
            }
        ],
        "document": [
            {
                "mode": "consumer",
                "documentation": _BIRTHS,
                "profile": "http://hl7.org/fhir/StructureDefinition/Bundle",
            }
        ],
    }
    CapabilityStatement.model_validate(statement)
    return statement

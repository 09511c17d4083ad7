"""The documents made from the contracts: docs/EVENTS.md, docs/schemas/*.json and docs/asyncapi.json."""

import inspect
from pathlib import Path
from typing import Any

import msgspec

from libs.contracts.answer_documents import answer_channel, answer_messages, answer_operation, answer_section
from libs.contracts.catalogue import FLOWS, PRODUCERS, SERVICES, Flow
from libs.contracts.cloudevents import JSON, MESSAGE_ID, SPECVERSION
from libs.contracts.event import Event
from libs.contracts.gateway import ANSWERS
from libs.contracts.partner import SAYINGS
from libs.contracts.partner_documents import (
    data_schema,
    partner_channel,
    partner_messages,
    partner_operation,
    partner_schemas,
    partner_section,
)

ASYNCAPI = "3.0.0"
TITLE = "Một Cửa: events of the pipeline"
EXAMPLES = Path(__file__).parent / "examples"
SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
NOTE = "Made by `python -m libs.contracts` from `libs/contracts/`; do not edit."

# Attribute → (schema, meaning, whether every event has it).
_ATTRIBUTES: dict[str, tuple[dict[str, Any], str, bool]] = {
    "specversion": ({"const": SPECVERSION}, "version of CloudEvents", True),
    "id": ({"type": "string", "format": "uuid"}, "the event's id, UUIDv7", True),
    "source": ({"enum": list(PRODUCERS)}, "the service that says it", True),
    "type": ({"type": "string"}, "the subject", True),
    "subject": ({"type": "string", "format": "uuid"}, "the dossier's id", True),
    "time": ({"type": "string", "format": "date-time"}, "when it happened", True),
    "datacontenttype": ({"const": JSON}, "what the payload is", True),
    "sequence": (
        {"type": "string", "pattern": "^[1-9][0-9]*$"},
        "1, 2, 3 … for each producer and dossier, without gaps",
        True,
    ),
    "causationid": ({"type": "string", "format": "uuid"}, "the event that caused this one", False),
    "traceparent": ({"type": "string"}, "W3C trace context", False),
}


def documents() -> dict[str, bytes]:
    """Every document by its path below docs/."""
    made = {"EVENTS.md": events_page().encode(), "asyncapi.json": _json(asyncapi())}
    for flow in FLOWS:
        made[f"schemas/{flow.event.SUBJECT}.json"] = _json(schema(flow.event))
    for saying in SAYINGS:
        made[f"schemas/{saying.type}.json"] = _json(_named(saying.type, data_schema(saying.type)))
    for answer in ANSWERS:
        made[f"schemas/{answer.SUBJECT}.json"] = _json(_named(answer.SUBJECT, msgspec.json.schema(answer)))
    return made


def schema(event: type[Event]) -> dict[str, Any]:
    """The JSON Schema of an event's payload, on its own. Unknown fields are allowed: they are ignored."""
    return _named(event.SUBJECT, msgspec.json.schema(event))


def _named(subject: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"$schema": SCHEMA_DIALECT, "$id": f"urn:mot-cua:event:{subject}", **schema}


def examples(event: type[Event]) -> dict[str, dict[str, Any]]:
    """The golden examples of an event by name, as CloudEvents in structured mode."""
    folder = EXAMPLES / event.SUBJECT
    return {path.stem: msgspec.json.decode(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: a channel per subject, an operation per arrow of FLOWS."""
    _, schemas = msgspec.json.schema_components(
        [*(flow.event for flow in FLOWS), *ANSWERS], ref_template="#/components/schemas/{name}"
    )
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": TITLE,
            "version": "1",
            "description": (
                "CloudEvents 1.0 in binary mode over NATS JetStream: attributes in `ce-*` headers, JSON payload. "
                "One stream per producer; each consumer has a durable on the whole stream. "
                "Events carry no personal data; what partners say to the gateway may. " + NOTE
            ),
        },
        "defaultContentType": JSON,
        "channels": {flow.event.SUBJECT: _channel(flow) for flow in FLOWS}
        | {"partner": partner_channel(), "answers": answer_channel()},
        "operations": {name: operation for flow in FLOWS for name, operation in _operations(flow)}
        | {"gateway-receive-partner": partner_operation(), "gateway-send-answers": answer_operation()},
        "components": {
            "messages": {flow.event.__name__: _message(flow.event) for flow in FLOWS}
            | partner_messages()
            | answer_messages(),
            "schemas": {**schemas, **partner_schemas(), "Headers": _headers()},
        },
    }


def events_page() -> str:
    """docs/EVENTS.md: who says what to whom, as a picture and as tables."""
    lines = [
        "# Events",
        "",
        NOTE,
        "",
        "Who hears whom (an event nobody hears here is for other listeners):",
        "",
    ]
    lines += ["```mermaid", "flowchart LR"]
    lines += [f"    {service}" for service in SERVICES]
    lines += _arrows()
    lines += ["```", ""]
    for service in PRODUCERS:
        lines += [
            f"## {service}",
            "",
            f"Stream `{service.upper()}`, defined in `libs/contracts/{service}.py`.",
            "",
        ]
        lines += ["| subject | event | heard by | what has happened |", "|---|---|---|---|"]
        lines += [_row(flow) for flow in FLOWS if flow.by == service]
        lines.append("")
    lines += partner_section()
    lines += answer_section()
    lines += ["## Headers", "", "| header | meaning |", "|---|---|"]
    lines += [
        f"| `ce-{name}` | {meaning}{'' if always else ' (when there is one)'} |"
        for name, (_, meaning, always) in _ATTRIBUTES.items()
    ]
    lines += [f"| `{MESSAGE_ID}` | the event's id, or `<id>.e<epoch>` after a refill |", ""]
    return "\n".join(lines)


def _arrows() -> list[str]:
    arrows = []
    for producer in PRODUCERS:
        for consumer in SERVICES:
            heard = [
                flow.event.SUBJECT.split(".")[1]
                for flow in FLOWS
                if flow.by == producer and consumer in flow.to
            ]
            if heard:
                arrows.append(f'    {producer} -- "{"<br/>".join(heard)}" --> {consumer}')
    return arrows


def _row(flow: Flow) -> str:
    heard = ", ".join(flow.to) or "–"
    return f"| `{flow.event.SUBJECT}` | `{flow.event.__name__}` | {heard} | {_summary(flow.event)} |"


def _channel(flow: Flow) -> dict[str, Any]:
    name = flow.event.__name__
    return {
        "address": flow.event.SUBJECT,
        "summary": _summary(flow.event),
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
    }


def _operations(flow: Flow) -> list[tuple[str, dict[str, Any]]]:
    subject = flow.event.SUBJECT
    arrows = [(flow.by, "send"), *((consumer, "receive") for consumer in flow.to)]
    return [
        (
            f"{service}-{action}-{subject}",
            {
                "action": action,
                "title": f"{service} {'says' if action == 'send' else 'hears'} {flow.event.__name__}",
                "channel": {"$ref": f"#/channels/{subject}"},
                "messages": [{"$ref": f"#/channels/{subject}/messages/{flow.event.__name__}"}],
                "tags": [{"name": service}],
            },
        )
        for service, action in arrows
    ]


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        "name": event.SUBJECT,
        "title": event.__name__,
        "summary": _summary(event),
        "description": inspect.getdoc(event) or "",
        "contentType": JSON,
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "examples": [_example(name, found) for name, found in examples(event).items()],
    }


def _example(name: str, content: dict[str, Any]) -> dict[str, Any]:
    headers = {"ce-" + attribute: value for attribute, value in content.items() if attribute != "data"}
    return {"name": name, "headers": {MESSAGE_ID: content["id"], **headers}, "payload": content["data"]}


def _headers() -> dict[str, Any]:
    properties = {
        "ce-" + name: {**kind, "description": meaning} for name, (kind, meaning, _) in _ATTRIBUTES.items()
    }
    required = ["ce-" + name for name, (_, _, always) in _ATTRIBUTES.items() if always]
    properties[MESSAGE_ID] = {
        "type": "string",
        "description": "the event's id; JetStream drops repeats of it",
    }
    return {"type": "object", "properties": properties, "required": [*required, MESSAGE_ID]}


def _summary(event: type[Event]) -> str:
    return " ".join((inspect.getdoc(event) or "").split("\n\n")[0].split())


def _json(content: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"

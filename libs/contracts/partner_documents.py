"""The documents made from what partners say: their part of docs/EVENTS.md and of the AsyncAPI, and their schemas."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from libs.contracts.cloudevents import SPECVERSION, STRUCTURED_JSON
from libs.contracts.partner import JSON, SAYINGS, SOURCE_PREFIX, Saying

DATA_FILE = Path(__file__).parent / "partner_data.json"
EXAMPLES = Path(__file__).parent / "partner_examples"
ADDRESS = "/events"
_VISIBLE = {"type": "string", "pattern": "^[!-~]{1,255}$"}


@cache
def _data() -> Mapping[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(DATA_FILE.read_bytes())
    return found


def data_schema(type_: str) -> dict[str, Any]:
    """The JSON Schema of the data of one type; unknown fields are refused. Raises KeyError."""
    return dict(_data()[type_])


def example(type_: str) -> dict[str, Any]:
    """The golden example of one type, as a CloudEvent in structured mode; its people are made up."""
    found: dict[str, Any] = msgspec.json.decode((EXAMPLES / f"{type_}.json").read_bytes())
    return found


def event_schema(saying: Saying) -> dict[str, Any]:
    """The JSON Schema of the whole event in structured mode, its data included."""
    data = data_schema(saying.type)
    definitions = data.pop("$defs", {})
    in_json = JSON in saying.media_types
    member = "data" if in_json else "data_base64"
    properties: dict[str, Any] = {
        "specversion": {"const": SPECVERSION},
        "id": {**_VISIBLE, "description": "unique within its source; the same again is the same event"},
        "source": {"type": "string", "pattern": f"^{SOURCE_PREFIX}[!-~]+$", "description": "who says it"},
        "type": {"const": saying.type},
        "time": {"type": "string", "format": "date-time"},
        "datacontenttype": {"enum": list(saying.media_types)},
    }
    required = ["specversion", "id", "source", "type"]
    if saying.subject:
        properties["subject"] = {"type": "string", "format": "uuid", "description": "the dossier's id"}
        required.append("subject")
    else:
        properties["subject"] = {"type": "string", "maxLength": 255, "description": "the sender's own number"}
    for attribute in saying.attributes:
        properties[attribute] = {"type": "string"}
        required.append(attribute)
    properties[member] = data
    required += [] if in_json and not data.get("required") else [member]
    required += [] if in_json else ["datacontenttype"]
    return {"type": "object", "properties": properties, "required": required} | (
        {"$defs": definitions} if definitions else {}
    )


def partner_section() -> list[str]:
    """The lines of docs/EVENTS.md about what partners say."""
    lines = [
        "## What partners say",
        "",
        f"To the gateway (`POST {ADDRESS}`, or straight by NATS), never on the streams above: it may be about people.",
        "Defined in `libs/contracts/partner.py`; the service named judges each at once.",
        "",
        "| type | judged by | said by | what has happened | the city then says |",
        "|---|---|---|---|---|",
    ]
    for saying in SAYINGS:
        then = ", ".join(event.SUBJECT for event in saying.then) or "–"
        who = " or ".join(f"`{role}`" for role in saying.roles) or saying.said_by
        lines.append(f"| `{saying.type}` | {saying.judge} | {who} | {saying.means} | {then} |")
    return [*lines, ""]


def partner_channel() -> dict[str, Any]:
    """The AsyncAPI channel of everything partners say."""
    return {
        "address": ADDRESS,
        "summary": "What partners say, over HTTP as CloudEvents: one, a batch, or in binary mode",
        "messages": {name_of(each): {"$ref": f"#/components/messages/{name_of(each)}"} for each in SAYINGS},
    }


def partner_operation() -> dict[str, Any]:
    """The AsyncAPI operation: the gateway hears all of it."""
    return {
        "action": "receive",
        "title": "gateway hears what partners say",
        "channel": {"$ref": "#/channels/partner"},
        "messages": [{"$ref": f"#/channels/partner/messages/{name_of(each)}"} for each in SAYINGS],
        "tags": [{"name": "gateway"}],
    }


def partner_messages() -> dict[str, Any]:
    """The AsyncAPI messages by name."""
    return {
        name_of(each): {
            "name": each.type,
            "title": each.type,
            "summary": each.means,
            "contentType": STRUCTURED_JSON,
            "payload": _in_document({k: v for k, v in event_schema(each).items() if k != "$defs"}),
            "examples": [{"name": "example", "payload": example(each.type)}],
        }
        for each in SAYINGS
    }


def partner_schemas() -> dict[str, Any]:
    """What the messages' data consist of, for the AsyncAPI document's components."""
    found: dict[str, Any] = {}
    for saying in SAYINGS:
        for name, schema in event_schema(saying).get("$defs", {}).items():
            if found.setdefault(f"Partner{name}", _in_document(schema)) != _in_document(schema):
                raise ValueError(f"two shapes are called {name}")
    return found


def _in_document(value: Any) -> Any:
    """A schema with its references pointing into the AsyncAPI document."""
    if isinstance(value, dict):
        return {
            key: inner.replace("#/$defs/", "#/components/schemas/Partner")
            if key == "$ref"
            else _in_document(inner)
            for key, inner in value.items()
        }
    return [_in_document(inner) for inner in value] if isinstance(value, list) else value


def name_of(saying: Saying) -> str:
    """`partner.birth-declared.v1` → `PartnerBirthDeclared`."""
    words = saying.type.rsplit(".", 1)[0].replace(".", "-").split("-")
    return "".join(word.capitalize() for word in words)

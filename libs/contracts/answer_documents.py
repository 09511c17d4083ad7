"""The documents made from the answers to partners: their part of docs/EVENTS.md and of the AsyncAPI."""

import inspect
from pathlib import Path
from typing import Any

import msgspec

from libs.contracts.cloudevents import JSON
from libs.contracts.gateway import ANSWERS

EXAMPLES = Path(__file__).parent / "answer_examples"
ADDRESS = "events.{partner}.>"


def answer_example(type_: str) -> dict[str, Any]:
    """The golden example of one type, as a CloudEvent in structured mode."""
    found: dict[str, Any] = msgspec.json.decode((EXAMPLES / f"{type_}.json").read_bytes())
    return found


def answer_section() -> list[str]:
    """The lines of docs/EVENTS.md about what the gateway answers."""
    lines = [
        "## What gateway answers by NATS",
        "",
        "To one partner, in its own stream on the partners' server (decision 15); HTTP answers at once.",
        "Defined in `libs/contracts/gateway.py`.",
        "",
        "| type | event | what has happened |",
        "|---|---|---|",
    ]
    lines += [f"| `{each.SUBJECT}` | `{each.__name__}` | {_summary(each)} |" for each in ANSWERS]
    return [*lines, ""]


def answer_channel() -> dict[str, Any]:
    """The AsyncAPI channel: a partner's own stream, which also has the events of the feed that are for it."""
    return {
        "address": ADDRESS,
        "summary": "A partner's own stream: what of the feed is for it, and answers to what it handed in",
        "parameters": {"partner": {"description": "the partner's code"}},
        "messages": {each.__name__: {"$ref": f"#/components/messages/{each.__name__}"} for each in ANSWERS},
    }


def answer_operation() -> dict[str, Any]:
    """The AsyncAPI operation: the gateway says it."""
    return {
        "action": "send",
        "title": "gateway answers what a partner handed in by NATS",
        "channel": {"$ref": "#/channels/answers"},
        "messages": [{"$ref": f"#/channels/answers/messages/{each.__name__}"} for each in ANSWERS],
        "tags": [{"name": "gateway"}],
    }


def answer_messages() -> dict[str, Any]:
    """The AsyncAPI messages by name."""
    return {
        each.__name__: {
            "name": each.SUBJECT,
            "title": each.__name__,
            "summary": _summary(each),
            "description": inspect.getdoc(each) or "",
            "contentType": JSON,
            "payload": {"$ref": f"#/components/schemas/{each.__name__}"},
            "examples": [{"name": "example", "payload": answer_example(each.SUBJECT)["data"]}],
        }
        for each in ANSWERS
    }


def _summary(answer: type) -> str:
    return " ".join((inspect.getdoc(answer) or "").split("\n\n")[0].split())

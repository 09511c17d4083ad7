"""How an event looks on the wire: CloudEvents 1.0 over NATS.

Binary mode (what we send): every attribute is a header `ce-<name>`, the payload is the data. Structured mode
(accepted from others): `Content-Type: application/cloudevents+json` and one JSON object. Source:
cloudevents/spec, bindings/nats-protocol-binding.md and bindings/http-protocol-binding.md 3.1.3.2 (header values).
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

import msgspec
import msgspec.structs

from libs.contracts.catalogue import EVENTS
from libs.contracts.event import Envelope, Event, Moment

SPECVERSION = "1.0"
JSON = "application/json"
STRUCTURED = "application/cloudevents"
STRUCTURED_JSON = "application/cloudevents+json"
MESSAGE_ID = "Nats-Msg-Id"

# Printable ASCII passes; space, ", %, controls and everything beyond ASCII are percent-encoded (binding, 3.1.3.2).
_UNSAFE = re.compile(r"[^\x21\x23\x24\x26-\x7e]")
_PLAIN = re.compile(r"[^\"%\ufffd]*")
_LAST_SEQUENCE = 2**63 - 1
_encode_json = msgspec.json.Encoder().encode


class CloudEventError(ValueError):
    """A message that is no CloudEvent of ours; `code` and `attribute` say why, the message never holds a value.

    Codes: headers-missing, attribute-missing, attribute-malformed, encoding-invalid, specversion-unknown,
    format-unknown, datacontenttype-unknown, type-unknown, data-malformed.
    """

    def __init__(self, code: str, attribute: str = "") -> None:
        super().__init__(f"{code} {attribute}" if attribute else code)
        self.code = code
        self.attribute = attribute


class _Attributes(msgspec.Struct, frozen=True):
    """The attributes as text; also the object of structured mode, whose data are taken as they stand."""

    specversion: str
    id: UUID
    source: str
    type: str
    subject: UUID
    time: Moment
    sequence: str | int
    datacontenttype: str = JSON
    causationid: UUID | None = None
    traceparent: str | None = None


class _Structured(_Attributes, frozen=True):
    data: msgspec.Raw = msgspec.Raw(b"")
    data_base64: bytes = b""


# The same attributes under their header names, for the quick way in (`rename` does not reach inherited fields).
_Headers: Any = msgspec.defstruct(
    "_Headers",
    [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in msgspec.structs.fields(_Attributes)
    ],
    frozen=True,
    rename=lambda name: "ce-" + name,
)
_structured = msgspec.json.Decoder(_Structured)
_DECODERS: dict[str, msgspec.json.Decoder[Event]] = {
    subject: msgspec.json.Decoder(event) for subject, event in EVENTS.items()
}


def encode_headers(envelope: Envelope, *, message_id: str | None = None) -> dict[str, str]:
    """The headers of `envelope` in binary mode, with `Nats-Msg-Id` (the event's id unless `message_id` is given)."""
    text: dict[str, Any] = msgspec.to_builtins(envelope)
    headers = {
        MESSAGE_ID: message_id or text["id"],
        "ce-specversion": SPECVERSION,
        "ce-id": text["id"],
        "ce-source": _quote(text["source"]),
        "ce-type": _quote(text["type"]),
        "ce-subject": text["dossier_id"],
        "ce-time": text["time"],
        "ce-datacontenttype": JSON,
        "ce-sequence": str(text["sequence"]),
    }
    if text["causation_id"]:
        headers["ce-causationid"] = text["causation_id"]
    if text["traceparent"]:
        headers["ce-traceparent"] = _quote(text["traceparent"])
    return headers


def encode_block(envelope: Envelope, *, message_id: str | None = None) -> bytes:
    """The same headers as one NATS header block, for a publisher that writes whole batches."""
    lines = [
        f"{name}: {value}\r\n" for name, value in encode_headers(envelope, message_id=message_id).items()
    ]
    return f"NATS/1.0\r\n{''.join(lines)}\r\n".encode("ascii")


def encode_data(event: Event) -> bytes:
    """The JSON payload of `event`."""
    return _encode_json(event)


def encode_structured(envelope: Envelope, data: bytes) -> tuple[dict[str, str], bytes]:
    """`envelope` and its JSON `data` in structured mode: headers and payload."""
    headers = encode_headers(envelope)
    content: dict[str, Any] = {
        name[3:]: unquote(value) for name, value in headers.items() if name[:3] == "ce-"
    }
    content["data"] = msgspec.Raw(data)
    return {MESSAGE_ID: headers[MESSAGE_ID], "Content-Type": STRUCTURED_JSON}, _encode_json(content)


def decode(headers: Mapping[str, str] | None, payload: bytes) -> tuple[Envelope, bytes]:
    """The envelope and the data of a message in either mode. Raises CloudEventError."""
    if not headers:
        raise CloudEventError("headers-missing")
    try:  # what our own relay sends needs no unquoting and no search for names in another case
        found = msgspec.convert(headers, _Headers)
        text = f"{found.source}{found.type}{found.traceparent}{found.datacontenttype}"
        structured = "Content-Type" in headers or "content-type" in headers
        if not structured and _PLAIN.fullmatch(text):
            return _envelope(found), payload
    except (msgspec.ValidationError, UnicodeError):
        pass
    mode = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    if mode.lower().startswith(STRUCTURED):
        return _decode_structured(mode, payload)
    return _envelope(_convert(dict(_attributes(headers)))), payload


def decode_data(type_: str, data: bytes) -> Event:
    """The event of subject `type_` in `data`; unknown fields are ignored. Raises CloudEventError."""
    decoder = _DECODERS.get(type_)
    if decoder is None:
        raise CloudEventError("type-unknown")
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise CloudEventError("data-malformed", _place(error)) from None


def readable(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Those attributes of a message in binary mode that can be read at all, for the dead letter of a broken one."""
    found: dict[str, str] = {}
    for name, value in (headers or {}).items():
        if name[:3].lower() == "ce-":
            try:
                found[name[3:].lower()] = unquote(value)
            except CloudEventError:
                continue
    return found


def unquote(value: str, attribute: str = "") -> str:
    """A header value without its quotes and percent-encoding (one round). Raises CloudEventError on bad UTF-8.

    A replacement character standing bare is what nats-py makes of bytes that are no UTF-8.
    """
    if "\ufffd" in value:
        raise CloudEventError("encoding-invalid", attribute)
    if len(value) > 1 and value[0] == '"' and value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL)
    if "%" not in value:
        return value
    try:
        return unquote_to_bytes(value).decode("utf-8")
    except UnicodeError:
        raise CloudEventError("encoding-invalid", attribute) from None


def _quote(value: str) -> str:
    if _UNSAFE.search(value) is None:
        return value
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8")), value)


def _attributes(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in headers.items():
        if name[:3].lower() == "ce-":
            attribute = name[3:].lower()
            yield attribute, unquote(value, attribute)


def _convert(attributes: dict[str, str]) -> _Attributes:
    for name in ("specversion", "id", "source", "type", "subject", "time", "sequence"):
        if name not in attributes:
            raise CloudEventError("attribute-missing", name)
    try:
        return msgspec.convert(attributes, _Attributes)
    except (msgspec.ValidationError, UnicodeError) as error:
        raise CloudEventError("attribute-malformed", _place(error)) from None


def _decode_structured(mode: str, payload: bytes) -> tuple[Envelope, bytes]:
    if mode.partition(";")[0].strip().lower() != STRUCTURED_JSON:
        raise CloudEventError("format-unknown")
    try:
        found = _structured.decode(payload)
        data = bytes(found.data) or found.data_base64
    except (msgspec.MsgspecError, UnicodeError, binascii.Error) as error:
        raise CloudEventError("attribute-malformed", _place(error)) from None
    return _envelope(found), data


def _envelope(found: _Attributes) -> Envelope:
    if found.specversion != SPECVERSION:
        raise CloudEventError("specversion-unknown")
    if found.datacontenttype != JSON and found.datacontenttype.partition(";")[0].strip().lower() != JSON:
        raise CloudEventError("datacontenttype-unknown")
    digits = str(found.sequence)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and 0 < int(digits) <= _LAST_SEQUENCE):
        raise CloudEventError("attribute-malformed", "sequence")
    if not found.source or not found.type:
        raise CloudEventError("attribute-malformed", "type" if found.source else "source")
    return Envelope(
        id=found.id,
        source=found.source,
        type=found.type,
        dossier_id=found.subject,
        time=found.time,
        sequence=int(digits),
        causation_id=found.causationid,
        traceparent=found.traceparent,
    )


def _place(error: Exception) -> str:
    """The path in a msgspec error, without its keys or values: `$.results[...].code`, or a missing field's name."""
    text = str(error)
    place = re.search(r"at `\$([\w.\-\[\]]*)`$", text)
    missing = re.search(r"missing required field `([\w-]+)`", text)
    parts = [part for part in (place and place[1].lstrip("."), missing and missing[1]) if part]
    return ".".join(parts)

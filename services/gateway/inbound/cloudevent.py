"""What a partner sent, read as CloudEvents 1.0: one in JSON, many in JSON, or one in binary mode. Pure.

Whatever the bytes, it ends in an event or in a Problem: bytes that are not UTF-8, a key twice in one object, nesting
without end, numbers nobody can keep and data that is not what it is declared as are refused before anybody is asked.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from libs.contracts.cloudevents import SPECVERSION, STRUCTURED_JSON, CloudEventError, unquote
from libs.contracts.partner import JSON, SAYING_OF
from libs.http.bodies import decode_body
from libs.http.problems import FieldError, Problem

BATCH_JSON = "application/cloudevents-batch+json"
# What a body is, by its media type; anything else is an event in binary mode.
STRUCTURED = (STRUCTURED_JSON, BATCH_JSON)
BATCH_MAX = 100
TEXT_LENGTH_MAX = 255
_NAME = re.compile(r"[a-z0-9]{1,64}", re.ASCII)
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_MEDIA_TYPE = re.compile(r"[a-z0-9.+-]{1,64}/[a-z0-9.+-]{1,64}", re.ASCII)
_PREFIX = "ce-"
_Members = dict[str, msgspec.Raw]

_members = msgspec.json.Decoder(_Members)
_scalar = msgspec.json.Decoder(str | bool | int)


class InboundEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it came: `data` as it was sent, `attributes` those beyond the standard's own."""

    source: str
    id: str
    type: str
    subject: str = ""
    media_type: str = JSON
    data: bytes = b""
    attributes: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def identity(self) -> bytes:
        """SHA-256 of source and id: what makes two events the same one. Partners write them as they like."""
        return hashlib.sha256(f"{self.source}\n{self.id}".encode()).digest()

    def digest(self) -> bytes:
        """SHA-256 of what it says: blanks, the order of keys, its time and its trace do not count.

        Raises Problem 422 for numbers nobody can keep.
        """
        said = self.data
        if self.media_type == JSON and said:
            try:
                said = msgspec.json.encode(msgspec.json.decode(said), order="deterministic")
            except (ValueError, OverflowError, RecursionError):
                raise _malformed("data", "number-range", "Số nằm ngoài phạm vi cho phép") from None
        saying = SAYING_OF.get(self.type)
        told = [self.attributes.get(name, "") for name in saying.attributes] if saying else []
        head = msgspec.json.encode((self.type, self.subject, self.media_type, told))
        return hashlib.sha256(head + b"\n" + said).digest()


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a batch that is no event; what could be read of its identity, and why it is none."""

    source: str
    id: str
    problem: Problem


def read_structured(raw: bytes) -> InboundEvent:
    """The event of an `application/cloudevents+json` body. Raises Problem 400 or 422."""
    return _event(decode_body(raw, _Members))


def read_batch(raw: bytes) -> list[InboundEvent | Unreadable]:
    """The events of an `application/cloudevents-batch+json` body, in order. Raises Problem 400, 413 or 422."""
    found = decode_body(raw, list[msgspec.Raw])
    if len(found) > BATCH_MAX:
        raise Problem(413, "batch-too-long", "Quá nhiều sự kiện trong một lần gửi", f"Tối đa {BATCH_MAX}.")
    return [_member(each) for each in found]


def read_binary(headers: Mapping[str, str], content_type: str, body: bytes) -> InboundEvent:
    """The event of `ce-*` headers and a body of its own media type. Raises Problem 400 or 422."""
    found: dict[str, str] = {}
    for name, value in headers.items():
        if name[:3].lower() == _PREFIX:
            attribute = name[3:].lower()
            try:
                found[attribute] = unquote(value, attribute)
            except CloudEventError:
                raise _malformed(attribute, "encoding", "Giá trị không phải UTF-8") from None
    if "datacontenttype" in found:
        # In this mode it is the Content-Type (HTTP binding 3.1.1).
        raise _malformed("datacontenttype", "unknown-field", "Dùng tiêu đề Content-Type")
    if content_type:
        found["datacontenttype"] = content_type
    return _of_attributes(found, body)


def names_in(raw: bytes) -> tuple[str, str]:
    """`source` and `id` of a structured event that is none, as far as they can be read."""
    try:
        members = _members.decode(raw)
    except (ValueError, RecursionError):
        return "", ""
    return _named(members.get("source")), _named(members.get("id"))


def _member(raw: msgspec.Raw) -> InboundEvent | Unreadable:
    members: _Members = {}
    try:
        members = _members.decode(raw)
        return _event(members)
    except msgspec.ValidationError:
        problem = Problem(422, "event-malformed", "Không phải một sự kiện CloudEvents")
    except Problem as refused:
        problem = refused
    named = {name: _named(members.get(name)) for name in ("source", "id")}
    return Unreadable(source=named["source"], id=named["id"], problem=problem)


def _named(raw: msgspec.Raw | None) -> str:
    """An attribute that names the event, if it can be read at all."""
    try:
        value = msgspec.json.decode(raw or b'""')
    except ValueError:
        return ""
    return nameable(value) if isinstance(value, str) else ""


def nameable(value: str) -> str:
    """What can be a `source` or an `id`, as it is; anything else is repeated to nobody."""
    return value if _VISIBLE.fullmatch(value) else ""


def _event(members: _Members) -> InboundEvent:
    data, encoded = members.pop("data", None), members.pop("data_base64", None)
    if data is not None and encoded is not None:
        raise _malformed("data_base64", "twice", "Chỉ được có một trong data và data_base64")
    attributes: dict[str, str] = {}
    for name, raw in members.items():
        try:
            value = _scalar.decode(raw)
        except (ValueError, RecursionError):
            raise _malformed(name, "type", "Giá trị phải là chuỗi, số nguyên hoặc true/false") from None
        attributes[name] = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    content = bytes(data) if data is not None else b""
    if encoded is not None:
        try:
            content = msgspec.json.decode(encoded, type=bytes)
        except ValueError:
            raise _malformed("data_base64", "base64", "Dữ liệu base64 không hợp lệ") from None
    return _of_attributes(attributes, content)


def _of_attributes(attributes: dict[str, str], data: bytes) -> InboundEvent:
    """Check the attributes and the data against each other. Raises Problem 400 or 422."""
    for name in attributes:
        if not _NAME.fullmatch(name):
            raise _malformed("", "attribute-name", "Tên thuộc tính chỉ gồm chữ thường không dấu và số")
    for name in ("specversion", "source", "id", "type"):
        if name not in attributes:
            raise _malformed(name, "required", "Thiếu trường bắt buộc")
    if attributes.pop("specversion") != SPECVERSION:
        raise _malformed("specversion", "not-in-list", f"Phải là {SPECVERSION}")
    for name in ("source", "id", "type"):
        if not _VISIBLE.fullmatch(attributes[name]):
            raise _malformed(name, "pattern", "Từ 1 đến 255 ký tự ASCII không có dấu cách")
    subject = attributes.get("subject", "")
    if len(subject) > TEXT_LENGTH_MAX or not subject.isprintable():
        raise _malformed("subject", "pattern", "Không quá 255 ký tự in được")
    _check_time(attributes.pop("time", None))
    media_type = attributes.pop("datacontenttype", JSON).partition(";")[0].strip().lower()
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise _malformed("datacontenttype", "pattern", "Giá trị không đúng mẫu quy định")
    if media_type == JSON and data:
        # Once more for what stood in base64; what stood in the event was read strictly with it.
        decode_body(data, Any)
    named = {name: attributes.pop(name) for name in ("source", "id", "type")}
    attributes.pop("subject", None)
    attributes.pop("dataschema", None)
    return InboundEvent(**named, subject=subject, media_type=media_type, data=data, attributes=attributes)


def _check_time(time: str | None) -> None:
    """When it happened, as the sender says; nothing is decided by it, but it has to be a time."""
    try:
        if time is None or msgspec.convert(time, datetime).tzinfo is not None:
            return
    except ValueError:
        pass
    raise _malformed("time", "date-time", "Ngày giờ không đúng dạng RFC 3339")


def _malformed(attribute: str, code: str, message: str) -> Problem:
    return Problem(
        422,
        "event-malformed",
        "Không phải một sự kiện CloudEvents hợp lệ",
        errors=[FieldError(attribute if _NAME.fullmatch(attribute) else "", code, message)],
    )

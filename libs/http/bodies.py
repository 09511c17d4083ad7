"""Bodies: read within a size and a time, decoded strictly by msgspec, described in OpenAPI from the same types.

A body type forbids unknown fields, in every Struct inside it (`Body` is a ready base). Refused before any rule is
asked: bytes that are not UTF-8, a byte order mark, a key twice in one object, NaN and infinities, nesting beyond
NESTING_MAX, the NUL character (PostgreSQL cannot store it).
"""

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from libs.http.body_errors import field_error
from libs.http.problems import Problem

T = TypeVar("T")

BODY_BYTES_MAX = 1 << 20
# A slow sender holds a connection and memory; 1 MiB in 30 s is a 300 kbit/s line.
READ_TIMEOUT_SECONDS = 30.0
NESTING_MAX = 64
# Where the fingerprint of the body waits for libs.http.idempotency.
DIGEST_KEY = "mot_cua.body_digest"
_REFERENCE = "#/components/schemas/{name}"
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)

# Types that `body` described in this process; the application puts their schemas into /openapi.json.
DOCUMENTED: dict[str, dict[str, Any]] = {}

_DECODERS: dict[Any, msgspec.json.Decoder[Any]] = {}


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body a client sends: unknown fields are refused. Subclasses repeat `frozen=True, kw_only=True`."""


class MsgspecResponse(Response):
    """A JSON answer encoded by msgspec."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """`content` as JSON."""
        return msgspec.json.encode(content)


async def read_body(request: Request, type_: type[T], *, limit_bytes: int = BODY_BYTES_MAX) -> T:
    """The JSON body as `type_`.

    Raises Problem: 415 when it is not declared as JSON, 413 beyond `limit_bytes`, 408 when it comes too slowly, 400
    when it is not JSON, 422 when it does not fit the type (fields named, values never repeated).
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not content_type.endswith("+json"):
        raise Problem(415, detail="Nội dung phải là application/json.")
    raw = await read_bytes(request, limit_bytes=limit_bytes)
    value = decode_body(raw, type_)
    # A retry may write the same JSON with other blanks or in another order.
    canonical = msgspec.json.encode(msgspec.json.decode(raw), order="deterministic")
    request.scope[DIGEST_KEY] = hashlib.sha256(canonical).digest()
    return value


async def read_bytes(request: Request, *, limit_bytes: int = BODY_BYTES_MAX) -> bytes:
    """The raw body, read no further than `limit_bytes`. Raises Problem 413 or 408."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes)
    content = bytearray()
    try:
        async with asyncio.timeout(READ_TIMEOUT_SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > limit_bytes:
                    raise _too_large(limit_bytes)
    except TimeoutError:
        raise Problem(408, headers={"Connection": "close"}) from None
    raw = bytes(content)
    request.scope[DIGEST_KEY] = hashlib.sha256(raw).digest()
    return raw


def decode_body(raw: bytes, type_: type[T]) -> T:
    """`raw` JSON as `type_`, strictly. Raises Problem 400 or 422."""
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise _not_json("encoding", "Nội dung phải là UTF-8 không có BOM.")
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise _not_json("encoding", "Nội dung phải là UTF-8.") from None
    _bounded(raw)
    try:
        _STRICT_JSON.decode(text)
        value: T = _decoder(type_).decode(raw)
    except _DuplicateKey:
        raise _not_json("duplicate-key", "Một trường xuất hiện hai lần trong cùng một đối tượng.") from None
    except msgspec.ValidationError as error:
        raise Problem(422, errors=[field_error(str(error))]) from None
    except (ValueError, RecursionError):
        raise _not_json("malformed", "Nội dung không phải JSON hợp lệ.") from None
    return value


def body(type_: Any, *, answers: Mapping[int, Any] | None = None) -> dict[str, Any]:
    """The `openapi_extra` of an endpoint that reads `type_` and answers by status. Raises TypeError on a lax type."""
    _decoder(type_)
    described = described_answers(answers or {})
    described["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(type_)}}}
    return described


def described_answers(types: Mapping[int, Any], *, takes: Sequence[str] = ()) -> dict[str, Any]:
    """The `openapi_extra` of an endpoint without a JSON body: the types it answers by status; None: no content.

    `takes` are the media types of a body that is read as it is.
    """
    described: dict[str, Any] = {}
    for status, type_ in types.items():
        described[str(status)] = {"description": HTTPStatus(status).phrase}
        if type_ is not None:
            described[str(status)]["content"] = {"application/json": {"schema": _schema(type_)}}
    if not takes:
        return {"responses": described}
    raw = {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in takes}
    return {"responses": described, "requestBody": {"required": True, "content": raw}}


# Reads better where an endpoint has no body: `openapi_extra=answers({200: Page})`.
answers = described_answers


def _schema(type_: Any) -> dict[str, Any]:
    (schema,), components = msgspec.json.schema_components([type_], ref_template=_REFERENCE)
    DOCUMENTED.update(components)
    return schema


def _decoder(type_: Any) -> msgspec.json.Decoder[Any]:
    """The decoder of a type, made once; TypeError when the type would let unknown fields pass."""
    known = _DECODERS.get(type_)
    if known is not None:
        return known
    _forbids_unknown(msgspec.inspect.type_info(type_), set())
    return _DECODERS.setdefault(type_, msgspec.json.Decoder(type_))


def _forbids_unknown(info: Any, seen: set[type]) -> None:
    """Walk the type; TypeError names the first Struct that would ignore unknown fields of a client."""
    if isinstance(info, msgspec.inspect.StructType):
        if info.cls in seen:
            return
        seen.add(info.cls)
        if not info.forbid_unknown_fields:
            raise TypeError(f"{info.cls.__name__} is read from clients and must forbid unknown fields")
        for field in info.fields:
            _forbids_unknown(field.type, seen)
        return
    for name in ("item_type", "key_type", "value_type"):
        if (inner := getattr(info, name, None)) is not None:
            _forbids_unknown(inner, seen)
    inner_types = getattr(info, "item_types", None) or getattr(info, "types", None) or ()
    for inner in inner_types:
        _forbids_unknown(inner, seen)


class _DuplicateKey(ValueError):
    pass


def _pairs(pairs: list[tuple[str, Any]]) -> None:
    # The values are not needed: msgspec decodes them; only the keys are looked at here.
    if len(pairs) != len({key for key, _ in pairs}):
        raise _DuplicateKey


def _no_constant(_name: str) -> None:
    raise ValueError("NaN and infinities are not JSON")


_STRICT_JSON = json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_no_constant)


def _bounded(raw: bytes) -> None:
    """Refuse NUL characters and nesting beyond NESTING_MAX; cheap for the bodies that have neither."""
    if b"\\u0000" in raw:
        raise _not_json("nul-character", "Nội dung chứa ký tự không được phép.")
    if raw.count(b"[") + raw.count(b"{") <= NESTING_MAX:
        return
    depth = 0
    for byte in _STRING.sub(b"", raw):
        if byte in b"[{":
            depth += 1
            if depth > NESTING_MAX:
                raise _not_json("nesting", "Nội dung lồng nhau quá sâu.")
        elif byte in b"]}":
            depth -= 1


def _not_json(code: str, detail: str) -> Problem:
    return Problem(400, f"bad-json-{code}", "Nội dung không đọc được", detail)


def _too_large(limit_bytes: int) -> Problem:
    return Problem(413, detail=f"Giới hạn là {limit_bytes // 1024} KiB.", headers={"Connection": "close"})

"""The receiver's signature as a picture: checked by its content, kept in the archive, shown on the receipt. Pure.

A device sends what was drawn as the data of an SVG path, or as a PNG. The SVG itself is written here, so that nothing
but strokes can stand in it.
"""

import base64
import binascii
import hashlib
import re
import struct
import zlib
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from libs.http.bodies import Body
from libs.http.problems import FieldError, Problem

PIXELS_MAX = 2000
PNG_BYTES_MAX = 64 << 10
# A signature of some seconds at sixty points a second.
PATH_LENGTH_MAX = 20_000
_PNG = b"\x89PNG\r\n\x1a\n"
# How many numbers each command of a path takes at a time.
_NUMBERS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "Z": 0}
_TOKEN = re.compile(r"\s*,?\s*(?:([MLHVCSQTZmlhvcsqtz])|(-?\d{1,5}(?:\.\d{1,4})?))")
# Channels of each colour type of PNG, at eight bits or less; a signature pad writes no other.
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


class SignatureBody(Body, frozen=True, kw_only=True):
    """What was drawn: `data` is a PNG in base64, or the data of an SVG path on an area of `width` by `height`."""

    kind: Literal["png", "path"]
    data: Annotated[str, msgspec.Meta(min_length=1, max_length=(PNG_BYTES_MAX * 4) // 3 + 4)]
    width: Annotated[int, msgspec.Meta(ge=1, le=PIXELS_MAX)] = 600
    height: Annotated[int, msgspec.Meta(ge=1, le=PIXELS_MAX)] = 200


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature fit to be kept: its picture as SVG."""

    svg: bytes

    @property
    def sha256(self) -> str:
        """The hash of the picture, as the hand-over records it."""
        return hashlib.sha256(self.svg).hexdigest()

    def key(self, dossier_id: UUID) -> str:
        """Where it is kept: the same for the same picture, so that a repeated request leaves one."""
        return f"signatures/{dossier_id}/{self.sha256}.svg"


def read_signature(given: SignatureBody) -> Signature:
    """The signature. Raises Problem 422 when it is not what it says, too large, or nothing was drawn."""
    if given.kind == "path":
        drawn = _path(given.data)
        stroke = max(given.width, given.height) / 200
        inside = (
            f'<path d="{drawn}" fill="none" stroke="#000" stroke-width="{stroke}" stroke-linecap="round"/>'
        )
        return Signature(svg=_svg(given.width, given.height, inside))
    width, height, content = _png(given.data)
    picture = base64.b64encode(content).decode()
    inside = f'<image width="{width}" height="{height}" href="data:image/png;base64,{picture}"/>'
    return Signature(svg=_svg(width, height, inside))


def _svg(width: int, height: int, inside: str) -> bytes:
    frame = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>{inside}</svg>'.encode()


def _path(data: str) -> str:
    """The path written anew from its commands and numbers. Raises Problem 422."""
    if len(data) > PATH_LENGTH_MAX:
        raise _wrong("too_large", "Chữ ký quá dài, hãy ký lại.")
    commands: list[tuple[str, list[str]]] = []
    place, end = 0, len(data.rstrip())
    while place < end:
        found = _TOKEN.match(data, place)
        if found is None or not (commands or found[1]):
            raise _wrong("format", "Nét chữ ký không đọc được.")
        if found[1]:
            commands.append((found[1], []))
        else:
            commands[-1][1].append(found[2])
        place = found.end()
    if len(commands) < 2 and not (commands and len(commands[0][1]) > 2):
        raise _wrong("required", "Chưa có nét chữ ký nào.")
    for place, (command, numbers) in enumerate(commands):
        takes = _NUMBERS[command.upper()]
        fits = not numbers if takes == 0 else bool(numbers) and len(numbers) % takes == 0
        if not fits or (place == 0 and command not in "Mm"):
            raise _wrong("format", "Nét chữ ký không đọc được.")
    return " ".join(" ".join((command, *numbers)) for command, numbers in commands)


def _png(data: str) -> tuple[int, int, bytes]:
    """Width, height and bytes of a PNG whose every pixel is there. Raises Problem 422."""
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise _wrong("format", "Ảnh chữ ký không đọc được.") from None
    if len(content) > PNG_BYTES_MAX:
        raise _wrong("too_large", f"Ảnh chữ ký không được quá {PNG_BYTES_MAX >> 10} KiB.")
    try:
        width, height = _whole_png(content)
    except (ValueError, struct.error, zlib.error, IndexError):
        raise _wrong("format", "Tệp chữ ký không phải ảnh PNG hợp lệ.") from None
    return width, height, content


def _whole_png(content: bytes) -> tuple[int, int]:
    """Raises ValueError, struct.error or zlib.error when something of the picture is missing, wrong or too large."""
    if not content.startswith(_PNG):
        raise ValueError("signature")
    chunks, place = [], len(_PNG)
    while place < len(content):
        (length,) = struct.unpack_from(">I", content, place)
        kind, part = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        (checksum,) = struct.unpack_from(">I", content, place + 8 + length)
        if len(part) != length or zlib.crc32(kind + part) != checksum:
            raise ValueError("checksum")
        chunks.append((kind, part))
        place += 12 + length
    if chunks[0][0] != b"IHDR" or chunks[-1][0] != b"IEND":
        raise ValueError("order")
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if not (0 < width <= PIXELS_MAX and 0 < height <= PIXELS_MAX) or colour not in _CHANNELS:
        raise ValueError("size")
    if depth not in (1, 2, 4, 8) or (packing, filtering, interlaced) != (0, 0, 0):
        raise ValueError("kind")
    if colour == 3 and not any(kind == b"PLTE" for kind, _ in chunks):
        raise ValueError("palette")
    line = 1 + (width * depth * _CHANNELS[colour] + 7) // 8
    unpacked = zlib.decompressobj()
    packed = b"".join(part for kind, part in chunks if kind == b"IDAT")
    pixels = unpacked.decompress(packed, line * height + 1)
    if len(pixels) != line * height or any(pixels[row * line] > 4 for row in range(height)):
        raise ValueError("pixels")
    return width, height


def _wrong(code: str, message: str) -> Problem:
    errors = [FieldError("signature.data", code, message)]
    return Problem(422, "bad-signature", "Chữ ký chưa dùng được", errors=errors)

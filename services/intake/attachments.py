"""Which attachments are taken: PDF, JPEG, PNG and FHIR Bundles, told by their bytes, whole enough to be opened. Pure.

The name and the declared type of an upload prove nothing (ASVS 5.2.2). The check walks the structure of the file; it
does not decode pictures, and what it lets pass is only ever given back as a download.
"""

import zlib
from typing import Any, Literal

import msgspec

BYTES_MAX = 10 * 1024 * 1024
BYTES_MIN = 64
PIXELS_MAX = 100_000_000  # more than any scanner here; a decompression bomb for whoever opens it
CHUNKS_MAX = 20_000

MediaType = Literal["application/pdf", "image/jpeg", "image/png", "application/fhir+json"]
EXTENSIONS: dict[str, str] = {
    "application/pdf": "pdf",
    "image/jpeg": "jpg",
    "image/png": "png",
    "application/fhir+json": "json",
}
# What the gateway takes from a hospital's software; the electronic data of a certificate (NĐ 63/2024 Đ5).
BUNDLE_BYTES_MAX = 1024 * 1024

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
# Start of frame, all kinds, without DHT (C4), JPG (C8) and DAC (CC), which lie between them.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class NotTaken(Exception):
    """The content is not an attachment we take. `text` is for people, in Vietnamese."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


def media_type_of(content: bytes) -> MediaType:
    """The type of an attachment by its content. Raises NotTaken for any other type, a torso, or a bomb."""
    if len(content) > BYTES_MAX:
        raise NotTaken("too-large", f"Tệp lớn hơn {BYTES_MAX // (1024 * 1024)} MiB.")
    if content.startswith(b"%PDF-"):
        _check_pdf(content)
        return "application/pdf"
    if content.startswith(_JPEG):
        _check_jpeg(content)
        return "image/jpeg"
    if content.startswith(_PNG):
        _check_png(content)
        return "image/png"
    if content.startswith(b"{"):
        _check_bundle(content)
        return "application/fhir+json"
    raise NotTaken("type", "Chỉ nhận tệp PDF, JPEG hoặc PNG.")


def _broken(kind: str) -> NotTaken:
    return NotTaken("broken", f"Tệp {kind} bị hỏng hoặc bị cắt giữa chừng.")


def _check_bundle(content: bytes) -> None:
    """A Bundle is kept as it was sent; what it says was judged before it came here."""
    if len(content) > BUNDLE_BYTES_MAX:
        raise NotTaken("too-large", "Bundle FHIR lớn hơn 1 MiB.")
    try:
        found: dict[str, Any] = msgspec.json.decode(content, type=dict)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise _broken("FHIR") from None
    if found.get("resourceType") != "Bundle":
        raise NotTaken("type", "Tệp JSON chỉ được là một Bundle FHIR.")


def _check_pdf(content: bytes) -> None:
    tail = content[-2048:]
    if len(content) < BYTES_MIN or b"%%EOF" not in tail or b"startxref" not in tail:
        raise _broken("PDF")
    # A document that runs a program or opens others when read has no place in a dossier.
    if b"/JavaScript" in content or b"/Launch" in content or b"/EmbeddedFile" in content:
        raise NotTaken("active-content", "Tệp PDF chứa mã lệnh hoặc tệp đính kèm, không được nhận.")


def _check_png(content: bytes) -> None:
    at = len(_PNG)
    for index in range(CHUNKS_MAX):
        length = int.from_bytes(content[at : at + 4])
        kind, end = content[at + 4 : at + 8], at + 12 + length
        if len(content) < end or zlib.crc32(content[at + 4 : end - 4]) != int.from_bytes(
            content[end - 4 : end]
        ):
            raise _broken("PNG")
        if index == 0:
            if kind != b"IHDR" or length != 13:
                raise _broken("PNG")
            _check_pixels(
                int.from_bytes(content[at + 8 : at + 12]), int.from_bytes(content[at + 12 : at + 16])
            )
        if kind == b"IEND":
            if end != len(content):
                raise NotTaken("appended", "Tệp ảnh có dữ liệu lạ ở phần cuối.")
            return
        at = end
    raise _broken("PNG")


def _check_jpeg(content: bytes) -> None:
    at, framed = 2, False
    for _ in range(CHUNKS_MAX):
        if content[at : at + 1] != b"\xff" or at + 4 > len(content):
            raise _broken("JPEG")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _STANDALONE:
            at += 2
            continue
        length = int.from_bytes(content[at + 2 : at + 4])
        if length < 2 or at + 2 + length > len(content):
            raise _broken("JPEG")
        if marker in _FRAMES:
            _check_pixels(int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7]))
            framed = True
        if marker == 0xDA:
            # What follows is the picture itself; cameras may add bytes after its end, but not many.
            if not framed or content.rfind(b"\xff\xd9") < max(at, len(content) - 65_536):
                raise _broken("JPEG")
            return
        at += 2 + length
    raise _broken("JPEG")


def _check_pixels(width: int, height: int) -> None:
    if not 0 < width * height <= PIXELS_MAX:
        raise NotTaken("pixels", "Ảnh quá lớn hoặc không có điểm ảnh nào.")

"""A signature is a picture, or it is refused: strokes only, within a size, whole."""

import base64
import struct
import zlib

import pytest

from libs.http.problems import Problem
from services.results.signatures import PATH_LENGTH_MAX, PNG_BYTES_MAX, SignatureBody, read_signature

STROKES = "M10 20 L30.5,-4 40 50 C1 2 3 4 5 6 l2 2 z"


def png(width: int = 8, height: int = 4, pixels: bytes | None = None, **header: int) -> bytes:
    """A grey picture."""
    told = {"depth": 8, "colour": 0, "packing": 0, "filtering": 0, "interlaced": 0} | header
    rows = pixels if pixels is not None else (b"\x00" + b"\xff" * width) * height
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, *told.values())),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    body = b"".join(
        struct.pack(">I", len(part)) + kind + part + struct.pack(">I", zlib.crc32(kind + part))
        for kind, part in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def of_png(content: bytes) -> SignatureBody:
    """A signature sent as this file."""
    return SignatureBody(kind="png", data=base64.b64encode(content).decode())


def test_strokes_become_a_picture_of_strokes_alone() -> None:
    """The same strokes give the same picture, under the same key."""
    first = read_signature(SignatureBody(kind="path", data=STROKES, width=300, height=100))
    again = read_signature(SignatureBody(kind="path", data=f"  {STROKES} ", width=300, height=100))
    assert b'd="M 10 20 L 30.5 -4 40 50 C 1 2 3 4 5 6 l 2 2 z"' in first.svg
    assert first.sha256 == again.sha256


@pytest.mark.parametrize(
    "data",
    [
        "",
        " ",
        "M10 20",
        "L10 20 L1 1",
        "M10 20 L1",
        "M10 20 L",
        "M10 20 Z5",
        '"/><script>alert(1)</script>',
        "M0 0 L1 1 url(#x)",
        "M0 0 L1e9 1",
        "M0 0 L123456 1",
        "M0 0 A1 1 0 0 0 1 1",
        "10 20 30 40",
        "M0 0 " + "L1 1 " * PATH_LENGTH_MAX,
    ],
)
def test_what_is_no_stroke_is_refused(data: str) -> None:
    """Nothing drawn, half a command, another command, markup, numbers beyond reason, far too much."""
    with pytest.raises(Problem) as refused:
        read_signature(SignatureBody(kind="path", data=data))
    assert refused.value.status == 422


def test_a_png_is_a_png_by_its_content() -> None:
    """It is kept within a picture of its size."""
    kept = read_signature(of_png(png()))
    assert b'width="8" height="4"' in kept.svg
    assert base64.b64encode(png()) in kept.svg


@pytest.mark.parametrize(
    "content",
    [
        b"GIF89a",
        b"\xff\xd8\xff\xe0",
        png()[:-5],
        png()[:20] + b"\x01" + png()[21:],
        png(pixels=b"\x00" * 10),
        png(pixels=(b"\x07" + b"\xff" * 8) * 4),
        png(pixels=b"\x00" * 10_000_000),
        png(width=100_000, pixels=b""),
        png(colour=9),
        png(depth=16),
        png(interlaced=1),
        png(colour=3),
        b"\x89PNG\r\n\x1a\n",
        png() + b"more",
    ],
)
def test_what_is_no_whole_png_is_refused(content: bytes) -> None:
    """Other files, cut or changed ones, bombs, kinds no signature pad writes."""
    with pytest.raises(Problem) as refused:
        read_signature(of_png(content))
    assert refused.value.status == 422


def test_a_large_file_and_no_base64_are_refused() -> None:
    """Before anything in it is looked at."""
    for given in (of_png(b"\x00" * (PNG_BYTES_MAX + 1)), SignatureBody(kind="png", data="không phải")):
        with pytest.raises(Problem):
            read_signature(given)

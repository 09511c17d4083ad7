"""What attachments are taken: any bytes get an answer, and a torso of a good file is none."""

import io
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from services.intake.attachments import NotTaken, media_type_of


def picture(kind: str) -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (10, 120, 30)).save(out, kind)
    return out.getvalue()


PICTURES = {"PNG": picture("PNG"), "JPEG": picture("JPEG")}


@given(st.sampled_from([b"", b"%PDF-1.7\n", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"]), st.binary(max_size=400))
def test_any_bytes_are_judged(head: bytes, rest: bytes) -> None:
    """No bytes make the check fail in another way than NotTaken."""
    try:
        found = media_type_of(head + rest)
    except NotTaken:
        return
    assert found in ("application/pdf", "image/jpeg", "image/png")


@given(st.sampled_from(sorted(PICTURES)), st.floats(0, 0.97))
def test_a_torso_is_refused(kind: str, part: float) -> None:
    """A picture cut off on its way is no attachment."""
    whole = PICTURES[kind]
    assert media_type_of(whole).endswith(kind.lower())
    with pytest.raises(NotTaken):
        media_type_of(whole[: int(len(whole) * part)])


def test_a_bomb_is_refused() -> None:
    """A picture of a few bytes that would unpack into gigabytes is refused by its size in pixels."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    with pytest.raises(NotTaken) as refused:
        media_type_of(b"\x89PNG\r\n\x1a\n" + chunk)
    assert refused.value.code == "pixels"

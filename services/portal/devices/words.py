"""Words for devices. Pure."""

from collections.abc import Mapping

# Those a city can use today.
KINDS: Mapping[str, str] = {"kiosk": "Máy tra cứu", "board": "Bảng gọi số"}
# identity knows these, too.
_OTHERS: Mapping[str, str] = {"counter": "Màn hình quầy", "tablet": "Máy tính bảng đánh giá"}


def kind_words(kind: str) -> str:
    """What such a device is called."""
    return KINDS.get(kind) or _OTHERS.get(kind, kind)

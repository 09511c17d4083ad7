"""The style sheet: what is written can be read."""

import re
from pathlib import Path

import pytest

CSS = Path("services/portal/static/portal.css")
PAIR = re.compile(r"\.(tag-[a-z]+)[^{]*\{[^}]*?color: (#[0-9a-f]{6});(?: background: (#[0-9a-f]{6});)?")
TOKEN = re.compile(r"--([a-z-]+): (#[0-9a-f]{3,6});")


def _luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[start : start + 2], 16) / 255 for start in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_status_can_be_read() -> None:
    """Seven to one at least (interface a1); the usual colours of local portals have three."""
    pairs = PAIR.findall(CSS.read_text())
    assert len(pairs) >= 7
    for name, front, back in pairs:
        assert contrast(front, back or "#ffffff") >= 7, name


@pytest.mark.parametrize(
    ("front", "back"),
    [
        ("ink", "paper"),
        ("soft", "paper"),
        ("soft", "shade"),
        ("wrong", "paper"),
        ("wrong", "wrong-shade"),
        ("lead", "shade"),
        ("lead-ink", "lead"),
    ],
)
def test_every_text_can_be_read(front: str, back: str) -> None:
    """Text on the colours it stands on."""
    tokens = dict(TOKEN.findall(CSS.read_text()))
    assert contrast(tokens[front], tokens[back]) >= 7


def test_lines_leave_room_for_stacked_marks() -> None:
    """Capitals such as Ẳ need 1.48 em: no line may be lower than 1.5."""
    heights = re.findall(r"line-height: ([\d.]+)|font: [^;]*?/([\d.]+)", CSS.read_text())
    assert heights
    assert all(float(one or other) >= 1.5 for one, other in heights)

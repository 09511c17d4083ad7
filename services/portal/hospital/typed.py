"""What a maternity desk types, read: times of day and weights. Pure; None is for what cannot be meant."""

import re
from datetime import time

# What intake takes for a newborn; outside are kilograms or a slip.
WEIGHT_GRAMS = range(200, 8001)
_CLOCK = re.compile(r"(\d{1,2})(?:\s*(?:giờ|h|g|:|\.)\s*|(?=\d{2}$))(\d{2})?(?:\s*(?:phút|p))?")
_KILOGRAMS = re.compile(r"(\d{1,2})[.,](\d{1,3})(?:\s*kg)?")
_GRAMS = re.compile(r"(\d{3,5})(?:\s*(?:g|gam|gram))?")
_THOUSANDS = re.compile(r"(\d)\.(\d{3})(?:\s*(?:g|gam|gram))?")


def clock_of(text: str) -> time | None:
    """The time of day somebody typed: 14:05, 14h05, 1405, 14 giờ 05 phút."""
    found = _CLOCK.fullmatch(text.strip().lower())
    if found is None:
        return None
    try:
        return time(int(found[1]), int(found[2] or 0))
    except ValueError:
        return None


def grams_of(text: str) -> int | None:
    """The weight of a newborn somebody typed, in grams: 3100, 3.100 g, 3,1 kg."""
    text = text.strip().lower()
    if whole := (_GRAMS.fullmatch(text) or _THOUSANDS.fullmatch(text)):
        return int("".join(whole.groups()))
    if kilograms := _KILOGRAMS.fullmatch(text):
        return int(kilograms[1]) * 1000 + int(kilograms[2].ljust(3, "0"))
    return None

"""The commune an address on an identity card lies in today. Pure, over the units of the catalogue.

Cards print names without codes, and those printed before 2025-07-01 name districts and provinces that are no more.
"""

import re
from collections.abc import Sequence
from datetime import date, timedelta

from libs.catalogue.folding import fold
from libs.catalogue.units import Unit, Units

# The day districts ended (Luật 72/2025/QH15); cards of before name units as they were the day before.
MERGED = date(2025, 7, 1)
_KIND = re.compile(
    r"(?:thanh pho|thi tran|thi xa|dac khu|phuong|huyen|quan|tinh|xa)\s+|(?:tp|tt|tx|p|x|h|t|q)[. ]\s*"
)


def communes_of(units: Units, address: str, on: date) -> tuple[Unit, ...]:
    """The communes of the day `on` the address may lie in: one when it is sure, several when the old one was split."""
    parts = [part.strip() for part in address.split(",") if part.strip()]
    old = _named(units, parts, 3, MERGED - timedelta(days=1))
    found: dict[str, Unit] = {}
    for unit in old:
        resolved = units.resolve(unit.code, on=on, stated_on=MERGED - timedelta(days=1))
        found |= {each.code: each for each in resolved.units}
    if not old:
        found = {unit.code: unit for unit in _named(units, parts, 2, on)}
    return tuple(found.values())


def _named(units: Units, parts: Sequence[str], levels: int, on: date) -> list[Unit]:
    """Units of the day whose names, from the commune upward, are the last `levels` parts of the address."""
    if len(parts) < levels:
        return []
    wanted = [_bare(part) for part in parts[-levels:]]
    hits = units.search(" ".join(wanted), on, limit=50)
    return [unit for unit in hits if [_bare(name) for name in unit.full_name.split(", ")] == wanted]


def _bare(name: str) -> str:
    """The folded name without what kind of unit it is."""
    return _KIND.sub("", fold(name), count=1) if _KIND.match(fold(name)) else fold(name)

"""Rounds into figures: medians with their spread, ratios taken within a round, a table, and a place to keep them."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results.json"
console = Console(width=110)


class Spread(msgspec.Struct, frozen=True):
    """Median, least and greatest of some rounds."""

    median: float
    least: float
    greatest: float
    rounds: int

    def text(self, digits: int = 0) -> str:
        """`median (least-greatest)`."""
        return f"{self.median:,.{digits}f} ({self.least:,.{digits}f}–{self.greatest:,.{digits}f})"


class Aim(msgspec.Struct, frozen=True, kw_only=True):
    """What issue 2 asks of a figure, and whether it was reached."""

    what: str
    aimed: str
    found: str
    reached: bool


class Section(msgspec.Struct, kw_only=True):
    """One part of docs/performance.md: a table, the aims and the settings it was measured with."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    aims: tuple[Aim, ...] = ()
    settings: tuple[str, ...] = ()
    measured_at: str = ""
    raw: dict[str, Any] = {}


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    return Spread(statistics.median(values), min(values), max(values), len(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Ours to theirs, round by round: what disturbed a round disturbed both."""
    return spread([one / other for one, other in zip(ours, theirs, strict=True) if other])


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def at_least(what: str, found: float, aimed: float, *, digits: int = 2, unit: str = "") -> Aim:
    """An aim that is reached from `aimed` upwards."""
    return Aim(
        what=what, aimed=f"≥ {aimed:g}{unit}", found=f"{found:,.{digits}f}{unit}", reached=found >= aimed
    )


def at_most(what: str, found: float, aimed: float, *, digits: int = 0, unit: str = "") -> Aim:
    """An aim that is reached up to `aimed`."""
    return Aim(
        what=what, aimed=f"≤ {aimed:g}{unit}", found=f"{found:,.{digits}f}{unit}", reached=found <= aimed
    )


def show(section: Section) -> None:
    """Print a section."""
    table = Table(title=section.title, title_justify="left")
    for place, column in enumerate(section.columns):
        table.add_column(column, justify="left" if place == 0 else "right")
    for row in section.rows:
        table.add_row(*row)
    console.print(table)
    for aim in section.aims:
        mark = "[green]reached[/]" if aim.reached else "[red]missed[/]"
        console.print(f"  {mark}  {aim.what}: {aim.found} (aim {aim.aimed})")


def keep(name: str, section: Section) -> None:
    """Write a section into bench/results.json beside the others."""
    found = load()
    found[name] = section
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))


def load() -> dict[str, Section]:
    """Every section measured so far on this machine."""
    try:
        return msgspec.json.decode(RESULTS.read_bytes(), type=dict[str, Section])
    except FileNotFoundError:
        return {}

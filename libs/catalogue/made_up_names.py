"""Names for people who do not exist, from the word lists of `catalogue/names`."""

import csv
import random
from pathlib import Path
from typing import Self

import msgspec


class MadeUpNames(msgspec.Struct, frozen=True, kw_only=True):
    """Family names with their share of the population, and given names with their middle name."""

    surnames: tuple[str, ...]
    shares: tuple[float, ...]
    female: tuple[str, ...]
    male: tuple[str, ...]

    @classmethod
    def load(cls, catalogue: str | Path) -> Self:
        """The lists of a catalogue. Raises OSError when one is missing."""
        folder = Path(catalogue) / "names"
        with (folder / "surnames.csv").open(encoding="utf-8", newline="") as file:
            # The rarest names of the list have no share; they are left out.
            named = [(row["romanized"].split("/")[0], row["percent"]) for row in csv.DictReader(file)]
        rows = [(name, float(share)) for name, share in named if share]
        female, male = (
            tuple(line for line in (folder / name).read_text(encoding="utf-8").splitlines() if line)
            for name in ("given_female.txt", "given_male.txt")
        )
        return cls(
            surnames=tuple(name for name, _ in rows),
            shares=tuple(share for _, share in rows),
            female=female,
            male=male,
        )

    def person(self, pick: random.Random, *, female: bool) -> str:
        """A whole name: family name by how usual it is, then any given name."""
        return f"{pick.choices(self.surnames, self.shares)[0]} {pick.choice(self.female if female else self.male)}"

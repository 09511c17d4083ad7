"""Made-up people named as the country is: surnames in their shares (38 % Nguyễn), usual middle and given names."""

import csv
import random

from bench.machine import ROOT

NAMES = ROOT / "catalogue/names"
# Shares of the two middle names that say woman and man. [judgement]
THI, VAN = 0.6, 0.5


class People:
    """Names of people who do not exist; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        with (NAMES / "surnames.csv").open(encoding="utf-8", newline="") as file:
            rows = [(row["romanized"].split("/")[0], row["percent"]) for row in csv.DictReader(file)]
        self._surnames = [name for name, share in rows if share]
        self._shares = [float(share) for _, share in rows if share]
        self._women, self._men = (
            [line for line in (NAMES / name).read_text(encoding="utf-8").splitlines() if line]
            for name in ("given_female.txt", "given_male.txt")
        )

    def woman(self) -> str:
        """A woman's whole name."""
        return self._named(self._women, "Thị", THI)

    def man(self) -> str:
        """A man's whole name."""
        return self._named(self._men, "Văn", VAN)

    def child(self, father: str) -> str:
        """A child's name after its father's."""
        return f"{father.split(maxsplit=1)[0]} {self._random.choice(self._random.choice((self._women, self._men)))}"

    def _named(self, given: list[str], middle: str, share: float) -> str:
        surname = self._random.choices(self._surnames, self._shares)[0]
        own = self._random.choice(given)
        if self._random.random() >= share:
            return f"{surname} {own}"
        return f"{surname} {middle} {own if self._random.random() < 0.5 else own.split()[-1]}"

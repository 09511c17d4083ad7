"""Reasons an officer may choose from, by move: codes that may stand in events, with the words people read."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import combinations
from typing import Literal

import msgspec

Move = Literal["refuse", "supplement-request", "return", "lapse"]
MOVES: tuple[Move, ...] = ("refuse", "supplement-request", "return", "lapse")


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One reason, in force from `effective_from` to `effective_to` (both days included).

    `legal_basis` is what the paper that gives the reason rests on.
    """

    code: str
    name_vi: str
    effective_from: date
    legal_basis: str = ""
    effective_to: date | None = None

    def in_force(self, on: date) -> bool:
        """Whether it may be chosen on the day."""
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)


Reasons = Mapping[Move, tuple[Reason, ...]]


def faults_of_reasons(reasons: Reasons) -> Iterator[str]:
    """What is wrong with the lists: a move without reasons, or two of one code in force on one day."""
    for move in MOVES:
        if not reasons.get(move):
            yield f"reasons.yaml: no reason for {move}"
        for one, other in combinations(reasons.get(move, ()), 2):
            if one.code == other.code and (
                one.in_force(other.effective_from) or other.in_force(one.effective_from)
            ):
                yield f"reasons.yaml: {move} has the reason {one.code} twice"

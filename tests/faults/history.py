"""The history checker: what the tester was told and what everybody held at the end, against what we promise.

Invariants I1-I8 of the delivery reference: conservation, derivability, completeness, once-effects, order, timers,
legal transitions, idempotent edge; and that nothing waits for ever once the faults are over.
"""

from collections import Counter
from collections.abc import Sequence

from tests.faults.conservation import check_conservation
from tests.faults.delivery import check_delivery
from tests.faults.lives import check_lives
from tests.faults.record import History, Violation

SHOWN_MAX = 40


def check(history: History) -> list[Violation]:
    """Every statement that does not hold of this history; empty when all do. Pure."""
    return [*check_conservation(history), *check_delivery(history), *check_lives(history)]


def report(violations: Sequence[Violation]) -> str:
    """The violations in words: how many of each, and the first of them one by one."""
    if not violations:
        return "no violation"
    counts = Counter(violation.name for violation in violations)
    lines = [f"{count} x {name}" for name, count in counts.most_common()]
    left = Counter(v.detail for v in violations if v.name == "waits-for-ever")
    lines += [f"  {count} x {what}" for what, count in left.most_common()]
    for each in [v for v in violations if v.name != "waits-for-ever" or left[v.detail] < 4][:SHOWN_MAX]:
        place = f" ({each.place})" if each.place else ""
        lines.append(f"  {each.name}{place} {each.key} {each.detail}")
    return "\n".join(lines)

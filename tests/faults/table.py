"""The rounds of faults as a table for a terminal."""

from rich.table import Table

from tests.faults.round import Verdict


def table_of(verdicts: list[tuple[Verdict, float]]) -> Table:
    """One row a round; each verdict with how long its round took, in seconds."""
    table = Table(title="A city under faults")
    columns = (
        "seed",
        "faults",
        "accepted",
        "without NATS",
        "closed",
        "events",
        "drain s",
        "all s",
        "violations",
    )
    for name in columns:
        table.add_column(name, justify="right")
    for verdict, seconds in verdicts:
        table.add_row(
            str(verdict.seed),
            str(len(verdict.faults)),
            str(verdict.accepted),
            str(verdict.accepted_without_nats),
            str(verdict.closed),
            str(verdict.events),
            f"{verdict.drained_seconds:.0f}",
            f"{seconds:.0f}",
            str(len(verdict.violations)),
        )
    return table

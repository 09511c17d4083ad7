"""`python -m tests.faults [--long] [--seed N] [--rounds N] [--minutes M]`: rounds of faults and a table.

Exits 1 when a promise was broken.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from rich.console import Console

from tests.faults import plans
from tests.faults.round import Verdict, play
from tests.faults.table import table_of
from tests.faults.workload import Settings

SHORT_DRAIN_SECONDS, LONG_DRAIN_SECONDS = 100, 300
MINUTES_MAX, ROUNDS_MAX = 240, 100


def main() -> int:
    """Play the rounds asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="A city under faults")
    parser.add_argument("--long", action="store_true", help="long rounds drawn from the seed")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(100_000), help="of the first round")
    parser.add_argument("--rounds", type=int, default=1, help=f"how many (at most {ROUNDS_MAX})")
    parser.add_argument("--minutes", type=float, default=10, help="of faults in a long round")
    parser.add_argument(
        "--away-seconds", type=float, default=180, help="how long NATS is away, once a long round"
    )
    parser.add_argument("--keep", type=Path, help="keep folders of cities, logs and journals here")
    options = parser.parse_args()
    if not 0 < options.minutes <= MINUTES_MAX or not 0 < options.rounds <= ROUNDS_MAX:
        parser.error(f"at most {MINUTES_MAX} minutes and {ROUNDS_MAX} rounds")
    console = Console()
    verdicts = []
    for seed in range(options.seed, options.seed + options.rounds):
        console.print(f"round with seed {seed} …")
        began = time.monotonic()
        verdict = _round(seed, options)
        verdicts.append((verdict, time.monotonic() - began))
        console.print(verdict.text, markup=False)
    console.print(table_of(verdicts))
    failed = [str(v.seed) for v, _ in verdicts if v.violations or v.refused]
    if failed:
        console.print(f"[red]failed:[/] seed {', '.join(failed)}; repeat with --seed")
    return 1 if failed else 0


def _round(seed: int, options: argparse.Namespace) -> Verdict:
    with ExitStack() as stack:
        if options.keep:
            folder = options.keep / str(seed)
            folder.mkdir(parents=True)
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mot-cua-faults-")))
        # PostgreSQL runs as another user when we are root.
        folder.chmod(0o755)
        if options.long:
            plan = partial(plans.long, seed=seed, minutes=options.minutes, away_seconds=options.away_seconds)
            settings = Settings(seed=seed, per_second=3, dossiers_max=20_000)
            return asyncio.run(play(folder, plan, settings, drain_seconds=LONG_DRAIN_SECONDS, render=True))
        settings = Settings(seed=seed, per_second=4, dossiers_max=400)
        return asyncio.run(play(folder, plans.short, settings, drain_seconds=SHORT_DRAIN_SECONDS))


if __name__ == "__main__":
    sys.exit(main())

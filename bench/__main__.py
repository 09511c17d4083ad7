"""`python -m bench [part …]`: measure, print, keep in bench/results.json and write docs/performance.md."""

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import uvloop

from bench import report
from bench.accept import run as accept
from bench.figures import Section, console, keep, show
from bench.growth import run as growth
from bench.hop import run as hop
from bench.load import run as whole
from bench.pages import run as pages
from bench.screens import run as screens
from bench.search import run as search
from bench.webhooks import run as webhooks

Part = Callable[[], Awaitable[Section]]

PARTS: dict[str, Part] = {
    "hop": hop.run,
    "pipeline": whole.pipeline,
    "latency": whole.latency,
    "accept": accept.run,
    "forced": growth.forced,
    "growth": growth.growth,
    "memory": growth.memory,
    "search": search.run,
    "pages": pages.run,
    "screens": screens.run,
    "webhooks": webhooks.run,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the named parts, or all."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)} (default: all)")
    names = parser.parse_args(arguments).parts or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)} (there are {', '.join(PARTS)})")
    uvloop.run(_measure(names))


async def _measure(names: Sequence[str]) -> None:
    for name in names:
        console.rule(name)
        began = time.monotonic()
        section = await PARTS[name]()
        section.measured_at = datetime.now(UTC).strftime("%Y-%m-%d")
        show(section)
        keep(name, section)
        console.print(f"  ({time.monotonic() - began:.0f} s)")
        await asyncio.to_thread(report.write)


if __name__ == "__main__":
    main()

"""`python -m libs.bus keeper` keeps streams and durables; `python -m libs.bus topology` reconciles them once.

`forget-durables <service>` lets a service hear everything again from the first message (docs/runbook.md).
`keeper-alive` and `keeper-ready` ask the file that a running keeper notes its turns in (HEARTBEAT_FILE) and exit 1
when it does not turn, or when the streams were not all there at its last turn.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from libs.bus.heartbeat import is_alive, is_ready


def ask_keeper(question: Callable[[Path], bool]) -> int:
    """Exit status of a probe: 0 when the keeper's file says yes."""
    file = os.environ.get("HEARTBEAT_FILE")
    if not file:
        sys.stderr.write("bad setting: HEARTBEAT_FILE is missing\n")
    return 0 if file and question(Path(file)) else 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["keeper-alive"]:
            sys.exit(ask_keeper(is_alive))
        case ["keeper-ready"]:
            sys.exit(ask_keeper(is_ready))
        case arguments:
            # Not above: a probe comes every few seconds, and would spend most of one loading what it does not need.
            from libs.bus.commands import run

            run(arguments, dict(os.environ))

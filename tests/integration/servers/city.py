"""Started by tests as a process of its own: runs both servers in a folder, says where, and waits for its end.

python -m tests.integration.servers.city <folder>
"""

import asyncio
import json
import os
import sys
from pathlib import Path

from deploy.local.nats_server import NatsServer
from deploy.local.postgres import EmbeddedPostgres


async def main(folder: Path) -> None:
    """Print one line of JSON when both answer; stop both when standard input closes."""
    async with EmbeddedPostgres(folder / "postgres") as postgres, NatsServer(folder / "nats") as nats:
        ready = {"uid": os.geteuid(), "postgres": postgres.pid, "nats": nats.pid, "dsn": postgres.admin_dsn}
        print(json.dumps(ready), flush=True)  # noqa: T201 - how the test hears of it
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))

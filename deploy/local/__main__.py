"""`python -m deploy.local run|demo`: start the city, play a day in it; `run` keeps it running until Ctrl-C."""

import asyncio
import sys

from deploy.local.server_folder import ServerError
from deploy.local.show import show

if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in ("run", "demo"):
        sys.exit("python -m deploy.local run|demo")
    try:
        sys.exit(asyncio.run(show(stay=sys.argv[1] == "run")))
    except ServerError as error:
        sys.exit(f"Một Cửa: {error}")

"""`python -m libs.bus keeper` keeps streams and durables; `python -m libs.bus topology` reconciles them once."""

import asyncio
import os
import signal
import sys

import msgspec

from libs.bus.connection import NatsNotReached, api_level, close, connect
from libs.bus.jetstream import ApiError
from libs.bus.keeper import Keeper, KeeperSettings
from libs.bus.permissions import KEEPER
from libs.bus.topology import API_LEVEL_MIN, TopologyRefused, TopologySettings, reconcile
from libs.telemetry.logs import configure_logs


class Settings(msgspec.Struct, frozen=True, rename=str.upper):
    """NATS_URL (the keeper's user), the two sizes of topology.py, LOG_LEVEL."""

    nats_url: str
    stream_replicas: int = 1
    stream_bytes_max: int = TopologySettings().stream_bytes_max
    log_level: str = "INFO"


class TooOld(Exception):
    """The server lacks what the streams need."""


async def main(command: str, settings: Settings) -> None:
    """Run `keeper` until a signal, or `topology` once (whose only output is what it changed)."""
    configure_logs(KEEPER, settings.log_level, stream=None if command == "keeper" else sys.stderr.buffer)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    topology = TopologySettings(replicas=settings.stream_replicas, stream_bytes_max=settings.stream_bytes_max)
    client = await connect(settings.nats_url, name=KEEPER, on_closed=stop.set)
    try:
        level = await api_level(client)
        if level < API_LEVEL_MIN:
            raise TooOld(
                f"nats-server has JetStream API level {level}, we need {API_LEVEL_MIN} (2.12 or newer)"
            )
        if command == "keeper":
            await Keeper(client, KeeperSettings(topology=topology)).run(stop)
        else:
            for change in await reconcile(client, topology):
                sys.stdout.write(f"{change}\n")
    finally:
        await close(client)


if __name__ == "__main__":
    if sys.argv[1:] not in (["keeper"], ["topology"]):
        sys.exit("usage: python -m libs.bus keeper|topology")
    try:
        asyncio.run(main(sys.argv[1], msgspec.convert(dict(os.environ), Settings, strict=False)))
    except (msgspec.ValidationError, ValueError) as error:
        sys.exit(f"bad setting: {error}")
    except (NatsNotReached, TopologyRefused, TooOld, ApiError) as error:
        sys.exit(f"{type(error).__name__}: {error}")

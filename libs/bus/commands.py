"""The commands of `python -m libs.bus` that speak to NATS: the keeper, and what is done once at an operator's shell."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from libs.bus.connection import NatsNotReached, api_level, close, connect
from libs.bus.jetstream import ApiError
from libs.bus.keeper import Keeper, KeeperSettings
from libs.bus.permissions import KEEPER
from libs.bus.topology import API_LEVEL_MIN, TopologyRefused, TopologySettings, forget_durables, reconcile
from libs.contracts.catalogue import SERVICES
from libs.telemetry.logs import configure_logs


class Settings(msgspec.Struct, frozen=True, rename=str.upper):
    """NATS_URL (the keeper's user), the two sizes of topology.py, LOG_LEVEL, HEARTBEAT_FILE (none without it)."""

    nats_url: str
    stream_replicas: int = 1
    stream_bytes_max: int = TopologySettings().stream_bytes_max
    log_level: str = "INFO"
    heartbeat_file: str | None = None


class TooOld(Exception):
    """The server lacks what the streams need."""


async def main(command: str, settings: Settings, service: str = "") -> None:
    """Run `keeper` until a signal, or `topology` or `forget-durables` once (their only output is what they changed)."""
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
            heartbeat = Path(settings.heartbeat_file) if settings.heartbeat_file else None
            await Keeper(client, KeeperSettings(topology=topology), heartbeat=heartbeat).run(stop)
        else:
            changes = forget_durables(client, service) if service else reconcile(client, topology)
            for change in await changes:
                sys.stdout.write(f"{change}\n")
    finally:
        await close(client)


def run(arguments: list[str], environment: Mapping[str, str]) -> None:
    """Do as the command line says. Raises SystemExit with one line for wrong words, settings and servers."""
    match arguments:
        case ["keeper" | "topology"]:
            named = ""
        case ["forget-durables", named] if named in SERVICES:
            pass
        case _:
            sys.exit(
                "usage: python -m libs.bus keeper|topology|keeper-alive|keeper-ready, "
                f"or forget-durables {'|'.join(SERVICES)}"
            )
    try:
        asyncio.run(main(arguments[0], msgspec.convert(environment, Settings, strict=False), named))
    except (msgspec.ValidationError, ValueError) as error:
        sys.exit(f"bad setting: {error}")
    except (NatsNotReached, TopologyRefused, TooOld, ApiError) as error:
        sys.exit(f"{type(error).__name__}: {error}")

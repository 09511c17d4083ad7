"""What tells a keeper that works from one that hangs, though it listens on no port."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from deploy.local.nats_server import NatsServer
from libs.bus import jetstream
from libs.bus.heartbeat import AGE_SECONDS_MAX, is_alive, is_ready
from libs.bus.keeper import Keeper
from tests.integration.bus.relay_rig import FAST_KEEPER, connected, running, until


async def test_a_keeper_without_nats_is_alive_and_not_ready(
    embedded_nats: NatsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on turning while the server is away, and is ready again when the streams are there."""
    file = tmp_path / "keeper"
    # A turn without the server lasts so long, and two are waited for.
    monkeypatch.setattr(jetstream, "REQUEST_TIMEOUT_SECONDS", 1.0)
    async with connected(embedded_nats.url, "keeper") as client:
        keeper = Keeper(client, FAST_KEEPER, heartbeat=file)
        assert not is_alive(file)
        async with running(keeper.run):
            await until(lambda: is_ready(file))
            await embedded_nats.stop()
            await until(lambda: not is_ready(file), seconds=15)
            turned = file.stat().st_mtime_ns
            await until(lambda: file.stat().st_mtime_ns != turned, seconds=15)
            assert is_alive(file)
            await embedded_nats.start()
            await until(lambda: is_ready(file), seconds=15)


async def test_the_probes_ask_the_file(tmp_path: Path) -> None:
    """`keeper-alive` fails without a turn in time, `keeper-ready` also when the last turn was not whole."""
    file = tmp_path / "keeper"
    assert await _probes(file) == (1, 1)
    file.write_text("waiting")
    assert await _probes(file) == (0, 1)
    file.write_text("ready")
    assert await _probes(file) == (0, 0)
    long_ago = file.stat().st_mtime - AGE_SECONDS_MAX
    os.utime(file, (long_ago, long_ago))
    assert await _probes(file) == (1, 1)


async def _probes(file: Path) -> tuple[int | None, ...]:
    async def probe(question: str) -> int | None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "libs.bus",
            question,
            env={"PATH": os.environ["PATH"], "HEARTBEAT_FILE": str(file)},
        )
        return await asyncio.wait_for(process.wait(), 20)

    return await probe("keeper-alive"), await probe("keeper-ready")

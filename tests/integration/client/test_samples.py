"""The samples of the developers' pages against a real gateway: killed and begun again, they go on where they were."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import pytest

from libs.bus.ids import new_id
from tests.fixtures.servers import ROOT
from tests.integration.client.conftest import Gateway
from tests.integration.gateway.conftest import HOSPITAL, accepted, received

pytestmark = pytest.mark.timeout(120)
SAMPLES = ROOT / "clients/samples"
PROGRAMS = {
    "python": (sys.executable, SAMPLES / "python/feed.py"),
    "javascript": (shutil.which("node") or "node", SAMPLES / "javascript/feed.mjs"),
}


@pytest.mark.parametrize("language", PROGRAMS)
async def test_a_sample_reads_the_feed(gateway: Gateway, tmp_path: Path, language: str) -> None:
    """Two events, then killed; one more is said, and it comes to the next run, once its page was saved."""
    key = tmp_path / "key.pem"
    key.write_bytes(gateway.key().private_pem())
    dossier = new_id()
    await gateway.house.say(dossier, received(), accepted())
    first = await run(gateway, language, key, lines=2)
    assert [line.split()[:2] for line in first] == [
        ["intake.dossier-received.v1", str(dossier)],
        ["intake.dossier-accepted.v1", str(dossier)],
    ]
    assert (tmp_path / "cursor").read_text().strip().endswith("-2")
    other = new_id()
    await gateway.house.say(other, received())
    assert [line.split()[1] for line in await run(gateway, language, key, lines=1)] == [str(other)]


async def run(gateway: Gateway, language: str, key: Path, *, lines: int) -> list[str]:
    """The first lines of a program that is killed a moment later."""
    child = await asyncio.create_subprocess_exec(
        *map(str, PROGRAMS[language]),
        gateway.url,
        HOSPITAL.code,
        str(key),
        "k1",
        cwd=key.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "clients/python/src")},
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    try:
        async with asyncio.timeout(20):
            found = [(await child.stdout.readline()).decode() for _ in range(lines)]
        await asyncio.sleep(0.5)
    finally:
        child.kill()
        await child.wait()
    return found

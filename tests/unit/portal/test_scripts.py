"""The rules the pages' scripts follow, tested by node where they run: scanned texts, suggestions, the outbox."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parent / "scripts").glob("*.test.mjs"))
SECONDS_MAX = 60


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_keep_their_rules(script: Path) -> None:
    """`node --test`; what it says is shown when something is wrong."""
    node = shutil.which("node")
    assert node, "node is needed for the tests of scripts"
    done = subprocess.run(
        [node, "--test", str(script)], capture_output=True, text=True, timeout=SECONDS_MAX, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]

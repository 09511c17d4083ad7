"""The official AsyncAPI schemas, installed from their npm package into .local/ at the pinned version."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".local" / "contracts"
PINNED = ("package.json", "package-lock.json", ".npmrc")
INSTALL_SECONDS_MAX = 120


@pytest.fixture(scope="session")
def asyncapi_schema() -> dict[str, Any]:
    """The JSON Schema of AsyncAPI 3.0.0 as its authors publish it."""
    path = INSTALLED / "node_modules/@asyncapi/specs/schemas/3.0.0-without-$id.json"
    if not path.exists() or any((HERE / name).read_bytes() != _installed(name) for name in PINNED):
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for name in PINNED:
            shutil.copyfile(HERE / name, INSTALLED / name)
        npm = shutil.which("npm")
        assert npm, "npm is needed once, to install the official AsyncAPI schemas"
        subprocess.run(
            [npm, "ci"], cwd=INSTALLED, check=True, capture_output=True, timeout=INSTALL_SECONDS_MAX
        )
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def _installed(name: str) -> bytes:
    path = INSTALLED / name
    return path.read_bytes() if path.exists() else b""

"""The client package stands alone: it is installed where nothing of ours is."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.sources import ROOT, imported, modules, tracked

PACKAGE = Path("clients/python/src/mot_cua")
# What only these modules need, and is installed for it (`[nats]`).
EXTRA = {PACKAGE / "straight" / name: {"nats"} for name in ("connecting.py", "feed.py", "inbox.py")}
# Who may know it: tests. It is for others.
KNOWING = {"tests", "clients"}


def project() -> dict[str, object]:
    """The package's own pyproject.toml."""
    found: dict[str, object] = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]
    return found


def test_it_imports_nothing_but_itself_and_what_it_names() -> None:
    """Nothing of libs or services, and no package beyond its dependencies."""
    dependencies = {str(name).partition(">")[0].replace("-", "_") for name in project()["dependencies"]}  # type: ignore[attr-defined]
    allowed = sys.stdlib_module_names | dependencies | {"mot_cua"}
    found = {
        f"{path}: {name}"
        for path in modules("clients")
        if path.is_relative_to("clients/python")
        for name in imported(path)
        if name.partition(".")[0] not in allowed | EXTRA.get(path, set())
    }
    assert found == set()


def test_nothing_of_ours_needs_it() -> None:
    """Services speak to each other as before; the package may change as partners need."""
    found = [
        str(path)
        for path in modules()
        if path.parts[0] not in KNOWING and any(name.split(".")[0] == "mot_cua" for name in imported(path))
    ]
    assert found == []


def test_it_is_typed_for_who_installs_it() -> None:
    """The marker of PEP 561 is in the package, and it is imported without what only a part needs."""
    assert PACKAGE / "py.typed" in tracked()
    shown = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, mot_cua; print(len(mot_cua.__all__) > 9, 'nats' in sys.modules)",
        ],
        env={"PYTHONPATH": str(ROOT / PACKAGE.parent)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (shown.returncode, shown.stdout.strip()) == (0, "True False"), shown.stderr


def test_one_version() -> None:
    """What it says of itself to the gateway is what is installed."""
    text = (ROOT / PACKAGE / "client.py").read_text()
    assert f'USER_AGENT = "mot-cua-client/{project()["version"]}"' in text

"""What the form of a birth loads is kept for the time without a network, down to the last import."""

import re
from pathlib import Path

from services import portal

STATIC = Path(portal.__path__[0]) / "static"
IMPORTED = re.compile(r"""(?:^|\n)(?:import|export)\b[^;]*?["'](\.{1,2}/[^"']+)["']""")


def test_every_script_that_is_kept_has_what_it_imports() -> None:
    """One that is missing would leave the page without any of them."""
    listed = re.search(r"const FILES = \[(.*?)\]", (STATIC / "hospital/worker.js").read_text(), re.DOTALL)
    assert listed
    kept = set(re.findall(r'"([^"]+)"', listed[1]))
    own = [name for name in kept if name.endswith(".js") and (STATIC / name).exists()]
    assert "page.js" in own
    missing = {
        (name, path)
        for name in own
        for found in IMPORTED.findall((STATIC / name).read_text())
        if (path := str(((STATIC / name).parent / found).resolve().relative_to(STATIC.resolve()))) not in kept
    }
    assert missing == set()

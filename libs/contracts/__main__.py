"""`python -m libs.contracts` writes what is made from the contracts: documents, and the client package's events.

`--check` says whether all of it is current.

It refuses to overwrite a schema by one that is not an additive change: publish a new version instead.
"""

import sys
from pathlib import Path

import msgspec

from libs.contracts.client_events import client_events
from libs.contracts.compatibility import breaking
from libs.contracts.documents import documents

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def stale(folder: Path = DOCS) -> list[str]:
    """The documents below `folder` that differ from what the contracts say now, and schemas of no event."""
    made = documents()
    differing = [name for name, content in made.items() if not _same(folder / name, content)]
    orphans = [f"schemas/{path.name}" for path in (folder / "schemas").glob("*.json")]
    return differing + sorted(set(orphans) - made.keys())


def stale_in_client() -> list[str]:
    """The modules of the client package's events that are not what the contracts say now."""
    return [name for name, content in client_events().items() if not _same(ROOT / name, content)]


def broken(folder: Path = DOCS) -> list[str]:
    """What in the contracts is no additive change of the schemas below `folder`."""
    found = []
    for name, content in documents().items():
        path = folder / name
        if name.startswith("schemas/") and path.exists():
            found += [
                f"{path.stem}{line.removeprefix('$')}"
                for line in breaking(msgspec.json.decode(path.read_bytes()), msgspec.json.decode(content))
            ]
    return found


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit status."""
    if found := broken():
        return _say("Not an additive change; add a .v2 beside it:", found)
    if "--check" in arguments:
        found = stale()
        found += stale_in_client()
        return _say("Run python -m libs.contracts; not current:", found) if found else 0
    for name, content in documents().items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name, content in client_events().items():
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_bytes(content)
    return 0


def _same(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content


def _say(what: str, lines: list[str]) -> int:
    sys.stderr.write("\n".join([what, *lines, ""]))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

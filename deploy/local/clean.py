"""`python -m deploy.local.clean`: remove a city's data that lie outside its folder (for `make clean`).

Standard library only: it runs when the environment is broken or gone.
"""

import fcntl
import os
import shutil
import sys
from hashlib import sha256
from pathlib import Path

# Where root keeps data when the account that runs PostgreSQL cannot enter the wanted folder.
REACHABLE_ROOT = Path("/var/lib/mot-cua")
CITY = Path(__file__).parents[2] / ".local" / "city"


def data_place(folder: Path, root: Path) -> Path:
    """Where under `root` the data of the PostgreSQL in `folder` lie; one place for each folder."""
    return root / f"postgres-{sha256(os.fsencode(folder.absolute())).hexdigest()[:16]}"


def remove_data(folder: Path, root: Path) -> list[Path]:
    """Remove what was put under `root` for the PostgreSQL in `folder`; returns what was removed.

    Only what the name says was made for this folder: a copied project has a link to its original's data. Raises
    BlockingIOError while a server runs there.
    """
    lock = folder / "lock"
    if lock.exists():
        with lock.open("ab") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    place = data_place(folder, root)
    # Beside the data: what a killed initdb left half-made.
    found = [path for path in (place, *sorted(root.glob(f"{place.name}-*"))) if path.is_dir()]
    for path in found:
        shutil.rmtree(path)
    return found


def main() -> int:
    """Clean up after the city of this project; returns the exit status."""
    folder = CITY / "postgres"
    try:
        for path in remove_data(folder, REACHABLE_ROOT):
            sys.stdout.write(f"removed {path}\n")
    except BlockingIOError:
        sys.stderr.write("the city is running: stop it first\n")
        return 1
    link = folder / "data"
    if link.is_symlink() and link.exists():
        sys.stdout.write(f"left {link.resolve()}: it was not made for this folder\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

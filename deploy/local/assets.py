"""Front-end packages for portal: installed from services/portal/assets by npm, with its pins and hashes."""

import asyncio
import fcntl
import shutil
from pathlib import Path

from deploy.local.server_folder import ServerError

SOURCE = Path(__file__).parents[2] / "services/portal/assets"
PINNED = ("package.json", "package-lock.json", ".npmrc")
INSTALL_SECONDS_MAX = 180


async def install_assets(folder: Path) -> Path:
    """The folder with `node_modules` in it, installed once for every change of the pins. Raises ServerError."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        # Two cities of one checkout may start at once.
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        return await _install(folder)


async def _install(folder: Path) -> Path:
    pins = {name: (SOURCE / name).read_bytes() for name in PINNED}
    done = folder / "installed"
    wanted = b"\n".join(pins.values())
    if done.exists() and done.read_bytes() == wanted:
        return folder
    npm = shutil.which("npm")
    if npm is None:
        raise ServerError("npm is needed once, to install what the pages load (services/portal/assets)")
    for name, content in pins.items():
        (folder / name).write_bytes(content)
    installing = await asyncio.create_subprocess_exec(
        npm, "ci", cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(INSTALL_SECONDS_MAX):
            told, _ = await installing.communicate()
    except TimeoutError:
        installing.kill()
        raise ServerError("npm ci does not end (services/portal/assets)") from None
    if installing.returncode != 0:
        raise ServerError(f"npm ci failed (services/portal/assets): {told.decode(errors='replace')[-500:]}")
    done.write_bytes(wanted)
    return folder

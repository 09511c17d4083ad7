"""A Chromium for the journeys: the system's own, installed as a Debian package where there is none."""

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGES = ("chromium", "fonts-liberation", "fonts-noto-core")
INSTALL_SECONDS_MAX = 600
# The machines tests run on have no network beyond the packages: nothing is asked for in the background.
ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def program() -> str:
    """Path of a Chromium. Raises RuntimeError, saying what to install, when there is none and we may not do it."""
    if found := _found():
        return found
    apt = shutil.which("apt-get")
    if apt is None or os.getuid() != 0:
        raise RuntimeError(f"the journeys need a browser: install the packages {' '.join(PACKAGES)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        [apt, "update", "-q"],
        [apt, "install", "-y", "-q", "--no-install-recommends", *PACKAGES],
    ):
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=INSTALL_SECONDS_MAX)
    if found := _found():
        return found
    raise RuntimeError("chromium was installed and is not there")


def arguments() -> list[str]:
    """How it is started; root has no sandbox."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.getuid() == 0 else [])]


def _found() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)

"""A Chromium for the journeys: the system's own, installed as a Debian package where there is none."""

import os

from tests.fixtures import debian

WHOLE = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The same engine without a window, which nobody sees; it shows no PDF. A new page costs a third of the work, a judged
# one half.
WITHOUT_WINDOW = "chromium-headless-shell"
FONTS = ("fonts-liberation", "fonts-noto-core")
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
    return debian.program((WITHOUT_WINDOW, *WHOLE), (WITHOUT_WINDOW, *FONTS))


def whole() -> str:
    """Path of one as people have it, to measure with. Raises RuntimeError as `program`."""
    return debian.program(WHOLE, ("chromium", *FONTS))


def arguments() -> list[str]:
    """How it is started; root has no sandbox."""
    return [*ARGUMENTS, *(["--no-sandbox"] if os.getuid() == 0 else [])]

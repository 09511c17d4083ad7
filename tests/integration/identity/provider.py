"""The real provider as a process, and a browser that goes through its pages."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

HERE = Path(__file__).parent
INSTALLED = HERE.parents[2] / ".local" / "identity-provider"
PINNED = ("package.json", "package-lock.json", ".npmrc")
INSTALL_SECONDS_MAX = 180
CLIENT_ID, CLIENT_SECRET = "mot-cua", "secret: of/the+client%20"
REDIRECT_URL = "https://motcua.example/dang-nhap/openid"
PAGES_MAX = 12


def installed() -> Path:
    """The folder with the provider's package, at the pinned version."""
    if any(not _same(name) for name in PINNED) or not (INSTALLED / "node_modules/oidc-provider").is_dir():
        INSTALLED.mkdir(parents=True, exist_ok=True)
        for name in PINNED:
            shutil.copyfile(HERE / name, INSTALLED / name)
        npm = shutil.which("npm")
        assert npm, "npm is needed once, to install the provider"
        subprocess.run(
            [npm, "ci"], cwd=INSTALLED, check=True, capture_output=True, timeout=INSTALL_SECONDS_MAX
        )
    shutil.copyfile(HERE / "provider.mjs", INSTALLED / "provider.mjs")
    return INSTALLED


def _same(name: str) -> bool:
    path = INSTALLED / name
    return path.exists() and path.read_bytes() == (HERE / name).read_bytes()


@contextmanager
def running_provider(redirect_url: str = REDIRECT_URL) -> Iterator[str]:
    """The provider's issuer while it runs; it sends browsers back to `redirect_url`."""
    node = shutil.which("node")
    assert node, "node is needed to run the provider"
    with subprocess.Popen(
        [node, "provider.mjs", CLIENT_ID, CLIENT_SECRET, redirect_url],
        cwd=installed(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield child.stdout.readline().decode().strip()
        finally:
            child.stdin.close()
            child.stdout.close()


async def sign_in_there(url: str, name: str) -> dict[str, str]:
    """Go through the pages the provider shows, as `name`; what the browser is sent back to us with."""
    async with httpx.AsyncClient(trust_env=False, timeout=20) as browser:
        response = await browser.get(url)
        for _ in range(PAGES_MAX):
            if response.is_redirect:
                target = urljoin(str(response.url), response.headers["location"])
                if target.startswith(REDIRECT_URL):
                    return {key: values[0] for key, values in parse_qs(urlsplit(target).query).items()}
                response = await browser.get(target)
                continue
            assert response.status_code == 200, response.text
            action = re.search(r'<form[^>]+action="([^"]+)"', response.text)
            prompt = re.search(r'name="prompt" value="(\w+)"', response.text)
            assert action, response.text
            assert prompt, response.text
            content = {"prompt": prompt[1]}
            if prompt[1] == "login":
                content |= {"login": name, "password": "any"}
            response = await browser.post(urljoin(str(response.url), action[1]), data=content)
    raise AssertionError("the provider does not send the browser back")

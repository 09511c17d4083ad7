"""The samples that receive webhooks, run: what is the gateway's is taken once, whatever else is refused."""

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from deploy.local.ports import LOOPBACK, free_port
from tests.fixtures import debian
from tests.unit.client.test_samples import BODY, INSTALL_TIMEOUT, SAMPLES, SECRETS, signed

START_SECONDS = 20


def python(_folder: Path) -> list[str]:
    """With nothing but Python."""
    return [sys.executable, str(SAMPLES / "python/receive.py")]


def node(_folder: Path) -> list[str]:
    """With nothing but Node."""
    return [shutil.which("node") or "node", str(SAMPLES / "javascript/receive.mjs")]


def java(folder: Path) -> list[str]:
    """Compiled as its first line says."""
    sources = [str(SAMPLES / f"java/{name}.java") for name in ("Verify", "Receive")]
    subprocess.run(
        [debian.javac(), "-encoding", "UTF-8", "-d", str(folder), *sources], check=True, timeout=90
    )
    return [debian.java(), "-cp", str(folder), "Receive"]


@pytest.mark.timeout(INSTALL_TIMEOUT)
@pytest.mark.parametrize("program", [python, node, java])
def test_a_receiver_takes_what_is_genuine_once(program: Callable[[Path], list[str]], tmp_path: Path) -> None:
    """204 for an event and for its repetition, which is handled once; 400 for what was changed, or signed by nobody."""
    port = free_port()
    command = [*program(tmp_path), str(port), *SECRETS]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
        try:
            now = int(time.time())
            headers = {"webhook-id": "e1", "webhook-timestamp": str(now)}
            genuine = headers | {"webhook-signature": signed(SECRETS[1], now)}
            assert first(port, genuine, BODY) == 204
            assert post(port, genuine, BODY) == 204
            assert post(port, genuine, BODY + " ") == 400
            assert post(port, headers, BODY) == 400
            assert post(port, {}, BODY) == 400
            with pytest.raises(ConnectionRefusedError):
                # Every address of this machine but the one would lead past the web server with TLS.
                socket.create_connection(("127.0.0.2", port), timeout=5).close()
        finally:
            child.kill()
        handled = child.stdout.read().decode() if child.stdout else ""
    assert len(handled.splitlines()) == 1
    assert "e1" in handled


def test_a_length_below_zero_holds_nobody() -> None:
    """Python's server would read until the sender ends."""
    port = free_port()
    with subprocess.Popen([*python(SAMPLES), str(port), *SECRETS], stdout=subprocess.PIPE) as child:
        try:
            assert first(port, {}, BODY) == 400
            with socket.create_connection((LOOPBACK, port), timeout=5) as sender:
                sender.sendall(b"POST / HTTP/1.0\r\nContent-Length: -1\r\n\r\n")
                assert sender.recv(100).startswith(b"HTTP/1.0 400 ")
        finally:
            child.kill()


def first(port: int, headers: dict[str, str], body: str) -> int:
    """The answer, as soon as the program listens."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return post(port, headers, body)
        except URLError:
            assert time.monotonic() < end
            time.sleep(0.1)


def post(port: int, headers: dict[str, str], body: str) -> int:
    """The status of the answer."""
    request = Request(f"http://{LOOPBACK}:{port}/", body.encode(), headers, method="POST")
    try:
        with urlopen(request, timeout=10) as answer:  # noqa: S310 - our own
            status: int = answer.status
            return status
    except HTTPError as refused:
        with refused:
            return refused.code

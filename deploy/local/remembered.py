"""What the city in a box must know again after a restart: passwords and ports (one private file)."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from deploy.local.ports import free_port
from deploy.local.server_folder import new_password, write_private


class CityMemory(msgspec.Struct, kw_only=True):
    """Passwords by name (`intake_app`, `nats_intake`, …), other secrets by name, and HTTP ports by service."""

    passwords: dict[str, str] = {}
    secrets: dict[str, str] = {}
    ports: dict[str, int] = {}


class Remembered:
    """The memory of one city folder; every new password or port is written down before it is used."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "city.json"
        content = self._path.read_bytes() if self._path.exists() else b"{}"
        self._memory = msgspec.json.decode(content, type=CityMemory)

    def password(self, name: str) -> str:
        """The password called `name`, made on first use."""
        if name not in self._memory.passwords:
            self._memory.passwords[name] = new_password()
            self._write()
        return self._memory.passwords[name]

    def secret(self, name: str, make: Callable[[], str]) -> str:
        """The secret called `name`, which `make` makes on first use."""
        if name not in self._memory.secrets:
            self._memory.secrets[name] = make()
            self._write()
        return self._memory.secrets[name]

    def port(self, service: str) -> int:
        """A free port for the service, the same as last time if nobody took it."""
        port = free_port(self._memory.ports.get(service))
        if self._memory.ports.get(service) != port:
            self._memory.ports[service] = port
            self._write()
        return port

    def _write(self) -> None:
        write_private(self._path, msgspec.json.encode(self._memory))

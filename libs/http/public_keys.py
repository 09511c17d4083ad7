"""The JWKS file with everybody's public keys, and the private keys beside it.

Each JWK carries `iss`, the one issuer it may sign for. The file is looked at every few seconds: adding a key lets
an issuer rotate, removing one ends the access of everything it signed within REFRESH_SECONDS.
"""

import os
import stat
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from libs.telemetry.logs import log

JWKS_NAME = "jwks.json"
REFRESH_SECONDS = 5.0
# While the file cannot be read the last good keys serve this long, then nobody gets in (ASVS 7.4.2: ≤ 60 s).
STALE_SECONDS_MAX = 55.0


def key_id(issuer: str, key: ECKey) -> str:
    """The kid of a key: its issuer and the start of its RFC 7638 thumbprint, the same on every machine."""
    return f"{issuer}.{key.thumbprint()[:16]}"


class PublicKeys:
    """The keys of a JWKS file by kid. `generation` grows whenever they change."""

    def __init__(self, path: Path, *, now: Callable[[], float] = time.time) -> None:
        """Read the file at once. Raises OSError or ValueError when it is missing or malformed."""
        self._path = path
        self._now = now
        self._keys = _parse(path.read_bytes())
        self._mark: tuple[int, int, int] | None = _mark(path)
        self._looked_at = self._good_at = now()
        self.generation = 1

    def find(self, kid: str) -> tuple[str, ECKey] | None:
        """The issuer and key of `kid`; a kid is only ever looked up here, never opened as a path or URL."""
        return self._keys.get(kid)

    def refresh(self) -> None:
        """Look at the file if that was not done in the last REFRESH_SECONDS."""
        now = self._now()
        if 0 <= now - self._looked_at < REFRESH_SECONDS:
            return
        self._looked_at = now
        try:
            mark = _mark(self._path)
            if mark != self._mark:
                self._keys, self._mark = _parse(self._path.read_bytes()), mark
                self.generation += 1
                log.info("public-keys-read", count=len(self._keys))
            self._good_at = now
        except (OSError, ValueError) as error:
            log.error("public-keys-unreadable", exc_info=error)
            if now - self._good_at > STALE_SECONDS_MAX and self._keys:
                self._keys, self._mark = {}, None
                self.generation += 1


def make_key(issuer: str, folder: Path) -> Path:
    """Make a key pair for `issuer`: `<issuer>.pem` (readable by the owner only) and its public half in the JWKS.

    An existing private key is kept; only its public half is added where missing. Returns the path of the PEM.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{issuer}.pem"
    if path.exists():
        key = ECKey.import_key(path.read_bytes())
    else:
        key = ECKey.generate_key("P-256")
        _write(path, key.as_pem(private=True), stat.S_IRUSR | stat.S_IWUSR)
    publish_key(folder / JWKS_NAME, issuer, key)
    return path


def publish_key(jwks: Path, issuer: str, key: ECKey) -> str:
    """Add the public half of `key` to the file for `issuer`, and return its kid. Existing keys stay (rotation)."""
    kid = key_id(issuer, key)
    members: list[dict[str, Any]] = msgspec.json.decode(jwks.read_bytes())["keys"] if jwks.exists() else []
    others = [member for member in members if member.get("kid") != kid]
    public = {**key.as_dict(private=False), "kid": kid, "iss": issuer, "use": "sig", "alg": "ES256"}
    document = {"keys": [*others, public]}
    _write(
        jwks,
        msgspec.json.format(msgspec.json.encode(document)),
        stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP | stat.S_IROTH,
    )
    return kid


def _parse(content: bytes) -> dict[str, tuple[str, ECKey]]:
    """Keys by kid. Raises ValueError on anything but P-256 public keys with kid and iss, each kid once."""
    found: dict[str, tuple[str, ECKey]] = {}
    try:
        members = msgspec.json.decode(content)["keys"]
        for member in members:
            if member["crv"] != "P-256" or "d" in member:
                raise ValueError("PUBLIC_KEYS must hold P-256 public keys only")
            kid, issuer = member["kid"], member["iss"]
            if kid in found or not kid or not issuer:
                raise ValueError("PUBLIC_KEYS must give every key one kid and one iss")
            found[kid] = (issuer, ECKey.import_key({name: member[name] for name in ("kty", "crv", "x", "y")}))
    except (KeyError, TypeError, JoseError) as error:
        raise ValueError("PUBLIC_KEYS is not a JWKS with kid and iss in every key") from error
    return found


def _mark(path: Path) -> tuple[int, int, int]:
    """Changes whenever the file does, also when a symbolic link to it is turned (Kubernetes secrets)."""
    found = path.stat()
    return found.st_mtime_ns, found.st_ino, found.st_size


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace the file in one step: a reader sees the old or the new one, and a private key is never wider open."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise

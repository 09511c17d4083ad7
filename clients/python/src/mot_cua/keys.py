"""The partner's own key, and how it proves with it who asks (private_key_jwt, RFC 7523)."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

# The gateway takes five minutes at most; one is enough for a clock that is a little wrong, and for nobody else.
ASSERTION_SECONDS = 60
KID_CHARACTERS = 16
_KINDS: Mapping[tuple[str, str], tuple[type[ECKey] | type[OKPKey], str]] = {
    ("EC", "P-256"): (ECKey, "ES256"),
    ("OKP", "Ed25519"): (OKPKey, "Ed25519"),
}


class SigningKey:
    """A private key, P-256 or Ed25519, under the id (`kid`) its public half is registered by."""

    def __init__(self, key: ECKey | OKPKey, kid: str = "") -> None:
        """Raises ValueError for another kind of key, and for a public one."""
        members: dict[str, Any] = key.as_dict()
        kind = _KINDS.get((members.get("kty", ""), members.get("crv", "")))
        if kind is None:
            raise ValueError("the key must be P-256 (ES256) or Ed25519")
        if not key.is_private:
            raise ValueError("this is a public key; the private one is needed to sign")
        self._key = key
        self._algorithm = kind[1]
        # Registered without a kid, a key has the start of its thumbprint (RFC 7638) as its id.
        self.kid = kid or members.get("kid") or key.thumbprint()[:KID_CHARACTERS]

    @classmethod
    def from_file(cls, path: Path | str, kid: str = "") -> Self:
        """The key in a PEM or JWK file. Raises OSError, ValueError."""
        return cls.read(Path(path).read_bytes(), kid)

    @classmethod
    def read(cls, written: str | bytes, kid: str = "") -> Self:
        """The key written as PEM or as a JWK. Raises ValueError."""
        content = written.encode() if isinstance(written, str) else written
        key = _pem(content) if content.lstrip().startswith(b"-----") else _jwk(content)
        return cls(key, kid)

    @classmethod
    def generate(cls, kid: str = "") -> Self:
        """A new P-256 key: keep `private_pem()` secret, hand `public_jwk()` in."""
        return cls(ECKey.generate_key("P-256"), kid)

    def private_pem(self) -> bytes:
        """The key itself, for a file only this program may read."""
        return self._key.as_pem(private=True)

    def public_jwk(self) -> str:
        """Its public half as a JWK, to be registered with the gateway."""
        return msgspec.json.encode(self._key.as_dict(private=False) | {"kid": self.kid}).decode()

    def assertion(self, partner: str, audience: str, now: float | None = None) -> str:
        """What proves to `audience`, once and within a minute, that `partner` asks."""
        at = int(time.time() if now is None else now)
        claims = {
            "iss": partner,
            "sub": partner,
            "aud": audience,
            "iat": at,
            "exp": at + ASSERTION_SECONDS,
            "jti": str(uuid4()),
        }
        header = {"alg": self._algorithm, "kid": self.kid}
        return jwt.encode(header, claims, self._key, algorithms=[self._algorithm])

    def __repr__(self) -> str:
        """Without anything of the key."""
        return f"SigningKey(kid={self.kid!r})"


def _pem(content: bytes) -> ECKey | OKPKey:
    for kind in (ECKey, OKPKey):
        try:
            return kind.import_key(content)
        except (JoseError, ValueError, TypeError, AttributeError):
            continue
    raise ValueError("the PEM holds no private key of kind P-256 or Ed25519 without a password")


def _jwk(content: bytes) -> ECKey | OKPKey:
    try:
        members = msgspec.json.decode(content, type=dict[str, Any])
        kind = _KINDS.get((members.get("kty", ""), members.get("crv", "")))
        if kind is None:
            raise ValueError("the key must be P-256 (ES256) or Ed25519")
        return kind[0].import_key(members)
    except (msgspec.MsgspecError, JoseError) as error:
        raise ValueError("this is neither a PEM nor a JWK") from error

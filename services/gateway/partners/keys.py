"""Public keys of partners: which kinds we take, and how a signature is checked with one."""

import re
from collections.abc import Mapping

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import JWSRegistry

from libs.http.problems import FieldError, Problem

# alg of a header → kind of key. EdDSA is the older name of what RFC 9864 calls Ed25519; libraries still write it.
ALGORITHMS: Mapping[str, tuple[str, str]] = {
    "ES256": ("EC", "P-256"),
    "Ed25519": ("OKP", "Ed25519"),
    "EdDSA": ("OKP", "Ed25519"),
}
_KINDS: Mapping[tuple[str, str], tuple[type[ECKey] | type[OKPKey], str]] = {
    ("EC", "P-256"): (ECKey, "ES256"),
    ("OKP", "Ed25519"): (OKPKey, "Ed25519"),
}
# It stands in the path by which the key is retired, where dots alone mean another place.
_KID = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~-]{1,64}")
KEY_CHARACTERS_MAX = 4096


class _Jwk(msgspec.Struct, frozen=True, omit_defaults=True):
    """The members of a public key; everything else a file says is left behind."""

    kty: str
    crv: str = ""
    x: str = ""
    y: str = ""
    d: str = ""
    kid: str = ""


def public_key(written: str, kid: str = "") -> tuple[str, str]:
    """kid and JWK (public members only) of a key written as JWK or PEM; without a kid its RFC 7638 thumbprint's start.

    Raises Problem 422 for a private key, and for anything but P-256 and Ed25519.
    """
    if len(written) > KEY_CHARACTERS_MAX or "PRIVATE" in written:
        raise _refused("private-or-too-large", "Chỉ nhận khóa công khai")
    found = _from_pem(written) if written.lstrip().startswith("-----") else _from_jwk(written)
    if found.d:
        raise _refused("private-or-too-large", "Chỉ nhận khóa công khai")
    kind = _KINDS.get((found.kty, found.crv))
    if kind is None:
        raise _refused("kind", "Khóa phải là P-256 (ES256) hoặc Ed25519")
    jwk = _Jwk(kty=found.kty, crv=found.crv, x=found.x, y=found.y)
    try:
        key = kind[0].import_key(msgspec.to_builtins(jwk))
        thumbprint = key.thumbprint()
    except (JoseError, ValueError):
        raise _refused("malformed", "Không đọc được khóa") from None
    kid = kid or found.kid or thumbprint[:16]
    if not _KID.fullmatch(kid):
        raise _refused("kid", "Mã khóa gồm 1 đến 64 chữ, số và . _ ~ -")
    return kid, msgspec.json.encode(jwk).decode()


def kind_of(jwk: str) -> str:
    """The algorithm of a kept key: ES256 or Ed25519."""
    found = msgspec.json.decode(jwk, type=_Jwk)
    return _KINDS[found.kty, found.crv][1]


def thumbprint(jwk: str) -> str:
    """By what a kept key is known however its numbers are written (RFC 7638)."""
    found = msgspec.json.decode(jwk, type=_Jwk)
    type_, _ = _KINDS[found.kty, found.crv]
    # A leading zero in a number makes another JWK of the same key, and the same PEM.
    return type_.import_key(type_.import_key(msgspec.to_builtins(found)).as_pem(private=False)).thumbprint()


def is_signed(jwk: str, algorithm: str, text: bytes, signature: bytes) -> bool:
    """Whether `signature` of `text` was made with the private half of `jwk`, which must be of the algorithm's kind."""
    kind = ALGORITHMS.get(algorithm)
    found = msgspec.json.decode(jwk, type=_Jwk)
    if kind is None or (found.kty, found.crv) != kind:
        return False
    type_, name = _KINDS[kind]
    verify = JWSRegistry(algorithms=[name]).get_alg(name).verify
    try:
        return bool(verify(text, signature, type_.import_key(msgspec.to_builtins(found))))
    except (JoseError, ValueError):
        return False


def _from_pem(written: str) -> _Jwk:
    for type_, _ in _KINDS.values():
        try:
            return msgspec.convert(type_.import_key(written).as_dict(private=False), _Jwk)
        except (JoseError, ValueError, TypeError):
            continue
    raise _refused("kind", "Khóa phải là P-256 (ES256) hoặc Ed25519")


def _from_jwk(written: str) -> _Jwk:
    try:
        return msgspec.json.decode(written, type=_Jwk)
    except (msgspec.MsgspecError, UnicodeError):
        raise _refused("malformed", "Không đọc được khóa") from None


def _refused(code: str, words: str) -> Problem:
    return Problem(422, "key-refused", "Khóa không được chấp nhận", errors=[FieldError("key", code, words)])

"""A development signing authority: `python -m services.results.authority FOLDER`.

In production the key and certificate come from a licensed certification authority (settings SIGNING_KEY,
SIGNING_CERTIFICATE, SIGNING_CHAIN); this one exists so that every document of the city in a box is really signed.
"""

import os
import sys
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.results.signing_keys import SigningKey, key_in

_VALID = timedelta(days=3650)
# X.520 ub-common-name.
_NAME_MAX = 64


def make_authority(folder: Path, organisation: str) -> SigningKey:
    """Create (or find) an authority and a signing certificate for `organisation` in `folder`."""
    paths = key_in(folder)
    if not _complete(paths):
        _certify(_Authority(), organisation, paths)
    return paths


def make_agency_keys(folder: Path, agencies: Mapping[str, str]) -> None:
    """Create in `folder` what is missing of a key and certificate for each agency (code → name), of one authority."""
    missing = {code: name for code, name in agencies.items() if not _complete(key_in(folder / code))}
    if missing:
        authority = _Authority.kept_in(folder)
        for code, name in missing.items():
            _certify(authority, name, key_in(folder / code))


def _complete(paths: SigningKey) -> bool:
    return all(Path(path).exists() for path in (paths.key, paths.certificate, paths.chain))


class _Authority:
    """A key that certifies others, and its own certificate."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | None = None) -> None:
        self.name = _name("Một Cửa (cơ quan chứng thực thử nghiệm)")
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        builder = _builder(self.name, self.name, self.key.public_key())
        self.certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self.key, hashes.SHA256())
        )

    @classmethod
    def kept_in(cls, folder: Path) -> "_Authority":
        """The authority of the agencies, whose key is kept for those to come."""
        path = folder / "authority-key.pem"
        folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write(path, _private_pem(ec.generate_private_key(ec.SECP256R1())), 0o600)
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("the authority's key is of another kind")
        return cls(key)


def _certify(authority: _Authority, organisation: str, paths: SigningKey) -> None:
    """Write a new key, its certificate for `organisation`, and the authority's certificate."""
    Path(paths.key).parent.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(authority.name, _name(organisation), key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .sign(authority.key, hashes.SHA256())
    )
    _write(Path(paths.chain), authority.certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(Path(paths.certificate), certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(Path(paths.key), _private_pem(key), 0o600)


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
    )


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _name(common_name: str) -> x509.Name:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")
    with warnings.catch_warnings():
        # The limit counts characters; cryptography's own check counts their bytes, too few for a Vietnamese name.
        warnings.simplefilter("ignore", UserWarning)
        name = x509.NameAttribute(NameOID.COMMON_NAME, common_name[:_NAME_MAX], _validate=False)
    return x509.Name([country, name])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


if __name__ == "__main__":
    make_authority(Path(sys.argv[1]), "Ủy ban nhân dân thành phố Ngã Bảy")

"""A development signing authority: `python -m services.results.authority FOLDER`.

In production the key and certificate come from a licensed certification authority (settings SIGNING_KEY,
SIGNING_CERTIFICATE, SIGNING_CHAIN); this one exists so that every document of the city in a box is really signed.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.results.signing import SigningKey

_VALID = timedelta(days=3650)


def make_authority(folder: Path, organisation: str) -> SigningKey:
    """Create (or find) an authority and a signing certificate for `organisation` in `folder`."""
    paths = SigningKey(
        key=str(folder / "signing-key.pem"),
        certificate=str(folder / "signing-certificate.pem"),
        chain=str(folder / "authority.pem"),
    )
    if all(Path(p).exists() for p in (paths.key, paths.certificate, paths.chain)):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    now = datetime.now(UTC)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name("Một Cửa (cơ quan chứng thực thử nghiệm)")
    authority = (
        x509.CertificateBuilder(authority_name, authority_name, authority_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    signing_key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder(authority_name, _name(organisation), signing_key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    _write(Path(paths.chain), authority.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(Path(paths.certificate), certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    pem = signing_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(Path(paths.key), pem, 0o600)
    return paths


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


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

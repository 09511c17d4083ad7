"""Where the keys that sign papers lie, and whether they can be used; signing itself is the workers' (signing.py)."""

from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """Paths of the PEM files that sign: private key, certificate, and the chain up to the authority."""

    key: str
    certificate: str
    chain: str


class SigningKeys(msgspec.Struct, frozen=True, kw_only=True):
    """Every key: the city's own, and a folder (empty: none) with a folder of files for each agency that has one."""

    default: SigningKey
    agencies: str = ""

    def of_agencies(self) -> dict[str, SigningKey]:
        """The keys of agencies by their codes."""
        if not self.agencies:
            return {}
        # A mounted volume keeps its earlier contents in folders whose names begin with a dot.
        folders = [path for path in Path(self.agencies).iterdir() if path.is_dir() and path.name[0] != "."]
        return {folder.name: key_in(folder) for folder in folders}


def key_in(folder: Path) -> SigningKey:
    """The key of which `folder` holds the files, under their usual names."""
    return SigningKey(
        key=str(folder / "signing-key.pem"),
        certificate=str(folder / "signing-certificate.pem"),
        chain=str(folder / "authority.pem"),
    )


def check_keys(keys: SigningKeys) -> None:
    """Raises ValueError, or OSError, when any of the files cannot be used: better now than with the first paper."""
    for key in (keys.default, *keys.of_agencies().values()):
        try:
            private = load_pem_private_key(Path(key.key).read_bytes(), None)
            certificate = x509.load_pem_x509_certificate(Path(key.certificate).read_bytes())
            x509.load_pem_x509_certificates(Path(key.chain).read_bytes())
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError(f"the signing key or its certificate cannot be read: {key.key}") from None
        if certificate.public_key() != private.public_key():
            raise ValueError(f"the certificate is of another key: {key.certificate}")

"""Signs PDFs: pyHanko, PAdES, a key and its certificate from files."""

import io
from collections.abc import Callable
from typing import Any

from asn1crypto import cms
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers

from services.results.signing_keys import SigningKey, SigningKeys

# Room for the signature in the file. pyHanko would otherwise sign once more only to learn the size (measured: 22 ms
# instead of 11 ms a document); a P-256 signature with a two-certificate chain takes about 3,000 hex digits.
SIGNATURE_BYTES_RESERVED = 8192
SIGNATURE_FIELD = "ChuKySo"
_DIGEST = "sha256"
_DIGEST_BYTES = 32


class Signers:
    """A signer for each agency that has a key of its own; the city's signs for the others."""

    def __init__(self, keys: SigningKeys) -> None:
        """Raises ValueError, or OSError, when any of the files cannot be used: better now than with the first paper."""
        self._default = Signer(keys.default)
        self._agencies = {code: Signer(key) for code, key in keys.of_agencies().items()}

    def of(self, agency: str) -> "Signer":
        """Who signs this agency's papers."""
        return self._agencies.get(agency, self._default)


class Signer:
    """Signs with one key, loaded once."""

    def __init__(self, signing: SigningKey) -> None:
        """Raises ValueError when the files cannot be used."""
        load: Callable[..., signers.SimpleSigner | None] = signers.SimpleSigner.load
        found = load(signing.key, signing.certificate, ca_chain_files=(signing.chain,), key_passphrase=None)
        if found is None or found.signing_cert is None:
            raise ValueError("the signing key or its certificate cannot be read")
        # What the certificate calls its holder: a paper says who has signed it, not who should have.
        self.holder = str(found.signing_cert.subject.native.get("common_name", ""))
        self._signer = _QuickSigner(
            signing_cert=found.signing_cert,
            signing_key=found.signing_key,
            cert_registry=found.cert_registry,
        )

    def sign(self, pdf: bytes, *, reason: str, location: str) -> bytes:
        """The PDF with a PAdES signature (ETSI EN 319 142-1, level B-B) over all of it."""
        metadata = signers.PdfSignatureMetadata(
            field_name=SIGNATURE_FIELD,
            md_algorithm=_DIGEST,
            subfilter=fields.SigSeedSubFilter.PADES,
            reason=reason,
            location=location,
        )
        out = signers.sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(pdf)),
            metadata,
            signer=self._signer,
            bytes_reserved=SIGNATURE_BYTES_RESERVED,
        )
        return bytes(out.getbuffer())


class _QuickSigner(signers.SimpleSigner):
    """pyHanko's signer, encoding once what is signed beside the digest of each paper.

    Content type and signing certificate are the same on every paper and take 7 of the 9 ms of a signature to encode
    anew. Only the digest differs, and it always has the same length, so it takes its place in what pyHanko encoded.
    """

    _encoded: tuple[bytes, bytes] | None = None

    async def signed_attrs(
        self, data_digest: bytes, digest_algorithm: str, *rest: Any, **named: Any
    ) -> cms.CMSAttributes:
        """The signed attributes of a paper with this digest."""
        if len(data_digest) != _DIGEST_BYTES or digest_algorithm != _DIGEST:
            raise ValueError("only SHA-256 digests are signed here")
        if self._encoded is None:
            found = await super().signed_attrs(data_digest, digest_algorithm, *rest, **named)
            before, digest, after = found.dump().partition(data_digest)
            if digest != data_digest or data_digest in after:
                raise ValueError("the digest does not stand once in the signed attributes")
            self._encoded = before, after
        before, after = self._encoded
        return cms.CMSAttributes.load(before + data_digest + after)

"""Signatures: every paper its own digest, valid under the authority, broken by one changed byte."""

import io
from pathlib import Path

import pytest
import typst
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext

from services.results.authority import make_authority
from services.results.signing import SIGNATURE_FIELD, Signer, SigningKey


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    """A key and its certificate under an authority of the test's own."""
    return make_authority(tmp_path_factory.mktemp("authority"), "UBND phường Ngã Bảy")


def status_of(pdf: bytes, signing: SigningKey) -> PdfSignatureStatus:
    """What pyHanko's validation, which knows nothing of how the paper was signed, says of it."""
    root = load_cert_from_pemder(signing.chain)  # type: ignore[no-untyped-call]
    signature = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0]
    return validate_pdf_signature(signature, ValidationContext(trust_roots=[root]))


def test_every_paper_of_a_signer_is_signed_over_its_own_digest(signing: SigningKey) -> None:
    """The first paper and all after it, whose attributes are encoded only once, are intact, whole and trusted."""
    signer = Signer(signing)
    for number in range(4):
        pdf = typst.compile(f"Giấy số {number}".encode())
        assert isinstance(pdf, bytes)
        signed = signer.sign(pdf, reason=f"Lý do {number}", location="Ngã Bảy")
        status = status_of(signed, signing)
        assert status.bottom_line
        assert status.coverage is SignatureCoverageLevel.ENTIRE_FILE
        field = PdfFileReader(io.BytesIO(signed)).embedded_signatures[0]
        assert (field.field_name, str(field.sig_object["/Reason"])) == (SIGNATURE_FIELD, f"Lý do {number}")
        at = signed.index(b"/MediaBox") + 3
        assert not status_of(signed[:at] + b"X" + signed[at + 1 :], signing).intact


def test_a_key_that_is_none_is_said_at_once(tmp_path: Path, signing: SigningKey) -> None:
    """A missing or broken key is a ValueError when the signer is made, not with the first paper."""
    broken = tmp_path / "key.pem"
    broken.write_text("no key")
    for path in (tmp_path / "nowhere.pem", broken):
        with pytest.raises(ValueError, match="cannot be read"):
            Signer(SigningKey(key=str(path), certificate=signing.certificate, chain=signing.chain))

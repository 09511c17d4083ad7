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

from services.results.authority import make_agency_keys, make_authority
from services.results.signing import SIGNATURE_FIELD, Signer, Signers
from services.results.signing_keys import SigningKey, SigningKeys, check_keys


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
    """A missing, broken or foreign key is an error when the service starts, not with the first paper."""
    broken = tmp_path / "key.pem"
    broken.write_text("no key")
    for path in (tmp_path / "nowhere.pem", broken):
        wrong = SigningKey(key=str(path), certificate=signing.certificate, chain=signing.chain)
        with pytest.raises(ValueError, match="cannot be read"):
            Signer(wrong)
        with pytest.raises((ValueError, FileNotFoundError)):
            check_keys(SigningKeys(default=wrong))
    other = make_authority(tmp_path / "other", "UBND phường khác")
    foreign = SigningKey(key=other.key, certificate=signing.certificate, chain=signing.chain)
    with pytest.raises(ValueError, match="of another key"):
        check_keys(SigningKeys(default=foreign))
    check_keys(SigningKeys(default=signing))


def test_agencies_get_keys_of_one_authority_once(tmp_path: Path) -> None:
    """A key made before stays; an agency that comes later is certified by the same authority."""
    make_agency_keys(tmp_path, {"ward": "UBND phường Ngã Bảy"})
    first = {path: path.read_bytes() for path in (tmp_path / "ward").iterdir()}
    long = "Bộ phận Tiếp nhận và Trả kết quả UBND thành phố Ngã Bảy"
    make_agency_keys(tmp_path, {"ward": "UBND phường Ngã Bảy", "police": long})
    assert {path: path.read_bytes() for path in (tmp_path / "ward").iterdir()} == first
    default = make_authority(tmp_path / "city", "UBND thành phố")
    keys = SigningKeys(default=default, agencies=str(tmp_path))
    assert set(keys.of_agencies()) == {"ward", "police", "city"}
    roots = [load_cert_from_pemder(str(tmp_path / "ward" / "authority.pem"))]  # type: ignore[no-untyped-call]
    pdf = Signers(keys).of("police").sign(typst.compile(b"Giay"), reason="Lý do", location="Ngã Bảy")
    signature = PdfFileReader(io.BytesIO(pdf)).embedded_signatures[0]
    assert validate_pdf_signature(signature, ValidationContext(trust_roots=roots)).bottom_line
    assert signature.signer_cert.subject.native["common_name"] == long


def test_an_agency_without_a_key_is_signed_for_under_the_city_s_name(tmp_path: Path) -> None:
    """The signer says whose certificate it is; a broken key of an agency is said at once, never replaced in silence."""
    default = make_authority(tmp_path / "city", "UBND thành phố")
    assert Signers(SigningKeys(default=default)).of("police").holder == "UBND thành phố"
    make_agency_keys(tmp_path / "keys", {"police": "Công an phường Ngã Bảy"})
    keys = SigningKeys(default=default, agencies=str(tmp_path / "keys"))
    assert Signers(keys).of("police").holder == "Công an phường Ngã Bảy"
    (tmp_path / "keys" / "police" / "signing-key.pem").write_text("")
    with pytest.raises(ValueError, match="cannot be read"):
        Signers(keys)

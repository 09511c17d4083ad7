"""Where an officer goes after signing in."""

import pytest

from services.portal.sessions import csrf_of
from services.portal.sign_in_pages import Enrolment, code_of, local_path


@pytest.mark.parametrize("path", ["/bv", "/viec/cua-toi?trang=2", "/ho-so/000.00.13.H30-211130-0001", "/"])
def test_a_path_of_ours_is_followed(path: str) -> None:
    """Back to the page that asked to sign in."""
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "//[",
        "/\\[x",
        "bv",
        "/a\nb",
        "/" * 600,
    ],
)
def test_a_path_elsewhere_is_not(path: str) -> None:
    """A link with a foreign address must not take a signed-in officer there."""
    assert local_path(path) == ""


def test_a_forms_token_belongs_to_its_session() -> None:
    """It is the same on every page of a session, another one for another, and does not show the session."""
    assert csrf_of("a" * 43) == csrf_of("a" * 43) != csrf_of("b" * 43)
    assert "a" * 43 not in csrf_of("a" * 43)


@pytest.mark.parametrize(
    ("typed", "code"), [("123456", "123456"), ("123 456 ", "123456"), ("abc", ""), ("1234567", ""), ("", "")]
)
def test_a_code_has_six_digits(typed: str, code: str) -> None:
    """However they are grouped; anything else is no try."""
    assert code_of(typed) == code


def test_a_secret_can_be_typed_or_scanned() -> None:
    """In groups of four, and as a picture that stands in the page itself."""
    found = Enrolment(secret="ABCDEFGH", uri="otpauth://totp/x?secret=ABCDEFGH")
    assert found.grouped == "ABCD EFGH"
    assert found.qr.startswith("data:image/svg+xml")

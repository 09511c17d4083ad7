"""Where an officer goes after signing in."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from libs.http.auth import TokenSigner
from libs.http.client import Refused
from libs.http.public_keys import make_key
from services.portal.city import City
from services.portal.sessions import csrf_of
from services.portal.sign_in_pages import Enrolment, SignedIn, ask_identity, code_of, local_path


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


async def test_a_locked_account_is_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Identity is asked once, for the browser's address; its words come back instead of being waited out."""
    asked: list[httpx.Request] = []

    async def locked(_: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        asked.append(request)
        problem = {"type": "urn:mot-cua:problem:locked", "detail": "Vui lòng thử lại sau 15 phút."}
        return httpx.Response(429, json=problem, headers={"Retry-After": "900"})

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", locked)
    app = FastAPI()
    app.state.trusted_proxies = ()
    request = Request({"type": "http", "app": app, "headers": [], "client": ("203.0.113.9", 4321)})
    signer = TokenSigner.from_file("portal", make_key("portal", tmp_path))
    async with City({"identity": "http://identity"}, signer) as city:
        app.state.city = city
        with pytest.raises(Refused) as refused:
            await ask_identity(request, "/sessions", {}, SignedIn)
    assert (refused.value.status, refused.value.slug) == (429, "locked")
    assert refused.value.told.detail == "Vui lòng thử lại sau 15 phút."
    assert [one.headers["x-forwarded-for"] for one in asked] == ["203.0.113.9"]

"""Only the officer who typed a form sends it on after the session has ended."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.portal.sessions import csrf_of
from services.portal.whose_form import COOKIE, cookie_of, is_anothers, mark_of, owner_of, remember

LOGIN = "quay-01"
SESSION = "a" * 43


def browser_with(cookie: str) -> Request:
    """A request of a browser that remembers this."""
    return Request({"type": "http", "headers": [(b"cookie", f"{COOKIE}={cookie}".encode())]})


def test_a_form_of_the_last_session_is_its_officers() -> None:
    """Its token tells; they may send it on, another officer may not."""
    owner = owner_of(browser_with(cookie_of(LOGIN, SESSION)), csrf_of(SESSION))
    assert owner == mark_of(LOGIN)
    assert not is_anothers(owner, LOGIN)
    assert is_anothers(owner, "quay-02")


@pytest.mark.parametrize("token", ["", "é", csrf_of(""), csrf_of("b" * 43)])
def test_a_form_of_another_session_is_nobodys_for_sure(token: str) -> None:
    """A tab left open by somebody earlier: the officer is asked, for it may be theirs."""
    owner = owner_of(browser_with(cookie_of(LOGIN, SESSION)), token)
    assert owner == ""
    assert not is_anothers(owner, LOGIN)


@pytest.mark.parametrize("cookie", ["", ".", "x", f"{mark_of(LOGIN)}.", f"short.{csrf_of(SESSION)}"])
def test_an_odd_cookie_says_nothing(cookie: str) -> None:
    """Nor does the token that nobody has."""
    assert owner_of(browser_with(cookie), csrf_of(SESSION)) == ""
    assert owner_of(browser_with(cookie), "") == ""


def test_a_mark_that_was_never_given_is_anothers() -> None:
    """Whoever changes the page gains nothing."""
    assert is_anothers("é", LOGIN)


def test_the_browser_remembers_no_name_and_tells_no_script() -> None:
    """Bound to this host, HTTPS and the time the browser is open."""
    response = Response()
    remember(response, LOGIN, SESSION)
    said = response.headers["set-cookie"]
    assert said.startswith(f"{COOKIE}=")
    assert LOGIN not in said
    assert SESSION not in said
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(said.split("; "))
    assert "Max-Age" not in said
    assert "expires" not in said

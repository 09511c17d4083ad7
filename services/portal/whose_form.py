"""Whose form it was that came after the session had ended: only its officer may send it on.

The browser keeps a mark of the officer who signed in last and of their forms' token. A form that carries this token was
theirs; of any other it is not known whose it was, and the officer is asked.
"""

import hashlib
import hmac

from starlette.requests import Request
from starlette.responses import Response

from services.portal.sessions import csrf_of

COOKIE = "__Host-nguoi"
MARK_LENGTH = 32


def mark_of(login: str) -> str:
    """What stands for an officer in a page of the signed-out: it need not show their name."""
    return hashlib.sha256(b"portal-officer:" + login.encode()).hexdigest()[:MARK_LENGTH]


def cookie_of(login: str, session: str) -> str:
    """What the browser remembers of who signed in last."""
    return f"{mark_of(login)}.{csrf_of(session)}"


def remember(response: Response, login: str, session: str) -> None:
    """Let the browser remember, until it is closed, who signed in last."""
    value = cookie_of(login, session)
    response.set_cookie(COOKIE, value, path="/", secure=True, httponly=True, samesite="lax")


def owner_of(request: Request, csrf: str) -> str:
    """The mark of the officer on whose page a form with this token stood; empty when that is not known."""
    mark, _, token = request.cookies.get(COOKIE, "").partition(".")
    known = len(mark) == MARK_LENGTH and token and hmac.compare_digest(token.encode(), csrf.encode())
    return mark if known else ""


def is_anothers(owner: str, login: str) -> bool:
    """Whether the form is known to be somebody else's."""
    return bool(owner) and not hmac.compare_digest(owner.encode(), mark_of(login).encode())

"""What every answer and every form is held to: headers, and that a form was sent from our own page by its owner."""

import hmac
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import FormData, Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.http.problems import Problem

# No inline script or style, nothing from elsewhere, no frame around us.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "frame-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
        "base-uri 'none'",
        "object-src 'none'",
    )
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(self), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "SAMEORIGIN",
}
# A script that sent a form asks for the address to go on at (static/in-place.js): following a redirect itself, it would
# load that page once more than anybody reads it, and looks at a person's file are recorded.
IN_PLACE = "in-place"
FIELD = "_csrf"
HEADER = "X-CSRF"
# What a browser never shows by itself needs no more than this; the rest would be a tenth of a first page's weight.
PART_HEADERS: Mapping[str, str] = {"Cross-Origin-Resource-Policy": "same-origin"}
PARTS = ("text/css", "text/javascript", "font/", "image/png")
# A printed paper has people in it. The PDF viewer in our own hidden frame styles itself; the paper can do nothing else.
PDF_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "Content-Disposition": "inline",
}
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# A form with a scanned file; larger ones are sent by themselves.
FORM_BYTES_MAX = 24 << 20
FORM_FIELDS_MAX = 500
FORM_FILES_MAX = 20


class Guard:
    """ASGI middleware: the headers of every answer, where a script goes on, and no unsafe request from another site."""

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        """`origin` is where browsers reach us: scheme, host and port."""
        self._app = app
        self._origin = origin.rstrip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        in_place = IN_PLACE in Headers(scope=scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if in_place and message["status"] == 303:
                    message["status"] = 204
                    del headers["content-length"]
                part = headers.get("content-type", "").startswith(PARTS)
                for name, value in (PART_HEADERS if part else HEADERS).items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] in UNSAFE and not self._from_our_pages(Request(scope)):
            await Problem(403, "foreign-form", "Yêu cầu không được gửi từ trang này").response()(
                scope, receive, with_headers
            )
            return
        await self._app(scope, receive, with_headers)

    def _from_our_pages(self, request: Request) -> bool:
        """By what browsers say themselves; one that says nothing is judged by the form's own token alone."""
        site = request.headers.get("sec-fetch-site", "")
        origin = request.headers.get("origin", "")
        if site and site != "same-origin":
            return False
        return origin in {"", self._origin, _host_of(request)}


def _host_of(request: Request) -> str:
    """The origin by the address the request itself was sent to (behind an entrance it is that of the setting)."""
    return f"{urlsplit(str(request.base_url)).scheme}://{request.headers.get('host', '')}"


async def form_of(request: Request, csrf: str) -> FormData:
    """The form that was sent, if it carries the token of its owner's session. Raises Problem 403 or 413."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > FORM_BYTES_MAX:
        raise Problem(413)
    form = await request.form(max_files=FORM_FILES_MAX, max_fields=FORM_FIELDS_MAX)
    given = request.headers.get(HEADER) or form.get(FIELD)
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), csrf.encode()):
        raise Problem(403, "stale-form", "Biểu mẫu đã cũ, hãy tải lại trang rồi gửi lại")
    return form

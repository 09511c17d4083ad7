"""Static files: our own from `static/`, and by an allow-list what the pinned packages bring.

Their address carries a digest of their content, so that a browser may keep them for ever and never keeps an old one.
"""

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from libs.http.problems import Problem

OURS = Path(__file__).parent / "static"
_FONT = "@fontsource/be-vietnam-pro/files/be-vietnam-pro-{subset}-{weight}-normal.woff2"
# Name in our address → file of a package.
PACKAGED: Mapping[str, str] = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    **{
        f"font-{subset}-{weight}.woff2": _FONT.format(subset=subset, weight=weight)
        for subset in ("latin", "vietnamese")
        for weight in (400, 600)
    },
}
TYPES: Mapping[str, str] = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
FOR_EVER = "public, max-age=31536000, immutable"
# Pages themselves are not compressed: they carry form tokens beside what a stranger may have put into them (BREACH).
COMPRESSED = frozenset({".css", ".js", ".svg"})


class Assets:
    """Every static file, read once."""

    def __init__(self, packages: Path) -> None:
        """`packages` is the `node_modules` of assets/package.json. Raises OSError when one is missing."""
        files = {
            path.relative_to(OURS).as_posix(): path
            for path in sorted(OURS.rglob("*"))
            if path.suffix in TYPES
        }
        files |= {name: packages / path for name, path in PACKAGED.items()}
        self._contents = {name: path.read_bytes() for name, path in files.items()}
        self._small = {
            name: gzip.compress(content, 9, mtime=0)
            for name, content in self._contents.items()
            if Path(name).suffix in COMPRESSED
        }
        # One version for all: modules import each other by relative names.
        whole = hashlib.sha256(b"".join(self._contents[name] for name in sorted(self._contents)))
        self.version = whole.hexdigest()[:12]

    def address(self, name: str) -> str:
        """Where a page finds the file. Raises KeyError for one there is not."""
        self._contents[name]
        return f"/static/{self.version}/{name}"

    def content(self, name: str) -> bytes:
        """The file itself. Raises KeyError."""
        return self._contents[name]

    def compressed(self, name: str) -> bytes | None:
        """The file in gzip, None for one that is compressed by itself."""
        return self._small.get(name)

    def names(self) -> tuple[str, ...]:
        """Every file there is."""
        return tuple(self._contents)


def router(assets: Assets) -> APIRouter:
    """GET /static/{version}/{name}; a name may stand in a folder."""
    routes = APIRouter()

    @routes.get("/static/{version}/{name:path}")
    async def file(request: Request, version: str, name: str) -> Response:
        """One static file; under an old version the newest one, not to be kept."""
        try:
            content = assets.content(name)
        except KeyError:
            raise Problem(404) from None
        headers = {"Cache-Control": FOR_EVER if version == assets.version else "no-cache"}
        small = assets.compressed(name)
        if small is not None:
            headers["Vary"] = "Accept-Encoding"
            if "gzip" in request.headers.get("accept-encoding", ""):
                content, headers["Content-Encoding"] = small, "gzip"
        return Response(content, media_type=TYPES[Path(name).suffix], headers=headers)

    return routes

"""Samples in four languages, and the checker of signatures that works in the browser alone."""

from pathlib import Path

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.portal.developers.door import show, visitor

router = APIRouter()
_FOLDER = Path(__file__).parent / "samples"
SAMPLES = tuple(
    (name, language, (_FOLDER / name).read_text(encoding="utf-8"))
    for name, language in (
        ("webhook.py", "Python"),
        ("webhook.mjs", "JavaScript (Node.js)"),
        ("Webhook.java", "Java"),
        ("Webhook.cs", "C#"),
    )
)


@router.get("/dev/mau")
async def samples(request: Request) -> Response:
    """How a receiver checks what it is sent."""
    return show(request, "samples.html", await visitor(request), samples=SAMPLES)


@router.get("/dev/kiem-chu-ky")
async def checker(request: Request) -> Response:
    """Paste what came: which check fails is said by the page itself."""
    return show(request, "checker.html", await visitor(request))

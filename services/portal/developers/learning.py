"""Samples in four languages, and the checker of signatures that works in the browser alone."""

from pathlib import Path

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.portal.developers.door import show
from services.portal.sessions import visitor

router = APIRouter()
# Run by their own tests (tests/unit/client, tests/integration/client); the image of the screens has a copy.
_FOLDER = Path(__file__).parents[3] / "clients" / "samples"
_LANGUAGES = (
    ("python", "Python", "py", str.lower),
    ("javascript", "JavaScript (Node.js)", "mjs", str.lower),
    ("java", "Java", "java", str.title),
    ("csharp", "C#", "cs", str.title),
)


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One file, as it stands."""

    language: str
    name: str
    text: str


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """What one learns to do, in every language."""

    id: str
    words: str
    samples: tuple[Sample, ...]


def _lesson(name: str, words: str) -> Lesson:
    found = []
    for folder, language, end, written in _LANGUAGES:
        path = _FOLDER / folder / f"{written(name)}.{end}"
        found.append(Sample(language=language, name=path.name, text=path.read_text(encoding="utf-8")))
    return Lesson(id=name, words=words, samples=tuple(found))


LESSONS = (
    _lesson("verify", "Kiểm chữ ký webhook"),
    _lesson("receive", "Chương trình nhận webhook, dùng mã kiểm chữ ký trên"),
    _lesson("feed", "Đọc luồng sự kiện"),
)


@router.get("/dev/mau")
async def samples(request: Request) -> Response:
    """How a receiver checks what it is sent, and how a reader reads."""
    return show(request, "samples.html", await visitor(request), lessons=LESSONS)


@router.get("/dev/kiem-chu-ky")
async def checker(request: Request) -> Response:
    """Paste what came: which check fails is said by the page itself."""
    return show(request, "checker.html", await visitor(request))

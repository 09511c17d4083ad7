"""The front door, and what a machine asks for there."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from services.portal.rendering import page

router = APIRouter()
# Pages of one dossier or paper, and those behind the sign-in.
HIDDEN = ("/h/", "/track/", "/tra-cuu?", "/xac-minh/", "/verify/", "/dang-nhap")
ROBOTS = "".join(["User-agent: *\n", *(f"Disallow: {path}\n" for path in HIDDEN)])


@router.get("/")
async def home(request: Request) -> Response:
    """Three doors: follow a dossier, report something to the city, find a procedure."""
    return page(request, "home.html")


@router.get("/robots.txt")
async def robots() -> Response:
    """Pages of dossiers are nobody's search results."""
    return PlainTextResponse(ROBOTS)

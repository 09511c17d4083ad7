"""The front door, and what a machine asks for there."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from services.portal.rendering import page

router = APIRouter()


@router.get("/")
async def home(request: Request) -> Response:
    """Three doors: follow a dossier, report something to the city, find a procedure."""
    return page(request, "home.html")


@router.get("/robots.txt")
async def robots() -> Response:
    """Pages of dossiers are nobody's search results."""
    return PlainTextResponse("User-agent: *\nDisallow: /h/\nDisallow: /tra-cuu\nDisallow: /dang-nhap\n")

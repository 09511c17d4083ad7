"""Pages from templates: one Jinja environment, what every page knows, and pages for what went wrong."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from services.portal import wording
from services.portal.assets import Assets
from services.portal.sessions import Person, csrf_of

TEMPLATES = Path(__file__).parent / "templates"


class Renderer:
    """Makes pages and fragments; `help_phone` and `city` stand on every page."""

    def __init__(self, assets: Assets, *, help_phone: str) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "asset": assets.address,
            "help_phone": help_phone,
            "status_tag": wording.status_tag,
            "new_key": lambda: str(uuid4()),
            "now": lambda: datetime.now(UTC),
        }
        self._environment.filters |= {
            "day": wording.day,
            "day_in_words": wording.day_in_words,
            "clock": wording.clock,
            "clock_seconds": wording.clock_seconds,
            "day_and_clock": wording.day_and_clock,
            "day_and_clock_seconds": wording.day_and_clock_seconds,
            "with_code": wording.with_code,
            "appointment": wording.appointment,
        }

    def text(self, template: str, context: Mapping[str, Any]) -> str:
        """The template filled in."""
        return self._environment.get_template(template).render(context)

    def fragment(self, template: str, block: str, context: Mapping[str, Any]) -> Markup:
        """One block of a template filled in, as a page shows it and a live update replaces it."""
        found = self._environment.get_template(template)
        made = found.new_context(dict(context))
        # The first step of the whole page is what stands at its top: the imports that the block uses.
        next(iter(found.root_render_func(made)), None)
        return Markup("".join(found.blocks[block](made)))  # noqa: S704 - made by the template, which escapes


def renderer_of(request: Request) -> Renderer:
    """The renderer of this process."""
    renderer: Renderer = request.app.state.renderer
    return renderer


def context_of(request: Request, person: Person | None, more: Mapping[str, Any]) -> dict[str, Any]:
    """What every template may use: who is signed in, the form token, the path, and `more`."""
    return {
        "person": person,
        "csrf": person.csrf if person else csrf_of(""),
        "path": request.url.path,
        "problems": (),
        # Whether a kiosk asks (services.portal.devices.known): its pages lead nowhere but among themselves.
        "kiosk": getattr(request.state, "kiosk", False),
        **more,
    }


def page(
    request: Request,
    template: str,
    person: Person | None = None,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> HTMLResponse:
    """A whole page."""
    content = renderer_of(request).text(template, context_of(request, person, more))
    return HTMLResponse(content, status, headers)


def part(
    request: Request,
    template: str,
    block: str,
    person: Person | None = None,
    *,
    status: int = 200,
    **more: Any,
) -> HTMLResponse:
    """One block of a page, for a request that replaces only it."""
    content = renderer_of(request).fragment(template, block, context_of(request, person, more))
    return HTMLResponse(content, status)


def is_partial(request: Request) -> bool:
    """Whether a script asks for a part of the page it stands on."""
    return request.headers.get("hx-request") == "true"

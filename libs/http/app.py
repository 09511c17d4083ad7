"""The application of a service: FastAPI for routing and OpenAPI, msgspec for bodies, our edge around it."""

import copy
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from libs.http import idempotency, problems
from libs.http.auth import TokenVerifier
from libs.http.bodies import DOCUMENTED
from libs.http.edge import Edge, EdgeLimits
from libs.http.health import LOOPBACK, Health, Readiness
from libs.http.limits import Network

__all__ = ["EdgeLimits", "Readiness", "build_app"]


def build_app(
    *,
    service: str,
    version: str,
    lifespan: Any,
    ready: Callable[[], Awaitable[Readiness]],
    verifier: TokenVerifier | None = None,
    limits: EdgeLimits | None = None,
    scrape_networks: Sequence[Network] = LOOPBACK,
    trusted_proxies: Sequence[Network] = (),
) -> FastAPI:
    """The application with everything but its endpoints; add them with `app.include_router(...)`.

    `lifespan` is FastAPI's (an async context manager of the app). Without `verifier` every endpoint that requires an
    actor answers 401; it may also be set later as `app.state.verifier`. `/metrics` and `/openapi.json` answer peers
    in `scrape_networks` and operators; X-Forwarded-For counts only from `trusted_proxies`.
    """
    app = FastAPI(
        title=f"Một Cửa: {service}",
        version=version,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.verifier = verifier
    app.state.trusted_proxies = tuple(trusted_proxies)
    app.state.health = Health(ready, service=service, version=version)
    app.add_exception_handler(problems.Problem, problems.answer_problem)
    app.add_exception_handler(HTTPException, problems.answer_http_error)
    app.add_exception_handler(RequestValidationError, problems.answer_invalid_parameters)
    app.add_middleware(Edge, limits=limits)
    app.include_router(app.state.health.router(scrape_networks=scrape_networks))
    _describe(app)
    return app


def _describe(app: FastAPI) -> None:
    """Add to FastAPI's OpenAPI document the msgspec types of bodies, the problem type and the way to sign in."""
    generated = app.openapi

    def openapi() -> dict[str, Any]:
        document = copy.deepcopy(generated())
        for operations in document["paths"].values():
            for method, operation in operations.items():
                needed = operation.pop(idempotency.DECLARED, None)
                if needed or (needed is None and method == "post"):
                    key = {**_KEY, "required": bool(needed)}
                    operation.setdefault("parameters", []).append(key)
                operation["responses"].pop("422", None)
                operation["responses"]["default"] = _PROBLEM_ANSWER
        components = document.setdefault("components", {})
        schemas = {**components.get("schemas", {}), **DOCUMENTED, "Problem": _PROBLEM}
        components["schemas"] = {name: schemas[name] for name in schemas if name not in _FRAMEWORK_SCHEMAS}
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
        document["security"] = [{"token": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]


_KEY: dict[str, Any] = {
    "name": idempotency.HEADER,
    "in": "header",
    "description": "Required where the request changes something (400 without it): repeated, it gets the same answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
# FastAPI's own description of a 422, which we answer with a problem.
_FRAMEWORK_SCHEMAS = ("HTTPValidationError", "ValidationError")
_PROBLEM_ANSWER: dict[str, Any] = {
    "description": "Problem",
    "headers": {
        "Retry-After": {
            "description": "With 429 and 503: after how many seconds to try again",
            "schema": {"type": "integer", "minimum": 1},
        }
    },
    "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details (application/problem+json); title, detail and messages in Vietnamese",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "code", "message")},
            },
        },
    },
}

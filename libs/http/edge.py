"""The outermost layer of every service, in plain ASGI: request id, limits, scrubbed errors, metrics, access log.

One layer instead of one per concern: each costs every request a call and a closure.
"""

import re
import time
from collections import Counter as Counts
from urllib.parse import parse_qsl
from uuid import uuid4

import msgspec
from fastapi import FastAPI
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.http.problems import Problem, answer_to, unavailable
from libs.telemetry import traces
from libs.telemetry.logs import bind_contextvars, log, reset_contextvars
from libs.telemetry.metrics import counter, gauge, histogram

# What one process answers at a time; more would only wait for the pool and be refused later.
IN_FLIGHT_MAX = 256
BODY_BYTES_MAX = 64 << 20
PATH_BYTES_MAX = 4096
QUERY_BYTES_MAX = 4096
QUERY_FIELDS_MAX = 32
UNMATCHED = "unmatched"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"})
_STATUS_CLIENT_GONE = 499
# Only ids that cannot be anything else are taken over from the caller.
_REQUEST_ID = re.compile(rb"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_HEALTH = "/health/"
# Unless an endpoint says otherwise: personal data is nobody's cache's business, types are as declared.
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))

_REQUESTS: Counter = counter("http_requests_total")
_SECONDS: Histogram = histogram("http_request_seconds")
_REFUSED: Counter = counter("http_refused_total")
_IN_FLIGHT = gauge("http_in_flight")


class EdgeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """How much one process takes on."""

    in_flight_max: int = IN_FLIGHT_MAX
    body_bytes_max: int = BODY_BYTES_MAX


class Edge:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, limits: EdgeLimits | None = None) -> None:
        self._app = app
        self._limits = limits or EdgeLimits()
        self._in_flight = 0
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._lists: frozenset[str] | None = None
        self._clocks: dict[tuple[str, str], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; nothing that goes wrong inside leaves this method."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        exchange = _Exchange(scope, receive, send, self._limits.body_bytes_max)
        tokens = bind_contextvars(request_id=exchange.request_id)
        self._in_flight += 1
        _IN_FLIGHT.set(self._in_flight)
        try:
            if traces.tracing():
                await self._traced(scope, exchange)
            else:
                await self._answer(scope, exchange)
        finally:
            self._in_flight -= 1
            _IN_FLIGHT.set(self._in_flight)
            self._account(scope, exchange.status, time.perf_counter() - started)
            reset_contextvars(**tokens)

    async def _answer(self, scope: Scope, exchange: "_Exchange") -> None:
        refused = self._refusal(scope)
        if refused is not None:
            _REFUSED.labels(reason=refused.slug).inc()
            await refused.response()(scope, exchange.receive, exchange.send)
            return
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except ClientDisconnect:
            exchange.status = _STATUS_CLIENT_GONE
        except Exception as error:  # noqa: BLE001 - the last place where a failure can become an answer
            response = answer_to(error)
            if exchange.status == 0:
                await response(scope, exchange.receive, exchange.send)
            else:
                exchange.status = 500

    async def _traced(self, scope: Scope, exchange: "_Exchange") -> None:
        method = _method(scope)
        link = traces.valid_traceparent(_header(scope, b"traceparent").decode("latin-1"))
        attributes: dict[str, traces.Value] = {"http.request.method": method}
        with traces.span(method, kind="server", attributes=attributes, links=[link]) as current:
            await self._answer(scope, exchange)
            route = _route(scope)
            current.update_name(f"{method} {route}")
            traces.annotate(current, {"http.route": route, "http.response.status_code": exchange.status})

    def _refusal(self, scope: Scope) -> Problem | None:
        """Why the request is not even begun."""
        path: str = scope["path"]
        if self._in_flight > self._limits.in_flight_max and not path.startswith(_HEALTH):
            return unavailable()
        query: bytes = scope["query_string"]
        if len(scope.get("raw_path") or path) > PATH_BYTES_MAX or len(query) > QUERY_BYTES_MAX:
            return Problem(414)
        if "\x00" in path or b"%00" in query:
            return Problem(400, "bad-text", "Yêu cầu chứa ký tự không hợp lệ")
        if b"&" in query and _repeated(query) - self._list_parameters(scope["app"]):
            return Problem(400, "repeated-parameter", "Một tham số xuất hiện hai lần")
        length = _header(scope, b"content-length")
        if length.isdigit() and int(length) > self._limits.body_bytes_max:
            return Problem(413, headers={"Connection": "close"})
        return None

    def _list_parameters(self, app: FastAPI) -> frozenset[str]:
        """Query parameters that some endpoint takes as a list; only these may be repeated (ASVS 15.3.7)."""
        if self._lists is None:
            operations = [one for path in app.openapi()["paths"].values() for one in path.values()]
            self._lists = frozenset(
                parameter["name"]
                for operation in operations
                for parameter in operation.get("parameters", ())
                if parameter["in"] == "query" and b'"array"' in msgspec.json.encode(parameter["schema"])
            )
        return self._lists

    def _account(self, scope: Scope, status: int, seconds: float) -> None:
        """Count and log: method, template of the route, status, time, who in kind. Never path, query or body."""
        method, route = _method(scope), _route(scope)
        done = self._counters.get((method, route, status))
        if done is None:
            done = self._counters[method, route, status] = _REQUESTS.labels(method, route, status)
        done.inc()
        clock = self._clocks.get((method, route))
        if clock is None:
            clock = self._clocks[method, route] = _SECONDS.labels(method, route)
        clock.observe(seconds)
        routine = status < 400 and (route.startswith(_HEALTH) or route == "/metrics")
        say = log.debug if routine else log.info
        say(
            "http-request",
            method=method,
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            actor_kind=scope.get("actor_kind", "public"),
        )


class _Exchange:
    """One request and its answer: counts the body in, adds the headers every answer has, remembers the status."""

    __slots__ = ("_bytes_left", "_receive", "_send", "request_id", "status")

    def __init__(self, scope: Scope, receive: Receive, send: Send, body_bytes_max: int) -> None:
        given = _header(scope, b"x-request-id")
        self.request_id = given.decode() if _REQUEST_ID.fullmatch(given) else str(uuid4())
        self.status = 0
        self._bytes_left = body_bytes_max
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        """The next part of the body. Raises Problem 413 when the whole is larger than allowed."""
        message = await self._receive()
        self._bytes_left -= len(message.get("body", b""))
        if self._bytes_left < 0:
            raise Problem(413, headers={"Connection": "close"})
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on with our headers."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"] = list(message.get("headers", ()))
            headers.append((b"x-request-id", self.request_id.encode()))
            names = {name.lower() for name, _ in headers}
            headers.extend(header for header in _HEADERS if header[0] not in names)
        await self._send(message)


def _header(scope: Scope, wanted: bytes) -> bytes:
    for name, value in scope["headers"]:
        if name == wanted:
            return bytes(value)
    return b""


def _method(scope: Scope) -> str:
    method: str = scope["method"]
    return method if method in _METHODS else "OTHER"


def _route(scope: Scope) -> str:
    """The template with its names in braces; one constant for everything that matched nothing."""
    context = scope.get("fastapi", {}).get("effective_route_context")
    template = getattr(context, "path_format", None) or getattr(scope.get("route"), "path_format", None)
    return template or UNMATCHED


def _repeated(query: bytes) -> set[str]:
    """The names that occur more than once; more than QUERY_FIELDS_MAX names count as one nobody allows."""
    try:
        fields = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        return {""}
    counts = Counts(name for name, _ in fields)
    return {name for name, count in counts.items() if count > 1}

"""Run a service: uvicorn on uvloop, background tasks beside it, and a stop that loses nothing.

    if __name__ == "__main__":
        run(serve(app, host=settings.http_host, port=settings.http_port, background=[bus.run]))

SIGTERM: readiness turns false and requests are still answered for `unready_seconds` (load balancers look every few
seconds); then no new connections, requests in flight end, background tasks are told to stop and end; exit 0.
SIGINT (a person at the terminal) skips the waiting. A background task that fails or ends by itself ends the process
with status 1: the supervisor starts it anew.
"""

import asyncio
import gc
import signal
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import uvicorn
import uvloop
from fastapi import FastAPI

from libs.telemetry.logs import log

UNREADY_SECONDS = 5.0
# Requests and background tasks each get this long to finish (delivery.md 3.8); the supervisor's patience is ≥ 40 s.
DRAIN_SECONDS = 20
KEEP_ALIVE_SECONDS = 30
BACKLOG_CONNECTIONS = 512
# Objects made before the collector looks at the young ones; Python's own 700 is for programs that make few.
YOUNG_OBJECTS = 10_000

Background = Callable[[asyncio.Event], Awaitable[None]]
Parser = Literal["httptools", "h11"]
# httptools takes a request that offers another protocol for one of that protocol and drops its body. Java's own client
# offers HTTP/2 with every request to http://: where anybody's program may call, the slower parser reads it whole.
QUICK_PARSER: Parser = "httptools"
PATIENT_PARSER: Parser = "h11"


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run `main` on uvloop. Raises SystemExit with status 1 when a background task failed."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def serve(
    app: FastAPI,
    *,
    host: str,
    port: int,
    background: Sequence[Background] = (),
    unready_seconds: float = UNREADY_SECONDS,
    drain_seconds: int = DRAIN_SECONDS,
    parser: Parser = QUICK_PARSER,
) -> None:
    """Answer on host:port until a signal or a failure. Each of `background` gets the event that tells it to stop.

    They start after the application's lifespan has begun and end before it ends. Raises SystemExit (non-zero) when
    one failed or the server could not start.
    """
    server = _Server(_config(app, host, port, drain_seconds, parser))
    stopping = asyncio.Event()
    stop_background = asyncio.Event()
    server.after_requests = lambda: _end(tasks, stop_background, drain_seconds)
    tasks: list[asyncio.Task[None]] = []
    failed: list[BaseException | None] = []

    def ended(task: asyncio.Task[None]) -> None:
        if task.cancelled() or (task.exception() is None and stop_background.is_set()):
            return
        failed.append(task.exception())
        log.error("background-task-ended", task=task.get_name(), exc_info=task.exception())
        stopping.set()

    def begin() -> None:
        for work in background:
            task = asyncio.ensure_future(_named(work, stop_background))
            task.set_name(getattr(work, "__qualname__", type(work).__name__))
            task.add_done_callback(ended)
            tasks.append(task)
        _spare_collector()
        log.info("listening", host=host, port=port)

    server.when_started = begin
    with _signals(stopping) as received:
        stopper = asyncio.create_task(_stop(app, server, stopping, failed, received, unready_seconds))
        try:
            await server.serve()
        finally:
            stopper.cancel()
    log.info("stopped", exit_code=1 if failed else 0)
    if failed:
        raise SystemExit(1)


def _spare_collector() -> None:
    """Take what the process keeps for life (code, catalogue, routes) out of every later garbage collection.

    Going over it again and again was a sixth of the CPU of a service under load (docs/performance.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


async def _named(work: Background, stop: asyncio.Event) -> None:
    await work(stop)


async def _stop(
    app: FastAPI,
    server: "_Server",
    stopping: asyncio.Event,
    failed: Sequence[object],
    received: list[signal.Signals],
    unready_seconds: float,
) -> None:
    """Wait for a reason to stop, let balancers notice, then tell the server."""
    await stopping.wait()
    log.info("stopping", signal=received[0].name if received else "none")
    app.state.health.draining = True
    if not failed and signal.SIGINT not in received:
        await asyncio.sleep(unready_seconds)
    server.should_exit = True


async def _end(tasks: Sequence[asyncio.Task[None]], stop: asyncio.Event, drain_seconds: float) -> None:
    """Tell the background tasks to stop and wait for them; what does not end in time is cancelled."""
    stop.set()
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=drain_seconds)
    for task in late:
        log.error("background-task-cancelled", task=task.get_name())
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=1)


@contextmanager
def _signals(stopping: asyncio.Event) -> Iterator[list[signal.Signals]]:
    """SIGTERM and SIGINT set `stopping`; yields the list of those received."""
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def on_signal(number: signal.Signals) -> None:
        received.append(number)
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield received
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _config(
    app: FastAPI, host: str, port: int, drain_seconds: int, parser: Parser = QUICK_PARSER
) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=parser,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        # Spoofed X-Forwarded-For must have no effect (ASVS 4.1.3); libs.http.limits reads it where it is trusted.
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG_CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=drain_seconds,
    )


class _Server(uvicorn.Server):
    """uvicorn with our signals, and our tasks between its lifespan's beginning and end."""

    when_started: Callable[[], None]
    after_requests: Callable[[], Awaitable[None]]

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to us: uvicorn would stop at once and raise them again afterwards."""
        yield

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Start, then start the background tasks; they end when no request is left and before the lifespan does.

        Requests may still commit events, which the relay should send; the lifespan closes what both of them use.
        """
        await super().startup(sockets)
        if not self.started:
            return
        self.when_started()
        end_lifespan = self.lifespan.shutdown

        async def end_background_then_lifespan() -> None:
            await self.after_requests()
            await end_lifespan()

        self.lifespan.shutdown = end_background_then_lifespan

"""Starting and stopping a real process: nothing in flight is lost, failures are seen by the supervisor."""

import asyncio
import json
import signal
import sys
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import free_port

ROOT = Path(__file__).parents[3]
DEADLINE_SECONDS = 20.0

PROGRAM = textwrap.dedent("""
    import asyncio, sys
    from contextlib import asynccontextmanager
    from starlette.responses import Response
    from libs.http.app import Readiness, build_app
    from libs.http.serve import run, serve
    from libs.telemetry.logs import configure_logs, log

    configure_logs("probe")

    @asynccontextmanager
    async def lifespan(app):
        log.info("lifespan-begun")
        yield
        log.info("lifespan-ended")

    async def ready():
        return Readiness(True)

    app = build_app(service="probe", version="1", lifespan=lifespan, ready=ready)

    @app.get("/slow")
    async def slow():
        log.info("slow-begun")
        await asyncio.sleep(1)
        log.info("slow-ended")
        return Response(b"done")

    async def relay(stop):
        await stop.wait()
        log.info("relay-drained")

    async def broken(stop):
        await asyncio.sleep(0.2)
        if sys.argv[2] == "crash":
            raise ValueError("0912345678")

    background = [relay] if sys.argv[2] == "good" else [relay, broken]
    run(serve(app, host="127.0.0.1", port=int(sys.argv[1]), background=background, unready_seconds=0.5))
""")


class Probe:
    """The running program, its port and the lines it wrote."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.events: list[str] = []

    async def until(self, event: str) -> None:
        """Read lines until `event`, or to the end of the output."""
        assert self.process.stdout is not None
        async with asyncio.timeout(DEADLINE_SECONDS):
            while line := await self.process.stdout.readline():
                self.events.append(json.loads(line)["event"])
                if self.events[-1] == event:
                    return

    async def end(self) -> int:
        """Read the rest; returns the exit status."""
        await self.until("")
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.process.wait()


@asynccontextmanager
async def probe(manner: str, folder: Path) -> AsyncIterator[Probe]:
    """The program in a process of its own; killed at the end if it still runs."""
    program = folder / "probe.py"
    program.write_text(PROGRAM)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(program),
        str(port),
        manner,
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT)},
    )
    try:
        yield Probe(process, port)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stop_finishes_what_was_begun(tmp_path: Path, number: signal.Signals) -> None:
    """The request in flight is answered, then the relay drains, then the lifespan ends; the status is 0."""
    async with probe("good", tmp_path) as running, httpx.AsyncClient(trust_env=False) as client:
        await running.until("listening")
        answer = asyncio.create_task(client.get(f"{running.url}/slow", timeout=DEADLINE_SECONDS))
        await running.until("slow-begun")
        running.process.send_signal(number)
        assert await running.end() == 0
        assert (await answer).text == "done"
    order = [event for event in running.events if event != "http-request"]
    assert order[2:] == ["slow-begun", "stopping", "slow-ended", "relay-drained", "lifespan-ended", "stopped"]


async def test_draining_turns_readiness_first(tmp_path: Path) -> None:
    """Between the signal and the end of accepting, new requests are answered and readiness says no."""
    async with probe("good", tmp_path) as running, httpx.AsyncClient(trust_env=False) as client:
        await running.until("listening")
        assert (await client.get(f"{running.url}/health/ready")).status_code == 200
        running.process.terminate()
        await running.until("stopping")
        assert (await client.get(f"{running.url}/health/ready")).status_code == 503
        assert (await client.get(f"{running.url}/health/live")).status_code == 200
        assert await running.end() == 0


@pytest.mark.parametrize("manner", ["crash", "return"])
async def test_background_task_that_ends_ends_the_process(tmp_path: Path, manner: str) -> None:
    """Whether it raised or just returned, the supervisor sees status 1 and the others were drained."""
    async with probe(manner, tmp_path) as running:
        assert await running.end() == 1
    assert "background-task-ended" in running.events
    assert running.events[-3:] == ["relay-drained", "lifespan-ended", "stopped"]

"""The supervisor keeps processes running and leaves none behind."""

import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from deploy.local.nats_server import NatsServer
from deploy.local.processes import Command, ProcessStatus, Restarting, Supervisor
from deploy.local.server_folder import FolderBusy, ServerError
from tests.fixtures.servers import ROOT, eventually, is_alive

QUICK = Restarting(delay_seconds=0.05, delay_max_seconds=0.2, steady_seconds=5)
PATH = "/usr/bin:/bin"


def shell(name: str, script: str, **environment: str) -> Command:
    """A command made of a shell script."""
    return Command(name=name, argv=("/bin/sh", "-c", script), environment={"PATH": PATH, **environment})


def only(supervisor: Supervisor) -> ProcessStatus:
    """The status of the one process there is."""
    (status,) = supervisor.status()
    return status


async def test_a_killed_process_starts_again(tmp_path: Path) -> None:
    """After kill -9 there is a new process, and the status tells of the old one's end."""
    async with Supervisor(tmp_path, restarting=QUICK) as supervisor:
        await supervisor.start(shell("sleeper", "sleep 60"))
        first = only(supervisor).pid
        supervisor.signal("sleeper", signal.SIGKILL)
        await eventually(lambda: only(supervisor).starts == 2 and only(supervisor).pid not in {None, first})
        assert only(supervisor).exit_code == -signal.SIGKILL


async def test_a_process_that_always_fails_starts_ever_more_slowly(tmp_path: Path) -> None:
    """The pause between starts doubles up to its limit, so a broken program does not eat the machine."""
    restarting = Restarting(delay_seconds=0.05, delay_max_seconds=0.8, steady_seconds=5)
    async with Supervisor(tmp_path, restarting=restarting) as supervisor:
        await supervisor.start(shell("broken", "date +%s.%N; exit 3"))
        await eventually(lambda: only(supervisor).starts >= 6)
        assert only(supervisor).exit_code == 3
    times = [float(line) for line in (tmp_path / "broken.log").read_text().split()]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    # At least so long: a busy machine adds to any of them. Pauses of one length would fail the last.
    assert all(pause > least for pause, least in zip(pauses[:5], (0.05, 0.1, 0.2, 0.4, 0.8), strict=True))
    assert sum(pauses[3:5]) > 1.5 * sum(pauses[:2])


async def test_what_it_prints_is_in_its_log(tmp_path: Path) -> None:
    """Standard output and error of every start are in one log file named after the process."""
    async with Supervisor(tmp_path, restarting=QUICK) as supervisor:
        await supervisor.start(shell("talker", "echo said; echo failed >&2; sleep 60"))
        log = only(supervisor).log
        await eventually(lambda: log.read_text() == "said\nfailed\n")
    assert log == tmp_path / "talker.log"


async def test_it_gets_no_environment_but_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables of our own process do not reach a command."""
    monkeypatch.setenv("CANARY", "leaked")
    async with Supervisor(tmp_path, restarting=QUICK) as supervisor:
        await supervisor.start(shell("env", 'echo "$CANARY$GIVEN."; sleep 60', GIVEN="given"))
        await eventually(lambda: (tmp_path / "env.log").read_text() == "given.\n")


async def test_stop_is_polite_first(tmp_path: Path) -> None:
    """A process that handles SIGTERM ends in its own way, and is not started again."""
    script = "trap 'echo drained; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    async with Supervisor(tmp_path, restarting=QUICK) as supervisor:
        await supervisor.start(shell("polite", script))
        await eventually(lambda: "ready" in (tmp_path / "polite.log").read_text())
        await supervisor.stop("polite")
        assert supervisor.status() == []
    assert (tmp_path / "polite.log").read_text().endswith("drained\n")


async def test_a_stubborn_process_is_killed_after_the_deadline(tmp_path: Path) -> None:
    """One that ignores SIGTERM is gone soon after the deadline."""
    script = "trap '' TERM; echo ready; while :; do sleep 0.05; done"
    async with Supervisor(tmp_path, restarting=QUICK) as supervisor:
        await supervisor.start(shell("stubborn", script))
        await eventually(lambda: "ready" in (tmp_path / "stubborn.log").read_text())
        pid = only(supervisor).pid
        assert pid is not None
        began = time.monotonic()
        await supervisor.stop("stubborn", deadline_seconds=0.3)
        assert 0.3 <= time.monotonic() - began < 5
        assert not is_alive(pid)


async def test_a_frozen_process_still_stops_politely(tmp_path: Path) -> None:
    """A process stopped by SIGSTOP is woken, so that it can handle its SIGTERM."""
    script = "trap 'echo drained; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    async with Supervisor(tmp_path, restarting=QUICK) as supervisor:
        await supervisor.start(shell("frozen", script))
        await eventually(lambda: "ready" in (tmp_path / "frozen.log").read_text())
        supervisor.signal("frozen", signal.SIGSTOP)
        await supervisor.stop("frozen", deadline_seconds=5)
    assert (tmp_path / "frozen.log").read_text().endswith("drained\n")


async def test_descendants_end_with_their_leader(tmp_path: Path) -> None:
    """When a process ends, what it started in the background ends too."""
    async with Supervisor(tmp_path, restarting=Restarting(delay_seconds=30)) as supervisor:
        await supervisor.start(shell("parent", "sleep 60 & echo $!; exit 0"))
        await eventually(lambda: only(supervisor).exit_code == 0)
        child = int((tmp_path / "parent.log").read_text())
        await eventually(lambda: not is_alive(child))


async def test_a_missing_program_is_reported(tmp_path: Path) -> None:
    """Starting a program that does not exist fails at once and supervises nothing."""
    async with Supervisor(tmp_path, restarting=QUICK) as supervisor:
        with pytest.raises(FileNotFoundError):
            await supervisor.start(Command(name="none", argv=("/nonexistent",), environment={}))
        assert supervisor.status() == []


async def test_names_are_given_once(tmp_path: Path) -> None:
    """A second command of the same name is refused."""
    async with Supervisor(tmp_path, restarting=QUICK) as supervisor:
        await supervisor.start(shell("one", "sleep 60"))
        with pytest.raises(ServerError):
            await supervisor.start(shell("one", "sleep 60"))


async def test_two_supervisors_do_not_share_a_folder(tmp_path: Path) -> None:
    """A second supervisor on the same logs is refused: it would end the first one's processes."""
    async with Supervisor(tmp_path, restarting=QUICK) as supervisor:
        await supervisor.start(shell("one", "sleep 60"))
        with pytest.raises(FolderBusy):
            await Supervisor(tmp_path).__aenter__()
        assert only(supervisor).starts == 1


async def test_processes_of_a_killed_supervisor_are_ended(tmp_path: Path) -> None:
    """After kill -9 of the supervisor the next one ends the processes that were left, and theirs."""
    program = (
        "import asyncio, sys\n"
        "from pathlib import Path\n"
        "from deploy.local.processes import Command, Supervisor\n"
        "async def main():\n"
        "    async with Supervisor(Path(sys.argv[1])) as supervisor:\n"
        "        await supervisor.start(Command(name='left', argv=('/bin/sh', '-c', sys.argv[2]),"
        f" environment={{'PATH': '{PATH}'}}))\n"
        "        print(supervisor.status()[0].pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), "sleep 60 & echo $!; wait"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as killed:
        assert killed.stdout is not None
        left = int(killed.stdout.readline())
        log = tmp_path / "left.log"
        await eventually(lambda: log.exists() and log.read_text().endswith("\n"))
        killed.kill()
    child = int(log.read_text())
    assert is_alive(left)
    assert is_alive(child)
    async with Supervisor(tmp_path) as supervisor:
        assert supervisor.status() == []
        assert not is_alive(left)
        assert not is_alive(child)


async def test_a_kept_server_comes_back(embedded_nats: NatsServer, tmp_path: Path) -> None:
    """A kept server that is killed runs again on its port; one that is left alone stays down."""
    async with Supervisor(tmp_path, restarting=QUICK) as supervisor:
        supervisor.keep(embedded_nats)
        first, port = embedded_nats.pid, embedded_nats.port
        embedded_nats.kill()
        await eventually(lambda: embedded_nats.is_running() and embedded_nats.pid != first)
        assert embedded_nats.port == port
        await supervisor.leave("nats")
        embedded_nats.kill()
        with pytest.raises(AssertionError):
            await eventually(embedded_nats.is_running, deadline_seconds=0.5)


class Broken:
    """A server whose start fails in a way nobody expected."""

    name = "broken"

    def is_running(self) -> bool:
        return False

    async def start(self) -> None:
        raise OSError("disk is gone")


async def test_a_failure_while_stopping_leaves_no_process_behind(tmp_path: Path) -> None:
    """Every process is ended and the folder given back, and then the failure is raised."""
    supervisor = Supervisor(tmp_path, restarting=QUICK)
    await supervisor.__aenter__()
    await supervisor.start(shell("sleeper", "sleep 60"))
    pid = only(supervisor).pid
    assert pid is not None
    supervisor.keep(Broken())
    with pytest.raises(OSError, match="disk is gone"):
        await supervisor.__aexit__()
    assert not is_alive(pid)
    async with Supervisor(tmp_path) as again:
        assert again.status() == []

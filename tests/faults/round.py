"""One round: a city, a workload, faults, healing, draining, and the verdict on the history."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from aiosmtpd.controller import Controller

from deploy.local.city import ROOT, City
from deploy.local.ports import LOOPBACK, free_port
from libs.contracts.catalogue import SERVICES
from tests.faults.dump import dump
from tests.faults.faults import Faults
from tests.faults.history import check, report
from tests.faults.journal import Journal, read_journal
from tests.faults.leftovers import outstanding, watch_closely
from tests.faults.record import HAND_IN, OK, Attempt, History, Violation
from tests.faults.workload import Settings, Workload

# Rules wait minutes before they write; a round of faults has seconds.
NOTIFY = {"WAIT_SCALE": "0.02", "QUIET_HOURS": "false", "SENDER_LEASE_SECONDS": "10"}
LOOK_SECONDS = 1.0

Plan = Callable[[Faults], Awaitable[None]]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a round came to."""

    seed: int
    violations: tuple[Violation, ...]
    faults: tuple[str, ...]
    accepted: int
    closed: int
    events: int
    accepted_without_nats: int
    refused: tuple[str, ...]
    """Hand-ins refused though nothing was wrong with them."""
    drained_seconds: float
    """How long after the last fault everything was done; the whole deadline when it was not."""

    @property
    def text(self) -> str:
        """For the log of a failing test: everything needed to run it again."""
        head = (
            f"seed {self.seed}: {self.accepted} dossiers accepted, {self.closed} closed, {self.events} events, "
            f"{self.accepted_without_nats} accepted without NATS, drained in {self.drained_seconds:.0f} s"
        )
        return "\n".join(
            [head, "faults: " + "; ".join(self.faults), *self.refused[:5], report(self.violations)]
        )


class _Mailbox:
    """Counts what arrives, each time it arrives."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a message."""
        lines: list[bytes] = envelope.content.splitlines()
        header = next((line for line in lines if line.lower().startswith(b"message-id:")), b"")
        self.ids.append(header.decode("ascii", "replace"))
        return "250 OK"


async def play(
    folder: Path, plan: Plan, settings: Settings, *, drain_seconds: float, render: bool = False
) -> Verdict:
    """Run one round in `folder` and judge it."""
    mailbox = _Mailbox()
    mail = Controller(mailbox, hostname=LOOPBACK, port=free_port())
    mail.start()
    try:
        async with City(folder / "city", extra=_settings(mail.port, render=render)) as city:
            return await _play(city, folder / "journal.jsonl", mailbox, plan, settings, drain_seconds)
    finally:
        mail.stop()


def _settings(mail_port: int, *, render: bool) -> Mapping[str, Mapping[str, str]]:
    smtp = {"SMTP_HOST": LOOPBACK, "SMTP_PORT": str(mail_port), "SMTP_START_TLS": "false"}
    return {
        "*": {"UNREADY_SECONDS": "0"},
        "notify": NOTIFY | smtp,
        "results": {"RENDER_DOCUMENTS": "true" if render else "false"},
    }


async def _play(
    city: City, path: Path, mailbox: _Mailbox, plan: Plan, settings: Settings, drain_seconds: float
) -> Verdict:
    await watch_closely(city)
    urls = {service: [city.urls[service]] for service in SERVICES}
    stop = asyncio.Event()
    faults = Faults(city, settings.seed, urls)
    with Journal(path) as journal:
        workload = Workload(settings, urls, city.keys, journal, ROOT / "catalogue")
        try:
            running = asyncio.create_task(workload.run(stop))
            await plan(faults)
            stop.set()
            began = time.monotonic()
            await running
            history, violations = await _heal(city, workload, path, mailbox, began + drain_seconds)
            drained = time.monotonic() - began
        finally:
            await workload.close()
    return _verdict(settings.seed, history, faults, drained, workload.refused, tuple(violations))


async def _heal(
    city: City, workload: Workload, path: Path, mailbox: _Mailbox, deadline: float
) -> tuple[History, list[Violation]]:
    """Drain until the history is in order or the deadline has come; the last history and what is wrong with it.

    A city can look idle while a damaged stream has not been noticed yet (60 seconds are allowed for that).
    """
    while True:
        await _drain(city, workload, deadline)
        history = await dump(city, read_journal(path), mailbox.ids)
        violations = check(history)
        if not violations or time.monotonic() > deadline:
            return history, violations
        await asyncio.sleep(LOOK_SECONDS)


async def _drain(city: City, workload: Workload, deadline: float) -> None:
    """Let officers and desks go on until nobody has anything left to do, looked at twice, or the deadline."""
    quiet = 0
    while time.monotonic() < deadline and quiet < 2:
        busy = await workload.work_once()
        left = True
        with contextlib.suppress(OSError, TimeoutError):
            left = bool(await outstanding(city))
        quiet = 0 if busy or left else quiet + 1
        await asyncio.sleep(LOOK_SECONDS)


def _verdict(
    seed: int,
    history: History,
    faults: Faults,
    drained: float,
    refused: list[str],
    violations: tuple[Violation, ...],
) -> Verdict:
    accepted = {a.dossier_id for a in history.attempts if a.purpose == HAND_IN and a.outcome == OK}
    return Verdict(
        seed=seed,
        violations=violations,
        faults=tuple(faults.done),
        accepted=len(accepted),
        closed=sum(dossier.closed for dossier in history.dossiers),
        events=len(history.said),
        accepted_without_nats=sum(_within(a, faults.nats_away) for a in history.attempts),
        refused=tuple(refused),
        drained_seconds=drained,
    )


def _within(attempt: Attempt, times: list[tuple[int, int]]) -> bool:
    """Whether the attempt handed something in, and was begun and acknowledged while NATS was away."""
    taken = attempt.purpose == HAND_IN and attempt.outcome == OK and attempt.status == 201
    return taken and any(a < attempt.invoked_ns and attempt.ended_ns < b for a, b in times)

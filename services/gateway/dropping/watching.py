"""Looks into the drop folder again and again: claims what is complete, takes it, and what dead processes left.

It polls: what a network share tells of changes is not to be relied on, and a second is soon enough. Any number of
processes may watch one folder: a file is claimed by renaming it, which only one of them can do.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from libs.bus.ids import new_id
from libs.http.client import Unavailable
from libs.process.repeating import repeat
from libs.telemetry.logs import log
from libs.telemetry.metrics import gauge
from services.gateway.dropping.folders import SUFFIXES, Changed, Folder, NotAFolder, Seen
from services.gateway.dropping.taking import Later, Taking
from services.gateway.partners.partner import ACTIVE, CODE, Partner

POLL_SECONDS = 1.0
# A file nobody has written to for so long is complete; one that ends in the middle gets more time.
STILL_SECONDS = 3.0
STILL_UNFINISHED_SECONDS = 60.0
# After intake, or the disk, could not take a file.
RETRY_SECONDS = (2.0, 5.0, 15.0, 60.0)
PARTNERS_MAX = 500
CLAIMS_MAX = 50
# A partner's files are taken for so long, then the next partner's: a thousand of one delay nobody else's.
TURN_SECONDS_MAX = 10.0
FORGET_EVERY_SECONDS = 3600.0
DAY_SECONDS = 86_400.0
_WAITING = gauge("drop_files_waiting")
_OLDEST = gauge("drop_oldest_seconds")


class Patience(msgspec.Struct, kw_only=True):
    """How a file was when it was first seen so, and when it may be tried again."""

    size: int = -1
    changed_ns: int = -1
    since: float = 0.0
    tries: int = 0
    not_before: float = 0.0


class Watching:
    """A background task of a process with a drop folder. `find` gives a partner as it is registered now."""

    def __init__(
        self,
        folder: Path,
        find: Callable[[str], Awaitable[Partner | None]],
        taking: Taking,
        keep_days: float,
        *,
        still_seconds: float = STILL_SECONDS,
        unfinished_seconds: float = STILL_UNFINISHED_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._find = find
        self._taking = taking
        self._keep_days = keep_days
        self._still_seconds = still_seconds
        self._unfinished_seconds = unfinished_seconds
        self._poll_seconds = poll_seconds
        self._now = now
        self._seen: dict[tuple[str, str], Patience] = {}
        self._tried: dict[tuple[str, str], Patience] = {}
        self._stop = asyncio.Event()
        self._said: set[tuple[str, str]] = set()
        # Files of other kinds that lie there, by partner.
        self._others: set[tuple[str, str]] = set()
        self._forgotten_at = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Watch until told to stop; the file in hand is finished."""
        self._stop = stop
        await repeat(self.turn, stop, name="drop-folder", pause_seconds=self._poll_seconds)

    async def turn(self) -> bool:
        """Look once at every partner's folder; whether there is more to do at once."""
        try:
            names = sorted(await asyncio.to_thread(os.listdir, self._folder))
        except OSError as error:
            self._say_once("", f"folder-{type(error).__name__}")
            return False
        forgetting = self._now() - self._forgotten_at > FORGET_EVERY_SECONDS
        waiting, oldest, more = 0, 0.0, False
        for name in [name for name in names if not name.startswith(".")][:PARTNERS_MAX]:
            left = await self._partner_turn(name, forgetting=forgetting)
            waiting += left.waiting
            oldest = max(oldest, left.oldest_seconds)
            more = more or left.more
        if forgetting:
            self._forgotten_at = self._now()
        _WAITING.set(waiting)
        _OLDEST.set(oldest)
        return more

    async def _partner_turn(self, name: str, *, forgetting: bool) -> "Left":
        partner = await self._find(name) if CODE.fullmatch(name) else None
        if partner is None or partner.state != ACTIVE or not partner.facility:
            self._say_once(name, _why_left_alone(partner))
            return Left()
        try:
            folder = await asyncio.to_thread(Folder, self._folder / name)
        except NotAFolder:
            self._say_once(name, "not-a-folder")
            return Left()
        except OSError as error:
            self._say_once(name, type(error).__name__)
            return Left()
        try:
            if forgetting and self._keep_days > 0:
                before = time.time() - self._keep_days * DAY_SECONDS
                for place in ("done", "bad", "out"):
                    await asyncio.to_thread(folder.forget, place, before)
            more = await asyncio.to_thread(self._claim, name, folder)
            more = await self._take_all(name, partner, folder) or more
            left = await asyncio.to_thread(self._left, folder, more=more)
        except OSError as error:
            self._say_once(name, type(error).__name__)
            return Left()
        finally:
            folder.close()
        # All is well: what goes wrong after this is news.
        self._said = {said for said in self._said if said[0] != name}
        return left

    def _claim(self, name: str, folder: Folder) -> bool:
        """Claim what is complete; whether some was left for the next turn."""
        claimed = 0
        present = set()
        for seen in folder.files("in"):
            present.add((name, seen.name))
            if claimed >= CLAIMS_MAX:
                return True
            if not seen.name.lower().endswith(SUFFIXES):
                self._say_other(name, seen.name)
                continue
            if self._is_still(name, folder, seen) and folder.claim(seen.name, str(new_id())):
                claimed += 1
        for key in [key for key in self._seen if key[0] == name and key not in present]:
            del self._seen[key]
        self._others = {other for other in self._others if other[0] != name or other in present}
        return False

    def _is_still(self, partner: str, folder: Folder, seen: Seen) -> bool:
        """Whether nobody has written to it for a while: by its own time, or by what was seen of it before."""
        if not seen.plain:
            return True
        if seen.names > 1:
            return False
        known = self._seen.setdefault((partner, seen.name), Patience())
        now = self._now()
        if (known.size, known.changed_ns) != (seen.bytes, seen.changed_ns):
            known.size, known.changed_ns, known.since = seen.bytes, seen.changed_ns, now
        age = max(time.time() - seen.changed_ns / 1e9, now - known.since)
        if age < self._still_seconds:
            return False
        return now - known.since >= self._unfinished_seconds or folder.ends_whole(seen.name)

    async def _take_all(self, name: str, partner: Partner, folder: Folder) -> bool:
        """Take what is claimed, as long as it is this partner's turn; whether some was left for the next one."""
        until = self._now() + TURN_SECONDS_MAX
        for seen in await asyncio.to_thread(lambda: list(folder.files("work"))):
            if self._stop.is_set():
                return False
            patience = self._tried.setdefault((name, seen.name), Patience())
            if self._now() < patience.not_before:
                continue
            try:
                if seen.plain:
                    await self._taking.take(partner, folder, seen.name)
                else:
                    await asyncio.to_thread(self._taking.refuse, folder, seen.name)
            except (Unavailable, Later, Changed, OSError) as error:
                pause = RETRY_SECONDS[min(patience.tries, len(RETRY_SECONDS) - 1)]
                patience.tries += 1
                patience.not_before = self._now() + pause
                log.warning("drop-file-waits", reason=type(error).__name__, attempt=patience.tries)
                if isinstance(error, Unavailable | Later):
                    # The others of this partner would fare no better.
                    return False
            else:
                self._tried.pop((name, seen.name), None)
            if self._now() >= until:
                return True
        return False

    def _left(self, folder: Folder, *, more: bool) -> "Left":
        waiting = [
            seen
            for place in ("in", "work")
            for seen in folder.files(place)
            if place == "work" or seen.name.lower().endswith(SUFFIXES)
        ]
        oldest = min((seen.changed_ns / 1e9 for seen in waiting), default=time.time())
        return Left(waiting=len(waiting), oldest_seconds=max(0.0, time.time() - oldest), more=more)

    def _say_other(self, partner: str, file: str) -> None:
        """That a file is left where it is, since it is neither XML nor JSON: once, without its name."""
        if (partner, file) not in self._others:
            self._others.add((partner, file))
            log.warning("drop-file-left-alone", partner=partner)

    def _say_once(self, name: str, reason: str) -> None:
        """What an operator has to look at, once and not every second."""
        if (name, reason) not in self._said:
            self._said.add((name, reason))
            known = name if CODE.fullmatch(name) else ""
            log.warning("drop-folder-left-alone", partner=known, reason=reason)


def _why_left_alone(partner: Partner | None) -> str:
    if partner is None:
        return "not-a-partner"
    return partner.state if partner.state != ACTIVE else "no-facility"


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """What waits in a partner's folder after a turn."""

    waiting: int = 0
    oldest_seconds: float = 0.0
    more: bool = False

"""Checks whether somebody is who they say, against people's data: recorded, and few tries per dossier.

The read is recorded and a refusal counted in one transaction, before anybody is answered; a dossier with too many
refusals is answered 429 until the first of them is long enough ago. The count is kept in the database: restarting, or
asking another process, gives no further tries.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Generic, TypeVar
from uuid import UUID

from libs.bus.writer import Writer
from libs.http.auth import Actor
from libs.http.gathered import Gathered
from libs.http.problems import Problem, unavailable
from libs.http.reads import record_reads
from libs.telemetry.metrics import counter
from services.results import try_store

T = TypeVar("T")
_REFUSED = counter("tries_refused_total")
# How many refusals within which time (rolling).
Limits = Mapping[timedelta, int]
HOUR, DAY, EVER = timedelta(hours=1), timedelta(days=1), timedelta(days=36_500)
# At a desk an officer answers for every try by name, and the family must get its papers in the end.
AT_DESK: Limits = {HOUR: 5}
# Nobody sees who has the token, and four characters can be found by trying for months: at some point it must end.
FROM_AFAR: Limits = {HOUR: 5, DAY: 10, EVER: 30}
PURPOSE = "hand-over"
# The code of a refusal that would tell a stranger, by trying, what the dossier says.
MISMATCH = "mismatch"


class Ask(Generic[T]):
    """One check: `check` raises Problem, with the error code MISMATCH when it counts as a try."""

    __slots__ = ("actor", "check", "dossier_id")

    def __init__(self, dossier_id: UUID, actor: Actor, check: Callable[[], T]) -> None:
        self.dossier_id = dossier_id
        self.actor = actor
        self.check = check


class Checks(Generic[T]):
    """Checks of one kind within its limits. What is asked at the same time shares a transaction."""

    def __init__(self, pool: Any, kind: str, limits: Limits) -> None:
        self._kind = kind
        self._limits = limits
        self._recording = Writer(pool, lambda: None)
        self._gathered: Gathered[Ask[T], T | Problem] = Gathered(self._judge)

    async def outcome(self, dossier_id: UUID, actor: Actor, check: Callable[[], T]) -> T:
        """What `check` gives. Raises its Problem, and after too many refusals 429 with Retry-After or 403 for good."""
        found = await self._gathered.get(Ask(dossier_id, actor, check))
        if isinstance(found, Problem):
            raise found
        if found is None:
            raise unavailable()
        return found

    async def _judge(self, asked: Sequence[Ask[T]]) -> Mapping[Ask[T], T | Problem]:
        outcomes: dict[Ask[T], T | Problem] = {}
        judged: list[Ask[T]] = []
        refused: list[Ask[T]] = []
        dossier_ids = sorted({ask.dossier_id for ask in asked}, key=lambda dossier: dossier.int)
        async with self._recording.transaction() as conn:
            await try_store.lock(conn, dossier_ids)
            spans = list(self._limits)
            recent = dict(await try_store.recent(conn, self._kind, dossier_ids, spans))
            for ask in asked:
                tried = {
                    span: recent.get((ask.dossier_id, span), (0, span.total_seconds())) for span in spans
                }
                waits = {span: wait for span, (tries, wait) in tried.items() if tries >= self._limits[span]}
                if waits:
                    outcomes[ask] = (
                        _only_at_the_counter() if EVER in waits else _too_many(max(waits.values()))
                    )
                    continue
                judged.append(ask)
                outcomes[ask] = outcome = _checked(ask)
                if isinstance(outcome, Problem) and any(e.code == MISMATCH for e in outcome.errors):
                    recent |= {
                        (ask.dossier_id, span): (tries + 1, wait) for span, (tries, wait) in tried.items()
                    }
                    refused.append(ask)
            for actor, read in _by_actor(judged).items():
                await record_reads(conn, actor, PURPOSE, "people", read)
            if refused:
                rows = [(ask.dossier_id, ask.actor.subject, ask.actor.agency) for ask in refused]
                await try_store.add(conn, self._kind, rows)
        _REFUSED.labels(self._kind, "mismatch").inc(len(refused))
        _REFUSED.labels(self._kind, "too-many").inc(len(asked) - len(judged))
        return outcomes


def _checked(ask: Ask[T]) -> T | Problem:
    try:
        return ask.check()
    except Problem as problem:
        return problem


def _by_actor(asked: Sequence[Ask[T]]) -> dict[Actor, list[UUID]]:
    found: dict[Actor, list[UUID]] = {}
    for ask in asked:
        found.setdefault(ask.actor, []).append(ask.dossier_id)
    return found


def _too_many(wait_seconds: float) -> Problem:
    return Problem(
        429,
        "too-many-tries",
        "Đã thử quá nhiều lần với hồ sơ này",
        "Hãy kiểm tra lại giấy tờ và thử lại sau.",
        headers={"Retry-After": str(max(1, math.ceil(wait_seconds)))},
    )


def _only_at_the_counter() -> Problem:
    return Problem(
        403,
        "only-at-the-counter",
        "Hồ sơ này không còn tra cứu được kết quả điện tử qua mạng",
        "Đã nhập sai quá nhiều lần. Hãy mang giấy tờ tùy thân đến nơi nộp hồ sơ để nhận kết quả.",
    )

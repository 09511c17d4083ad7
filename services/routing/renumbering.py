"""Numbers recorded under an earlier way of comparing are compared in the present one, so that they still count.

A digest does not tell its number, so each is made anew from the outcome it was claimed for. Code of the earlier way may
run beside this for a while; what it records is taken up within a minute.
"""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from libs.bus.writer import Writer
from libs.process.repeating import repeat
from libs.telemetry.logs import log
from services.routing import outcomes, record_store, store
from services.routing.case import Case, IllegalMove
from services.routing.outcomes import UniqueNumber
from services.routing.record_store import Recorded
from services.routing.rules import Rules

ROWS_MAX = 500
POLL_SECONDS = 60.0

Claim = tuple[UniqueNumber, UUID, str]


async def renumber_batch(connection: Any, rules: Rules, rows_max: int = ROWS_MAX) -> int:
    """Claim anew, in the caller's transaction, what was compared otherwise; for how many steps that was."""
    wanted = await record_store.compared_otherwise(connection, rows_max)
    if not wanted:
        return 0
    # Locked before the outcomes are read: an officer may just be correcting one.
    cases = await store.load(connection, list({dossier_id for dossier_id, _ in wanted}))
    outcomes_now = await record_store.newest_outcomes(connection, wanted)
    numbers = {
        (one.dossier_id, one.step): _numbers(one, cases.get(one.dossier_id), rules) for one in outcomes_now
    }
    anew = [step for step in wanted if numbers.get(step) is not None]
    claims, twice = _once_each([(number, *step) for step in anew for number in numbers[step] or ()])
    claimed = await record_store.claim(connection, claims)
    await record_store.drop_compared_otherwise(connection, anew)
    for number, dossier_id, step in (
        *twice,
        *(claim for claim in claims if claim[0].digest in claimed.taken),
    ):
        # Two steps hold what is one number now: which is right only people can tell.
        log.error("number-recorded-twice", dossier_id=dossier_id, step=step, code=number.name)
    left = [step for step in wanted if numbers.get(step) is None]
    await record_store.leave_compared(connection, left)
    for dossier_id, code in left:
        log.error("number-not-compared", dossier_id=dossier_id, step=code)
    return len(wanted)


def _numbers(one: Recorded, case: Case | None, rules: Rules) -> list[UniqueNumber] | None:
    """The numbers of an outcome; None when the catalogue has no such step any more."""
    if case is None:
        return None
    try:
        rule = rules.step_rule(case, one.step)
    except IllegalMove:
        return None
    return outcomes.unique_numbers(rule, one.agency, msgspec.json.decode(one.data, type=dict[str, Any]))


def _once_each(claims: Sequence[Claim]) -> tuple[list[Claim], list[Claim]]:
    """The first claim of each number, and the others."""
    first: dict[bytes, Claim] = {}
    others = [claim for claim in claims if first.setdefault(claim[0].digest, claim) is not claim]
    return list(first.values()), others


class Renumbering:
    """Works off what was compared otherwise: all of it before outcomes are taken, then what older code adds.

    There may be years of it, more than a start may take. So the service answers meanwhile but is not ready, and takes
    no outcome (api.numbers_known): a number claimed now would not meet the same one written otherwise years ago, and
    claiming it under its earlier digest as well would not help, for 07 and 7 were two numbers then.
    """

    def __init__(
        self,
        writer: Writer,
        rules: Rules,
        *,
        caught_up: asyncio.Event | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """`caught_up` is set when all that was there at the start is worked off."""
        self._writer = writer
        self._rules = rules
        self._caught_up = caught_up or asyncio.Event()
        self._poll_seconds = poll_seconds

    async def run(self, stop: asyncio.Event) -> None:
        """Look again every `poll_seconds` until told to stop; soon when the database or somebody was in the way."""
        await repeat(self._batch, stop, name="numbers", pause_seconds=self._poll_seconds)

    async def _batch(self) -> int:
        async with self._writer.transaction() as connection:
            done = await renumber_batch(connection, self._rules)
        if done:
            log.info("numbers-compared-anew", count=done)
        else:
            self._caught_up.set()
        return done

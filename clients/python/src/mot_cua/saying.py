"""What a partner says to the city: one event or many, judged at once by the service that owns the matter.

The same id again is the same event and gets the same answer: make ids from your own numbers and keep them, then a
program that was killed says everything again and nothing is done twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import msgspec

from mot_cua.answers import read
from mot_cua.effects import Pause, Request, Steps
from mot_cua.errors import Problem, problem_from
from mot_cua.operations import M, Resource, operation
from mot_cua.session import Session

SOURCE_PREFIX = "urn:mot-cua:partner:"
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
BATCH_EVENTS_MAX = 100
TAKEN, REFUSED, LATER = "taken", "refused", "later"
_EARLIER_REFUSED = "earlier-refused"


def _new_id() -> str:
    return str(uuid4())


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One event to say: a type of the catalogue, its data, the dossier it is about where there is one already."""

    type: str
    data: Any = None
    dossier_id: str | UUID = ""
    id: str = msgspec.field(default_factory=_new_id)


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an event: taken, refused, or later (nothing is decided yet; say it again).

    `result` is what the city answered, `location` where more of it is told. `replayed`: it had been taken before.
    """

    id: str
    type: str = ""
    state: str = TAKEN
    status: int = 200
    replayed: bool = False
    result: Any = None
    location: str = ""
    problem: dict[str, Any] | None = None
    retry_after_seconds: float = 0

    @property
    def refusal(self) -> Problem | None:
        """Why it was not taken; None when it was."""
        return None if self.problem is None else problem_from(self.status, self.problem)

    @property
    def dossier_id(self) -> str:
        """The dossier the answer names; "" for none."""
        found = self.result.get("dossier_id") if isinstance(self.result, dict) else None
        return found if isinstance(found, str) else ""


class _Outcomes(msgspec.Struct, frozen=True):
    outcomes: tuple[Outcome, ...]


def said_of(event_type: str, data: Any, dossier_id: str | UUID, event_id: str | None) -> Said:
    """The event, under an id of its own where none is given."""
    return Said(type=event_type, data=data, dossier_id=dossier_id, id=event_id or _new_id())


def say(session: Session, said: Said) -> Steps[Outcome]:
    """Have one event taken. Raises a Problem with the fields that are wrong when it is refused."""
    request = Request(
        method="POST",
        url=session.address("/events"),
        headers={"content-type": STRUCTURED},
        content=msgspec.json.encode(written(session.partner, said)),
    )
    response = yield from session.call(request)
    return read(response, Outcome)


def written(partner: str, said: Said) -> dict[str, Any]:
    """The event as it is sent (CloudEvents 1.0)."""
    event = {
        "specversion": "1.0",
        "id": said.id,
        "source": SOURCE_PREFIX + partner,
        "type": said.type,
        "datacontenttype": "application/json",
    }
    if said.dossier_id:
        event["subject"] = str(said.dossier_id)
    return event if said.data is None else {**event, "data": said.data}


class Events(Resource[M]):
    """Saying anything of the catalogue; births, steps and results (`acts`) are the usual ones by their names."""

    @operation
    def say(
        self,
        event_type: str,
        data: Any = None,
        *,
        dossier_id: str | UUID = "",
        event_id: str | None = None,
    ) -> Steps[Outcome]:
        """Have one event taken. Raises a Problem (Invalid with `errors`, Conflict, NotAllowed …) when it is refused."""
        return say(self.session, said_of(event_type, data, dossier_id, event_id))

    @operation
    def say_all(self, events: Iterable[Said]) -> Steps[tuple[Outcome, ...]]:
        """Have many taken, those of one dossier in the order given; an outcome for each, in order.

        A refusal is an outcome here, and what follows it for the same dossier is refused with it. What is `later` is
        said again for the client's patience.
        """
        waiting = list(events)
        if len({said.id for said in waiting}) != len(waiting):
            raise ValueError("two of the events have one id")
        outcomes: list[Outcome] = []
        for first in range(0, len(waiting), BATCH_EVENTS_MAX):
            found = yield from _say_batch(self.session, waiting[first : first + BATCH_EVENTS_MAX])
            outcomes += found
        return tuple(outcomes)


def _say_batch(session: Session, events: Sequence[Said]) -> Steps[list[Outcome]]:
    found: dict[str, Outcome] = {}
    waiting, backoff, began = list(events), session.backoff(), session.clock()
    while True:
        request = Request(
            method="POST",
            url=session.address("/events"),
            headers={"content-type": BATCH},
            content=msgspec.json.encode([written(session.partner, said) for said in waiting]),
        )
        response = yield from session.call(request)
        found |= {outcome.id: outcome for outcome in read(response, _Outcomes).outcomes}
        waiting = _to_repeat(waiting, found)
        pause = backoff.pause(max((found[said.id].retry_after_seconds for said in waiting), default=0))
        if not waiting or not session.is_patient(began, pause):
            return [found[said.id] for said in events]
        yield Pause(pause)


def _to_repeat(events: Sequence[Said], found: Mapping[str, Outcome]) -> list[Said]:
    """Those that are `later`, and those that were refused only because one of them stands before."""
    subjects = {str(said.dossier_id) for said in events if found[said.id].state == LATER and said.dossier_id}
    return [
        said
        for said in events
        if found[said.id].state == LATER
        or (str(said.dossier_id) in subjects and _code(found[said.id]) == _EARLIER_REFUSED)
    ]


def _code(outcome: Outcome) -> str:
    refusal = outcome.refusal
    return "" if refusal is None else refusal.code

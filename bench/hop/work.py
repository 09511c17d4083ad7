"""The work every contestant does: what comes in, what is decided, what goes out. About 1 KiB each way.

A dossier is accepted, then supplemented three times; each event changes the dossier's state and says one event.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

import msgspec

from libs.bus.handling import Decision, Rejected
from libs.bus.ids import new_id
from libs.contracts.cloudevents import encode_block, encode_data
from libs.contracts.event import Envelope, Event, Moment
from libs.contracts.intake import ChosenResult, DossierAccepted, DossierSupplemented
from libs.contracts.routing import CaseOpened, StepAmended

EVENTS_PER_DOSSIER = 4
# Dossiers whose events are mixed with each other in the stream: those of one dossier are seldom in one batch.
MIXED = 512

TABLES = """
CREATE TABLE dossier (dossier_id uuid PRIMARY KEY, version integer NOT NULL, state bytea NOT NULL)
    WITH (fillfactor = 70);
"""
_COMPONENTS = tuple(f"component-{place:02d}-certified-copy" for place in range(34))


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What the service knows of a dossier."""

    procedure: str
    unit: str
    appointment_at: Moment
    results: tuple[str, ...]
    supplements: int = 0
    last_at: Moment | None = None


def inputs(events: int, seed: int = 1) -> Iterator[tuple[Envelope, Event]]:
    """`events` events of events / 4 dossiers in the order in which they were said."""
    chance = random.Random(seed)
    now = datetime.now(UTC)
    left = events // EVENTS_PER_DOSSIER
    while left > 0:
        dossiers = [new_id() for _ in range(min(MIXED, left))]
        left -= len(dossiers)
        for sequence in range(1, EVENTS_PER_DOSSIER + 1):
            chance.shuffle(dossiers)
            for dossier_id in dossiers:
                event = _accepted(now) if sequence == 1 else _supplemented(now, sequence - 1)
                yield _envelope(dossier_id, event, now, sequence), event


def message(envelope: Envelope, event: Event) -> tuple[str, bytes, bytes]:
    """Subject, header block and payload on the wire."""
    return envelope.type, encode_block(envelope), encode_data(event)


def _accepted(now: datetime) -> DossierAccepted:
    results = tuple(
        ChosenResult(code=f"birth-certificate-{place}", delivery="hospital", place="31411-tyt")
        for place in range(8)
    )
    return DossierAccepted(
        code="31411-261123-0001",
        procedure="2.002621",
        procedure_from=date(2024, 7, 1),
        channel="hospital",
        receiving_agency="31411-mc",
        received_at=now,
        accepted_at=now,
        appointment_at=now,
        unit="31411",
        unit_as_of=date(2026, 11, 23),
        results=results,
        options={"residence": True, "insurance": True},
        facility="93012",
    )


def _supplemented(now: datetime, number: int) -> DossierSupplemented:
    return DossierSupplemented(
        request=number, components=_COMPONENTS, complete=number == 3, supplemented_at=now
    )


def _envelope(dossier_id: UUID, event: Event, now: datetime, sequence: int) -> Envelope:
    return Envelope(
        id=new_id(),
        source="intake",
        type=event.SUBJECT,
        dossier_id=dossier_id,
        time=now,
        sequence=sequence,
        causation_id=dossier_id,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )


def decide(state: State | None, event: Event, now: datetime) -> Decision[State]:
    """The rule itself, the same for everyone."""
    if isinstance(event, DossierAccepted):
        if state is not None:
            raise Rejected("case-exists")
        opened = State(
            procedure=event.procedure,
            unit=event.unit,
            appointment_at=event.appointment_at,
            results=tuple(result.code for result in event.results),
            last_at=now,
        )
        said: Event = CaseOpened(
            procedure=event.procedure,
            steps=_COMPONENTS,
            appointment_at=event.appointment_at,
            calendar="vn-2026",
            opened_at=now,
        )
        return Decision(state=opened, events=(said,))
    if state is None or not isinstance(event, DossierSupplemented):
        raise Rejected("no-case")
    after = msgspec.structs.replace(state, supplements=state.supplements + 1, last_at=now)
    said = StepAmended(
        step="register-birth", agency="31411-ht", fields=event.components, amended_at=event.supplemented_at
    )
    return Decision(state=after, events=(said,))

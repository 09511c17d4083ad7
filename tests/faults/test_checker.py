"""The checker itself, proved by seeded mistakes: a clean history passes, each mistake is named."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.history import check, report
from tests.faults.record import (
    HAND_IN,
    OK,
    Attempt,
    DeadLetter,
    Dossier,
    Effect,
    History,
    Position,
    Proof,
    Said,
    Stored,
    Waiting,
    place_of,
)
from tests.faults.synthetic import FATES, clean_history

STRANGER = UUID("0192f0c4-ffff-7fff-8fff-ffffffffffff")
replace = msgspec.structs.replace
Mistake = Callable[[History], History]


def _changed(history: History, field: str, place: int, **changes: Any) -> History:
    rows = list(getattr(history, field))
    rows[place] = replace(rows[place], **changes)
    return replace(history, **{field: tuple(rows)})


def _without(history: History, field: str, place: int) -> History:
    rows = list(getattr(history, field))
    del rows[place]
    return replace(history, **{field: tuple(rows)})


def _with(history: History, field: str, *rows: Any) -> History:
    return replace(history, **{field: (*getattr(history, field), *rows)})


def _where(rows: Sequence[Any], wanted: Callable[[Any], bool]) -> int:
    return next(place for place, row in enumerate(rows) if wanted(row))


def _said(history: History, subject: str) -> int:
    return _where(history.said, lambda s: s.subject == f"{subject}.v1")


def _resaid(history: History, subject: str) -> History:
    """The producer says the same thing again under a new id, and everybody hears it properly."""
    said = history.said[_said(history, subject)]
    same = [s for s in history.said if (s.source, s.dossier_id) == (said.source, said.dossier_id)]
    again = replace(said, event_id=STRANGER, sequence=len(same) + 1)
    return _with(history, "said", again)


def _swap(history: History, field: str, attribute: str, wanted: Callable[[Any], bool]) -> History:
    """Swap an attribute between the first two matching rows."""
    rows = list(getattr(history, field))
    one, two = [place for place, row in enumerate(rows) if wanted(row)][:2]
    first, second = getattr(rows[one], attribute), getattr(rows[two], attribute)
    rows[one] = replace(rows[one], **{attribute: second})
    rows[two] = replace(rows[two], **{attribute: first})
    return replace(history, **{field: tuple(rows)})


def _granted(history: History) -> UUID:
    return next(case.dossier_id for case in history.cases if case.outcome == "granted")


def _accepted_but_missing(history: History) -> History:
    attempt = Attempt(
        key="lost",
        purpose=HAND_IN,
        outcome=OK,
        invoked_ns=1,
        ended_ns=2,
        status=201,
        identity="birth-lost",
        dossier_id=STRANGER,
    )
    return _with(history, "attempts", attempt)


def _acknowledged_act_missing(history: History) -> History:
    proof = Proof("routing", "routing.step-completed.v1", "step", "issue_identity_card")
    place = _where(history.attempts, lambda a: a.proof is not None)
    return _changed(history, "attempts", place, proof=proof)


def _other_answer(history: History) -> History:
    place = _where(history.attempts, lambda a: a.answer == "answer-1")
    return _changed(history, "attempts", place, answer="another answer")


def _same_birth_twice(history: History) -> History:
    dossier = Dossier(id=STRANGER, code="code-x", identity="birth-1", state="received")
    return _with(history, "dossiers", dossier)


def _forged(history: History) -> History:
    stored = history.stored[0]
    return _with(history, "stored", replace(stored, event_id=STRANGER, stream_sequence=999))


def _heard_out_of_order(history: History) -> History:
    dossier = _granted(history)
    return _swap(
        history,
        "heard",
        "at_us",
        lambda h: (h.service, h.source, h.dossier_id) == ("notify", "intake", dossier),
    )


def _streamed_out_of_order(history: History) -> History:
    dossier = _granted(history)
    return _swap(
        history, "stored", "stream_sequence", lambda s: (s.source, s.dossier_id) == ("routing", dossier)
    )


def _caused_out_of_order(history: History) -> History:
    """The case settles because of the withdrawal, then is said to open because of the acceptance before it."""
    dossier = next(d.id for d in history.dossiers if d.state == "withdrawn")
    rows = [s for s in history.said if s.source == "routing" and s.dossier_id == dossier]
    place = history.said.index(rows[0])
    return _changed(history, "said", place, causation_id=rows[-1].causation_id)


def _second_valid_result(history: History) -> History:
    place = _where(
        history.said, lambda s: s.subject == "results.result-issued.v1" and s.facts["version"] == 2
    )
    facts = {**history.said[place].facts, "supersedes": None}
    return _changed(history, "said", place, facts=facts)


def _illegal_step(history: History) -> History:
    """A step is reported as completed that was never assigned."""
    place = _said(history, "routing.step-completed")
    return _changed(history, "said", place, facts={"step": "issue_insurance_card"})


def _closed_for_one(history: History) -> History:
    place = _where(history.custodies, lambda c: c.closed)
    return _changed(history, "custodies", place, closed=False)


def _withdrawn_for_one(history: History) -> History:
    place = _where(history.dossiers, lambda d: d.closed)
    return _changed(history, "dossiers", place, state="withdrawn")


def _letter(history: History) -> History:
    event = history.said[0].event_id
    letter = DeadLetter(service="routing", source="intake", event_id=event, reason="exhausted", code="Error")
    return _with(history, "dead_letters", letter)


def _followed_too_far(history: History) -> History:
    position = history.positions[0]
    return _changed(history, "positions", 0, sequence=position.sequence + 1)


def _nobody_said(history: History) -> History:
    position = Position(service="routing", source="intake", dossier_id=STRANGER, sequence=1)
    return _with(history, "positions", position)


def _unasked(history: History) -> History:
    opened = history.said[_said(history, "routing.case-opened")]
    row = replace(history.heard[0], service="intake", source="routing", event_id=opened.event_id)
    return _with(history, "heard", row)


def _effect(history: History) -> History:
    return _with(history, "effects", Effect(kind="number", key="register_birth-0", owner="another"))


MISTAKES: dict[str, tuple[Mistake, str]] = {
    "accepted but missing": (_accepted_but_missing, "accepted-lost"),
    "dossier row dropped": (lambda h: _without(h, "dossiers", 0), "accepted-lost"),
    "dossier row twice": (lambda h: _with(h, "dossiers", h.dossiers[0]), "dossier-twice"),
    "one birth, two dossiers": (_same_birth_twice, "accepted-twice"),
    "dossier nobody handed in": (
        lambda h: _with(h, "dossiers", Dossier(id=STRANGER, code="c", identity="?", state="received")),
        "unexpected-dossier",
    ),
    "another birth's dossier answered": (
        lambda h: _changed(h, "dossiers", 0, identity="birth-1"),
        "answer-of-another",
    ),
    "same key, other answer": (_other_answer, "answers-differ"),
    "acknowledged act lost": (_acknowledged_act_missing, "acknowledged-lost"),
    "case dropped": (lambda h: _without(h, "cases", 0), "case-missing"),
    "case without a dossier": (
        lambda h: _with(h, "cases", replace(h.cases[0], dossier_id=STRANGER)),
        "case-without-dossier",
    ),
    "custody dropped": (lambda h: _without(h, "custodies", 0), "custody-missing"),
    "state that does not exist": (lambda h: _changed(h, "dossiers", 0, state="lost"), "illegal-state"),
    "closed though refused": (
        lambda h: _changed(h, "cases", 0, outcome="refused", closed=True),
        "illegal-state",
    ),
    "closed for one only": (_closed_for_one, "states-disagree"),
    "withdrawn for one only": (_withdrawn_for_one, "states-disagree"),
    "work left over": (
        lambda h: _with(h, "waiting", Waiting(service="results", what="pending", key="r")),
        "waits-for-ever",
    ),
    "number given twice": (_effect, "effect-twice"),
    "settled twice": (lambda h: _resaid(h, "routing.dossier-settled"), "effect-twice"),
    "case opened twice": (lambda h: _resaid(h, "routing.case-opened"), "effect-twice"),
    "step completed twice": (lambda h: _resaid(h, "routing.step-completed"), "effect-twice"),
    "step refused twice": (lambda h: _resaid(h, "routing.step-refused"), "effect-twice"),
    "result issued twice": (lambda h: _resaid(h, "results.result-issued"), "effect-twice"),
    "two versions valid": (_second_valid_result, "effect-twice"),
    "closed twice": (lambda h: _resaid(h, "results.dossier-closed"), "effect-twice"),
    "message sent twice": (lambda h: _resaid(h, "notify.message-delivered"), "effect-twice"),
    "accepted after all": (lambda h: _resaid(h, "intake.dossier-accepted"), "effect-twice"),
    "step never assigned": (_illegal_step, "illegal-transition"),
    "event forged": (_forged, "event-forged"),
    "payload changed": (lambda h: _changed(h, "stored", 3, sha256="0"), "event-changed"),
    "dossier changed": (lambda h: _changed(h, "stored", 3, dossier_id=STRANGER), "event-changed"),
    "message lost": (lambda h: _without(h, "stored", 3), "event-lost"),
    "stream order swapped": (_streamed_out_of_order, "stream-reordered"),
    "never published": (lambda h: _changed(h, "said", 3, published=False), "event-unpublished"),
    "outbox row dropped": (lambda h: _without(h, "said", 0), "sequence-gap"),
    "sequence used twice": (lambda h: _changed(h, "said", 1, sequence=1), "sequence-twice"),
    "event id used twice": (lambda h: _with(h, "said", h.said[3]), "event-id-twice"),
    "said by another": (
        lambda h: _changed(h, "said", 0, subject="routing.case-opened.v1"),
        "foreign-subject",
    ),
    "inbox row dropped": (lambda h: _without(h, "heard", 5), "not-heard"),
    "inbox row twice": (lambda h: _with(h, "heard", h.heard[5]), "heard-twice"),
    "inbox row of no event": (
        lambda h: _with(h, "heard", replace(h.heard[0], event_id=STRANGER)),
        "heard-unexpected",
    ),
    "inbox row nobody asked for": (_unasked, "heard-unasked"),
    "inbox row of another sequence": (lambda h: _changed(h, "heard", 0, sequence=77), "heard-changed"),
    "applied out of order": (_heard_out_of_order, "applied-out-of-order"),
    "caused out of order": (_caused_out_of_order, "applied-out-of-order"),
    "caused by nothing": (
        lambda h: _changed(h, "said", _said(h, "routing.case-opened"), causation_id=STRANGER),
        "cause-unknown",
    ),
    "not followed to the end": (lambda h: _without(h, "positions", 0), "position-behind"),
    "followed too far": (_followed_too_far, "position-ahead"),
    "followed what nobody said": (_nobody_said, "position-ahead"),
    "dead letter left open": (_letter, "dead-letter"),
}


def test_clean_history_passes() -> None:
    """A history in which every promise is kept has no violation."""
    assert check(clean_history(1)) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_seeded_mistake_is_named(mistake: str) -> None:
    """Each seeded mistake is flagged under its own name."""
    make, name = MISTAKES[mistake]
    violations = check(make(clean_history(1)))
    assert name in {violation.name for violation in violations}, report(violations)


def test_lost_things_are_placed() -> None:
    """What is lost is classified by where it was: before, between or after what is left."""
    order = [1, 2, 3, 4, 5]
    assert place_of(1, order, [2, 3, 4, 5]) == "prefix"
    assert place_of(3, order, [1, 2, 4, 5]) == "middle"
    assert place_of(5, order, [1, 2, 3]) == "postfix"
    assert place_of(2, order, []) == "prefix"


def test_rolled_back_stream_is_a_lost_postfix() -> None:
    """Messages missing from the end of a stream are reported as its postfix."""
    history = clean_history(1)
    own = [s for s in history.stored if s.source == "routing" and not s.injected]
    kept = tuple(s for s in history.stored if s not in own[-5:])
    places = {v.place for v in check(replace(history, stored=kept)) if v.name == "event-lost"}
    assert places == {"postfix"}


# -- any single mutation -------------------------------------------------------------------------------------

_DROPPED = ("dossiers", "cases", "custodies", "said", "stored", "heard", "positions")
_DOUBLED = ("dossiers", "said", "heard", "effects")


def _mutations(history: History) -> list[tuple[str, int, str]]:
    """Every single mutation of a kind that always breaks a promise."""
    found: list[tuple[str, int, str]] = []
    for field in _DROPPED:
        found += [
            ("drop", place, field)
            for place, row in enumerate(getattr(history, field))
            if not (isinstance(row, Stored) and row.injected)
        ]
    for field in _DOUBLED:
        found += [("double", place, field) for place in range(len(getattr(history, field)))]
    for place, row in enumerate(history.stored):
        if not row.injected:
            found += [("payload", place, "stored"), ("forge", place, "stored"), ("subject", place, "stored")]
    for place in range(len(history.said)):
        found += [("sequence", place, "said"), ("unpublished", place, "said"), ("payload", place, "said")]
    found += [("sequence", place, "heard") for place in range(len(history.heard))]
    found += [("sequence", place, "positions") for place in range(len(history.positions))]
    found += [("outcome", place, "cases") for place in range(len(history.cases))]
    return found


def _mutated(history: History, kind: str, place: int, field: str) -> History:
    row = getattr(history, field)[place]
    if kind == "drop":
        return _without(history, field, place)
    if kind == "double":
        return _with(history, field, row)
    if kind == "forge":
        return _changed(history, field, place, event_id=STRANGER)
    if kind == "payload":
        return _changed(history, field, place, sha256="changed")
    if kind == "subject":
        return _changed(history, field, place, subject="results.dossier-lost.v1")
    if kind == "unpublished":
        return _changed(history, field, place, published=False)
    if kind == "outcome":
        return _changed(history, field, place, outcome="stopped")
    return _changed(history, field, place, sequence=row.sequence + 1)


@settings(max_examples=400, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=8),
    choice=st.integers(0, 1_000_000),
)
def test_any_single_mutation_is_flagged(seed: int, fates: list[str], choice: int) -> None:
    """Whatever the history and wherever it is touched: clean passes, one mutation does not."""
    history = clean_history(seed, fates)
    assert check(history) == []
    possible = _mutations(history)
    kind, place, field = possible[choice % len(possible)]
    assert check(_mutated(history, kind, place, field)), f"{kind} of {field}[{place}] went unnoticed"


def test_report_names_and_counts() -> None:
    """The report says how many of each and shows the first ones."""
    history = clean_history(1)
    broken = _without(_without(history, "stored", 3), "stored", 3)
    text = report(check(broken))
    assert "2 x event-lost" in text
    assert isinstance(history.said[0], Said)

"""The rules of custody."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.contracts.results import DossierClosed, ResultHandedOver, ResultIssued, ResultReady
from libs.contracts.routing import ProducedResult
from services.results import calling, domain
from services.results.domain import VALID_STATES, Custody, IllegalMove, arrived

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CERTIFICATE = ProducedResult(code="birth_certificate", delivery="hospital", place="hospital-desk")
CARD = ProducedResult(code="insurance_card", delivery="hospital", place="hospital-desk")
NOTICE = ProducedResult(code="residence_notice", delivery="electronic")
BY_POST = ProducedResult(code="extract", delivery="post")


def called_for(*produced: ProducedResult) -> Custody:
    custody = Custody(dossier_id=uuid4())
    for result in produced:
        custody = calling.call_for(custody, uuid4(), f"step-{result.code}", "agency", (result,), NOW)
    return custody


def id_of(custody: Custody, code: str) -> UUID:
    return [r.id for r in custody.results if r.code == code][-1]


def test_a_paper_result_travels_from_the_press_to_the_hand() -> None:
    """A paper result is issued, dispatched, ready and handed over, one event each."""
    custody = called_for(CERTIFICATE)
    result_id = id_of(custody, "birth_certificate")
    said = []
    for move in (
        domain.issue,
        domain.dispatch,
        domain.arrive,
        lambda c, r, at: domain.hand_over(c, r, "mother", at),
    ):
        custody, events = move(custody, result_id, NOW)
        said += [type(event).__name__ for event in events]
    assert said == ["ResultIssued", "ResultDispatched", "ResultReady", "ResultHandedOver"]
    assert arrived(custody.result(result_id))


def test_an_electronic_result_arrives_by_being_issued() -> None:
    """An electronic result is ready as soon as it is issued and cannot be handed over as paper."""
    custody = called_for(NOTICE)
    result_id = id_of(custody, "residence_notice")
    custody, events = domain.issue(custody, result_id, NOW)
    assert [type(event) for event in events] == [ResultIssued, ResultReady]
    assert arrived(custody.result(result_id))
    with pytest.raises(IllegalMove):
        domain.hand_over(custody, result_id, "mother", NOW)


def test_a_posted_result_is_handed_over_by_the_carrier() -> None:
    """A posted result needs no desk: the carrier's proof of delivery hands it over."""
    custody = called_for(BY_POST)
    result_id = id_of(custody, "extract")
    custody, _ = domain.issue(custody, result_id, NOW)
    with pytest.raises(IllegalMove):
        domain.hand_over(custody, result_id, "applicant", NOW)
    custody, _ = domain.dispatch(custody, result_id, NOW)
    custody, events = domain.hand_over(custody, result_id, "applicant", NOW)
    assert [type(event) for event in events] == [ResultHandedOver]


def test_the_dossier_closes_when_the_last_chosen_result_has_arrived_in_any_order() -> None:
    """The card may arrive before the certificate; only the last hand-over closes the dossier."""
    for order in (("insurance_card", "birth_certificate"), ("birth_certificate", "insurance_card")):
        custody = called_for(CERTIFICATE, CARD)
        custody, _ = calling.settle(custody, "granted", ("birth_certificate", "insurance_card"), NOW)
        closings = []
        for code in order:
            for move in (
                domain.issue,
                domain.arrive,
                lambda c, r, at: domain.hand_over(c, r, "father", at),
            ):
                custody, events = move(custody, id_of(custody, code), NOW)
                closings.append([e for e in events if isinstance(e, DossierClosed)])
        assert [len(c) for c in closings] == [0, 0, 0, 0, 0, 1]


def test_a_dossier_is_not_closed_before_it_is_settled() -> None:
    """All results in hand but a step still open: not closed; the settlement closes it."""
    custody = called_for(NOTICE)
    custody, events = domain.issue(custody, id_of(custody, "residence_notice"), NOW)
    assert not any(isinstance(e, DossierClosed) for e in events)
    _, events = calling.settle(custody, "granted", ("residence_notice",), NOW)
    assert [type(e) for e in events] == [DossierClosed]


def test_a_case_stopped_half_way_still_owes_what_it_produced() -> None:
    """Registered but the card refused: the certificate must still reach the family before the dossier is closed."""
    custody = called_for(CERTIFICATE)
    custody, events = calling.settle(custody, "refused", ("birth_certificate",), NOW)
    assert events == ()
    result_id = id_of(custody, "birth_certificate")
    custody, _ = domain.issue(custody, result_id, NOW)
    custody, _ = domain.arrive(custody, result_id, NOW)
    _, events = domain.hand_over(custody, result_id, "mother", NOW)
    assert any(isinstance(e, DossierClosed) for e in events)


def test_a_withdrawn_dossier_prints_nothing_more() -> None:
    """What was pending when the dossier was withdrawn is cancelled, also when the completion comes in between."""
    custody = called_for(CERTIFICATE)
    custody, _ = calling.settle(custody, "withdrawn", (), NOW)
    assert custody.results[0].state == "cancelled"
    with pytest.raises(IllegalMove):
        domain.issue(custody, custody.results[0].id, NOW)


def test_a_withdrawal_after_the_decision_stops_no_paper() -> None:
    """A withdrawal that crossed the decision cancelled what was pending; the decision has it made after all."""
    custody = calling.withdraw(called_for(CERTIFICATE), NOW)
    custody, _ = calling.settle(custody, "granted", ("birth_certificate",), NOW)
    assert custody.result(id_of(custody, "birth_certificate")).state == domain.PENDING


def test_the_same_cause_calls_for_a_result_once() -> None:
    """A step reported twice produces one result, with the id the first report gave it."""
    cause = uuid4()
    custody = calling.call_for(Custody(dossier_id=uuid4()), cause, "s", "a", (CERTIFICATE,), NOW)
    again = calling.call_for(custody, cause, "s", "a", (CERTIFICATE,), NOW)
    assert again == custody


def test_an_amended_outcome_supersedes_the_issued_document_when_the_new_one_is_issued() -> None:
    """Until the new version is issued the old one stays valid; afterwards it is superseded."""
    custody = called_for(CERTIFICATE)
    first = id_of(custody, "birth_certificate")
    custody, _ = domain.issue(custody, first, NOW)
    custody = calling.call_for(custody, uuid4(), "register_birth", "agency", (CERTIFICATE,), NOW)
    second = id_of(custody, "birth_certificate")
    assert custody.result(first).state == "issued"
    assert custody.result(second).version == 2
    custody, events = domain.issue(custody, second, NOW)
    assert custody.result(first).state == "superseded"
    assert isinstance(events[0], ResultIssued)
    assert events[0].supersedes == first


def test_an_amendment_before_printing_makes_no_second_document() -> None:
    """The pending document will simply be printed with the amended data."""
    custody = called_for(CERTIFICATE)
    again = calling.call_for(custody, uuid4(), "register_birth", "agency", (CERTIFICATE,), NOW)
    assert again == custody


def test_a_revoked_result_is_not_valid_and_does_not_hold_the_dossier_open() -> None:
    """Revocation ends validity wherever the paper is."""
    custody = called_for(CERTIFICATE, NOTICE)
    custody, _ = domain.issue(custody, id_of(custody, "birth_certificate"), NOW)
    custody, _ = domain.revoke(custody, id_of(custody, "birth_certificate"), "forged", NOW)
    custody, _ = calling.settle(custody, "granted", ("birth_certificate", "residence_notice"), NOW)
    _, events = domain.issue(custody, id_of(custody, "residence_notice"), NOW)
    assert any(isinstance(e, DossierClosed) for e in events)


def test_a_completion_that_comes_after_the_withdrawal_prints_nothing() -> None:
    """The withdrawal is remembered though nothing was called for yet; a decision it crossed has it made after all."""
    custody = calling.withdraw(Custody(dossier_id=uuid4()), NOW)
    custody = calling.call_for(custody, uuid4(), "register_birth", "agency", (CERTIFICATE,), NOW)
    assert [r.state for r in custody.results] == ["cancelled"]
    stopped, events = calling.settle(custody, "withdrawn", (), NOW)
    assert ([r.state for r in stopped.results], events) == (["cancelled"], ())
    decided, _ = calling.settle(custody, "granted", ("birth_certificate",), NOW)
    assert [r.state for r in decided.results] == ["pending"]


def test_a_withdrawal_after_the_decision_changes_nothing() -> None:
    """The dossier was decided when the withdrawal came: its papers are made and handed over."""
    custody, _ = calling.settle(called_for(CERTIFICATE), "granted", ("birth_certificate",), NOW)
    assert calling.withdraw(custody, NOW) == custody


def test_a_step_done_again_after_a_rejection_calls_for_its_result_anew() -> None:
    """The first document was rejected: the redone step's is version 2."""
    custody = called_for(CERTIFICATE)
    custody, _ = domain.reject(custody, id_of(custody, "birth_certificate"), "register-number-missing", NOW)
    custody = calling.call_for(custody, uuid4(), "register_birth", "agency", (CERTIFICATE,), NOW)
    assert [(r.version, r.state) for r in custody.results] == [(1, "rejected"), (2, "pending")]


def test_a_step_done_again_after_a_rejected_replacement_replaces_the_valid_version() -> None:
    """Version 1 is in hand, its amended version 2 was rejected: the redone step's version 3 supersedes version 1."""
    custody = called_for(CERTIFICATE)
    first = id_of(custody, "birth_certificate")
    custody, _ = domain.issue(custody, first, NOW)
    custody = calling.call_for(custody, uuid4(), "register_birth", "agency", (CERTIFICATE,), NOW)
    custody, _ = domain.reject(custody, id_of(custody, "birth_certificate"), "child-missing", NOW)
    custody = calling.call_for(custody, uuid4(), "register_birth", "agency", (CERTIFICATE,), NOW)
    custody, events = domain.issue(custody, id_of(custody, "birth_certificate"), NOW)
    assert isinstance(events[0], ResultIssued)
    assert (events[0].version, events[0].supersedes) == (3, first)


def test_a_dossier_whose_step_is_being_done_again_is_not_closed() -> None:
    """The old certificate is in hand and the card arrives, but the certificate's new version was rejected."""
    custody = called_for(CERTIFICATE, NOTICE)
    first = id_of(custody, "birth_certificate")
    for move in (domain.issue, domain.arrive, lambda c, r, at: domain.hand_over(c, r, "mother", at)):
        custody, _ = move(custody, first, NOW)
    custody, _ = calling.settle(custody, "granted", ("birth_certificate", "residence_notice"), NOW)
    custody = calling.call_for(custody, uuid4(), "register_birth", "agency", (CERTIFICATE,), NOW)
    custody, _ = domain.reject(custody, id_of(custody, "birth_certificate"), "child-missing", NOW)
    custody, events = domain.issue(custody, id_of(custody, "residence_notice"), NOW)
    assert not any(isinstance(e, DossierClosed) for e in events)


def test_an_amendment_while_printing_makes_what_was_read_out_of_date() -> None:
    """The pending result stays one, but it is not the one a press has taken any more."""
    custody = called_for(CERTIFICATE)
    taken = custody.results[0]
    later = NOW + timedelta(seconds=1)
    custody = calling.call_for(custody, uuid4(), "register_birth", "agency", (CERTIFICATE,), later)
    (pending,) = custody.results
    assert (pending.id, pending.state) == (taken.id, "pending")
    assert pending.changed_at != taken.changed_at


def test_a_revoked_result_is_not_reprinted_and_stays_revoked() -> None:
    """A reprint ordered before the revocation is cancelled; a corrected version is issued and replaces nothing."""
    custody = called_for(CERTIFICATE)
    first = id_of(custody, "birth_certificate")
    custody, _ = domain.issue(custody, first, NOW)
    ordered = domain.reprint(custody, first, uuid4(), NOW)
    revoked, _ = domain.revoke(ordered, first, "forged", NOW)
    assert [r.state for r in revoked.results] == ["revoked", "cancelled"]
    corrected = calling.call_for(custody, uuid4(), "register_birth", "agency", (CERTIFICATE,), NOW)
    corrected, _ = domain.revoke(corrected, first, "wrong-name", NOW)
    corrected, events = domain.issue(corrected, id_of(corrected, "birth_certificate"), NOW)
    assert [r.state for r in corrected.results] == ["revoked", "issued"]
    assert isinstance(events[0], ResultIssued)
    assert events[0].supersedes is None


def test_revoking_the_last_open_result_closes_the_dossier() -> None:
    """Nothing is left to reach anybody."""
    custody = called_for(CERTIFICATE)
    custody, _ = calling.settle(custody, "granted", ("birth_certificate",), NOW)
    custody, _ = domain.issue(custody, id_of(custody, "birth_certificate"), NOW)
    _, events = domain.revoke(custody, id_of(custody, "birth_certificate"), "forged", NOW)
    assert any(isinstance(e, DossierClosed) for e in events)


MOVES = (
    "issue",
    "dispatch",
    "arrive",
    "hand_over",
    "revoke",
    "reprint",
    "reject",
    "replace",
    "settle",
    "withdraw",
)


def apply_move(custody: Custody, move: str, pick: int, at: datetime) -> domain.Step:
    result_id = custody.results[pick % len(custody.results)].id
    by_name: dict[str, Callable[..., domain.Step]] = vars(domain)
    match move:
        case "hand_over":
            return domain.hand_over(custody, result_id, "mother", at)
        case "revoke" | "reject":
            return by_name[move](custody, result_id, "reason", at)
        case "reprint":
            return domain.reprint(custody, result_id, uuid4(), at), ()
        case "replace":
            return calling.call_for(custody, uuid4(), "s", "a", (CERTIFICATE,), at), ()
        case "settle":
            return calling.settle(custody, "granted", ("birth_certificate", "residence_notice"), at)
        case "withdraw":
            return calling.withdraw(custody, at), ()
        case _:
            return by_name[move](custody, result_id, at)


@given(st.lists(st.tuples(st.sampled_from(MOVES), st.integers(0, 7)), max_size=40))
def test_whatever_is_tried_no_result_is_valid_twice_and_the_dossier_closes_once(
    moves: list[tuple[str, int]],
) -> None:
    """Random moves: at most one valid version a result, versions unique, hand-over once, one closing."""
    custody = called_for(CERTIFICATE, NOTICE)
    closings = 0
    handed_over: list[UUID] = []
    for n, (move, pick) in enumerate(moves):
        try:
            custody, events = apply_move(custody, move, pick, NOW + timedelta(minutes=n))
        except IllegalMove:
            continue
        closings += sum(isinstance(e, DossierClosed) for e in events)
        handed_over += [e.result_id for e in events if isinstance(e, ResultHandedOver)]
        for code in ("birth_certificate", "residence_notice"):
            versions = [r for r in custody.results if r.code == code]
            assert sum(r.state in VALID_STATES for r in versions) <= 1
            assert sum(r.state == domain.PENDING for r in versions) <= 1
            assert len({r.version for r in versions}) == len(versions)
    assert closings <= 1
    assert len(handed_over) == len(set(handed_over))

"""The queues are data: what is wrong with them is found by the catalogue's check."""

from libs.catalogue.queues import Queue, faults_of_queues

ROLES = {"one_stop": object(), "civil_status": object()}


def queue(**changes: object) -> Queue:
    """A sound queue with some fields changed."""
    fields = {
        "slug": "qua-han",
        "name_vi": "Quá hạn",
        "service": "routing",
        "holds": "missed",
        "empty_vi": "Không có",
    }
    return Queue(**{**fields, **changes})  # type: ignore[arg-type]


def test_wrong_queues_are_named() -> None:
    """A slug twice, with accents, an unknown role or procedure, and a queue its service cannot keep."""
    wrong = [
        queue(),
        queue(),
        queue(slug="quá-hạn"),
        queue(slug="a", roles=("mayor",)),
        queue(slug="b", procedures=("9.9",)),
        queue(slug="c", service="results"),
        queue(slug="d", holds="to-hand-over"),
    ]
    faults = list(faults_of_queues(wrong, ROLES, ["NB.24H"]))
    assert len(faults) == 6, faults
    assert list(faults_of_queues([queue(), queue(slug="e", roles=("one_stop",))], ROLES, [])) == []


def test_a_leader_sees_what_their_agency_s_roles_see() -> None:
    """Not what other agencies' roles see."""
    counter = queue(roles=("one_stop",))
    assert counter.seen_by({"one_stop"}, ())
    assert counter.seen_by({"leader"}, ("one_stop",))
    assert not counter.seen_by({"leader"}, ("civil_status",))
    assert not counter.seen_by({"civil_status"}, ("one_stop",))
    assert queue().seen_by({"civil_status"}, ())

"""What a citizen is told of the course of a dossier."""

from datetime import timedelta

import msgspec

from services.intake import dossier as rules
from services.intake.history import history
from tests.unit.intake.test_dossier import AT, dossier, request

HOUR = timedelta(hours=1)


def test_every_status_has_the_moment_of_its_event() -> None:
    """Received, taken, in progress, papers wanted, in progress again, decided, returned."""
    now, _ = rules.accept_dossier(dossier(), AT + HOUR, AT + 20 * HOUR)
    now = rules.step_assigned(now, "register_birth", "ward", AT + 2 * HOUR)
    asked = msgspec.structs.replace(request(1), requested_at=AT + 3 * HOUR)
    now = rules.supplement_requested(now, asked)
    assert history(now)[-1].status == now.status == 5
    now = rules.supplement_over(now, AT + 4 * HOUR)
    now = rules.settled(now, "granted", 9, AT + 5 * HOUR)
    assert history(now)[-1].status == now.status == 9
    now = rules.closed(now, AT + 6 * HOUR)
    told = history(now)
    assert [step.status for step in told] == [1, 2, 4, 5, 4, 9, 10]
    assert [step.at - AT for step in told] == [HOUR * n for n in range(7)]
    assert told[-1].status_name == "Đã trả kết quả"


def test_what_was_never_written_down_is_left_out() -> None:
    """A dossier from before these moments were kept shows what it knows, in order."""
    old = msgspec.structs.replace(dossier(), began=True, state="accepted", accepted_at=AT)
    assert [step.status for step in history(old)] == [1, 2]

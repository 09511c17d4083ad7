"""The one button of a step in a list is what its officer can really do next."""

from uuid import UUID

import pytest

from services.portal.case.answers import Deadline, LegalAct
from services.portal.console.queue_reading import Queue, StepLine, action_of

DOSSIER = UUID(int=1)
MINE = Queue(slug="cua-toi", name_vi="Của tôi", service="routing", action="complete")
AWAITED = Queue(slug="cho-bo-sung", name_vi="Chờ bổ sung", service="routing")
ASSIGNED = Queue(slug="cho-xu-ly", name_vi="Chờ xử lý", service="routing", action="start")
WORDS = {"start": "Bắt đầu xử lý", "complete": "Hoàn thành", "resume": "Tiếp tục tính thời hạn"}


def step(state: str, clock: str, *acts: str) -> StepLine:
    """A step with what its officer may do; beginning again one's own step is allowed, and changes nothing."""
    return StepLine(
        dossier_id=DOSSIER,
        code="H1",
        procedure_name_vi="",
        step="register_birth",
        step_name_vi="",
        agency_vi="",
        state=state,
        deadline=Deadline(word=clock),
        holder="",
        flagged=False,
        version=1,
        acts=tuple(LegalAct(act=act, name_vi=WORDS[act], allowed=True) for act in acts),
    )


@pytest.mark.parametrize(
    ("row", "queue", "act"),
    [
        (step("assigned", "running", "start"), ASSIGNED, "start"),
        (step("assigned", "running", "start"), MINE, "start"),
        (step("started", "running", "start", "complete"), MINE, "complete"),
        (step("started", "stopped", "start", "resume"), MINE, "resume"),
        (step("started", "stopped", "start", "resume"), AWAITED, "resume"),
        (step("assigned", "stopped", "start", "resume"), ASSIGNED, "resume"),
        # Papers were asked for: the clock goes on when they come.
        (step("started", "stopped", "start"), MINE, ""),
        (step("started", "stopped", "start"), AWAITED, ""),
        (step("started", "running", "start"), MINE, ""),
    ],
)
def test_the_button_is_what_comes_next(row: StepLine, queue: Queue, act: str) -> None:
    """Never to begin what is begun or stands still; with nothing to do there is no button."""
    panel = f"/ho-so/{DOSSIER}/viec/{act}?buoc=register_birth"
    assert action_of(row, queue) == (act, WORDS.get(act, ""), "" if act in ("", "start") else panel)

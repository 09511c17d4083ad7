"""What a screen offers is what the service accepts: random lives of cases, tried over HTTP act by act."""

import random
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from services.routing.case import Officer
from tests.integration.routing.conftest import BIRTH_OUTCOME, Office
from tests.integration.routing.http_desk import ONE_STOP, Desk, desk
from tests.unit.routing.samples import CIVIL, INSURANCE, POLICE, accepted, rules

__all__ = ["desk"]
pytestmark = pytest.mark.timeout(300)

COLLEAGUE = Officer(subject="officer-9", agency=CIVIL.agency, role=CIVIL.role)
LEADER = Officer(subject="officer-10", agency=CIVIL.agency, role="leader")
ACTORS = (CIVIL, CIVIL, COLLEAGUE, LEADER, POLICE, INSURANCE, ONE_STOP)
# Where each act goes; those without a step of their own in the path name it in the body.
OF_CASE = {
    "supplement-request": "supplement-requests",
    "refuse": "refusal",
    "pause": "pauses",
    "resume": "pauses/end",
}
PATHS = {"finding": "findings"}
ENOUGH_STEPS = 14
_numbers = count(1000)


def outcome_of(step: str) -> dict[str, Any]:
    """An outcome that is right, with numbers nobody has."""
    number = next(_numbers)
    return {
        "register_birth": {**BIRTH_OUTCOME, "register_number": str(number), "personal_id": ""},
        "register_residence": {"residence_number": f"{number}/TB", "registered_on": "2026-11-23"},
        "issue_insurance_card": {
            "card_number": f"TE192{number:010d}",
            "valid_from": "2026-11-21",
            "valid_to": "2032-11-30",
            "first_care_facility": "93016",
        },
    }[step]


def body_of(act: str, step: str, choice: dict[str, Any] | None) -> dict[str, Any]:
    """A body that is right but for what the state of the case says against it."""
    papers = [
        component.code for component in rules().procedure("2.002621", accepted().procedure_from).components
    ]
    given = choice or {}
    bodies: dict[str, dict[str, Any]] = {
        "complete": {"outcome": outcome_of(step)},
        "amend": {"outcome": outcome_of(step)},
        "return": {"reason": "wrong-competence"},
        "supplement-request": {"reason": "missing-paper", "components": papers[:1], "step": step},
        "refuse": {"reason": "not-eligible", "step": step},
        "pause": {"reason": given.get("code", "fee"), "step": step},
        "resume": {"reason": given.get("code", "fee"), "step": step},
        "finding": {
            "option": given.get("code", "residence_verification"),
            "value": given.get("value", True),
        },
        "assign": {"agency": given.get("code", CIVIL.agency)},
    }
    return bodies.get(act, {})


async def do(desk: Desk, by: Officer, dossier: UUID, step: str, act: str, choice: Any = None) -> Any:
    """The act as a screen asks for it."""
    path = f"/cases/{dossier}/" + OF_CASE.get(act, f"steps/{step}/{PATHS.get(act, act)}")
    return await desk.post(by, path, body_of(act, step, choice))


@pytest.mark.parametrize("seed", range(8))
async def test_what_is_offered_is_accepted_and_nothing_else(office: Office, desk: Desk, seed: int) -> None:
    """At every moment of a random life every act that is listed succeeds, and every other one is refused."""
    chance = random.Random(seed)  # noqa: S311 - a life, not a secret
    dossier = await office.open(accepted(options={"residence": True, "insurance": chance.random() < 0.7}))
    done: list[str] = []
    for _ in range(ENOUGH_STEPS):
        by = chance.choice(ACTORS)
        answer = await desk.get(by, f"/cases/{dossier}/desk")
        steps = answer.json()["steps"] if answer.status_code == 200 else []
        offered = [(step, act) for step in steps for act in step["acts"]]
        for step, act in offered:
            if not act.get("allowed"):
                refused = await do(desk, by, dossier, step["step"], act["act"])
                assert 400 <= refused.status_code < 500, (done, by, step["step"], act, refused.text)
                if act["act"] not in ("assign", "pause", "resume", "finding"):
                    assert refused.json()["type"].endswith(f":{act['code']}"), (done, act, refused.text)
        possible = [(step, act) for step, act in offered if act.get("allowed")]
        # Ends come late, so that lives are long enough to be worth looking at.
        gentle = [one for one in possible if one[1]["act"] not in ("refuse", "complete")]
        if gentle and chance.random() < 0.7:
            possible = gentle
        if not possible:
            continue
        step, act = chance.choice(possible)
        choice = chance.choice(act["choices"]) if act.get("choices") else None
        accepted_answer = await do(desk, by, dossier, step["step"], act["act"], choice)
        done.append(f"{by.subject} {act['act']} {step['step']}")
        assert accepted_answer.status_code == 200, (done, act, choice, accepted_answer.text)
    assert done


async def test_every_choice_of_an_act_is_accepted(office: Office, desk: Desk) -> None:
    """The waits, findings and agencies that are listed can each be chosen."""
    for act, by, before in (
        ("pause", POLICE, []),
        ("finding", POLICE, []),
        ("resume", POLICE, ["pause"]),
    ):
        dossier = await office.open(accepted(options={"residence": True}))
        await do(desk, CIVIL, dossier, "register_birth", "complete")
        for one in before:
            await do(desk, POLICE, dossier, "register_residence", one)
        listed = (await desk.get(by, f"/cases/{dossier}/desk")).json()["steps"][0]["acts"]
        choices = next(one["choices"] for one in listed if one["act"] == act)
        assert choices, act
        for choice in choices:
            answer = await do(desk, by, dossier, "register_residence", act, choice)
            assert answer.status_code == 200, (act, choice, answer.text)


async def test_a_stranger_has_no_desk_and_the_counter_no_acts(office: Office, desk: Desk) -> None:
    """Who has nothing to do with the case gets 404, the counter that received it the case without acts."""
    dossier = await office.open()
    stranger = Officer(subject="x", agency="civil-status-31411-2025", role="civil_status")
    assert (await desk.get(stranger, f"/cases/{dossier}/desk")).status_code == 404
    assert (await desk.get("portal", f"/cases/{dossier}/desk")).status_code == 403
    seen = (await desk.get(ONE_STOP, f"/cases/{dossier}/desk")).json()
    assert (seen["steps"], seen["code"]) == ([], "313.40.00.H13-261123-0001")
    assert {one["code"] for one in seen["reasons"]["refuse"]} >= {"not-eligible", "other"}
    assert all(one["legal_basis"] for listed in seen["reasons"].values() for one in listed)

"""Random lives of a case: whatever legal commands come in whatever order, the rules of a case hold."""

from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from libs.contracts.event import Event
from libs.contracts.routing import (
    AppointmentMoved,
    DeadlineMissed,
    DeadlineNear,
    DossierSettled,
    StepAssigned,
    StepCompleted,
)
from services.routing import corrections, endings, pauses, status, steps, timers
from services.routing.case import (
    CANCELLED,
    COMPLETED,
    GRANTED,
    OPEN_STATES,
    SUPPLEMENT,
    WAITING,
    Case,
    Clock,
    IllegalMove,
    Move,
    Officer,
    Pause,
)
from tests.unit.routing.samples import MONDAY, ONE_STOP, accepted, opened, roundtrip, rules

STEP_CODES = ("register_birth", "register_residence", "issue_insurance_card")
WAITS = ("household_head_confirmation", "fee")


class CaseMachine(RuleBasedStateMachine):
    """Every command may be tried at any time; those that are illegal must raise IllegalMove and change nothing."""

    case: Case
    now: datetime

    @initialize(residence=st.booleans(), insurance=st.booleans(), hour=st.integers(0, 200))
    def open(self, residence: bool, insurance: bool, hour: int) -> None:
        self.now = MONDAY + timedelta(hours=hour)
        self.case = opened(accepted(self.now, options={"residence": residence, "insurance": insurance}))
        self.events: list[Event] = []
        self.terminal: int | None = None

    def attempt(self, command: object) -> None:
        """Make the move if it is legal, and check what every move must keep."""
        before = self.case
        try:
            after, events = command()  # type: ignore[operator]
        except IllegalMove:
            assert self.case is before
            return
        self.check(before, (after, events))
        self.case = roundtrip(after)
        assert self.case == after
        self.events.extend(events)

    def check(self, before: Case, move: Move) -> None:
        after, events = move
        was, is_now = status.status_of(before), status.status_of(after)
        assert status.walk(was, is_now) is not None, (was, is_now)
        if was in status.TERMINAL:
            assert is_now == was
        done_before = {s.code for s in before.steps if s.state == COMPLETED}
        for event in events:
            if isinstance(event, StepCompleted):
                assert event.step not in done_before
                done_before.add(event.step)
            if isinstance(event, StepAssigned):
                needed = set(rules().step_rule(after, event.step).depends_on)
                round_now = after.step(event.step)
                assert round_now is not None
                assert round_now.round > 1 or needed <= done_before
        for old, new in [
            (before.clock, after.clock),
            (before.appointment, after.appointment),
            *[
                (a.clock, b.clock)
                for a, b in zip(before.steps, after.steps, strict=True)
                if a.round == b.round
            ],
        ]:
            if old is not None and new is not None:
                self.check_clock(old, new)

    def check_clock(self, old: Clock, new: Clock) -> None:
        """A clock never moves back, and a stop leaves at least the whole days that were left."""
        assert new.due_at >= old.due_at
        if old.stopped_at is not None and new.stopped_at is None and new.unit == "day":
            calendar = rules().calendar("")
            left_before = calendar.working_days_between(
                calendar.counting_start(old.stopped_at), calendar.local_date(old.due_at)
            )
            left_after = calendar.working_days_between(
                calendar.counting_start(self.now), calendar.local_date(new.due_at)
            )
            assert left_after >= left_before

    def pick(self, code: str) -> str:
        """Mostly a step somebody has in hand, so that random lives get somewhere; else the one named."""
        held = [step.code for step in self.case.steps if step.open]
        return held[len(code) % len(held)] if held and self.now.hour % 4 else code

    def officer(self, code: str, stranger: bool = False) -> Officer:
        step = self.case.step(code)
        subject = "another" if stranger else f"officer of {code}"
        return Officer(subject=subject, agency=step.agency if step else "", role="civil_status")

    @rule(hours=st.sampled_from([1, 3, 8, 24, 72, 200]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(code=st.sampled_from(STEP_CODES), stranger=st.booleans())
    def start(self, code: str, stranger: bool) -> None:
        code = self.pick(code)
        self.attempt(lambda: steps.start(self.case, code, self.officer(code, stranger), self.now))

    @rule(code=st.sampled_from(STEP_CODES), pending=st.sampled_from([(), ("personal_id",)]))
    def complete(self, code: str, pending: tuple[str, ...]) -> None:
        code = self.pick(code)
        by = self.officer(code)
        self.attempt(lambda: steps.complete(self.case, code, by, pending=pending, at=self.now, rules=rules()))

    @rule(code=st.sampled_from(STEP_CODES))
    def amend(self, code: str) -> None:
        self.attempt(lambda: steps.amend(self.case, code, ("personal_id",), (), self.now))

    @rule(code=st.sampled_from(STEP_CODES), to=st.sampled_from(["", "police-31411-2025", "nowhere"]))
    def give_back(self, code: str, to: str) -> None:
        code = self.pick(code)
        by = self.officer(code)
        self.attempt(
            lambda: steps.give_back(
                self.case, code, by, reason="wrong-competence", to=to, at=self.now, rules=rules()
            )
        )

    @rule(
        code=st.sampled_from(STEP_CODES),
        agency=st.sampled_from(["civil-status-31340-2025", "police-31340-2025"]),
    )
    def assign(self, code: str, agency: str) -> None:
        self.attempt(lambda: steps.assign(self.case, code, agency, self.now, rules()))

    @rule(code=st.sampled_from(STEP_CODES))
    def reopen(self, code: str) -> None:
        self.attempt(lambda: steps.reopen(self.case, code, "unprintable", self.now, rules()))

    @rule(code=st.sampled_from(STEP_CODES))
    def request_supplement(self, code: str) -> None:
        code = self.pick(code)
        self.attempt(
            lambda: pauses.request_supplement(
                self.case,
                code,
                components=["papers"],
                fields=[],
                reason="missing",
                at=self.now,
                rules=rules(),
            )
        )

    @rule(number=st.integers(0, 3), complete=st.booleans())
    def supplemented(self, number: int, complete: bool) -> None:
        self.attempt(
            lambda: pauses.supplemented(
                self.case, number, components=["papers"], complete=complete, at=self.now, rules=rules()
            )
        )

    @rule(code=st.sampled_from(STEP_CODES), reason=st.sampled_from(WAITS))
    def pause(self, code: str, reason: str) -> None:
        code = self.pick(code)
        self.attempt(lambda: pauses.pause(self.case, code, reason, self.now, rules()))

    @precondition(lambda self: any(p.ended_at is None for p in self.case.pauses))
    @rule()
    def resume_one(self) -> None:
        over = next(p for p in self.case.pauses if p.ended_at is None)
        self.attempt(lambda: pauses.resume(self.case, over.step, over.reason, self.now, rules()))

    @precondition(lambda self: self.case.open_supplement is not None)
    @rule(complete=st.booleans())
    def supplemented_now(self, complete: bool) -> None:
        number = len(self.case.supplements)
        self.attempt(
            lambda: pauses.supplemented(
                self.case, number, components=["papers"], complete=complete, at=self.now, rules=rules()
            )
        )

    @rule(code=st.sampled_from(STEP_CODES), reason=st.sampled_from(WAITS))
    def resume(self, code: str, reason: str) -> None:
        self.attempt(lambda: pauses.resume(self.case, code, reason, self.now, rules()))

    @rule(value=st.booleans())
    def find(self, value: bool) -> None:
        self.attempt(lambda: pauses.find(self.case, "residence_verification", value, self.now, rules()))

    @rule()
    def correct(self) -> None:
        self.attempt(lambda: corrections.correct(self.case, ("child.name",), "typing", self.now))

    @precondition(lambda self: len(self.events) > 6)
    @rule(code=st.sampled_from(STEP_CODES))
    def refuse(self, code: str) -> None:
        self.attempt(lambda: endings.refuse(self.case, code, "not-eligible", self.now, rules()))

    @precondition(lambda self: len(self.events) > 8)
    @rule()
    def withdraw(self) -> None:
        self.attempt(lambda: endings.withdraw(self.case, self.now))

    @rule()
    def close(self) -> None:
        self.attempt(lambda: endings.close(self.case, self.now))

    @rule()
    def sign(self) -> None:
        newest = max(len(self.case.apologies), 1)
        self.attempt(lambda: timers.sign_apology(self.case, newest, None, self.now, rules()))

    @rule()
    def fire(self) -> None:
        self.attempt(lambda: timers.fire_due(self.case, self.now, rules()))
        assert not [at for at in timers.armed(self.case, rules()).values() if at <= self.now]

    @invariant()
    def one_ending(self) -> None:
        """A case has at most one terminal state, and it is settled exactly when nothing is left to do."""
        code = status.status_of(self.case)
        if self.terminal is not None:
            assert code == self.terminal
        if code in status.TERMINAL:
            self.terminal = code
        left = any(s.state == WAITING or s.state in OPEN_STATES for s in self.case.steps)
        assert left == (self.case.settled is None)

    @invariant()
    def fired_once(self) -> None:
        """No deadline is announced twice for the same step and round, and no apology beyond the limit."""
        assert len(set(self.case.fired)) == len(self.case.fired)
        assert not timers.fired(self.case) & set(timers.armed(self.case, rules()))
        assert len([a for a in self.case.apologies if not self.case.is_void(a)]) <= 1
        whole = [e for e in self.events if isinstance(e, DeadlineMissed | DeadlineNear) and not e.step]
        assert len({(type(e), e.due_at, e.apology) for e in whole}) == len(whole)
        assert len([e for e in self.events if isinstance(e, AppointmentMoved) and e.apology]) <= 1

    @invariant()
    def clocks_stand_still_exactly_while_held(self) -> None:
        """A clock stands still while a pause holds it and runs when none does; one that ran out is not stopped."""
        if self.case.settled is not None:
            return
        every = [p for p in self.case.pauses if p.ended_at is None]
        self.check_held(self.case.clock, every)
        self.check_held(self.case.appointment, every)
        for step in self.case.steps:
            if step.open and step.clock is not None:
                self.check_held(step.clock, [p for p in every if p.covers(step.code)])

    def check_held(self, clock: Clock, holding: list[Pause]) -> None:
        if not holding:
            assert clock.stopped_at is None
        elif clock.stopped_at is None:
            assert any(clock.due_at <= max(p.started_at, clock.started_at) for p in holding)

    @invariant()
    def one_question_at_a_time(self) -> None:
        """At most one supplement request is open, and with it exactly one stop of its kind."""
        asked = [s for s in self.case.supplements if s.ended_at is None]
        stops = [p for p in self.case.pauses if p.ended_at is None and p.reason == SUPPLEMENT]
        assert len(asked) == len(stops) <= 1

    @invariant()
    def settled_says_what_was_granted(self) -> None:
        settled = [e for e in self.events if isinstance(e, DossierSettled)]
        if self.case.settled is None:
            return
        assert settled[-1].outcome == self.case.settled.outcome
        if self.case.settled.outcome == GRANTED:
            produced = [code for s in self.case.steps if s.state == COMPLETED for code in s.produced]
            assert list(settled[-1].results) == produced
            assert all(s.state in (COMPLETED, CANCELLED) for s in self.case.steps)
        assert self.case.receiving_agency == ONE_STOP


TestCaseMachine = CaseMachine.TestCase
TestCaseMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)

"""The legal lives of dossiers, cases, results and messages, read from what the services said.

Written from the contracts' docstrings and the national status codes, not from the services: an oracle that shared
their code would share their mistakes.
"""

from collections.abc import Callable, Iterator, Mapping

from tests.faults.record import History, Said, Violation, grouped

# A step's or result's state and the verb of the event → the state after it. What is not here is not allowed.
_STEP = {
    ("waiting", "assigned"): "assigned",
    ("returned", "assigned"): "assigned",
    ("assigned", "started"): "started",
    ("assigned", "completed"): "completed",
    ("started", "completed"): "completed",
    ("assigned", "returned"): "returned",
    ("started", "returned"): "returned",
    ("completed", "returned"): "returned",
    ("completed", "amended"): "completed",
    ("assigned", "refused"): "refused",
    ("started", "refused"): "refused",
}
# A step may fall with the one it depends on at any time before it is done.
_FALLEN = {(state, "refused"): "refused" for state in ("waiting", "returned", "assigned", "started")}
_RESULT = {
    ("issued", "dispatched"): "dispatched",
    ("issued", "ready"): "ready",
    ("dispatched", "ready"): "ready",
    ("ready", "handed-over"): "handed-over",
    ("dispatched", "handed-over"): "handed-over",
    ("issued", "revoked"): "revoked",
    ("dispatched", "revoked"): "revoked",
    ("ready", "revoked"): "revoked",
    ("handed-over", "revoked"): "revoked",
}
_VALID = frozenset({"issued", "dispatched", "ready", "handed-over"})
_MESSAGE = {
    ("", "sent"): "sent",
    ("", "delivered"): "delivered",
    ("", "failed"): "failed",
    ("sent", "delivered"): "delivered",
    ("sent", "failed"): "failed",
}
# After a settlement only these are still said of the case (a redone step makes it open again).
_AFTER_SETTLED = frozenset({"step-amended", "step-returned", "reminder-due"})
# What, heard after the settlement, was done a second time.
_ONCE = frozenset({"dossier-settled", "step-completed", "step-refused"})


class Illegal(Exception):
    """Something that may not follow what was before. `twice` when it has happened already."""

    def __init__(self, why: str, *, twice: bool = False) -> None:
        super().__init__(why)
        self.twice = twice


def check_lives(history: History) -> Iterator[Violation]:
    """Every producer's events about every dossier are a legal life."""
    for (source, dossier_id), rows in grouped(history.said, lambda s: (s.source, s.dossier_id)).items():
        life = _LIVES.get(source)
        if life is None:
            continue
        said = life()
        for row in sorted(rows, key=lambda s: s.sequence):
            try:
                said(row.subject.split(".")[1], row)
            except Illegal as illegal:
                name = "effect-twice" if illegal.twice else "illegal-transition"
                detail = f"{row.subject} {row.sequence}: {illegal}"
                yield Violation(name=name, key=f"{source}/{dossier_id}", detail=detail)


def _moved(moves: Mapping[tuple[str, str], str], state: str, verb: str) -> str:
    after = moves.get((state, verb))
    if after is None:
        raise Illegal(f"{verb} from {state or 'nothing'}", twice=state == verb)
    return after


class Reception:
    """Intake: received first, then accepted or refused once; withdrawn ends it."""

    def __init__(self) -> None:
        self.state = ""

    def __call__(self, name: str, _: Said) -> None:
        """Take note of one event. Raises Illegal."""
        verb = name.removeprefix("dossier-")
        if verb == "received":
            if self.state:
                raise Illegal("received again", twice=True)
            self.state = "received"
        elif not self.state:
            raise Illegal(f"{verb} before it was received")
        elif self.state in ("refused", "withdrawn"):
            raise Illegal(f"{verb} after {self.state}", twice=verb == self.state)
        elif verb in ("accepted", "refused"):
            if self.state != "received":
                raise Illegal(f"{verb} after {self.state}", twice=verb == self.state)
            self.state = verb
        elif verb == "withdrawn":
            self.state = verb


class CaseLife:
    """Routing: opened once, steps in their states, requests counted, clocks stopped and run, settled once."""

    def __init__(self) -> None:
        self.steps: dict[str, str] | None = None
        self.rounds: dict[str, int] = {}
        self.requests = 0
        self.pauses: set[tuple[str, str]] = set()
        self.fired: set[tuple[str, str, int, str]] = set()
        self.reminders: dict[tuple[str, int], int] = {}
        self.settled = False

    def __call__(self, name: str, row: Said) -> None:
        """Take note of one event. Raises Illegal."""
        if name == "case-opened":
            if self.steps is not None:
                raise Illegal("opened again", twice=True)
            self.steps = dict.fromkeys(row.facts.get("steps", ()), "waiting")
            return
        if self.steps is None:
            raise Illegal("before the case was opened")
        if self.settled and name not in _AFTER_SETTLED:
            raise Illegal("after the settlement", twice=name in _ONCE)
        kind, _, verb = name.partition("-")
        if kind == "step":
            self._step(verb, row)
        elif kind == "clock":
            self._clock(verb, row)
        elif kind == "deadline":
            self._deadline(verb, row)
        elif name == "supplement-requested":
            self._request(row)
        elif name == "reminder-due":
            self._remind(row)
        elif name == "dossier-settled":
            self._settle(row)

    def _step(self, verb: str, row: Said) -> None:
        steps = self.steps or {}
        step = str(row.facts.get("step"))
        if step not in steps:
            raise Illegal(f"no step {step}")
        steps[step] = _moved(_STEP, steps[step], verb)
        for fallen in row.facts.get("dropped", ()):
            steps[fallen] = _moved(_FALLEN, steps.get(fallen, ""), verb)
        if verb == "assigned":
            self.rounds[step] = self.rounds.get(step, 0) + 1
        if verb == "returned":
            self.settled = False

    def _request(self, row: Said) -> None:
        number = int(row.facts.get("request", 0))
        if number != self.requests + 1:
            raise Illegal(f"request {number} after {self.requests}", twice=number <= self.requests)
        self.requests = number

    def _clock(self, verb: str, row: Said) -> None:
        pause = (str(row.facts.get("reason")), str(row.facts.get("step", "")))
        if (verb == "paused") == (pause in self.pauses):
            raise Illegal(f"{verb} for {pause[0]} again", twice=True)
        self.pauses ^= {pause}

    def _deadline(self, verb: str, row: Said) -> None:
        step = str(row.facts.get("step", ""))
        # A term that was moved, by law or by an apology, is another moment and told of again.
        timer = (verb, step, self.rounds.get(step, 0), str(row.facts.get("due_at")))
        if timer in self.fired:
            raise Illegal(f"{verb} of {step or 'the dossier'} again", twice=True)
        self.fired.add(timer)

    def _remind(self, row: Said) -> None:
        reminder = (str(row.facts.get("kind")), int(row.facts.get("day", 0)))
        told = self.reminders[reminder] = self.reminders.get(reminder, 0) + 1
        if told > (self.requests if reminder[0] == "supplement" else 1):
            raise Illegal(f"{reminder[0]} of day {reminder[1]} again", twice=True)

    def _settle(self, row: Said) -> None:
        undone = [code for code, state in (self.steps or {}).items() if state != "completed"]
        # A reason says that a part was refused or has lapsed; without one everything was done.
        if row.facts.get("outcome") == "granted" and not row.facts.get("reason") and undone:
            raise Illegal(f"granted without {', '.join(undone)}")
        self.settled = True


class CustodyLife:
    """Results: each result issued once and one valid version of a code; handed over once; closed once."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        self.codes: dict[str, str] = {}
        self.versions: dict[str, int] = {}
        self.closed = False

    def __call__(self, name: str, row: Said) -> None:
        """Take note of one event. Raises Illegal."""
        if name == "dossier-closed":
            if self.closed:
                raise Illegal("closed again", twice=True)
            self.closed = True
        elif name == "result-issued":
            self._issue(row)
        elif name != "result-rejected":
            result = str(row.facts.get("result_id"))
            verb = name.removeprefix("result-")
            self.states[result] = _moved(_RESULT, self.states.get(result, ""), verb)

    def _issue(self, row: Said) -> None:
        result, code = str(row.facts.get("result_id")), str(row.facts.get("result"))
        if result in self.states:
            raise Illegal("issued again", twice=True)
        replaced = row.facts.get("supersedes")
        if replaced is not None:
            if self.states.get(str(replaced)) not in _VALID:
                raise Illegal(f"supersedes a result that is {self.states.get(str(replaced), 'unknown')}")
            self.states[str(replaced)] = "superseded"
        valid = [r for r, state in self.states.items() if state in _VALID and self.codes[r] == code]
        if valid:
            raise Illegal(f"{code} is valid twice", twice=True)
        version = int(row.facts.get("version", 0))
        if version <= self.versions.get(code, 0):
            raise Illegal(f"{code} version {version} again", twice=True)
        self.states[result], self.codes[result], self.versions[code] = "issued", code, version


class MessagesLife:
    """Notify: each message sent once, delivered or failed once."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}

    def __call__(self, name: str, row: Said) -> None:
        """Take note of one event. Raises Illegal."""
        message = str(row.facts.get("message_id"))
        verb = name.removeprefix("message-")
        self.states[message] = _moved(_MESSAGE, self.states.get(message, ""), verb)


_LIVES: Mapping[str, Callable[[], Callable[[str, Said], None]]] = {
    "intake": Reception,
    "routing": CaseLife,
    "results": CustodyLife,
    "notify": MessagesLife,
}

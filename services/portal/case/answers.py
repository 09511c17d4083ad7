"""What the services answer about one dossier, as far as the officers' pages show it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline now (routing): none, stopped, running, near or missed, with the time left."""

    word: str = "none"
    due_at: datetime | None = None
    unit: str = ""
    left_minutes: int | None = None
    left_days: int | None = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing an act may be done with."""

    code: str
    name_vi: str
    value: bool | str | None = None


class LegalAct(msgspec.Struct, frozen=True, kw_only=True):
    """An act on a step; not `allowed`: `why_vi` says why."""

    act: str
    name_vi: str
    allowed: bool
    why_vi: str = ""
    choices: tuple[Choice, ...] = ()


class StepDesk(msgspec.Struct, frozen=True, kw_only=True):
    """A step on the desk of the officer's agency."""

    step: str
    name_vi: str
    role: str
    state: str
    state_vi: str
    agency: str
    version: int
    holder: str
    held_since: datetime | None
    mine: bool
    deadline: Deadline
    acts: tuple[LegalAct, ...]
    outcome_form: dict[str, Any]
    pending: tuple[str, ...]

    def act(self, code: str) -> LegalAct | None:
        """The act with this code, allowed or not."""
        return next((act for act in self.acts if act.act == code), None)


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A reason of the catalogue."""

    code: str
    name_vi: str
    legal_basis: str = ""


class CaseDesk(msgspec.Struct, frozen=True, kw_only=True):
    """The case as the officer may work on it."""

    dossier_id: UUID
    deadline: Deadline
    steps: tuple[StepDesk, ...] = ()
    reasons: Mapping[str, tuple[Reason, ...]] = {}

    def step(self, code: str) -> StepDesk | None:
        """The step with this code."""
        return next((step for step in self.steps if step.step == code), None)


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the graph; of another agency's only what it is and its state."""

    step: str
    name: str
    state: str
    agency: str
    version: int


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    at: datetime
    what: str
    step: str = ""
    agency: str = ""
    role: str = ""
    by: str = ""
    reason: str = ""
    note: str = ""
    words: str = ""


class Supplement(msgspec.Struct, frozen=True, kw_only=True):
    """One request for everything that was missing."""

    number: int
    step: str
    reason: str
    requested_at: datetime
    respond_by: datetime
    components: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    ended_at: datetime | None = None


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How the case was decided, and when."""

    outcome: str
    at: datetime
    on_time: bool
    reason: str = ""


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """The case with its timeline."""

    status: int
    appointment_at: datetime
    steps: tuple[StepView, ...] = ()
    supplements: tuple[Supplement, ...] = ()
    settled: Settled | None = None
    closed_at: datetime | None = None
    timeline: tuple[Entry, ...] = ()

    def step_name(self, code: str) -> str:
        """What the step is called; its code when the case has no such step."""
        return next((step.name for step in self.steps if step.step == code), code)


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One attached paper."""

    number: int
    component: str
    media_type: str
    added_at: datetime
    also_for: tuple[str, ...] = ()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What an officer asked the applicant for, by codes of papers and paths of the file; `missing` is still wanted."""

    respond_by: datetime
    missing: tuple[str, ...]


class Dossier(msgspec.Struct, frozen=True, kw_only=True):
    """The dossier without its people."""

    id: UUID
    code: str
    procedure: str
    procedure_from: date
    channel: str
    receiving_agency: str
    facility: str
    options: dict[str, str | bool]
    components: tuple[str, ...]
    missing: tuple[str, ...]
    state: str
    likely_duplicate: bool
    received_at: datetime
    appointment_at: datetime
    ended_at: datetime | None = None
    outcome: str = ""
    reason: str = ""
    flags: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()

    @property
    def open_request(self) -> Request | None:
        """The request that is not answered completely."""
        return next((one for one in reversed(self.requests) if one.missing), None)

    @property
    def wanted(self) -> tuple[str, ...]:
        """What the applicant still has to bring: of the open request, or what lacked when it was handed in."""
        return self.open_request.missing if self.open_request else self.missing


class File(msgspec.Struct, frozen=True, kw_only=True):
    """The whole file as intake has it.

    `provenance` says by path where a value came from that an officer wrote for somebody, `read_back` that the file was
    read back to them.
    """

    dossier: Dossier
    status: int
    file_kind: str
    file_version: int
    file: dict[str, Any]
    attachments: tuple[Attachment, ...]
    provenance: dict[str, str] = {}
    read_back: bool = False


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A result as it stands."""

    id: UUID
    code: str
    name_vi: str
    version: int
    state: str
    state_vi: str
    delivery: str
    place: str
    place_vi: str
    changed_at: datetime
    handed_over_at: datetime | None = None
    receiver_vi: str = ""


class ResultsOf(msgspec.Struct, frozen=True, kw_only=True):
    """The results of one dossier."""

    dossier_id: UUID
    results: tuple[Result, ...]


class Summaries(msgspec.Struct, frozen=True, kw_only=True):
    """The results of several."""

    dossiers: tuple[ResultsOf, ...]


class CustodyAct(msgspec.Struct, frozen=True, kw_only=True):
    """One act on a result."""

    at: datetime
    result_id: UUID
    act: str
    actor: str
    agency: str
    note: str


class Apology(msgspec.Struct, frozen=True, kw_only=True):
    """A written apology to be signed."""

    id: UUID
    dossier_id: UUID
    number: int
    code: str
    reason: str
    was_at: datetime
    proposed_at: datetime


class Apologies(msgspec.Struct, frozen=True, kw_only=True):
    """Those of an agency."""

    apologies: tuple[Apology, ...]


class ReadLine(msgspec.Struct, frozen=True, kw_only=True):
    """One look into the dossier."""

    at: datetime
    actor: str
    agency: str
    purpose_text: str
    what: str


class Reads(msgspec.Struct, frozen=True, kw_only=True):
    """The looks, newest first."""

    reads: tuple[ReadLine, ...]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the agency entered on completing a step."""

    outcome: dict[str, Any]


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """A dossier found by its code."""

    dossier_id: UUID
    code: str
    matched: str


class Hits(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    hits: tuple[Hit, ...]

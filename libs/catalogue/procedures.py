"""A procedure of the one-stop shop as data: form, papers, steps, results, times, fees (a file a version)."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import Any, Literal, TypeVar

import msgspec

from libs.catalogue.conditions import Condition, Option, Options, all_hold
from libs.catalogue.forms import FormChecker, Problem, followed
from libs.catalogue.graph import closure, ordered
from libs.catalogue.limits import Limit

Channel = Literal["counter", "online", "hospital", "post", "partner"]
Delivery = Literal["hospital", "counter", "post", "electronic"]
_T = TypeVar("_T")


class LimitCase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A term that replaces the ordinary one when its conditions hold."""

    when: tuple[Condition, ...]
    limit: Limit


class Component(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A paper (thành phần hồ sơ). `required_when` makes it needed only then; not `required` means on choice.

    `replaced_by_data` names the electronic source that makes the paper unnecessary (the clerk looks it up).
    """

    code: str
    name_vi: str
    originals: int = 1
    copies: int = 0
    electronic: bool = True
    required: bool = True
    required_when: tuple[Condition, ...] = ()
    replaced_by_data: str = ""

    def needed(self, options: Options) -> bool:
        """Whether a dossier with these options must have the paper."""
        return self.required and all_hold(self.required_when, options)


class OutsideWait(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wait for somebody outside the administration, which the legal clock does not count."""

    code: str
    name_vi: str
    when: tuple[Condition, ...] = ()


class YearlyNumber(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number that begins anew each year: its field, and the day whose year it belongs to when none is written."""

    number: str
    day: str


class UniqueKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Outcome fields that together may occur once, within one agency or in the whole city.

    `name` is the register they are kept in: the same number in two registers is two numbers. `book` names the field
    with the register's book, which may be left out; `yearly` a number that begins anew each year.
    """

    name: str
    fields: tuple[str, ...]
    within: Literal["agency", "city"] = "agency"
    book: str = ""
    yearly: YearlyNumber | None = None

    @property
    def named_fields(self) -> frozenset[str]:
        """Every outcome field the key names."""
        more = (self.book, *((self.yearly.number, self.yearly.day) if self.yearly else ()))
        return frozenset(name for name in (*self.fields, *more) if name)


class Step(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step one agency does. `outcome` is the JSON Schema of what the officer enters on completing it.

    `chosen_when` makes the step optional; `pending_fields` of the outcome may be completed after the step
    (the child's identity number, CV 3160/BTP-CNTT of 13/09/2021). `begins_term` and `ends_term` name a term of the
    family that runs from the step's completion: `child-residence`, 60 days (Luật Cư trú 2020 Đ20).
    """

    code: str
    name_vi: str
    role: str
    depends_on: tuple[str, ...] = ()
    limit: Limit | None = None
    limit_when: tuple[LimitCase, ...] = ()
    chosen_when: tuple[Condition, ...] = ()
    produces: tuple[str, ...] = ()
    outcome: dict[str, Any] = {}
    pending_fields: tuple[str, ...] = ()
    unique: tuple[UniqueKey, ...] = ()
    outside_waits: tuple[OutsideWait, ...] = ()
    sub_procedure: str = ""
    begins_term: Literal["", "child-residence"] = ""
    ends_term: Literal["", "child-residence"] = ""

    def limit_for(self, options: Options) -> Limit | None:
        """The step's term for these options; None when no text gives one."""
        return next((case.limit for case in self.limit_when if all_hold(case.when, options)), self.limit)

    @property
    def personal_fields(self) -> frozenset[str]:
        """Outcome fields that are personal data (`x-personal: true`): never to be in an event."""
        properties: Mapping[str, Mapping[str, Any]] = followed(self.outcome, self.outcome).get(
            "properties", {}
        )
        return frozenset(
            name
            for name, part in properties.items()
            if part.get("x-personal") or followed(part, self.outcome).get("x-personal")
        )


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A result (kết quả). `template` names the Typst document; `deliveries` how it may be received.

    `about` names the parts of the form that hold whom the paper is about, each a person or a list of persons; empty
    for a paper that names nobody. Not said (an imported procedure): the form's `subject`, without one the applicant.
    """

    code: str
    name_vi: str
    template: str = ""
    about: tuple[str, ...] | None = None
    media: tuple[Literal["paper", "electronic"], ...] = ("paper",)
    deliveries: tuple[Delivery, ...] = ("counter",)
    default_delivery: Delivery = "counter"
    on_request: bool = False


class Fee(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An amount in đồng `per` dossier, copy, page, case or person; `when` limits it to some dossiers."""

    vnd: int
    per: Literal["dossier", "copy", "page", "case", "person"] = "dossier"
    when: tuple[Condition, ...] = ()
    note_vi: str = ""


class FormNeed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Form fields (dotted paths) that are needed only when the conditions hold."""

    fields: tuple[str, ...]
    when: tuple[Condition, ...]


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the facts come from, what is doubtful (`note`) and under which licence the source stands."""

    where: str
    url: str = ""
    licence: str = ""
    note: str = ""


class Procedure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """One version of a procedure, in force from `effective_from` to `effective_to` (both days included)."""

    code: str
    name_vi: str
    short_name_vi: str
    field: str
    effective_from: date
    effective_to: date | None = None
    group: str = ""
    verified: bool
    source: Source
    legal_basis: tuple[str, ...] = ()
    applicants: tuple[str, ...] = ()
    channels: tuple[Channel, ...] = ("counter",)
    options: tuple[Option, ...] = ()
    form: dict[str, Any] = {}
    form_needs: tuple[FormNeed, ...] = ()
    components: tuple[Component, ...] = ()
    steps: tuple[Step, ...]
    results: tuple[Result, ...] = ()
    limit: Limit | None = None
    limit_when: tuple[LimitCase, ...] = ()
    supplement_limit: Limit | None = None
    fees: tuple[Fee, ...] | None = None
    fees_unknown_when: tuple[Condition, ...] = ()
    replaced_by: str = ""

    @cached_property
    def _steps_by_code(self) -> Mapping[str, Step]:
        return {step.code: step for step in self.steps}

    @cached_property
    def _form_checker(self) -> FormChecker:
        return FormChecker(self.form)

    @cached_property
    def _outcome_checkers(self) -> Mapping[str, FormChecker]:
        return {step.code: FormChecker(step.outcome) for step in self.steps}

    def in_force(self, on: date) -> bool:
        """Whether this version is in force on the day."""
        return self.effective_from <= on and (self.effective_to is None or on <= self.effective_to)

    def step(self, code: str) -> Step:
        """The step with this code; raises KeyError when the procedure has none."""
        return self._steps_by_code[code]

    def result(self, code: str) -> Result:
        """The result with this code; raises KeyError when the procedure has none."""
        return _first((r for r in self.results if r.code == code), code)

    def step_producing(self, result: str) -> Step:
        """The one step that produces the result; raises KeyError."""
        return _first((s for s in self.steps if result in s.produces), result)

    def settled_options(self, given: Options) -> dict[str, bool | str]:
        """The given options with the defaults of those not given. Unknown ones are left out."""
        return {o.code: given.get(o.code, o.default) for o in self.options}

    def check_options(self, given: Mapping[str, object]) -> list[Problem]:
        """What is wrong with the options, in Vietnamese; empty when nothing is."""
        known = {o.code: o for o in self.options}
        problems = []
        for code, value in given.items():
            if code not in known:
                problems.append(Problem(f"options.{code}", "unknown", "Thủ tục không có lựa chọn này."))
            elif not known[code].allows(value):
                text = f"{known[code].name_vi}: giá trị không nằm trong các lựa chọn cho phép."
                problems.append(Problem(f"options.{code}", "not_allowed", text))
        return problems

    def field_label(self, path: str) -> str:
        """What people call a form field, by its dotted path; the path itself when the form has no word for it."""
        return self._form_checker.label(path)

    def check_form(self, data: object, options: Options | None = None) -> list[Problem]:
        """What is wrong with the form's data, in Vietnamese, without echoing values; empty when nothing is.

        With `options` also the fields they make necessary (`form_needs`).
        """
        problems = self._form_checker.check(data)
        if options is not None and isinstance(data, Mapping):
            settled = self.settled_options(options)
            needed = [f for need in self.form_needs if all_hold(need.when, settled) for f in need.fields]
            problems.extend(self._form_checker.missing(data, needed))
        return problems

    def check_outcome(self, step: str, data: object) -> list[Problem]:
        """What is wrong with what an officer entered on completing the step; raises KeyError."""
        return self._outcome_checkers[step].check(data)

    def missing_components(self, given: Iterable[str], options: Options | None = None) -> list[Component]:
        """The papers a dossier with these options still needs, besides the ones `given` (codes)."""
        have = frozenset(given)
        settled = self.settled_options(options or {})
        return [c for c in self.components if c.needed(settled) and c.code not in have]

    def chosen_steps(self, options: Options) -> tuple[Step, ...]:
        """The steps of a dossier with these options, closed under dependencies, each after those it needs."""
        settled = self.settled_options(options)
        depends_on = {step.code: step.depends_on for step in self.steps}
        wanted = closure((s.code for s in self.steps if all_hold(s.chosen_when, settled)), depends_on)
        in_file_order = [step.code for step in self.steps if step.code in wanted]
        return tuple(self._steps_by_code[code] for code in ordered(in_file_order, depends_on))

    def results_for(self, steps: Iterable[Step]) -> tuple[Result, ...]:
        """The results these steps produce, in the order of the file."""
        produced = frozenset(code for step in steps for code in step.produces)
        return tuple(result for result in self.results if result.code in produced)

    def limit_for(self, options: Options) -> Limit | None:
        """The term of the whole dossier for these options; None when the sources give none."""
        settled = self.settled_options(options)
        return next((case.limit for case in self.limit_when if all_hold(case.when, settled)), self.limit)

    def fees_for(self, options: Options) -> tuple[Fee, ...] | None:
        """The fees for these options; empty means free, None that the amount is not known."""
        settled = self.settled_options(options)
        if self.fees is None or (self.fees_unknown_when and all_hold(self.fees_unknown_when, settled)):
            return None
        return tuple(fee for fee in self.fees if all_hold(fee.when, settled))

    def refusal(self, channel: str, *, default_limit: Limit | None = None) -> Problem | None:
        """Why a dossier cannot be taken by this channel, or None.

        A procedure without a known time cannot promise an appointment, so it is not taken online unless the
        city has set a default term (a setting).
        """
        if channel not in self.channels:
            return Problem("channel", "channel", "Thủ tục này không tiếp nhận qua kênh đã chọn.")
        if channel == "online" and self.limit is None and default_limit is None:
            text = "Thủ tục chưa có thời hạn giải quyết được xác nhận; vui lòng nộp tại bộ phận một cửa."
            return Problem("procedure", "limit_unknown", text)
        return None


def _first(found: Iterable[_T], code: str) -> _T:
    """The first one found; raises KeyError with the code when there is none."""
    for one in found:
        return one
    raise KeyError(code)

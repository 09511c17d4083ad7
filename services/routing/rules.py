"""What the decisions lean on besides the case itself: the catalogue and a few numbers a city may set."""

from datetime import date, datetime

import msgspec

from libs.catalogue.agencies import Agency
from libs.catalogue.calendar import WorkingCalendar
from libs.catalogue.catalogue import Catalogue
from libs.catalogue.errors import NotEffective, UnknownAgency, UnknownProcedure
from libs.catalogue.limits import Limit
from libs.catalogue.procedures import Procedure
from libs.catalogue.procedures import Step as StepRule
from libs.catalogue.reasons import Move, Reason
from services.routing.case import FEE, Case, IllegalMove
from services.routing.words import FEE_WORDS

# Missing papers are to be handed in within 7 working days (NĐ 63/2024, reference/domain.md 2.2 no. 3).
SUPPLEMENT_LIMIT = Limit(unit="working_day", amount=7)
REMEMBERED_MAX = 10_000


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """What a city may set. Days are working days unless the name says otherwise."""

    near_days: int = 1
    apologies_max: int = 1
    apology_extension_days: int = 2
    residence_reminder_calendar_days: tuple[int, ...] = (30, 50)
    # The term to supplement is 7 working days: a later reminder than this would come after it.
    supplement_reminder_calendar_days: tuple[int, ...] = (5,)
    # How long an act that can be taken back stays so; families may have been told of it by then.
    undo_minutes: int = 15
    # The last part of a term, at least these working hours of it, is called near its end.
    near_working_hours: int = 4
    near_share: float = 0.2


DEFAULT_NUMBERS = Numbers()


class Rules:
    """The catalogue as the decisions need it, with answers remembered: a day's births ask the same things."""

    def __init__(self, catalogue: Catalogue, numbers: Numbers = DEFAULT_NUMBERS) -> None:
        self.catalogue = catalogue
        self.numbers = numbers
        self._calendars: dict[str, WorkingCalendar] = {}

    def procedure(self, code: str, first_day: date) -> Procedure:
        """The version that came into force on `first_day`. Raises IllegalMove when the catalogue has none."""
        try:
            return self.catalogue.procedure(code, first_day)
        except (UnknownProcedure, NotEffective):
            raise IllegalMove("unknown-procedure", "Danh mục không có thủ tục này.") from None

    def step_rule(self, case: Case, step: str) -> StepRule:
        """What the catalogue says of one step of the case. Raises IllegalMove when it has no such step."""
        try:
            return self.procedure(case.procedure, case.procedure_from).step(step)
        except KeyError:
            raise IllegalMove("unknown-step", "Danh mục không còn bước này của thủ tục.") from None

    def step_name(self, case: Case, step: str) -> str:
        """What people call the step; its code when the catalogue no longer has it."""
        try:
            return self.step_rule(case, step).name_vi
        except IllegalMove:
            return step

    def terms(self, case: Case, step: str) -> tuple[str, str]:
        """The terms of the family that the step begins and ends; none where the catalogue has no such step (any more).

        Asked at every move of a case: reminders that cannot be reckoned must not stop it.
        """
        try:
            rule = self.step_rule(case, step)
        except IllegalMove:
            return "", ""
        return rule.begins_term, rule.ends_term

    def reasons(self, move: Move, at: datetime) -> tuple[Reason, ...]:
        """The reasons an officer may choose from for a move on that day."""
        return self.catalogue.reasons_for(move, self.calendar("").local_date(at))

    def reason_words(self, code: str) -> str:
        """The words for a reason why a step was refused or stopped; empty for one the catalogue never had."""
        listed = (*self.catalogue.reasons["refuse"], *self.catalogue.reasons["lapse"])
        return next((reason.name_vi for reason in listed if reason.code == code), "")

    def supplement_words(self, code: str) -> str:
        """The words for a reason why papers were asked for; empty for one the catalogue never had."""
        listed = self.catalogue.reasons["supplement-request"]
        return next((reason.name_vi for reason in listed if reason.code == code), "")

    def wait_words(self, case: Case, step: str, code: str) -> str:
        """The words for what a step waits for outside the agency; empty for what the catalogue never had."""
        if code == FEE:
            return FEE_WORDS.capitalize()
        try:
            waits = self.step_rule(case, step).outside_waits
        except IllegalMove:
            return ""
        return next((wait.name_vi for wait in waits if wait.code == code), "")

    def agency_name(self, code: str) -> str:
        """What people call the agency; its code when the catalogue no longer has it."""
        found = self.agency(code) if code else None
        return found.name_vi if found else code

    def declared_fields(self, procedure: Procedure) -> frozenset[str]:
        """The fields of what a hospital declares for the procedure; none when it only has its form."""
        group = self.catalogue.groups.get(procedure.group)
        return frozenset(group.declared_fields) if group else frozenset()

    def competent(self, role: str, unit: str, as_of: date, at: datetime) -> str:
        """The agency competent now for the unit as it stood on `as_of`; empty when that is not certain."""
        try:
            return self.catalogue.agency_for(role, unit, self.calendar("").local_date(at), as_of).code
        except LookupError:
            return ""

    def agency(self, code: str) -> Agency | None:
        """The agency with this code, or None."""
        try:
            return self.catalogue.agency(code)
        except UnknownAgency:
            return None

    def calendar(self, agency: str) -> WorkingCalendar:
        """The working calendar of the agency; the ordinary office week when it is empty or unknown."""
        if agency not in self._calendars:
            if len(self._calendars) >= REMEMBERED_MAX:
                self._calendars.clear()
            found = self.agency(agency) if agency else None
            self._calendars[agency] = self.catalogue.calendar(found.calendar if found else "")
        return self._calendars[agency]

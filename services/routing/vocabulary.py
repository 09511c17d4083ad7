"""Which words an officer may use: what goes into events is chosen from the catalogue, never typed freely.

A reason, a paper or a field nobody knows could be a person's name or number; and a field that no file has can never be
supplied, so that the clock would stand still until the request lapses.
"""

from collections.abc import Iterable
from datetime import datetime

from libs.catalogue.forms import leads_somewhere
from libs.catalogue.reasons import Move
from libs.http.problems import FieldError, Problem
from services.routing.case import Case
from services.routing.rules import Rules


def check_reason(move: Move, reason: str, at: datetime, rules: Rules) -> None:
    """Raises Problem 422, with the reasons there are, when the catalogue has no such reason for the move today."""
    allowed = {one.code: one.name_vi for one in rules.reasons(move, at)}
    if reason not in allowed:
        error = FieldError("reason", "unknown", "Hãy chọn một lý do trong danh mục.")
        raise Problem(
            422, "unknown-reason", "Lý do không có trong danh mục", errors=[error], extra={"allowed": allowed}
        )


def check_missing(case: Case, components: Iterable[str], fields: Iterable[str], rules: Rules) -> None:
    """Raises Problem 422 when the dossier cannot have such a paper or field."""
    procedure = rules.procedure(case.procedure, case.procedure_from)
    papers = {component.code for component in procedure.components}
    declared = rules.declared_fields(procedure) if case.facility else frozenset()
    errors = [
        FieldError(f"components[{place}]", "unknown", "Thủ tục không có thành phần hồ sơ này.")
        for place, code in enumerate(components)
        if code not in papers
    ]
    if errors:
        raise Problem(422, "unknown-component", "Thành phần hồ sơ không đúng", errors=errors)
    errors = [
        FieldError(f"fields[{place}]", "unknown", "Tờ khai của thủ tục không có mục này.")
        for place, path in enumerate(fields)
        if path not in declared and not leads_somewhere(procedure.form, path)
    ]
    if errors:
        raise Problem(422, "unknown-field", "Mục cần bổ sung không đúng", errors=errors)

"""Checks of the whole catalogue: every file opens, every reference leads somewhere, every graph ends."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from jsonschema import SchemaError

from libs.catalogue.agencies import Agency
from libs.catalogue.catalogue import Catalogue
from libs.catalogue.conditions import Condition
from libs.catalogue.errors import CatalogueError
from libs.catalogue.forms import FormChecker, followed, leads_somewhere
from libs.catalogue.graph import ordered
from libs.catalogue.holidays import CalendarError
from libs.catalogue.paper_forms import faults_of_forms
from libs.catalogue.procedures import Procedure, Result, Step
from libs.catalogue.queues import faults_of_queues
from libs.catalogue.reasons import faults_of_reasons
from libs.catalogue.units import FIRST_LIST


def faults_of(catalogue: Catalogue) -> list[str]:
    """Everything wrong with the catalogue, one line each naming the file or code; empty when nothing is."""
    faults: list[str] = []
    versions: list[tuple[Path, Procedure]] = []
    for code in catalogue.procedure_codes():
        try:
            versions.extend(catalogue.versions_of(code))
        except CatalogueError as error:
            faults.append(str(error))
    documents = frozenset(path.stem for path in (catalogue.folder / "documents").glob("*.typ"))
    for path, procedure in versions:
        places = catalogue.fields, catalogue.roles, documents
        faults.extend(f"{path.name}: {fault}" for fault in _of_procedure(procedure, *places))
        faults.extend(f"{path.name}: {fault}" for fault in _of_agencies_for(procedure, catalogue))
        if procedure.replaced_by and procedure.replaced_by not in catalogue.procedure_codes():
            faults.append(f"{path.name}: replaced by the unknown procedure {procedure.replaced_by}")
    faults.extend(_overlaps([procedure for _, procedure in versions]))
    faults.extend(_of_groups(catalogue, [procedure for _, procedure in versions]))
    faults.extend(fault for entry in catalogue.agency_entries() for fault in _of_agency(entry, catalogue))
    faults.extend(faults_of_reasons(catalogue.reasons))
    faults.extend(faults_of_queues(catalogue.queues, catalogue.roles, catalogue.procedure_codes()))
    faults.extend(faults_of_forms(catalogue.forms, catalogue.folder))
    fields = [field for field in catalogue.fields.values() if field.role not in catalogue.roles]
    faults.extend(f"field {field.code}: unknown role {field.role}" for field in fields)
    return faults


def _of_procedure(
    procedure: Procedure,
    fields: Mapping[str, object],
    roles: Mapping[str, object],
    documents: frozenset[str],
) -> Iterator[str]:
    """What is wrong within one version."""
    if procedure.field not in fields:
        yield f"unknown field of work {procedure.field}"
    if procedure.effective_to is not None and procedure.effective_to < procedure.effective_from:
        yield "ends before it begins"
    yield from _twice("step", (step.code for step in procedure.steps))
    yield from _twice("component", (component.code for component in procedure.components))
    yield from _twice("result", (result.code for result in procedure.results))
    yield from _twice("option", (option.code for option in procedure.options))
    yield from _of_graph(procedure)
    yield from _of_conditions(procedure)
    yield from (f"step {s.code}: unknown role {s.role}" for s in procedure.steps if s.role not in roles)
    for result in procedure.results:
        if result.default_delivery not in result.deliveries:
            yield f"result {result.code}: its default delivery is not among its deliveries"
        if result.template and result.template not in documents:
            yield f"result {result.code}: no document template {result.template}"
        yield from _of_about(procedure, result)
    yield from _of_schemas(procedure)


def _of_about(procedure: Procedure, result: Result) -> Iterator[str]:
    """Whom a paper is about must be known of every dossier, and said wherever a form has more persons than one."""
    if result.about is None:
        if result.template and not str(procedure.form.get("$ref", "")).endswith("/general_form"):
            yield f"result {result.code}: says not whom its paper is about"
        return
    form = followed(procedure.form, procedure.form)
    for part in result.about:
        if not leads_somewhere(procedure.form, part):
            yield f"result {result.code} is about the unknown part {part} of the form"
    if result.about and result.about[0] not in form.get("required", ()):
        yield f"result {result.code} is about {result.about[0]}, which the form does not demand"


def _of_graph(procedure: Procedure) -> Iterator[str]:
    codes = {step.code for step in procedure.steps}
    for step in procedure.steps:
        yield from (
            f"step {step.code} depends on the unknown step {d}" for d in step.depends_on if d not in codes
        )
    try:
        ordered([step.code for step in procedure.steps], {s.code: s.depends_on for s in procedure.steps})
        if not procedure.chosen_steps({}):
            yield "a dossier with the default options has no step"
    except ValueError as error:
        yield str(error)
    produced = [result for step in procedure.steps for result in step.produces]
    known = {result.code for result in procedure.results}
    yield from _twice("produced result", produced)
    yield from (f"result {code} is produced by no step" for code in sorted(known - set(produced)))
    yield from (f"a step produces the unknown result {code}" for code in sorted(set(produced) - known))


def _of_conditions(procedure: Procedure) -> Iterator[str]:
    options = {option.code: option for option in procedure.options}
    for option in procedure.options:
        if not option.allows(option.default):
            yield f"option {option.code}: its default is not among its choices"
    for condition in _conditions(procedure):
        values = condition.values()
        if condition.option not in options:
            yield f"a condition names the unknown option {condition.option}"
        elif not values or not all(options[condition.option].allows(value) for value in values):
            yield f"a condition on option {condition.option} names a value it cannot have"


def _conditions(procedure: Procedure) -> Iterator[Condition]:
    for step in procedure.steps:
        yield from step.chosen_when
        for case in step.limit_when:
            yield from case.when
        for wait in step.outside_waits:
            yield from wait.when
    for component in procedure.components:
        yield from component.required_when
    for need in procedure.form_needs:
        yield from need.when
    for case in procedure.limit_when:
        yield from case.when
    yield from procedure.fees_unknown_when
    for fee in procedure.fees or ():
        yield from fee.when


def _of_schemas(procedure: Procedure) -> Iterator[str]:
    yield from _of_schema("form", procedure.form)
    for need in procedure.form_needs:
        for path in need.fields:
            if not leads_somewhere(procedure.form, path):
                yield f"form_needs names the unknown field {path}"
    for step in procedure.steps:
        yield from _of_schema(f"outcome of {step.code}", step.outcome)
        yield from _of_outcome_fields(step)


def _of_schema(what: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"{what}: {fault}" for fault in _schema_faults(msgspec.json.encode(schema)))


@lru_cache(maxsize=1024)
def _schema_faults(encoded: bytes) -> tuple[str, ...]:
    """What is wrong with a schema; remembered, because hundreds of procedures share the general form."""
    schema = msgspec.json.decode(encoded)
    odd = [f"the key {key!r} is not English (a title with a comma needs quotes)" for key in _odd_keys(schema)]
    odd += [
        f"the pattern {p} takes digits of every script: write [0-9]" for p in _patterns(schema) if r"\d" in p
    ]
    try:
        FormChecker(schema)
    except SchemaError as error:
        return (error.message, *odd)
    return tuple(odd)


def _of_outcome_fields(step: Step) -> Iterator[str]:
    named = {*step.pending_fields, *(name for key in step.unique for name in key.named_fields)}
    for name in sorted(named):
        if not leads_somewhere(step.outcome, name):
            yield f"step {step.code} names the unknown outcome field {name}"
    for key in step.unique:
        compared = (key.book or key.fields[0], key.yearly.number if key.yearly else key.fields[0])
        if not set(compared) <= set(key.fields):
            yield f"step {step.code}: the key {key.name} has a book or a yearly number that is none of its fields"


def _odd_keys(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            if value is None or not str(key).isascii():
                yield str(key)
            yield from _odd_keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from _odd_keys(value)


def _patterns(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if isinstance(node.get("pattern"), str):
            yield node["pattern"]
        for value in node.values():
            yield from _patterns(value)
    elif isinstance(node, list):
        for value in node:
            yield from _patterns(value)


def _of_agencies_for(procedure: Procedure, catalogue: Catalogue) -> Iterator[str]:
    for role in sorted({step.role for step in procedure.steps}):
        agencies = [a for a in catalogue.agency_entries() if role in a.roles]
        last_day = procedure.effective_to
        if not any(
            (last_day is None or a.effective_from <= last_day)
            and (a.effective_to is None or procedure.effective_from <= a.effective_to)
            for a in agencies
        ):
            yield f"no agency has the role {role} while the procedure is in force"


def _of_agency(agency: Agency, catalogue: Catalogue) -> Iterator[str]:
    unknown = [role for role in agency.roles if role not in catalogue.roles]
    yield from (f"agency {agency.code}: unknown role {role}" for role in unknown)
    codes = {entry.code for entry in catalogue.agency_entries()}
    for successor in agency.succeeded_by:
        if successor not in codes:
            yield f"agency {agency.code}: succeeded by the unknown agency {successor}"
    for unit in agency.units:
        if len(unit) == 5 and catalogue.units.unit(unit, max(agency.effective_from, FIRST_LIST)) is None:
            yield f"agency {agency.code}: no commune {unit} on its first day"
    try:
        catalogue.calendar(agency.calendar)
    except (CatalogueError, CalendarError) as error:
        yield f"agency {agency.code}: {error}"


def _overlaps(procedures: Iterable[Procedure]) -> Iterator[str]:
    for earlier, later in pairwise(procedures):
        same = earlier.code == later.code
        if same and (earlier.effective_to is None or later.effective_from <= earlier.effective_to):
            yield f"{earlier.code}: two versions are in force on {later.effective_from.isoformat()}"


def _of_groups(catalogue: Catalogue, procedures: Iterable[Procedure]) -> Iterator[str]:
    in_files = {(p.group, p.code) for p in procedures if p.group}
    in_groups = {(group.code, code) for group in catalogue.groups.values() for code in group.procedures}
    for group, code in sorted(in_files ^ in_groups):
        yield f"group {group}: {code} is named either only in procedure-groups.yaml or only in its own file"


def _twice(what: str, codes: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for code in codes:
        if code in seen:
            yield f"{what} {code} occurs twice"
        seen.add(code)

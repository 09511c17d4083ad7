"""Whoever copies an example finds its codes in the catalogue: results, agencies, places, steps, procedures, units."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from libs.catalogue import Catalogue
from libs.contracts import documents, partner_documents
from tests.fixtures.servers import ROOT

FILES = sorted([*documents.EXAMPLES.glob("*/*.json"), *partner_documents.EXAMPLES.glob("*.json")])
CATALOGUE = Catalogue.load(ROOT / "catalogue")
PROCEDURES = [
    msgspec.yaml.decode(file.read_bytes()) for file in sorted((ROOT / "catalogue/procedures").glob("*.yaml"))
]


def codes(list_name: str) -> set[str]:
    """The codes of all procedures' `steps`, `results`, `components` or `options`."""
    return {each["code"] for procedure in PROCEDURES for each in procedure.get(list_name, ())}


PROCEDURE, STEP, RESULT = {procedure["code"] for procedure in PROCEDURES}, codes("steps"), codes("results")
COMPONENT, OPTION = codes("components"), codes("options")
RULES = msgspec.yaml.decode((ROOT / "catalogue/messages/rules.yaml").read_bytes())["rules"]
RULE = {rule["code"] for rule in RULES}


def is_agency(code: str) -> bool:
    """Whether the catalogue has the agency; one that has none raises."""
    return CATALOGUE.agency(code).code == code


def is_facility(code: str) -> bool:
    """Whether a hospital of the catalogue has the code."""
    return any(agency.facility_code == code for agency in CATALOGUE.agencies("hospital"))


CHECKS: Mapping[str, Callable[[str], bool]] = {
    **dict.fromkeys(("agency", "receiving_agency", "place", "by"), is_agency),
    **dict.fromkeys(("facility", "facility_code"), is_facility),
    **dict.fromkeys(
        ("result", "results.code", "results", "produces.code", "replaces.code"), RESULT.__contains__
    ),
    **dict.fromkeys(("step", "steps", "dropped"), STEP.__contains__),
    **dict.fromkeys(("missing", "components", "component"), COMPONENT.__contains__),
    "procedure": PROCEDURE.__contains__,
    "option": OPTION.__contains__,
    "role": CATALOGUE.roles.__contains__,
    "rule": RULE.__contains__,
}
# Identifiers of papers, not codes.
NOT_CODES = {
    "partner.result-handed-over.v1": {"results"},
    "partner.receiver-checked.v1": {"results"},
}


def named(content: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text with the name of its field, and a `code` with that of its list too."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield from named(value, f"{name}.code" if key == "code" and name else key)
    elif isinstance(content, list):
        for value in content:
            yield from named(value, name)
    elif isinstance(content, str) and content:
        yield name, content


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_codes_of_an_example_are_of_the_catalogue(path: Path) -> None:
    """Each field that holds a code of the catalogue holds one it has."""
    event = msgspec.json.decode(path.read_bytes())
    left_out = NOT_CODES.get(event["type"], set())
    data = dict(event.get("data", {})) | ({"component": event["component"]} if "component" in event else {})
    for option in data.get("options", {}):
        assert option in OPTION
    for name, text in named(data):
        if name in CHECKS and name not in left_out:
            assert CHECKS[name](text), f"{name}: {text}"


def test_the_fields_are_those_of_the_examples() -> None:
    """A check whose field nobody has holds nothing."""
    seen = {
        name for path in FILES for name, _ in named(msgspec.json.decode(path.read_bytes()).get("data", {}))
    }
    assert set(CHECKS) - {"component"} <= seen

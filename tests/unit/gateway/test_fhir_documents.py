"""What docs/fhir.md and docs/examples say of FHIR is what the program does."""

import json
from pathlib import Path

from fhir.resources.R4B.capabilitystatement import CapabilityStatement

from services.gateway.fhir.bundles import TYPES
from services.gateway.fhir.capability import capability
from services.gateway.fhir.desk import judged
from services.gateway.fhir.issues import MEDIA_TYPE
from services.gateway.fhir.mapping import Field, load_mapping
from tests.fixtures.fhir import examples

DOCS = Path(__file__).parents[3] / "docs"
MAPPING = load_mapping()


def row(field: Field) -> str:
    """One field as a line of the table."""
    sources = "; ".join(
        f"{source.role}: `{path.text}`".replace("|", "&#124;")
        for source in field.sources
        for path in source.paths
    )
    if field.fallback:
        sources = f"as `{field.fallback}`"
    needed = f"unless `{field.unless}`" if field.unless else ("yes" if field.required else "")
    return f"| {field.label} | `{field.to}` | {sources} | {needed} |"


def table() -> str:
    """The table of mapping.yaml in docs/fhir.md."""
    head = ["| | field | from | needed |", "|---|---|---|---|"]
    return "\n".join([*head, *map(row, MAPPING.fields)])


def test_the_documentation_has_the_table_as_it_is() -> None:
    """Copy what `table()` gives into docs/fhir.md after a change of mapping.yaml."""
    assert table() in (DOCS / "fhir.md").read_text()


def test_the_documentation_names_every_code_and_system() -> None:
    """Who sends a code looks for it there."""
    written = (DOCS / "fhir.md").read_text()
    for systems in MAPPING.constants.values():
        assert all(system in written for system in systems)
    for codes in MAPPING.observed.values():
        assert all(f"`{code.partition('|')[2]}`" in written for code in codes)
    for relations in MAPPING.relations.values():
        assert all(f"`{relation}`" in written for relation in relations)


def test_the_examples_are_the_ones_the_tests_send() -> None:
    """And each of them is one we take."""
    for name, made in examples().items():
        content = (DOCS / "examples" / f"{name}.json").read_bytes()
        assert json.loads(content) == made, name
        _, said, wrong = judged(content, MAPPING)
        assert wrong == []
        assert all(birth.issues == () for birth in said.births)


def test_the_statement_says_what_is_taken() -> None:
    """R4 as its models read it; every type of Bundle, the one format, where and by which token; no reading."""
    statement = capability("https://doitac.example.vn/", "1.2.3")
    read = CapabilityStatement.model_validate(statement)
    assert (read.fhirVersion, read.kind, read.format) == ("4.0.1", "instance", [MEDIA_TYPE])
    (rest,) = statement["rest"]
    assert "resource" not in rest
    assert [each["code"] for each in rest["interaction"]] == ["transaction"]
    assert rest["security"]["service"][0]["coding"][0]["code"] == "OAuth"
    assert all(type_ in rest["documentation"] for type_ in TYPES)
    (messaging,) = statement["messaging"]
    assert messaging["endpoint"][0]["address"] == "https://doitac.example.vn/fhir/$process-message"
    assert "`GET /fhir/metadata`" in (DOCS / "fhir.md").read_text()

"""The gateway's own description as the page shows it."""

from typing import Any

import msgspec
import pytest
from fastapi import APIRouter, FastAPI

from libs.http.bodies import answers, body
from services.gateway.partners.api_partner import KeyAdded, NewKey
from services.portal.developers import described


@pytest.fixture
def document() -> dict[str, Any]:
    """What an application of ours says of itself."""
    app, partner, operators = FastAPI(), APIRouter(tags=["partner"]), APIRouter(tags=["bus"])

    @partner.post("/partner/keys", openapi_extra=body(NewKey, answers={201: KeyAdded}))
    async def add() -> None:
        """Add a public key."""

    @partner.get("/events", openapi_extra=answers({200: list[KeyAdded]}))
    async def events(after: str = "", limit: int = 100) -> None:
        """Events."""

    @operators.post("/bus/dead-letters/retry")
    async def retry() -> None:
        """For operators."""

    app.include_router(partner)
    app.include_router(operators)
    found = app.openapi()
    # Our applications add the shapes of bodies (libs.http.app).
    _, shapes = msgspec.json.schema_components([NewKey, KeyAdded], ref_template="#/components/schemas/{name}")
    found["components"]["schemas"] |= shapes
    return found


def test_calls_for_partners_are_shown_in_groups(document: dict[str, Any]) -> None:
    """In the order one learns them in; what is for operators is not there."""
    groups = described.groups(document)
    assert [(group.name, [(one.method, one.path) for one in group.operations]) for group in groups] == [
        ("events", [("GET", "/events")]),
        ("partner", [("POST", "/partner/keys")]),
    ]
    (events,), (add,) = (group.operations for group in groups)
    assert [(each.name, each.place, each.kind) for each in events.parameters] == [
        ("after", "query", "chuỗi"),
        ("limit", "query", "số nguyên"),
    ]
    assert add.body is not None
    assert (add.about, add.body.shape) == ("Add a public key.", "NewKey")
    assert {answer.status: answer.shape for answer in add.answers}["201"] == "KeyAdded"


def test_the_shapes_they_speak_of_are_shown(document: dict[str, Any]) -> None:
    """With their members and the docstring they were made with."""
    shapes = {shape.name: shape for shape in described.shapes(document, described.groups(document))}
    assert {"NewKey", "KeyAdded"} <= shapes.keys()
    assert [(one.name, one.required) for one in shapes["NewKey"].properties] == [
        ("key", True),
        ("kid", False),
        ("not_after", False),
    ]


def test_the_document_for_programs_has_the_partners_address(document: dict[str, Any]) -> None:
    """And nothing that is for operators."""
    found = described.public(document, "https://doitac.example.vn")
    assert found["servers"] == [{"url": "https://doitac.example.vn"}]
    assert set(found["paths"]) == {"/partner/keys", "/events"}


def test_what_a_parameter_may_be_is_shown() -> None:
    """Its default and its bounds, also where it may be left out."""
    number = {"anyOf": [{"type": "integer", "minimum": 1, "maximum": 500}, {"type": "null"}], "default": 100}
    parameters = [
        {"name": "limit", "in": "query", "schema": number},
        {"name": "after", "in": "query", "schema": {"type": "string", "default": ""}},
    ]
    (group,) = described.groups({"paths": {"/events": {"get": {"parameters": parameters}}}})
    assert [each.limits for each in group.operations[0].parameters] == ["mặc định 100, từ 1, đến 500", ""]

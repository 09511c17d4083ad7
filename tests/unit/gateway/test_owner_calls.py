"""An event leads to its one endpoint or nowhere, and a refusal points to where in the data the mistake is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.http.client import Refused
from libs.http.problems import Problem
from services.gateway.inbound.city import READS, read_of
from services.gateway.inbound.cloudevent import InboundEvent
from services.gateway.inbound.outcomes import pointer, refused_by_owner
from services.gateway.inbound.owner_calls import OWNER_CALLS, is_id, path_of

EVENT = InboundEvent(source="urn:mot-cua:partner:a", id="1", type="partner.step-started.v1")
DOSSIER = "019ac000-0000-7000-8000-000000000001"
NAMED = st.dictionaries(st.sampled_from(["step", "result_id", "component"]), st.text(max_size=80))


@given(st.sampled_from(sorted(OWNER_CALLS)), NAMED)
def test_no_member_leads_out_of_its_place_in_the_path(type_: str, members: dict[str, str]) -> None:
    """Whatever a step or a paper is called, the path has the parts its call has, and no query of its own."""
    call = OWNER_CALLS[type_]
    given_members = {"component": "declaration"} | {name: members.get(name, "") for name in call.takes}
    try:
        path = path_of(call, DOSSIER, given_members)
    except Problem:
        return
    assert path.count("/") == call.path.count("/")
    assert re.fullmatch(r"[a-z0-9_./-]+(\?component=[a-z]+)?", path, re.IGNORECASE)
    assert "/../" not in f"{path}/"


@given(st.sampled_from(["intake", "routing", "results"]), st.text(max_size=60))
def test_a_look_up_is_on_the_list_or_is_none(service: str, path: str) -> None:
    """Nothing but the list; in particular no way up."""
    found = read_of(service, f"/{path}")
    assert found is None or (found in READS and ".." not in path)


@pytest.mark.parametrize(
    "path", ["/dossiers/../people", f"/dossiers/{DOSSIER}/../x", f"/dossiers/{DOSSIER}\n", "/queues/a/b"]
)
def test_paths_that_only_look_alike_are_none(path: str) -> None:
    """The whole path is compared."""
    assert read_of("intake", path) is None
    assert read_of("routing", path) is None


def test_every_look_up_is_found_by_its_own_path() -> None:
    """With a dossier, a step and a number in place of the names."""
    for read in READS:
        path = read.path.replace("{id}", DOSSIER).replace("{step}", "register_birth")
        path = path.replace("{number}", "3").replace("{queue}", "cho-tra-ket-qua")
        assert read_of(read.service, path) is read


@pytest.mark.parametrize("text", ["", "{" + DOSSIER + "}", f"urn:uuid:{DOSSIER}", DOSSIER + "\n", "x"])
def test_a_dossier_is_named_by_its_id_alone(text: str) -> None:
    """Other spellings of a UUID would be other paths."""
    assert not is_id(text)
    assert is_id(DOSSIER.upper())


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("child.sex", "/child/sex"),
        ("fields[0].value", "/fields/0/value"),
        ("form.documents[1].copies", "/form/documents/1/copies"),
        ("options[...].x", "/options"),
        ("", ""),
    ],
)
def test_fields_become_json_pointers(field: str, found: str) -> None:
    """As RFC 6901 writes them; a key that is not told ends it."""
    assert pointer(field) == found


@pytest.mark.parametrize(
    ("status", "slug", "state", "told"),
    [
        (409, "step-completed", "refused", 409),
        (404, "not-found", "refused", 404),
        (422, "idempotency-key-reused", "refused", 422),
        (409, "retry", "later", 503),
        (401, "not-signed-in", "later", 503),
        (500, "internal-error", "later", 503),
        (302, "x", "later", 503),
        (200, "answer-too-large", "later", 503),
    ],
)
def test_what_an_owner_says_is_final_or_it_is_not(status: int, slug: str, state: str, told: int) -> None:
    """Its refusals are the partner's to mend; its faults are to be waited for."""
    outcome = refused_by_owner(EVENT, Refused("routing", status, slug))
    assert (outcome.state, outcome.status) == (state, told)
    assert bool(outcome.retry_after_seconds) == (state == "later")

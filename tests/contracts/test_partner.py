"""What partners may say is described once: by whom, judged by whom, and with the data the services really read."""

import re
from typing import Any

import jsonschema
import msgspec
import pytest

from deploy import partner_bodies
from deploy.local.partners import PARTNERS
from libs.catalogue import Catalogue
from libs.catalogue.reasons import Move
from libs.contracts.partner import JSON, SAYING_OF, SAYINGS, SOURCE_PREFIX, Saying, own_source
from libs.contracts.partner_documents import DATA_FILE, EXAMPLES, data_schema, event_schema, example
from libs.http.bodies import decode_body
from services.gateway.inbound.cloudevent import read_structured
from services.gateway.inbound.orders import order_of
from services.gateway.inbound.owner_calls import OWNER_CALLS
from services.gateway.partners.partner import Partner
from tests.fixtures.servers import ROOT

NAME = re.compile(r"partner\.[a-z]+(-[a-z]+)*-[a-z]+\.v[1-9]")
TYPES = [saying.type for saying in SAYINGS]
BY_CODE = {partner.code: partner for partner in PARTNERS}


def sender(event: dict[str, Any]) -> Partner:
    """The partner of the city in a box that says an example."""
    return BY_CODE[event["source"].removeprefix(SOURCE_PREFIX)]


def test_each_type_has_a_way_a_body_and_an_example() -> None:
    """A type without one of them would be offered and not work, or work and be nowhere described."""
    files = {path.stem for path in EXAMPLES.glob("*.json")}
    in_json = {saying.type for saying in SAYINGS if JSON in saying.media_types}
    assert set(TYPES) == set(OWNER_CALLS) == files
    assert set(partner_bodies.BODIES) == in_json
    assert all(NAME.fullmatch(type_) for type_ in TYPES)


@pytest.mark.parametrize("saying", SAYINGS, ids=TYPES)
def test_the_catalogue_and_the_way_agree(saying: Saying) -> None:
    """Who judges it, and whether it is about a dossier there is."""
    call = OWNER_CALLS[saying.type]
    assert (call.service, call.about_dossier) == (saying.judge, saying.subject)
    assert set(saying.attributes) <= set(re.findall(r"{(\w+)}", call.path))


def test_the_schemas_are_what_the_services_read() -> None:
    """The file in libs/contracts is what `make events` would write from the services' own types."""
    assert DATA_FILE.read_bytes() == partner_bodies.document()


@pytest.mark.parametrize("type_", TYPES)
def test_an_example_fits_its_schemas(type_: str) -> None:
    """The one of its data and the one of the whole event, as a partner would check them."""
    given = example(type_)
    check = jsonschema.Draft202012Validator.FORMAT_CHECKER
    data = given["data_base64"] if "data_base64" in given else given.get("data", {})
    jsonschema.Draft202012Validator(data_schema(type_), format_checker=check).validate(data)
    jsonschema.Draft202012Validator(event_schema(SAYING_OF[type_]), format_checker=check).validate(given)


@pytest.mark.parametrize("type_", TYPES)
def test_an_example_is_read_by_its_owner(type_: str) -> None:
    """Through the gateway's own reading, as the body of the endpoint that judges it; by a partner that may say it."""
    given = example(type_)
    partner = sender(given)
    order = order_of(partner, read_structured(msgspec.json.encode(given)))
    roles = set(SAYING_OF[type_].roles)
    assert not roles or roles & set(partner.roles)
    body = partner_bodies.BODIES.get(type_)
    if body is not None:
        decode_body(order.content, body)


def test_examples_give_reasons_of_the_catalogue() -> None:
    """Whoever copies one is not refused for it."""
    reasons = Catalogue.load(ROOT / "catalogue").reasons
    moves: dict[str, Move] = {
        "step-returned": "return",
        "step-refused": "refuse",
        "dossier-refused": "refuse",
        "supplement-requested": "supplement-request",
    }
    for name, move in moves.items():
        known = {reason.code for reason in reasons[move]}
        assert example(f"partner.{name}.v1")["data"]["reason"] in known, name


@pytest.mark.parametrize(
    ("source", "own"),
    [("", True), ("/khoa-san", True), ("/", True), ("-2", False), (":x", False), ("x", False)],
)
def test_a_partner_speaks_for_itself_and_its_parts(source: str, own: bool) -> None:
    """A name that only begins alike is somebody else's."""
    assert own_source(f"{SOURCE_PREFIX}bv-1{source}", "bv-1") is own

"""What the gateway's OpenAPI says of every write is what it does."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from libs.http.idempotency import HEADER
from services.gateway.partners.access import TENDING_BURST
from tests.integration.gateway.conftest import ISSUER, House, received
from tests.integration.gateway.webhook_desk import desk_of

KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
SINCE = {"since": "2026-11-27T00:00:00Z"}
# A body of every write that can be asked for by a partner, for which nothing but the key is missing.
WRITES: dict[tuple[str, str], Any] = {
    ("post", "/webhooks"): {"url": "http://127.0.0.1:9/", "types": ["*"]},
    ("patch", "/webhooks/{endpoint_id}"): {"description": "x"},
    ("post", "/webhooks/{endpoint_id}/secret"): {},
    ("post", "/webhooks/{endpoint_id}/recover"): SINCE,
    ("post", "/webhooks/{endpoint_id}/replay-missing"): SINCE,
    ("post", "/webhooks/{endpoint_id}/test"): {},
    ("post", "/webhooks/{endpoint_id}/deliveries/{event_id}/resend"): None,
    ("delete", "/webhooks/{endpoint_id}"): None,
    ("post", "/partner/keys"): {"key": json.dumps(KEY)},
    ("delete", "/partner/keys/{kid}"): None,
    ("post", "/sandbox/births"): None,
    ("post", "/events"): None,
    ("post", "/fhir"): None,
    ("post", "/fhir/$process-message"): None,
    ("post", "/births/xml9"): None,
    ("post", "/oauth/token"): None,
}


async def test_the_key_is_declared_where_it_is_needed_and_nowhere_else(houses: Callable[..., Any]) -> None:
    """Every write without one: 400 for the key exactly where the document says that it is required."""
    house: House = await houses(sandbox=True)
    await house.partner()
    desk = await desk_of(house)
    endpoint, _ = await desk.add("http://127.0.0.1:9/")
    (event,) = await house.say(uuid4(), received())
    paths = house.app.openapi()["paths"]
    declared: dict[tuple[str, str], Any] = {
        (method, path): next((one for one in operation.get("parameters", ()) if one["name"] == HEADER), None)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method not in {"get", "parameters"} and "bus" not in operation.get("tags", ())
    }
    assert declared.keys() == WRITES.keys()
    for (method, path), parameter in declared.items():
        place = path.format(endpoint_id=endpoint, event_id=event, kid="none")
        answer = await house.http.request(method, place, json=WRITES[method, path], headers=desk.headers)
        asks = answer.json().get("type") == "urn:mot-cua:problem:idempotency-key-required"
        assert asks == (parameter is not None), (method, path, answer.text)
        assert parameter is None or parameter["required"], (method, path)


async def test_every_call_says_what_a_refusal_looks_like_and_when_to_come_again(house: House) -> None:
    """A problem, with Retry-After; as 429 is answered."""
    document = house.app.openapi()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            refusal = operation["responses"]["default"]
            assert "application/problem+json" in refusal["content"], path
            assert "Retry-After" in refusal["headers"], path
    assert "x-idempotency-key" not in str(document)
    await house.partner()
    headers = await house.token()
    # The bucket fills while a busy machine is slow to empty it.
    for _ in range(20 * TENDING_BURST):
        refused = await house.http.get("/webhooks", headers=headers)
        if refused.status_code != 200:
            break
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["content-type"].startswith("application/problem+json")


async def test_programs_learn_what_fhir_is_taken_without_a_token(house: House) -> None:
    """The address is the one partners reach."""
    answer = await house.http.get("/fhir/metadata")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/fhir+json")
    assert answer.json()["implementation"]["url"] == f"{ISSUER}/fhir"

"""The webhooks of a partner as the client names them."""

from uuid import UUID

from mot_cua.endpoints import Endpoints
from mot_cua.operations import Blocking
from tests.unit.client.play import URL, Stage, json

ENDPOINT = UUID("019ac000-0000-7000-8000-000000000001")
EVENT = UUID("019ac000-0000-7000-8000-000000000002")


def test_ids_are_given_as_they_are_at_hand() -> None:
    """A UUID or its text, as an event's own is given: the same call."""
    stage = Stage(lambda _: json(200, f'{{"event_id": "{EVENT}"}}'))
    webhooks: Endpoints[Blocking] = Endpoints(stage.session(), stage.play)
    for endpoint, event in ((ENDPOINT, EVENT), (str(ENDPOINT), str(EVENT))):
        assert webhooks.resend(endpoint, event).event_id == str(EVENT)
    addresses = {request.url for request in stage.requests}
    assert addresses == {f"{URL}/webhooks/{ENDPOINT}/deliveries/{EVENT}/resend"}

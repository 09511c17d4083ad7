"""What others read of the gateway's answers is what it answers: no member is awaited in vain."""

import msgspec
import pytest

from mot_cua import endpoints as client
from mot_cua import registration, xml9
from services.gateway.partners import api_partner
from services.gateway.webhooks import endpoint as gateway
from services.intake import uploads
from services.intake.births import Problem
from services.portal.developers import webhooks as portal


def members(kind: type[msgspec.Struct]) -> set[str]:
    """The members of an object in JSON."""
    return set(kind.__struct_encode_fields__)


@pytest.mark.parametrize(
    ("answered", "read"),
    [
        (gateway.ShownEndpoint, client.Endpoint),
        (gateway.ShownEndpoint, portal.Endpoint),
        (gateway.ShownSecret, client.SecretTerm),
        (gateway.ShownSecret, portal.Secret),
        (gateway.ShownDelivery, client.Delivery),
        (gateway.ShownDelivery, portal.Delivery),
        (gateway.ShownRequest, client.SentRequest),
        (gateway.ShownRequest, portal.Sent),
        (gateway.Attempt, client.Attempt),
        (gateway.Attempt, portal.Attempt),
        (gateway.ShownReplay, client.Replay),
        (gateway.ShownReplay, portal.Replay),
        (api_partner.PartnerView, registration.Partner),
        (api_partner.KeyView, registration.RegisteredKey),
        (api_partner.Audit, registration.Audit),
        (api_partner.Deed, registration.Deed),
        (api_partner.ReadingView, registration.ReadingNoted),
        (uploads.UploadAnswer, xml9.Report),
        (uploads.RecordAnswer, xml9.Record),
        (Problem, xml9.RecordProblem),
    ],
    ids=lambda kind: f"{kind.__module__.partition('.')[0]}.{kind.__name__}",
)
def test_who_reads_an_answer_names_its_members(
    answered: type[msgspec.Struct], read: type[msgspec.Struct]
) -> None:
    """A misspelt member is read as absent, and nobody is told: the shapes are written three times."""
    assert members(read) <= members(answered)

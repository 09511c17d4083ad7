"""A tracking token leads services, and nobody else, to its dossier."""

from tests.integration.intake.conftest import Intake
from tests.integration.intake.samples import birth


async def test_a_service_finds_the_dossier_of_a_token(intake: Intake) -> None:
    """The answer has no person in it; an unknown token is 404, other services and desks are refused."""
    given = (await intake.post("/births", birth(serial=531_001), intake.hospital())).json()
    body = {"tracking_token": given["tracking_token"]}
    found = await intake.post("/tokens/read", body, intake.service("results"))
    assert found.json() == {"dossier_id": given["dossier_id"]}
    unknown = await intake.post("/tokens/read", {"tracking_token": "x" * 24}, intake.service("results"))
    assert unknown.status_code == 404
    assert (await intake.post("/tokens/read", body, intake.service("notify"))).status_code == 403
    assert (await intake.post("/tokens/read", body, intake.hospital())).status_code == 403
    assert (await intake.post("/tokens/read", body, {})).status_code == 401


async def test_services_are_told_who_took_a_dossier_in(intake: Intake) -> None:
    """The receiving agency of a dossier handed in at a hospital, as well as the facility."""
    given = (await intake.post("/births", birth(serial=531_002), intake.hospital())).json()
    body = {"dossier_ids": [given["dossier_id"]], "purpose": "make-document"}
    (record,) = (await intake.post("/people/read", body, intake.service("results"))).json()["people"]
    assert record["receiving_agency"] == given["receiving_agency"]
    assert record["facility"] == "93016"

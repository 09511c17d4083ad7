"""Births in the formats a hospital's software has, with the client package: a gateway's process, the real intake."""

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from deploy.local.nats_server import NatsServer
from deploy.local.sample_xml9 import sample_upload
from mot_cua.errors import Invalid, NotAllowed
from mot_cua.fhir import BundleRefused, BundleTaken, voided
from services.gateway.settings import Settings
from tests.fixtures.fhir import bundle, one_birth, resource, twins
from tests.integration.client.conftest import Gateway
from tests.integration.gateway.births.conftest import MORNING, Intake, catalogue, intake
from tests.integration.gateway.conftest import EVERYTHING, House

__all__ = ["catalogue", "intake"]
pytestmark = pytest.mark.timeout(120)


@pytest_asyncio.fixture
async def hospital(
    house: House,
    settings: Callable[..., Settings],
    intake: Intake,
    nats_server: NatsServer,
    producer: object,
    tmp_path: Path,
) -> AsyncIterator[Gateway]:
    """A gateway that reaches intake, and knows a hospital."""
    await house.partner()
    given = settings(nats_url=nats_server.url, intake_url=intake.url)
    made = Gateway(house, given, tmp_path / "gateway.log")
    await made.start()
    yield made
    made.kill()


@pytest.mark.parametrize("type_", ["document", "message", "transaction", "collection"])
async def test_a_bundle_is_a_birth_whatever_its_type(hospital: Gateway, intake: Intake, type_: str) -> None:
    """Handed in, again, with other content, and taken back; the answer is read alike from all its shapes."""
    sent = bundle(type_, one_birth(11))

    def blocking() -> BundleTaken:
        with hospital.client() as client:
            return client.fhir.send(sent)

    first = await asyncio.to_thread(blocking)
    (dossier,) = first.dossiers
    assert (first.status, first.became) == (201, ("received",))
    assert dossier.link.startswith("https://motcua.example.vn/")
    assert (await intake.file(dossier.id))["child"]["weight_g"] == 3200
    async with hospital.async_client() as client:
        again = await client.fhir.send(sent)
        assert (again.status, again.became, again.dossiers[0].id) == (200, ("unchanged",), dossier.id)
        changed = copy.deepcopy(sent)
        resource(changed, "Observation")["valueQuantity"]["value"] = 3350
        assert (await client.fhir.send(changed)).became == ("updated",)
        assert (await intake.file(dossier.id))["child"]["weight_g"] == 3350
        if type_ in ("document", "collection"):
            taken_back = await client.fhir.void(changed)
            assert (taken_back.status, taken_back.became) == (200, ("withdrawn",))
            assert resource(changed, "Patient").get("status") is None


async def test_a_refusal_is_typed_and_points_into_the_bundle(hospital: Gateway, intake: Intake) -> None:
    """Every problem at once, each with its FHIRPaths; also inside the answer to a message."""
    for type_ in ("collection", "message"):
        sent = bundle(type_, one_birth(31))
        del resource(sent, "Patient")["gender"]
        resource(sent, "RelatedPerson")["birthDate"] = "2019-03-08"
        async with hospital.async_client() as client:
            with pytest.raises(BundleRefused) as refused:
                await client.fhir.send(sent)
            with pytest.raises(BundleRefused) as unknown:
                await client.fhir.void(bundle("document", one_birth(99)))
        told = {issue.code: issue for issue in refused.value.issues if issue.stops}
        assert refused.value.status == 422
        assert told["age-impossible"].expression[0].endswith(".resource.birthDate")
        assert told["required"].issue_type == "required"
        assert told["required"].text in str(refused.value)
        assert (unknown.value.status, unknown.value.code) == (404, "not-found")
    assert await intake.dossiers() == 0


async def test_of_twins_each_has_a_dossier(hospital: Gateway) -> None:
    """In the order of the Bundle's answer."""
    async with hospital.async_client() as client:
        assert len((await client.fhir.send(bundle("document", twins(71)))).dossiers) == 2


def test_a_bundle_that_cannot_say_it_is_no_void() -> None:
    """Nothing is sent."""
    with pytest.raises(ValueError, match="Composition"):
        voided({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": None}]})


async def test_an_xml9_file_is_reported_record_by_record(hospital: Gateway, intake: Intake) -> None:
    """The same file again gets the same report; a file that is none is a problem."""
    content = sample_upload(7, today=MORNING.date(), births=("single", "twins"))
    async with hospital.async_client() as client:
        report = await client.xml9.send(content)
        assert (report.facility_code, report.accepted, report.refused) == ("93016", 3, 0)
        assert {record.status for record in report.records} == {"accepted"}
        assert len({record.dossier_id for record in report.records}) == await intake.dossiers() == 3
        assert await client.xml9.send(content) == report
        with pytest.raises(Invalid):
            await client.xml9.send(b"<x/>")
    await hospital.house.partner(EVERYTHING)
    async with hospital.async_client(EVERYTHING.code) as client:
        with pytest.raises(NotAllowed):
            await client.xml9.send(content)

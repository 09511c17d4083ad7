"""Results over HTTP: desks see and move their own, hand over to the right person, the public may verify."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
import pytest_asyncio

from libs.http.app import Readiness, build_app
from libs.http.auth import IDENTITY, TokenSigner, TokenVerifier
from libs.http.limits import RateLimit
from libs.http.public_keys import JWKS_NAME, make_key
from services.results import desk_store
from services.results.api import Endpoints, build_router
from services.results.domain import Custody
from services.results.receipts import Receipts
from tests.fixtures.servers import eventually
from tests.integration.results.conftest import HOSPITAL, MOTHER, POLICE, WARD, Workshop
from tests.integration.results.test_press import running, until_printed

pytestmark = pytest.mark.timeout(120)
RECEIVER = {"name": MOTHER.name, "relation": "mother", "identity_number": MOTHER.identity_number}


class Desks:
    """Clients of the results service, one per agency and role."""

    def __init__(self, app: Any, signers: dict[str, TokenSigner], workshop: Workshop) -> None:
        self._app = app
        self._signers = signers
        self.workshop = workshop

    def at(self, agency: str, roles: Sequence[str] = ("civil_status",)) -> httpx.AsyncClient:
        """A client with the token of an officer of the agency; a fresh idempotency key for each request."""
        return self._client(
            self._signers[IDENTITY].token("results", subject="o1", kind="officer", agency=agency, roles=roles)
        )

    def service(self, name: str) -> httpx.AsyncClient:
        """Another service of the city."""
        return self._client(self._signers[name].token("results"))

    def _client(self, token: str) -> httpx.AsyncClient:

        async def key(request: httpx.Request) -> None:
            request.headers.setdefault("Idempotency-Key", str(uuid4()))

        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app),
            base_url="http://results",
            headers={"Authorization": f"Bearer {token}"},
            event_hooks={"request": [key]},
        )

    def anybody(self) -> httpx.AsyncClient:
        """A client without a token."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://results")


@pytest_asyncio.fixture
async def desks(workshop: Workshop, tmp_path: Path) -> AsyncIterator[Desks]:
    """The service's endpoints on a fresh database, with a press that prints."""
    keys = tmp_path / "keys"
    signers = {
        issuer: TokenSigner.from_file(issuer, make_key(issuer, keys))
        for issuer in (IDENTITY, "portal", "routing")
    }

    async def ready() -> Readiness:
        return Readiness(ready=True, checks={})

    press = workshop.press()
    app = build_app(
        service="results",
        version="test",
        lifespan=None,
        ready=ready,
        verifier=TokenVerifier(tmp_path / "keys" / JWKS_NAME, "results"),
    )
    receipts = Receipts(
        workers=workshop.workers(),
        archive=workshop.archive,
        neighbours=workshop.town,
        catalogue=workshop.catalogue,
    )
    app.include_router(
        build_router(
            Endpoints(
                pool=workshop.pool,
                writer=workshop.writer,
                archive=workshop.archive,
                neighbours=workshop.town,
                catalogue=workshop.catalogue,
                wake_press=lambda: None,
                receipts=receipts,
                verify_limit=RateLimit(rate_per_second=1, burst=30),
            )
        )
    )
    async with running(press):
        yield Desks(app, signers, workshop)


async def printed(desks: Desks, *steps: str) -> tuple[Custody, dict[str, UUID]]:
    custody = await desks.workshop.completed(*steps)
    await until_printed(desks.workshop, custody)
    return custody, {r.code: r.id for r in custody.results}


async def test_a_paper_goes_from_the_ward_to_the_mother_with_a_receipt(desks: Desks) -> None:
    """Dispatched by the ward, taken in by the hospital, handed to the mother; one receipt for both papers."""
    custody, ids = await printed(desks, "register_birth", "issue_insurance_card")
    certificate, card = ids["birth_certificate"], ids["insurance_card"]
    async with desks.at(WARD) as ward, desks.at(HOSPITAL, ("hospital",)) as hospital:
        assert (await ward.post(f"/results/{certificate}/dispatch", json={})).status_code == 200
        for result_id in (certificate, card):
            assert (await hospital.post(f"/results/{result_id}/arrive", json={})).status_code == 200
        listed = (await hospital.get("/results", params={"state": "ready"})).json()["results"]
        assert {r["id"] for r in listed} == {str(certificate), str(card)}
        body = {"results": [str(certificate), str(card)], "receiver": RECEIVER, "signed_on_paper": True}
        done = await hospital.post(f"/dossiers/{custody.dossier_id}/hand-over", json=body)
        assert done.status_code == 200
        receipt = await hospital.get(done.json()["receipt"])
        assert receipt.headers["content-type"] == "application/pdf"
        again = await hospital.get(f"/results/{card}/receipt")
        assert again.content == receipt.content
        acts = (await hospital.get(f"/dossiers/{custody.dossier_id}/custody")).json()
    assert [a["act"] for a in acts] == ["dispatch", "arrive", "arrive", "hand-over", "hand-over"]
    assert (await desks.workshop.said(custody.dossier_id))[-2:] == ["results.result-handed-over.v1"] * 2


async def test_a_stranger_does_not_get_the_papers(desks: Desks) -> None:
    """Another identity number, or a relative without authorisation, is refused; an authorised person is not."""
    custody, ids = await printed(desks, "register_birth")
    result_id = ids["birth_certificate"]
    url = f"/dossiers/{custody.dossier_id}/hand-over"
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        await hospital.post(f"/results/{result_id}/arrive", json={})
        for receiver in (
            RECEIVER | {"identity_number": "093196009999"},
            {"name": "Trần Văn Cường", "relation": "relative", "identity_number": "093080001111"},
        ):
            refused = await hospital.post(
                url, json={"results": [str(result_id)], "receiver": receiver, "signed_on_paper": True}
            )
            assert refused.status_code == 422
            assert "093" not in refused.text
        authorised = {
            "name": "Trần Văn Cường",
            "relation": "relative",
            "identity_number": "093080001111",
            "authorisation": "12/UQ-2026",
        }
        done = await hospital.post(
            url, json={"results": [str(result_id)], "receiver": authorised, "signed_on_paper": True}
        )
        assert done.status_code == 200
        twice = await hospital.post(
            url, json={"results": [str(result_id)], "receiver": authorised, "signed_on_paper": True}
        )
        assert twice.status_code == 409


async def test_a_repeated_hand_over_request_gets_the_same_answer(desks: Desks) -> None:
    """The same key answers again with the same bytes; one hand-over is stored."""
    custody, ids = await printed(desks, "register_birth")
    result_id = ids["birth_certificate"]
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        await hospital.post(f"/results/{result_id}/arrive", json={})
        body = {"results": [str(result_id)], "receiver": RECEIVER, "signed_on_paper": True}
        answers = [
            await hospital.post(
                f"/dossiers/{custody.dossier_id}/hand-over", json=body, headers={"Idempotency-Key": "k1"}
            )
            for _ in range(2)
        ]
    assert answers[0].content == answers[1].content
    async with desks.workshop.pool.acquire() as conn:
        assert await conn.fetchval("SELECT count(*) FROM handover") == 1


async def test_agencies_see_only_their_own_results(desks: Desks) -> None:
    """The police see neither certificate nor card, not even that they exist; a desk cannot take in another's paper."""
    custody, ids = await printed(desks, "register_birth")
    result_id = ids["birth_certificate"]
    async with desks.at(POLICE, ("police_residence",)) as police:
        for path in (
            f"/dossiers/{custody.dossier_id}/results",
            f"/dossiers/{custody.dossier_id}/custody",
            f"/results/{result_id}/document",
            f"/results/{uuid4()}/document",
        ):
            assert (await police.get(path)).status_code == 404
        assert (await police.post(f"/results/{result_id}/dispatch", json={})).status_code == 404
    async with desks.at(WARD) as ward:
        assert (await ward.post(f"/results/{result_id}/arrive", json={})).status_code == 403
    async with desks.anybody() as nobody:
        assert (await nobody.get("/results")).status_code == 401


async def test_verification_says_valid_superseded_revoked(desks: Desks) -> None:
    """The QR's answer follows the document's life and names no person."""
    custody, ids = await printed(desks, "register_birth")
    first = ids["birth_certificate"]

    async def verified(result_id: UUID) -> dict[str, Any]:
        async with desks.workshop.pool.acquire() as conn:
            row = await desk_store.result_row(conn, result_id)
        assert row is not None
        async with desks.anybody() as anybody:
            answer = await anybody.get(f"/verify/{row['verify_token']}")
        assert MOTHER.name not in answer.text
        return dict(answer.json())

    assert (await verified(first))["status"] == "valid"
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        ordered = await hospital.post(f"/results/{first}/supersede", json={"reason": "misprint"})
        assert ordered.status_code == 200
    await _until_replaced(desks, custody)
    second = (await desks.workshop.custody(custody.dossier_id)).results[-1].id
    assert (await verified(first))["status"] == "superseded"
    assert (await verified(second))["status"] == "valid"
    async with desks.at(WARD) as officer:
        assert (await officer.post(f"/results/{second}/revoke", json={"reason": "forged"})).status_code == 403
    async with desks.at(WARD, ("leader",)) as leader:
        assert (await leader.post(f"/results/{second}/revoke", json={})).status_code == 422
        assert (await leader.post(f"/results/{second}/revoke", json={"reason": "forged"})).status_code == 200
    assert (await verified(second))["status"] == "revoked"
    async with desks.anybody() as anybody:
        assert (await anybody.get("/verify/unknown-token")).status_code == 404


async def _until_replaced(desks: Desks, custody: Custody) -> None:
    async def replaced() -> bool:
        now = await desks.workshop.custody(custody.dossier_id)
        return [r.state for r in now.results] == ["superseded", "issued"]

    await eventually(replaced, deadline_seconds=60)


async def test_guessing_verification_codes_is_slowed_down(desks: Desks) -> None:
    """More than a handful of questions a second from one address are answered 429."""
    async with desks.anybody() as anybody:
        statuses = [(await anybody.get(f"/verify/{n}")).status_code for n in range(40)]
    assert 429 in statuses


async def test_a_bag_of_papers_arrives_in_one_request_each_with_its_own_fate(desks: Desks) -> None:
    """Two papers of this desk are taken in; an unknown one is 404, one that lies here already 409."""
    custody, ids = await printed(desks, "register_birth", "issue_insurance_card")
    certificate, card = ids["birth_certificate"], ids["insurance_card"]
    async with desks.at(HOSPITAL, ("hospital",)) as hospital:
        await hospital.post(f"/results/{card}/arrive", json={})
        bag = {"results": [str(certificate), str(uuid4()), str(card)]}
        answer = await hospital.post("/results/arrive", json=bag)
    assert [fate["status"] for fate in answer.json()["results"]] == [200, 404, 409]
    assert {r.state for r in (await desks.workshop.custody(custody.dossier_id)).results} == {"ready"}

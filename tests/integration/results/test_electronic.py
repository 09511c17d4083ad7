"""Electronic results reach the person they are for, and the desk that handed the dossier in; nobody else."""

from typing import Any
from uuid import UUID

import pytest

from tests.integration.results.conftest import COUNTER, HOSPITAL, MOTHER, POLICE, WARD
from tests.integration.results.test_api import Desks, desks
from tests.integration.results.test_press import until_printed

__all__ = ["desks"]
pytestmark = pytest.mark.timeout(120)
TOKEN = "abcdefghijklmnopqrstuvwx"
PROOF = {"tracking_token": TOKEN, "last_four": MOTHER.identity_number[-4:]}


async def noticed(desks: Desks, **how: Any) -> tuple[UUID, UUID]:
    """A dossier whose residence notice is electronic: its id and that of the notice."""
    custody = await desks.workshop.completed("register_residence", **how)
    await until_printed(desks.workshop, custody)
    desks.workshop.town.tokens[TOKEN] = custody.dossier_id
    return custody.dossier_id, custody.results[0].id


async def test_the_person_fetches_their_result_and_that_is_recorded(desks: Desks) -> None:
    """Token and four digits list the result and give its signed PDF, which is kept nowhere on the way."""
    dossier_id, result_id = await noticed(desks)
    async with desks.anybody() as anybody:
        listed = await anybody.post("/electronic-results", json=PROOF)
        (found,) = listed.json()["results"]
        assert found["name"] == "Thông báo kết quả đăng ký thường trú"
        assert MOTHER.name not in listed.text
        paper = await anybody.post(found["document"], json=PROOF)
    assert paper.content.startswith(b"%PDF")
    assert paper.headers["cache-control"] == "no-store"
    reads = await desks.workshop.pool.fetch(
        "SELECT actor_kind, actor, purpose, what FROM http.read_log WHERE dossier_id = $1 ORDER BY id",
        dossier_id,
    )
    assert tuple(reads[-1]) == ("citizen", "tracking-token", "hand-over", "document")
    assert found["id"] == str(result_id)


async def test_wrong_digits_and_an_unknown_token_look_alike_and_end_soon(desks: Desks) -> None:
    """Both are 403 with the same text; after five wrong ones even the right digits have to wait."""
    await noticed(desks)
    async with desks.anybody() as anybody:
        unknown = await anybody.post("/electronic-results", json=PROOF | {"tracking_token": "x" * 24})
        wrong = [
            await anybody.post("/electronic-results", json=PROOF | {"last_four": f"000{n}"}) for n in range(5)
        ]
        assert {answer.status_code for answer in (unknown, *wrong)} == {403}
        assert {answer.text for answer in wrong} == {unknown.text}
        late = await anybody.post("/electronic-results", json=PROOF)
    assert late.status_code == 429
    assert int(late.headers["Retry-After"]) > 3000


@pytest.mark.parametrize(
    ("earlier", "hours_ago", "status"), [(9, 2, 200), (10, 2, 429), (29, 30, 200), (30, 9000, 403)]
)
async def test_trying_slowly_ends_too(desks: Desks, earlier: int, hours_ago: int, status: int) -> None:
    """After ten refusals in a day even the right digits have to wait; after thirty in all only the counter helps."""
    dossier_id, _ = await noticed(desks)
    await desks.workshop.pool.execute(
        """
        INSERT INTO refused_try (at, dossier_id, kind, actor, agency)
        SELECT now() - $2 * interval '1 hour', $1, 'citizen', 'tracking-token', '' FROM generate_series(1, $3)
        """,
        dossier_id,
        hours_ago,
        earlier,
    )
    async with desks.anybody() as anybody:
        answer = await anybody.post("/electronic-results", json=PROOF)
    assert answer.status_code == status
    if status == 429:
        assert 21 * 3600 < int(answer.headers["Retry-After"]) <= 22 * 3600
    if status == 403:
        assert answer.json()["type"].endswith("only-at-the-counter")


async def test_only_the_dossier_s_own_valid_electronic_results_are_given_out(desks: Desks) -> None:
    """Not a paper result, not another dossier's, not a revoked one."""
    paper = await desks.workshop.completed("register_birth")
    await until_printed(desks.workshop, paper)
    desks.workshop.town.tokens["paper"] = paper.dossier_id
    _, result_id = await noticed(desks)
    url = f"/electronic-results/{result_id}/document"
    async with desks.anybody() as anybody, desks.at(POLICE, ("leader",)) as police:
        other = PROOF | {"tracking_token": "paper"}
        assert (await anybody.post("/electronic-results", json=other)).json()["results"] == []
        assert (await anybody.post(url, json=other)).status_code == 404
        mine = f"/electronic-results/{paper.results[0].id}/document"
        assert (await anybody.post(mine, json=other)).status_code == 404
        revoked = await police.post(f"/results/{result_id}/revoke", json={"reason": "wrong-content"})
        assert revoked.status_code == 200
        assert (await anybody.post(url, json=PROOF)).status_code == 404


@pytest.mark.parametrize(
    ("facility", "mine", "other"), [("93016", HOSPITAL, COUNTER), ("", COUNTER, HOSPITAL)]
)
async def test_the_desk_that_handed_in_fetches_for_the_family(
    desks: Desks, facility: str, mine: str, other: str
) -> None:
    """The hospital that declared the birth, else the counter: sees it in the dossier and gets the PDF, recorded."""
    dossier_id, result_id = await noticed(desks, facility=facility)
    async with desks.at(mine, ("hospital",)) as desk:
        listed = (await desk.get(f"/dossiers/{dossier_id}/results")).json()["results"]
        assert [result["id"] for result in listed] == [str(result_id)]
        assert (await desk.get(f"/results/{result_id}/document")).content.startswith(b"%PDF")
    for stranger in (other, WARD, ""):
        async with desks.at(stranger, ("one_stop",)) as desk:
            assert (await desk.get(f"/dossiers/{dossier_id}/results")).status_code == 404
            assert (await desk.get(f"/results/{result_id}/document")).status_code == 404
    reads = await desks.workshop.pool.fetch(
        "SELECT agency, purpose, what FROM http.read_log WHERE dossier_id = $1", dossier_id
    )
    assert [tuple(row) for row in reads] == [(mine, "hand-over", "document")]


@pytest.mark.parametrize(
    "proof",
    [{}, PROOF | {"last_four": "12345"}, PROOF | {"last_four": "१२३४"}, PROOF | {"tracking_token": ""}],
)
async def test_what_is_no_proof_is_refused_before_anything_is_read(
    desks: Desks, proof: dict[str, str]
) -> None:
    """422, and nobody's data were asked for."""
    reads = desks.workshop.town.reads
    async with desks.anybody() as anybody:
        assert (await anybody.post("/electronic-results", json=proof)).status_code == 422
    assert desks.workshop.town.reads == reads

"""Colleagues are called by their names."""

import pytest

from libs.http.auth import IDENTITY
from tests.integration.identity.conftest import COUNTER, WARD, House

pytestmark = pytest.mark.timeout(60)
NAME = "Nguyễn Thị Mai"


async def test_every_officer_may_know_what_a_login_stands_for(house: House) -> None:
    """Name and agency of those there are, of disabled accounts too, and nothing else of them."""
    await house.account()
    await house.account("ho-tich-01", agency=WARD, roles=("civil_status",))
    async with house.operator() as operator:
        assert (await operator.post("/accounts/can-bo-03/disable")).status_code == 200
    async with house.client(IDENTITY, "cong-an-01", agency="police-31340-2025") as colleague:
        answer = await colleague.get("/officers", params={"logins": "ho-tich-01,khong-co-ai, can-bo-03,"})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "officers": [
            {"login": "can-bo-03", "name": NAME, "agency": COUNTER},
            {"login": "ho-tich-01", "name": NAME, "agency": WARD},
        ]
    }


async def test_names_are_told_to_officers_only_and_so_many_at_a_time(house: House) -> None:
    """A service has no colleagues; more than a hundred logins, or none, are refused."""
    many = [f"can-bo-{number:03d}" for number in range(101)]
    assert (await house.portal.get("/officers", params={"logins": "can-bo-03"})).status_code == 403
    async with house.client(IDENTITY, "can-bo-03", agency=COUNTER) as officer:
        assert (await officer.get("/officers", params={"logins": ",".join(many[1:])})).status_code == 200
        refused = await officer.get("/officers", params={"logins": ",".join(many)})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "too-many")
        assert (await officer.get("/officers")).status_code == 422

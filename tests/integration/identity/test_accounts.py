"""Administrators add accounts, disable them and give them new starts."""

from typing import Any

import httpx
import pytest

from libs.http.auth import IDENTITY
from libs.http.idempotency import REPLAYED
from tests.integration.identity.conftest import COUNTER, HOSPITAL, WARD, House

pytestmark = pytest.mark.timeout(60)
NEW: dict[str, Any] = {
    "login": "Can-Bo-09",
    "name": "Trần Thị D'Ánh",
    "agency": COUNTER,
    "roles": ["one_stop"],
    "counter": "9",
}


def admin(house: House, agency: str = COUNTER, subject: str = "quan-tri-01") -> httpx.AsyncClient:
    """The administrator of one agency's accounts."""
    return house.client(IDENTITY, subject, agency=agency, roles=("account_admin",))


async def test_a_new_account_has_a_one_time_password_told_once(house: House) -> None:
    """The person signs in with it, must change it; neither the database nor a repetition tells it."""
    async with house.operator() as operator:
        answer = await operator.post("/accounts", json=NEW, headers={"Idempotency-Key": "k1"})
        assert answer.status_code == 201, answer.text
        password = answer.json()["one_time_password"]
        assert answer.json()["account"]["login"] == "can-bo-09"
        assert answer.json()["account"]["must_change_password"] is True
        again = await operator.post("/accounts", json=NEW, headers={"Idempotency-Key": "k1"})
        assert (again.status_code, again.headers[REPLAYED]) == (201, "true")
        assert again.json() == {"account": answer.json()["account"], "one_time_password": None}
        taken = await operator.post("/accounts", json=NEW)
        assert (taken.status_code, taken.json()["type"]) == (409, "urn:mot-cua:problem:account-exists")
    stored = await house.pool.fetch("SELECT convert_from(body, 'UTF8') AS body FROM http.idempotency")
    assert not any(password in row["body"] for row in stored)
    _, needs = await house.session("can-bo-09", password)
    assert needs == "new-password"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"login": "có dấu"}, "login"),
        ({"login": "a"}, "login"),
        ({"name": "   "}, "name"),
        ({"name": "Mai\nLan"}, "name"),
        ({"roles": []}, "roles"),
        ({"roles": ["king"]}, "roles"),
        ({"roles": ["police_residence"]}, "roles"),
        ({"agency": "nowhere"}, "agency"),
        ({"agency": ""}, "roles"),
        ({"email": "không phải thư"}, "email"),
        ({"counter": "9" * 50}, "counter"),
    ],
)
async def test_wrong_accounts_are_refused(house: House, changes: dict[str, Any], field: str) -> None:
    """Roles are those the agency is competent for; the field is named."""
    async with house.operator() as operator:
        answer = await operator.post("/accounts", json=NEW | changes)
    assert answer.status_code == 422, answer.text
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await house.pool.fetchval("SELECT count(*) FROM account") == 0


async def test_a_disabled_officer_is_out_at_once(house: House) -> None:
    """No session gives a token any more, none begins; enabled again the person signs in anew."""
    await house.account()
    session, _ = await house.session()
    async with house.operator() as operator:
        answer = await operator.post("/accounts/can-bo-03/disable")
        assert answer.json()["disabled"] is True
        assert (await house.token(session)).status_code == 401
        assert (await house.sign_in()).status_code == 401
        assert (await operator.post("/accounts/can-bo-03/enable")).json()["disabled"] is False
    assert (await house.token(session)).status_code == 401
    assert (await house.sign_in()).status_code == 200


async def test_new_starts(house: House) -> None:
    """A reset password and a reset second factor end sessions and lift locks."""
    await house.officer()
    session, _ = await house.session("ho-tich-01")
    for _ in range(6):
        await house.sign_in("ho-tich-01", "sai mật khẩu rồi")
    assert (await house.sign_in("ho-tich-01")).status_code == 429
    async with house.operator() as operator:
        password = (await operator.post("/accounts/ho-tich-01/reset-password")).json()["one_time_password"]
        assert (await operator.post("/accounts/ho-tich-01/reset-totp")).json()["second_factor"] is False
        events = (await operator.get("/accounts/ho-tich-01/events")).json()
    assert (await house.token(session)).status_code == 401
    assert (await house.sign_in("ho-tich-01")).status_code == 401
    _, needs = await house.session("ho-tich-01", password)
    assert needs == "new-password"
    whats = [event["what"] for event in events]
    assert whats[:2] == ["second-factor-reset", "password-reset"]
    assert whats[-1] == "account-added"
    assert events[0]["actor"] == "van-hanh-01"
    assert whats.count("sign-in-failed") == 5


async def test_an_administrator_has_their_own_agency(house: House) -> None:
    """Others' accounts are not there for them, and nobody gives rights that are more than theirs."""
    await house.account()
    await house.account("nu-ho-sinh-01", agency=HOSPITAL, roles=("hospital",))
    await house.account("quan-tri-02", agency=COUNTER, roles=("account_admin",))
    async with admin(house) as one:
        listed = (await one.get("/accounts")).json()["accounts"]
        assert [account["login"] for account in listed] == ["can-bo-03", "quan-tri-02"]
        assert (await one.post("/accounts/nu-ho-sinh-01/disable")).status_code == 404
        assert (await one.get("/accounts/nu-ho-sinh-01/events")).status_code == 404
        assert (await one.post("/accounts/khong-co-ai/disable")).status_code == 404
        assert (await one.post("/accounts/quan-tri-02/reset-password")).status_code == 403
        for changes in ({"agency": WARD, "roles": ["civil_status"]}, {"roles": ["one_stop", "operator"]}):
            assert (await one.post("/accounts", json=NEW | changes)).status_code == 403
        assert (await one.post("/accounts", json=NEW)).status_code == 201
        assert (await one.post("/accounts/can-bo-03/disable")).status_code == 200
    async with admin(house, subject="can-bo-03") as oneself:
        assert (await oneself.post("/accounts/can-bo-03/enable")).status_code == 409


async def test_officers_and_services_administer_nothing(house: House) -> None:
    """Nor does the portal with its own token: it must have the officer's."""
    await house.account()
    clients = (
        house.client(IDENTITY, "can-bo-03", agency=COUNTER, roles=("one_stop",)),
        house.client(IDENTITY, "lanh-dao-01", agency=WARD, roles=("leader",)),
        house.portal,
    )
    for client in clients:
        assert (await client.get("/accounts")).status_code == 403
        assert (await client.post("/accounts", json=NEW)).status_code == 403
        assert (await client.post("/accounts/can-bo-03/reset-password")).status_code == 403
    async with house.operator() as operator:
        keyless = await operator.post("/accounts", json=NEW, headers={"Idempotency-Key": ""})
        assert keyless.json()["type"] == "urn:mot-cua:problem:idempotency-key-required"


async def test_pages(house: House) -> None:
    """Accounts come by login, so many at a time."""
    for number in range(5):
        await house.account(f"can-bo-0{number}")
    async with house.operator() as operator:
        first = (await operator.get("/accounts", params={"limit": 3})).json()
        second = (await operator.get("/accounts", params={"limit": 3, "after": first["next"]})).json()
    logins = [account["login"] for page in (first, second) for account in page["accounts"]]
    assert logins == [f"can-bo-0{number}" for number in range(5)]
    assert second["next"] is None
    assert "password_hash" not in first["accounts"][0]

"""Signing in at a real provider of OpenID Connect, through its own pages."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from libs.process.settings import SettingsError
from tests.integration.identity.conftest import ADDRESS, COUNTER, WARD, House
from tests.integration.identity.provider import (
    CLIENT_ID,
    CLIENT_SECRET,
    REDIRECT_URL,
    running_provider,
    sign_in_there,
)

# The provider's package is installed at the first run.
pytestmark = pytest.mark.timeout(240)
NAME = "Đăng nhập một lần của thành phố"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """The provider of this module."""
    with running_provider() as found:
        yield found


def openid(issuer: str, **changes: str) -> dict[str, str]:
    """The settings of the provider."""
    return {
        "openid_issuer": issuer,
        "openid_client_id": CLIENT_ID,
        "openid_client_secret": CLIENT_SECRET,
        "openid_redirect_url": REDIRECT_URL,
        "openid_name": NAME,
        "openid_link_by": "preferred_username",
    } | changes


async def there_and_back(house: House, name: str, return_to: str = "/viec/cua-toi") -> httpx.Response:
    """The whole way of a browser."""
    started = await house.post("/openid/start", return_to=return_to)
    assert started.status_code == 200, started.text
    back = await sign_in_there(started.json()["url"], name)
    assert back["state"] == started.json()["state"]
    return await house.post("/openid/finish", state=back["state"], code=back["code"], address=ADDRESS)


async def test_a_person_of_the_provider_signs_in(houses: Callable[..., Any], issuer: str) -> None:
    """Found by the login the first time, by the subject from then on; and sent where they wanted to go."""
    house: House = await houses(**openid(issuer))
    await house.account()
    assert (await house.portal.get("/sign-in-methods")).json() == {"password": True, "openid": NAME}
    answer = await there_and_back(house, "can-bo-03")
    session, needs = house.standing(answer)
    assert needs == ""
    assert answer.json()["return_to"] == "/viec/cua-toi"
    account = (await house.token(session)).json()["account"]
    assert (account["login"], account["agency"]) == ("can-bo-03", COUNTER)
    row = await house.pool.fetch("SELECT openid_issuer, openid_subject FROM account")
    assert [tuple(each) for each in row] == [(issuer, "can-bo-03")]
    await house.pool.execute("UPDATE account SET login = 'can-bo-04'")
    assert (await there_and_back(house, "can-bo-03")).status_code == 200
    assert await house.events("can-bo-04") == [
        "account-added",
        "openid-linked",
        "signed-in-openid",
        "signed-in-openid",
    ]


async def test_who_signs_still_shows_the_second_factor(houses: Callable[..., Any], issuer: str) -> None:
    """The provider's word stands for the password only."""
    house: House = await houses(**openid(issuer))
    await house.officer()
    session, needs = house.standing(await there_and_back(house, "ho-tich-01"))
    assert needs == "totp"
    assert (await house.token(session)).status_code == 401
    answer = await house.post("/sessions/second-factor", session=session, code=await house.code("ho-tich-01"))
    risen, needs = house.standing(answer)
    assert needs == ""
    assert (await house.token(risen)).status_code == 200


async def test_strangers_and_disabled_staff_do_not_get_in(houses: Callable[..., Any], issuer: str) -> None:
    """The provider knows them; we do not, or not any more."""
    house: House = await houses(**openid(issuer))
    await house.account("nghi-viec-01")
    await house.pool.execute("UPDATE account SET disabled_at = now()")
    for name in ("nguoi-la", "nghi-viec-01"):
        answer = await there_and_back(house, name)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:mot-cua:problem:no-account")
    assert await house.pool.fetchval("SELECT count(*) FROM session") == 0
    assert await house.pool.fetchval("SELECT count(openid_subject) FROM account") == 0


async def test_an_account_is_taken_by_one_person_of_the_provider(
    houses: Callable[..., Any], issuer: str
) -> None:
    """Whoever is renamed there to an officer's login does not become the officer."""
    house: House = await houses(**openid(issuer))
    await house.account()
    assert (await there_and_back(house, "can-bo-03")).status_code == 200
    await house.pool.execute("UPDATE account SET openid_subject = 'somebody-before'")
    assert (await there_and_back(house, "can-bo-03")).status_code == 403


async def test_an_address_links_only_when_it_is_verified(houses: Callable[..., Any], issuer: str) -> None:
    """By setting e-mail addresses find the account; one that anybody could have typed does not."""
    house: House = await houses(**openid(issuer, openid_link_by="email"))
    await house.account("lanh-dao-01", agency=WARD, roles=("leader",), email="binh@ngabay.example")
    await house.account("can-bo-05", email="x-an@ngabay.example")
    assert (await there_and_back(house, "binh")).json()["needs"] == "totp-enrolment"
    assert (await there_and_back(house, "x-an")).status_code == 403
    by_nothing: House = await houses(**openid(issuer, openid_link_by=""))
    await by_nothing.account("can-bo-06")
    assert (await there_and_back(by_nothing, "can-bo-06")).status_code == 403


async def test_a_sign_in_comes_back_once_and_in_time(houses: Callable[..., Any], issuer: str) -> None:
    """A state that is unknown, used or too old, and a code that is another sign-in's, are refused."""
    house: House = await houses(**openid(issuer))
    await house.account()
    first = (await house.post("/openid/start", return_to="/")).json()
    back = await sign_in_there(first["url"], "can-bo-03")
    second = (await house.post("/openid/start", return_to="/")).json()
    mixed = await house.post("/openid/finish", state=second["state"], code=back["code"])
    assert (mixed.status_code, mixed.json()["type"]) == (400, "urn:mot-cua:problem:openid-request-unknown")
    third = (await house.post("/openid/start", return_to="/")).json()
    back = await sign_in_there(third["url"], "can-bo-03")
    assert (await house.post("/openid/finish", **_of(back))).status_code == 200
    assert (await house.post("/openid/finish", **_of(back))).status_code == 400
    fourth = (await house.post("/openid/start", return_to="/")).json()
    back = await sign_in_there(fourth["url"], "can-bo-03")
    await house.pool.execute("UPDATE openid_request SET expires_at = now()")
    assert (await house.post("/openid/finish", **_of(back))).status_code == 400
    assert (await house.post("/openid/finish", state="unknown", code="x")).status_code == 400


def _of(back: dict[str, str]) -> dict[str, str]:
    return {"state": back["state"], "code": back["code"]}


async def test_what_the_browser_is_sent_with(houses: Callable[..., Any], issuer: str) -> None:
    """PKCE with S256, a state and a nonce that differ each time, and no secret; our table has the state as a hash."""
    house: House = await houses(**openid(issuer))
    asked = []
    for _ in range(2):
        url = (await house.post("/openid/start", return_to="/")).json()["url"]
        asked.append({key: values[0] for key, values in parse_qs(urlsplit(url).query).items()})
    for query in asked:
        assert query["code_challenge_method"] == "S256"
        assert (query["response_type"], query["client_id"]) == ("code", CLIENT_ID)
        assert query["redirect_uri"] == REDIRECT_URL
        assert "openid" in query["scope"].split()
        assert "client_secret" not in query
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    rows = await house.pool.fetch("SELECT t::text FROM openid_request t")
    assert not any(query["state"] in row["t"] for row in rows for query in asked)
    refused = await house.post("/openid/start", return_to="//evil.example")
    assert refused.status_code == 422


async def test_a_provider_that_is_away_is_said(houses: Callable[..., Any]) -> None:
    """503 in words; signing in with a password goes on."""
    house: House = await houses(**openid("http://127.0.0.1:9"))
    await house.account()
    answer = await house.post("/openid/start", return_to="/")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:mot-cua:problem:openid-unavailable")
    assert (await house.sign_in()).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"openid_client_secret": ""},
        {"openid_link_by": "phone_number"},
        {"openid_issuer": "http://provider.example"},
    ],
)
async def test_half_a_provider_is_a_wrong_setting(
    houses: Callable[..., Any], changes: dict[str, str]
) -> None:
    """The process does not start, rather than failing when somebody presses the button."""
    with pytest.raises(SettingsError, match="OPENID"):
        await houses(**openid("https://provider.example", **changes))

"""Signing in with a password: who gets in, who does not, and how often one may try."""

import asyncio
from pathlib import Path

import pytest

from libs.http.auth import CLOCK_SKEW_SECONDS, IDENTITY, TokenVerifier
from libs.http.public_keys import JWKS_NAME
from services.identity.api import AUDIENCES, TOKEN_SECONDS
from tests.integration.identity.conftest import ADDRESS, COUNTER, PASSWORD, House

pytestmark = pytest.mark.timeout(60)


async def test_a_counter_officer_signs_in_and_gets_a_token(house: House, tmp_path: Path) -> None:
    """The token is good at every service, in the officer's name, for half a minute."""
    await house.account()
    session, needs = await house.session("  CAN-BO-03 ")
    assert needs == ""
    answer = await house.token(session)
    assert answer.status_code == 200
    given = answer.json()
    assert given["expires_in_seconds"] == TOKEN_SECONDS
    assert TOKEN_SECONDS + CLOCK_SKEW_SECONDS <= 60
    assert given["account"] == {
        "login": "can-bo-03",
        "name": "Nguyễn Thị Mai",
        "agency": COUNTER,
        "roles": ["one_stop"],
        "facility": "",
        "counter": "",
        "partner": "",
        "signs": False,
    }
    for audience in AUDIENCES:
        actor = TokenVerifier(tmp_path / JWKS_NAME, audience).verify(given["token"])
        assert (actor.subject, actor.kind, actor.agency) == ("can-bo-03", "officer", COUNTER)
        assert actor.roles == {"one_stop"}


async def test_a_hospital_desk_carries_its_facility(house: House, tmp_path: Path) -> None:
    """Taken from the catalogue, so that nobody has to type it."""
    await house.account("nu-ho-sinh-01", agency="hospital-93016", roles=("hospital",))
    session, _ = await house.session("nu-ho-sinh-01")
    given = (await house.token(session)).json()
    assert given["account"]["facility"] == "93016"
    assert TokenVerifier(tmp_path / JWKS_NAME, "intake").verify(given["token"]).facility == "93016"


async def test_who_is_refused_learns_nothing(house: House) -> None:
    """An unknown login, a wrong password, a disabled account and one without a password get the same bytes."""
    await house.account()
    await house.account("nghi-viec-01")
    await house.account("chi-openid-01")
    await house.pool.execute("UPDATE account SET disabled_at = now() WHERE login = 'nghi-viec-01'")
    await house.pool.execute("UPDATE account SET password_hash = '' WHERE login = 'chi-openid-01'")
    answers = [
        await house.sign_in(login, password)
        for login, password in (
            ("can-bo-03", "sai mật khẩu rồi"),
            ("khong-co-ai", PASSWORD),
            ("nghi-viec-01", PASSWORD),
            ("chi-openid-01", PASSWORD),
            ("Nguyễn Văn 'OR 1=1 --\U0001f600", PASSWORD),
        )
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["type"] == "urn:mot-cua:problem:wrong-credentials"
    assert await house.pool.fetchval("SELECT count(*) FROM session") == 0


async def test_too_many_failures_lock_the_account_for_a_while(house: House) -> None:
    """Also for the right password, and for a login nobody has; the wait is said and grows."""
    await house.account()
    for login in ("can-bo-03", "khong-co-ai"):
        for _ in range(5):
            assert (await house.sign_in(login, "sai mật khẩu rồi")).status_code == 401
        refused = await house.sign_in(login, PASSWORD)
        assert refused.status_code == 429
        assert refused.json()["type"] == "urn:mot-cua:problem:locked"
        assert 25 <= int(refused.headers["Retry-After"]) <= 30
    await house.locks_are_over()
    assert (await house.sign_in(password="sai mật khẩu rồi")).status_code == 401
    assert 55 <= int((await house.sign_in()).headers["Retry-After"]) <= 60
    await house.locks_are_over()
    assert (await house.sign_in()).status_code == 200
    assert (await house.sign_in(password="sai mật khẩu rồi")).status_code == 401
    assert (await house.sign_in()).status_code == 200, "counting began anew"
    assert (await house.events("can-bo-03")).count("locked") == 2


async def test_many_guesses_at_once_are_no_more_than_one_after_another(house: House) -> None:
    """Tries are counted before they are made: of thirty at once five are heard."""
    await house.account()
    answers = await asyncio.gather(*(house.sign_in(password=f"sai mật khẩu {n}") for n in range(30)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 25


async def test_an_address_that_guesses_at_everybody_is_locked(house: House) -> None:
    """Fifty failures at fifty logins; others are not concerned, and one's own success does not clear it."""
    await house.account()
    for number in range(49):
        await house.sign_in(f"khong-co-{number}", PASSWORD)
    assert (await house.sign_in()).status_code == 200
    assert (await house.sign_in("khong-co-nua")).status_code == 401
    assert (await house.sign_in()).status_code == 429
    assert (await house.sign_in(address="203.0.113.8")).status_code == 200


@pytest.mark.parametrize("address", ["", "portal", "203.0.113.7, 10.0.0.1"])
async def test_an_address_that_is_none_is_refused(house: House, address: str) -> None:
    """Else everybody whose address is not known would be counted as one."""
    answer = await house.sign_in(address=address)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "address"


async def test_a_session_ends_when_left_alone_when_old_and_when_signed_out(house: House) -> None:
    """Half an hour unused, ten hours in all; using it keeps it, a page that only stands open does not."""
    await house.account()
    session, _ = await house.session()
    await house.age(29 * 60)
    assert (await house.token(session)).status_code == 200
    await house.age(29 * 60)
    assert (await house.token(session)).status_code == 200, "its use was noted"
    await house.age(29 * 60)
    watched = await house.post("/sessions/token", session=session, active=False)
    assert watched.status_code == 200
    await house.age(2 * 60)
    refused = await house.token(session)
    assert (refused.status_code, refused.json()["type"]) == (401, "urn:mot-cua:problem:session-ended")
    session, _ = await house.session()
    await house.age(10 * 3600 + 1, column="started_at")
    assert (await house.token(session)).status_code == 401
    session, _ = await house.session()
    assert (await house.post("/sessions/end", session=session)).status_code == 204
    assert (await house.token(session)).status_code == 401
    assert (await house.post("/sessions/end", session=session)).status_code == 204


async def test_only_hashes_of_tokens_are_kept(house: House) -> None:
    """Who reads the table cannot take over a session."""
    await house.account()
    session, _ = await house.session()
    assert len(session) >= 43
    (row,) = await house.pool.fetch("SELECT * FROM session")
    assert session not in str(dict(row))
    assert (await house.token(row["token_hash"].hex())).status_code == 401


async def test_only_the_portal_may_ask(house: House) -> None:
    """Neither another service nor an officer's own token reaches the sign-in, nor somebody without a token."""
    await house.account()
    paths = ("/sessions", "/sessions/token", "/password", "/totp/start", "/openid/start", "/devices/token")
    async with (
        house.client("intake", "intake", kind="service") as other,
        house.operator() as operator,
        house.client(IDENTITY, "can-bo-03", agency=COUNTER, roles=("one_stop",)) as officer,
    ):
        for path in paths:
            for client in (other, operator, officer):
                assert (await client.post(path, json={})).status_code == 403, path
            assert (await house.portal.post(path, json={}, headers={"Authorization": ""})).status_code == 401
        assert (await other.get("/sign-in-methods")).status_code == 403
    assert (await house.portal.get("/sign-in-methods")).json() == {"password": True, "openid": ""}


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/sessions", b"{", 400),
        ("/sessions", b'{"login": "a", "password": "b"}', 422),
        ("/sessions", b'{"login": "a", "password": "b", "address": "203.0.113.7", "x": 1}', 422),
        ("/sessions", b'{"login": "a\\u0000", "password": "b", "address": "203.0.113.7"}', 400),
        ("/sessions", b'{"login": "", "password": "b", "address": "203.0.113.7"}', 422),
        ("/sessions/second-factor", b'{"session": "x", "code": "12345a"}', 422),
        ("/sessions/token", b'{"session": ""}', 422),
        ("/sessions/token", b'{"session": "x"}', 401),
        ("/sessions/token", '{"session": "phiên \U0001f600"}'.encode(), 401),
        ("/openid/start", b"{}", 404),
        ("/openid/finish", b'{"state": "s", "code": "c"}', 404),
    ],
)
async def test_bad_requests_are_problems(house: House, path: str, content: bytes, status: int) -> None:
    """Never a 500, and what was sent is not repeated."""
    answer = await house.portal.post(path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_password_hashed_with_earlier_parameters_is_hashed_anew(house: House) -> None:
    """After a setting was raised each sign-in strengthens one account."""
    await house.account()
    before = await house.pool.fetchval("SELECT password_hash FROM account")
    old = before.replace("t=1", "t=2")
    await house.pool.execute("UPDATE account SET password_hash = $1", old)
    assert (await house.sign_in()).status_code == 401
    await house.pool.execute("UPDATE account SET password_hash = $1", before)
    stronger = house.process.passwords
    stronger._hasher = type(stronger._hasher)(time_cost=2, memory_cost=64, parallelism=1)
    assert (await house.sign_in()).status_code == 200
    after = await house.pool.fetchval("SELECT password_hash FROM account")
    assert ",t=2," in after
    assert (await house.sign_in()).status_code == 200
    assert await house.pool.fetchval("SELECT address FROM session LIMIT 1") == ADDRESS

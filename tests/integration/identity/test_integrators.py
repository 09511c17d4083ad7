"""Persons of other systems: whose they are, what their token is good for, and who may give them an account."""

from pathlib import Path

import asyncpg
import pytest

from libs.http.auth import GATEWAY, IDENTITY, INTEGRATOR, BadToken, TokenVerifier
from libs.http.public_keys import JWKS_NAME
from services.identity.api import AUDIENCES
from tests.integration.identity.conftest import COUNTER, House

pytestmark = pytest.mark.timeout(60)
LOGIN, PARTNER = "tich-hop-01", "benh-vien-thu"
NEW = {"login": LOGIN, "name": "Lê Quang Tích Hợp", "partner": PARTNER}


async def integrator(house: House) -> str:
    """The session of an integrator who has shown the second factor."""
    await house.account(LOGIN, agency="", roles=(), partner=PARTNER, totp=True)
    session, needs = await house.session(LOGIN)
    assert needs == "totp"
    answer = await house.post("/sessions/second-factor", session=session, code=await house.code(LOGIN))
    return house.standing(answer)[0]


async def test_an_integrator_s_token_is_good_at_the_gateway_only(house: House, tmp_path: Path) -> None:
    """It names the partner, and neither an agency nor a role; no other service takes it."""
    given = (await house.token(await integrator(house))).json()
    assert (given["account"]["partner"], given["account"]["roles"]) == (PARTNER, [])
    actor = TokenVerifier(tmp_path / JWKS_NAME, GATEWAY).verify(given["token"])
    assert (actor.subject, actor.kind, actor.partner) == (LOGIN, INTEGRATOR, PARTNER)
    assert (actor.agency, actor.facility, actor.roles) == ("", "", frozenset())
    for audience in set(AUDIENCES) - {GATEWAY}:
        with pytest.raises(BadToken):
            TokenVerifier(tmp_path / JWKS_NAME, audience).verify(given["token"])


async def test_a_password_alone_gives_an_integrator_nothing(house: House) -> None:
    """Without a second factor yet, one has to be enrolled first."""
    await house.account(LOGIN, agency="", roles=(), partner=PARTNER)
    session, needs = await house.session(LOGIN)
    assert needs == "totp-enrolment"
    assert (await house.token(session)).status_code == 401


async def test_an_operator_gives_an_integrator_an_account_and_nobody_else_does(house: House) -> None:
    """An administrator of one agency's accounts has nothing to do with other systems."""
    async with house.operator() as operator:
        answer = await operator.post("/accounts", json=NEW)
        assert answer.status_code == 201, answer.text
        assert answer.json()["account"]["partner"] == PARTNER
    for agency in (COUNTER, ""):
        async with house.client(IDENTITY, "quan-tri-01", agency=agency, roles=("account_admin",)) as admin:
            refused = await admin.post("/accounts", json={**NEW, "login": "tich-hop-02"})
            assert refused.status_code == 403


@pytest.mark.parametrize(
    "changes",
    [
        {"partner": "Có Dấu"},
        {"roles": ["one_stop"], "agency": COUNTER},
        {"agency": COUNTER},
        {"counter": "3"},
    ],
)
async def test_an_integrator_is_no_officer_besides(house: House, changes: dict[str, object]) -> None:
    """One account is of staff or of a partner, and the partner's code is written as the gateway writes it."""
    async with house.operator() as operator:
        answer = await operator.post("/accounts", json=NEW | changes)
    assert answer.status_code == 422
    assert "partner" in {error["field"] for error in answer.json()["errors"]}


async def test_the_database_holds_the_same_rule(house: House) -> None:
    """Whatever way an account was made."""
    await house.account(LOGIN, agency="", roles=(), partner=PARTNER)
    for change in ("roles = '{one_stop}'", "agency = 'x'", "partner = ''"):
        with pytest.raises(asyncpg.CheckViolationError):
            await house.pool.execute(f"UPDATE account SET {change} WHERE login = $1", LOGIN)

"""Tokens for partners: what the token endpoint gives, refuses and writes down."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from libs.process.settings import SettingsError
from services.gateway import audit_store
from services.gateway.audit_store import TABLES
from services.gateway.housekeeping import Housekeeping
from services.gateway.partners import administration
from services.gateway.settings import Settings
from tests.fixtures.database import ServiceDatabase
from tests.integration.gateway.conftest import BY, EVERYTHING, HOSPITAL, ISSUER, House

INVALID = (401, "invalid_client")


async def refused(house: House, assertion: str, **changes: str) -> tuple[int, str]:
    """Status and error of the answer."""
    answer = await house.ask(assertion, **changes)
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, answer.json()["error"]


async def test_a_partner_that_proves_itself_gets_a_token_of_five_minutes(house: House) -> None:
    """Whose, by which key, for the gateway only; both the gift and the registration are in the audit."""
    await house.partner()
    answer = await house.ask(house.assertion(HOSPITAL.code))
    assert answer.status_code == 200
    given = answer.json()
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 300)
    body = given["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert claims["exp"] - claims["iat"] == 300
    assert {name: claims[name] for name in ("iss", "aud", "sub", "client_id", "kind", "credential")} == {
        "iss": "gateway",
        "aud": "gateway",
        "sub": HOSPITAL.code,
        "client_id": HOSPITAL.code,
        "kind": "system",
        "credential": "k1",
    }
    assert (claims["agency"], claims["facility"], claims["roles"]) == (
        "hospital-93016",
        "93016",
        ["hospital"],
    )
    assert [what for what, _ in await house.deeds(HOSPITAL.code)] == ["added", "key-added", "token-given"]


async def test_an_assertion_is_used_once(house: House) -> None:
    """Replayed it gives nothing, and the audit says so; another of the same partner does."""
    await house.partner()
    assertion = house.assertion(HOSPITAL.code)
    assert (await house.ask(assertion)).status_code == 200
    assert await refused(house, assertion) == INVALID
    assert (await house.deeds(HOSPITAL.code))[-1] == ("token-refused", "replayed")
    assert (await house.ask(house.assertion(HOSPITAL.code))).status_code == 200


async def test_the_same_answer_for_every_reason(house: House) -> None:
    """Whoever is not believed does not learn why, nor who is known."""
    await house.partner()
    await house.partner(EVERYTHING)
    house.keys["stranger"] = house.keys[EVERYTHING.code]
    answers = [
        await house.ask(assertion)
        for assertion in (
            house.assertion("stranger"),
            house.assertion(HOSPITAL.code, aud="https://elsewhere.example"),
            house.assertion(HOSPITAL.code, sub=EVERYTHING.code, iss=EVERYTHING.code),
            house.assertion(HOSPITAL.code, sub="\x00", iss="\x00"),
            "a.b.c",
        )
    ]
    assert {(each.status_code, each.content) for each in answers} == {(401, answers[0].content)}
    assert await refused(house, house.assertion(HOSPITAL.code), client_id=EVERYTHING.code) == INVALID


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": "authorization_code"}, (400, "unsupported_grant_type")),
        ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, INVALID),
        ({"client_assertion": ""}, INVALID),
        ({"scope": "*"}, (400, "invalid_scope")),
    ],
)
async def test_what_is_asked_wrongly_is_answered_as_the_standard_says(
    house: House, changes: dict[str, str], answer: tuple[int, str]
) -> None:
    """RFC 6749 5.2."""
    await house.partner()
    assert await refused(house, house.assertion(HOSPITAL.code), **changes) == answer


async def test_forms_that_are_none_are_refused(house: House) -> None:
    """JSON, a parameter twice, a secret in a header."""
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    twice = await house.http.post(
        "/oauth/token", content=b"grant_type=client_credentials&grant_type=password", headers=form
    )
    for answer in (await house.http.post("/oauth/token", json={}), twice):
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    basic = await house.http.post(
        "/oauth/token", data={"grant_type": "client_credentials"}, auth=("bv", "secret")
    )
    assert (basic.status_code, basic.json()["error"]) == INVALID


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", ["Ed25519", "EdDSA"])
async def test_a_partner_may_prove_itself_by_ed25519(house: House, algorithm: str) -> None:
    """Under the algorithm's new name and under its old one."""
    await house.partner()
    key = OKPKey.generate_key("Ed25519")
    async with house.pool.acquire() as conn, conn.transaction():
        await administration.add_key(
            conn, HOSPITAL.code, json.dumps(key.as_dict(private=False)), BY, kid="ed"
        )
    claims = house.claims(HOSPITAL.code)
    signed = jwt.encode({"alg": algorithm, "kid": "ed"}, claims, key, algorithms=[algorithm])
    answer = await house.ask(signed)
    assert answer.status_code == 200, answer.text
    token = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert (await house.read(token)).status_code == 200


async def test_keys_are_changed_with_an_overlap(house: House) -> None:
    """Old and new count together; the tokens of a retired key end with it, those of the new one go on."""
    await house.partner()
    old = await house.token()
    await house.key(HOSPITAL.code, "k2")
    house.process.access._known.clear()
    new = await house.token(kid="k2")
    assert [(await house.read(each)).status_code for each in (old, new)] == [200, 200]
    async with house.pool.acquire() as conn, conn.transaction():
        await administration.retire_key(conn, HOSPITAL.code, "k1", BY)
    house.process.access._known.clear()
    assert [(await house.read(each)).status_code for each in (old, new)] == [401, 200]
    assert await refused(house, house.assertion(HOSPITAL.code)) == INVALID


@pytest.mark.parametrize("state", ["suspended", "revoked"])
async def test_a_partner_that_is_out_is_out_with_the_tokens_it_has(house: House, state: str) -> None:
    """A suspended one comes back, a revoked one does not."""
    await house.partner()
    headers = await house.token()
    assert (await house.read(headers)).status_code == 200
    async with house.pool.acquire() as conn, conn.transaction():
        await administration.set_state(conn, HOSPITAL.code, state, BY)
    house.process.access._known.clear()
    answer = await house.read(headers)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (401, "partner-not-active")
    assert await refused(house, house.assertion(HOSPITAL.code)) == INVALID
    assert (await house.deeds(HOSPITAL.code))[-1] == ("token-refused", "not-active")


async def test_only_partners_read(house: House) -> None:
    """Not without a token, nor with an officer's."""
    assert (await house.http.get("/events")).status_code == 401


async def test_tries_are_limited_by_address(house: House) -> None:
    """Guessing is answered with 429 before anything is looked up."""
    await house.partner()
    statuses = [(await house.ask("a.b.c")).status_code for _ in range(65)]
    assert statuses[:60] == [401] * 60
    assert statuses[-1] == 429


async def test_a_client_finds_its_way_by_the_metadata(house: House) -> None:
    """RFC 8414."""
    found: dict[str, Any] = (await house.http.get("/.well-known/oauth-authorization-server")).json()
    assert (found["issuer"], found["token_endpoint"]) == (ISSUER, f"{ISSUER}/oauth/token")
    assert found["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert found["grant_types_supported"] == ["client_credentials"]


async def test_the_audit_cannot_be_changed(house: House) -> None:
    """Not by the service either."""
    await house.partner()
    for statement in ("UPDATE audit SET who = ''", "DELETE FROM audit", "DELETE FROM reading"):
        with pytest.raises(Exception, match="permission denied"):
            await house.pool.execute(statement)


async def test_the_audit_ends_after_its_retention_oldest_first_and_in_batches(
    house: House, gateway_database: ServiceDatabase
) -> None:
    """What was done, read, said and handed in; nothing younger than the law's 24 months, and never by a statement."""
    await house.partner()
    old, young = (datetime.now(UTC) - timedelta(days=days) for days in (800, 700))
    owner = await asyncpg.connect(gateway_database.migrator_dsn)
    try:
        for moment in (old, old, old, young):
            await owner.execute(
                "INSERT INTO audit (at, partner, what, who, came_from) VALUES ($1, 'x', 'x', 'x', 'x')",
                moment,
            )
            await owner.execute(
                "INSERT INTO reading (began_at, partner, came_from, way, calls, events, after, until)"
                " VALUES ($1, 'x', 'x', 'batch', 1, 1, 0, 1)",
                moment,
            )
            await owner.execute(
                "INSERT INTO said (at, partner, came_from, way, type, state, status, code)"
                " VALUES ($1, 'x', 'x', 'http', 'x', 'taken', 200, '')",
                moment,
            )
            await owner.execute(
                "INSERT INTO submission (at, partner, way, format, sha256, status, taken, known, refused)"
                " VALUES ($1, $2, 'http', 'fhir', '', 200, 1, 0, 0)",
                moment,
                HOSPITAL.code,
            )
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await owner.execute("DELETE FROM audit")
    finally:
        await owner.close()
    for statement in ("SELECT forget_audit('audit', 23, 10)", "SELECT forget_audit('partner', 24, 10)"):
        with pytest.raises(asyncpg.RaiseError, match="not to be forgotten"):
            await house.pool.execute(statement)
    before = await house.deeds(HOSPITAL.code)
    assert not await Housekeeping(house.process.transactions, 0).turn()
    assert [await house.pool.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES[1:]] == [4, 4, 4]
    async with house.pool.acquire() as conn, conn.transaction():
        assert await audit_store.forget(conn, 24, 2) == 2
    assert await house.pool.fetchval("SELECT count(*) FROM said") == 2
    assert not await Housekeeping(house.process.transactions, 0, audit_months=24).turn()
    assert [await house.pool.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES[1:]] == [1, 1, 1]
    assert await house.deeds(HOSPITAL.code) == before
    with pytest.raises(Exception, match="permission denied"):
        await house.pool.execute("DELETE FROM audit")


@pytest.mark.parametrize("months", [-1, 1, 23])
def test_less_of_the_audit_than_the_law_asks_for_is_no_setting(
    settings: Callable[..., Settings], months: int
) -> None:
    """None at all, which keeps everything, is one."""
    with pytest.raises(SettingsError, match="AUDIT_MONTHS"):
        assert settings(audit_months=months).months_of_audit
    assert settings(audit_months=0).months_of_audit == 0

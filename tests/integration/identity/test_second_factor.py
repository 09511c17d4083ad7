"""Who signs shows a second factor, and passwords are changed."""

import asyncio
import io
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.identity.conftest import ADDRESS, PASSWORD, WARD, House

pytestmark = pytest.mark.timeout(60)
NEW = "Mẹ tròn con vuông 2026"


async def test_who_signs_gets_a_token_only_with_a_second_factor(house: House) -> None:
    """A password alone gives none; with the code the session has another token, and the old one is worth nothing."""
    await house.officer()
    session, needs = await house.session("ho-tich-01")
    assert needs == "totp"
    refused = await house.token(session)
    assert refused.status_code == 401
    assert refused.json()["type"] == "urn:mot-cua:problem:session-ended"
    assert refused.json()["needs"] == "totp"
    answer = await house.post("/sessions/second-factor", session=session, code=await house.code("ho-tich-01"))
    risen, needs = house.standing(answer)
    assert needs == ""
    assert risen != session
    assert (await house.token(session)).status_code == 401
    account = (await house.token(risen)).json()["account"]
    assert account["roles"] == ["civil_status"]
    assert account["signs"] is True


async def test_a_code_is_accepted_once_also_when_it_comes_twice_at_once(house: House) -> None:
    """Two sessions with one code: one of them rises."""
    await house.officer()
    sessions = [(await house.session("ho-tich-01"))[0] for _ in range(2)]
    code = await house.code("ho-tich-01")
    answers = await asyncio.gather(
        *(house.post("/sessions/second-factor", session=each, code=code) for each in sessions)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert {a.json()["type"] for a in answers if a.status_code == 401} == {"urn:mot-cua:problem:wrong-code"}


async def test_a_code_of_a_clock_that_is_a_little_off_is_right(house: House) -> None:
    """Telephones' clocks differ by seconds, not by minutes."""
    await house.officer()
    session, _ = await house.session("ho-tich-01")
    for steps, status in ((-3, 401), (3, 401), (1, 200)):
        code = await house.code("ho-tich-01", steps=steps)
        answer = await house.post("/sessions/second-factor", session=session, code=code)
        assert answer.status_code == status


async def test_guessed_codes_lock_whatever_the_session(house: House) -> None:
    """Who knows the password may not try a million codes, nor begin anew with another session."""
    await house.officer()
    session, _ = await house.session("ho-tich-01")
    right = await house.code("ho-tich-01")
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for _ in range(5):
        answer = await house.post("/sessions/second-factor", session=session, code=wrong)
        assert answer.status_code == 401
    again, _ = await house.session("ho-tich-01")
    for each in (session, again):
        refused = await house.post("/sessions/second-factor", session=each, code=right)
        assert refused.status_code == 429
        assert int(refused.headers["Retry-After"]) > 20
    assert (await house.events("ho-tich-01")).count("locked") == 1


async def test_enrolment(house: House) -> None:
    """Who signs and has no second factor makes one; it is kept when a code proves it, sealed."""
    await house.account("lanh-dao-01", agency=WARD, roles=("leader",))
    session, needs = await house.session("lanh-dao-01")
    other, _ = await house.session("lanh-dao-01")
    assert needs == "totp-enrolment"
    assert (await house.token(session)).status_code == 401
    early = await house.post("/totp/finish", session=session, code="123456")
    assert early.json()["type"] == "urn:mot-cua:problem:enrolment-not-started"
    given = (await house.post("/totp/start", session=session)).json()
    uri = urlsplit(given["uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert parse_qs(uri.query)["secret"] == [given["secret"]]
    house.totp["lanh-dao-01"] = given["secret"]
    code = await house.code("lanh-dao-01")
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert (await house.post("/totp/finish", session=session, code=wrong)).status_code == 401
    answer = await house.post("/totp/finish", session=session, code=code)
    risen, needs = house.standing(answer)
    assert needs == ""
    assert (await house.token(risen)).status_code == 200
    assert (await house.token(other)).status_code == 401
    kept = await house.pool.fetchval("SELECT totp_secret FROM account")
    assert given["secret"].encode() not in kept
    session, needs = await house.session("lanh-dao-01")
    assert needs == "totp"
    spent = await house.post("/sessions/second-factor", session=session, code=code)
    assert spent.status_code == 401, "the code of the enrolment is used"
    assert (await house.post("/totp/start", session=risen)).status_code == 409


async def test_a_second_factor_is_not_replaced_by_who_has_only_the_password(house: House) -> None:
    """Nor is a password changed by them."""
    await house.officer()
    session, _ = await house.session("ho-tich-01")
    for path in ("/totp/start", "/totp/finish"):
        content = {"session": session} | ({"code": "123456"} if path.endswith("finish") else {})
        assert (await house.post(path, **content)).status_code == 409
    assert (await house.post("/password", session=session, old=PASSWORD, new=NEW)).status_code == 409
    counter_session = await _counter_session(house)
    answer = await house.post("/sessions/second-factor", session=counter_session, code="123456")
    assert answer.json()["type"] == "urn:mot-cua:problem:second-factor-not-asked"


async def _counter_session(house: House) -> str:
    await house.account()
    return (await house.session())[0]


async def test_a_one_time_password_must_be_changed(house: House) -> None:
    """Before anything else; afterwards only the new one is right, and other sessions have ended."""
    await house.account(must_change=True)
    other, _ = await house.session()
    session, needs = await house.session()
    assert needs == "new-password"
    assert (await house.token(session)).json()["needs"] == "new-password"
    assert (await house.post("/totp/start", session=session)).status_code == 409
    house.secrets.add(NEW)
    risen, needs = house.standing(await house.post("/password", session=session, old=PASSWORD, new=NEW))
    assert needs == ""
    assert risen != session
    assert (await house.token(risen)).status_code == 200
    assert (await house.token(other)).status_code == 401
    assert (await house.sign_in()).status_code == 401
    assert (await house.sign_in(password=NEW)).json()["needs"] == ""


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("ngắn", "too-short"),
        ("", "too-short"),
        ("matkhau123456", "obvious"),
        ("tôi là can-bo-03", "contains-login"),
        (PASSWORD, "same"),
        ("x1y2z3" * 60, "too-long"),
    ],
)
async def test_bad_new_passwords_are_refused_in_words(house: House, new: str, code: str) -> None:
    """The field and what is wrong with it; the session goes on."""
    await house.account()
    session, _ = await house.session()
    answer = await house.post("/password", session=session, old=PASSWORD, new=new)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("new", code)
    assert (await house.token(session)).status_code == 200


async def test_the_old_password_cannot_be_guessed_at_from_a_session(house: House) -> None:
    """A session left open at a counter gives five tries, together with those of the sign-in."""
    await house.account()
    session, _ = await house.session()
    for _ in range(5):
        answer = await house.post("/password", session=session, old="sai mật khẩu rồi", new=NEW)
        assert answer.json()["type"] == "urn:mot-cua:problem:wrong-credentials"
    assert (await house.post("/password", session=session, old=PASSWORD, new=NEW)).status_code == 429
    assert (await house.sign_in()).status_code == 429


async def test_everything_is_recorded_and_nothing_secret(house: House, written: io.BytesIO) -> None:
    """No password, code, secret or session token stands in a log line, in the audit, or readable in any table."""
    await test_enrolment(house)
    await test_a_one_time_password_must_be_changed(house)
    await house.sign_in(PASSWORD, "typed into the wrong field")
    await house.sign_in("can-bo-03", "sai mật khẩu rồi")
    house.secrets |= {
        "typed into the wrong field",
        "sai mật khẩu rồi",
        PASSWORD.casefold(),
        *house.totp.values(),
    }
    assert await house.events("can-bo-03") == [
        "account-added",
        "signed-in-password",
        "signed-in-password",
        "password-changed",
        "sign-in-failed",
        "signed-in-password",
        "sign-in-failed",
    ]
    assert "second-factor-enrolled" in await house.events("lanh-dao-01")
    found = [written.getvalue().decode()]
    tables = await house.pool.fetch(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'http')"
    )
    for table in tables:
        rows = await house.pool.fetch(f"SELECT t::text FROM {table['schemaname']}.{table['tablename']} t")
        found += [row["t"] for row in rows]
    assert len(found) > 15
    assert len(written.getvalue()) > 0
    seen = {secret for secret in house.secrets for text in found if secret in text}
    # Six digits may stand in a number by chance; only the audit's and the log's words are searched for codes.
    assert {each for each in seen if not (each.isdigit() and len(each) == 6)} == set()
    addresses = await house.pool.fetch("SELECT DISTINCT address FROM account_event")
    assert {row["address"] for row in addresses} == {"", ADDRESS}
    words = " ".join(
        f"{row['what']} {row['actor']} {row['address']}"
        for row in await house.pool.fetch("SELECT what, actor, address FROM account_event")
    )
    assert not any(secret in words for secret in house.secrets)


async def test_the_audit_is_append_only(house: House) -> None:
    """The service itself can add to it, and do nothing else."""
    await house.account()
    for statement in ("UPDATE account_event SET actor = 'x'", "DELETE FROM account_event"):
        with pytest.raises(Exception, match="permission denied"):
            await house.pool.execute(statement)

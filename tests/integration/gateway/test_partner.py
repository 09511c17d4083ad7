"""What a partner sees and changes of itself, by its system and by its persons."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from joserfc.jwk import ECKey, OKPKey

from libs.http.auth import IDENTITY, INTEGRATOR, TokenSigner
from services.gateway.partners import administration
from tests.integration.gateway.conftest import BY, EVERYTHING, HOSPITAL, House, ids_of, received

PERSON = "tich-hop-01"


def person(house: House, partner: str = HOSPITAL.code) -> dict[str, str]:
    """The headers of somebody of a partner, as the portal sends them; each with a key of its own."""
    keys = house.settings.service_key.rpartition("/")[0]
    token = TokenSigner.from_file(IDENTITY, f"{keys}/{IDENTITY}.pem").token(
        "gateway", subject=PERSON, kind=INTEGRATOR, more={"partner": partner}
    )
    return {"Authorization": f"Bearer {token}"}


async def add(
    house: House, headers: dict[str, str], key: str, key_of_request: str, **more: Any
) -> httpx.Response:
    """POST /partner/keys."""
    given = headers | {"Idempotency-Key": key_of_request}
    return await house.http.post("/partner/keys", json={"key": key, **more}, headers=given)


async def test_a_partner_sees_itself_whichever_way_it_comes(house: House) -> None:
    """Its system by its token, its person by theirs: the same, and of nobody else."""
    await house.partner()
    await house.partner(EVERYTHING)
    seen = (await house.http.get("/partner", headers=person(house))).json()
    assert seen == (await house.http.get("/partner", headers=await house.token())).json()
    assert (seen["code"], seen["agency"], seen["roles"]) == (HOSPITAL.code, "hospital-93016", ["hospital"])
    assert [(key["kid"], key["algorithm"]) for key in seen["keys"]] == [("k1", "ES256")]
    assert seen["sandbox"] is False
    assert seen["webhooks_to_loopback"] is True


async def test_a_person_adds_the_next_key_and_retires_the_old_one(house: House) -> None:
    """Rotation with overlap: both prove the partner until the old one is ended; the audit names who did it."""
    await house.partner()
    new = OKPKey.generate_key("Ed25519")
    written = json.dumps(new.as_dict(private=False))
    answer = await add(house, person(house), written, "once", kid="k2")
    assert (answer.status_code, answer.json()) == (201, {"kid": "k2"})
    again = await add(house, person(house), written, "once", kid="k2")
    assert (again.status_code, again.json()) == (201, {"kid": "k2"})
    assert (await add(house, person(house), written, "twice", kid="k2")).status_code == 409
    retired = await house.http.delete("/partner/keys/k1", headers=person(house))
    assert retired.status_code == 204
    assert (await house.http.delete("/partner/keys/k1", headers=person(house))).status_code == 404
    assert (await house.ask(house.assertion(HOSPITAL.code))).status_code == 401
    audit = (await house.http.get("/partner/audit", headers=person(house))).json()
    assert [(deed["what"], deed["who"]) for deed in audit["deeds"] if deed["who"] == PERSON] == [
        ("key-retired", PERSON),
        ("key-added", PERSON),
    ]


async def test_the_last_key_that_counts_is_not_ended(house: House) -> None:
    """Neither by a person nor by the system, whatever has ended before; with another one added it is."""
    await house.partner()
    past = datetime.now(UTC) - timedelta(minutes=1)
    public = json.dumps(ECKey.generate_key("P-256").as_dict(private=False))
    over = await add(house, person(house), public, "over", kid="k0", not_after=past.isoformat())
    assert over.status_code == 201
    for headers in (person(house), await house.token()):
        refused = await house.http.delete("/partner/keys/k1", headers=headers)
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "last-key")
        assert "thêm một khóa khác trước" in refused.json()["detail"]
    assert (await house.ask(house.assertion(HOSPITAL.code))).status_code == 200
    assert (await house.http.delete("/partner/keys/k0", headers=person(house))).status_code == 204
    await house.key(HOSPITAL.code, "k2")
    assert (await house.http.delete("/partner/keys/k1", headers=person(house))).status_code == 204
    assert (await house.http.delete("/partner/keys/k2", headers=person(house))).status_code == 409


async def test_one_key_has_one_name(house: House) -> None:
    """However it is written, and also after it has ended: what was ended because it leaked does not come back."""
    await house.partner()
    key = house.keys[HOSPITAL.code]
    jwk, pem = json.dumps(key.as_dict(private=False)), key.as_pem(private=False).decode()
    for place, written in enumerate((jwk, pem)):
        refused = await add(house, person(house), written, f"other-{place}", kid="k9")
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "key-known")
        assert (refused.json()["kid"], "mã k1" in refused.json()["title"]) == ("k1", True)
    same_name = await add(house, person(house), jwk, "same", kid="k1")
    assert same_name.json()["type"].endswith("key-exists")
    await house.key(HOSPITAL.code, "k2")
    assert (await house.http.delete("/partner/keys/k1", headers=person(house))).status_code == 204
    refused = await add(house, person(house), pem, "ended", kid="k9")
    assert (refused.status_code, refused.json()["kid"]) == (409, "k1")
    assert "tạo cặp khóa mới" in refused.json()["detail"]
    await house.partner(EVERYTHING)
    assert [
        each["kid"] for each in (await house.http.get("/partner", headers=person(house))).json()["keys"]
    ] == [
        "k1",
        "k2",
    ]


async def test_a_private_key_is_not_taken(house: House) -> None:
    """Whoever pastes the wrong file is told, and nothing of it is kept."""
    await house.partner()
    private = ECKey.generate_key("P-256")
    for written in (json.dumps(private.as_dict(private=True)), private.as_pem(private=True).decode()):
        refused = await add(house, person(house), written, f"k{len(written)}")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "key")
        assert str(private.as_dict(private=True)["d"]) not in refused.text


async def test_nobody_else_reaches_a_partner_s_own(house: House) -> None:
    """An officer, a person of a partner that was suspended or is not known."""
    await house.partner()
    keys = house.settings.service_key.rpartition("/")[0]
    signer = TokenSigner.from_file(IDENTITY, f"{keys}/{IDENTITY}.pem")
    officer = {
        "Authorization": f"Bearer {signer.token('gateway', subject='a', kind='officer', roles=['operator'])}"
    }
    for path in ("/partner", "/partner/audit"):
        assert (await house.http.get(path, headers=officer)).status_code == 403
        assert (await house.http.get(path, headers=person(house, "khong-co"))).status_code == 401
    async with house.pool.acquire() as conn, conn.transaction():
        await administration.set_state(conn, HOSPITAL.code, "suspended", BY)
    assert (await house.http.get("/partner", headers=person(house))).status_code == 401


async def test_a_person_reads_what_the_partner_may_read(house: House) -> None:
    """The same events as its system; the audit has the reading under the partner, with who it was."""
    await house.partner()
    (mine,) = await house.say(uuid4(), received())
    await house.say(uuid4(), received("93999"))
    assert ids_of(await house.read(person(house))) == [mine]
    await house.process.reading_log.flush()
    audit = (await house.http.get("/partner/audit", headers=await house.token())).json()
    assert [(one["way"], one["events"]) for one in audit["readings"]] == [(f"batch {PERSON}", 1)]


async def test_a_gateway_is_no_sandbox_unless_it_is_told_so(houses: Callable[..., Any]) -> None:
    """Without the setting there is no such address at all; with it a partner that is no hospital is told why not."""
    for sandbox, status in ((False, 404), (True, 403)):
        house: House = await houses(sandbox=sandbox)
        if not sandbox:
            await house.partner(EVERYTHING)
        headers = person(house, EVERYTHING.code) | {"Idempotency-Key": "b1"}
        answer = await house.http.post("/sandbox/births", headers=headers)
        assert answer.status_code == status
        seen = (await house.http.get("/partner", headers=headers)).json()
        assert seen["sandbox"] is sandbox
    assert answer.json()["type"].endswith("partner-declares-no-births")


async def test_a_sandbox_says_when_intake_is_away(houses: Callable[..., Any]) -> None:
    """503 with when to come back, and no deed in the audit."""
    house: House = await houses(sandbox=True)
    await house.partner()
    async with asyncio.timeout(15):
        answer = await house.http.post("/sandbox/births", headers=person(house) | {"Idempotency-Key": "b1"})
    assert answer.status_code == 503
    assert "sandbox-birth" not in [what for what, _ in await house.deeds(HOSPITAL.code)]

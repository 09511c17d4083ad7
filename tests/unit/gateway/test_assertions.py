"""Assertions: what proves a partner, and every known way of forging it that does not."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from libs.http.problems import Problem
from services.gateway.partners.assertions import BadAssertion, judge, read_assertion
from services.gateway.partners.keys import public_key, thumbprint
from services.gateway.partners.partner import Key, Partner

NOW = datetime(2026, 11, 27, 3, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ISSUER = "https://doitac.example.vn"
AUDIENCES = (ISSUER, f"{ISSUER}/oauth/token")
EC, OTHER_EC, ED = ECKey.generate_key("P-256"), ECKey.generate_key("P-256"), OKPKey.generate_key("Ed25519")
CLAIMS = {"iss": "bv", "sub": "bv", "aud": ISSUER, "iat": SECONDS, "exp": SECONDS + 60, "jti": "1"}


def key(kid: str, made: ECKey | OKPKey, **more: Any) -> Key:
    """A registered key."""
    jwk = public_key(json.dumps(made.as_dict(private=False)))[1]
    return Key(kid=kid, jwk=jwk, added_at=NOW, **more)


def partner(**changes: Any) -> Partner:
    """A partner with a key of each kind."""
    given: dict[str, Any] = {"code": "bv", "name_vi": "", "keys": (key("k1", EC), key("k2", ED))}
    return Partner(**(given | changes))


def base64url(content: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def assertion(
    claims: dict[str, Any] | None = None, *, by: ECKey | OKPKey = EC, sign: str = "ES256", **header: Any
) -> str:
    """Signed by `by`, whatever it says of itself."""
    full = {"alg": sign, "kid": "k1", "typ": "JWT"} | header
    full = {name: value for name, value in full.items() if value is not None}
    body = json.dumps(CLAIMS if claims is None else claims).encode()
    text = f"{base64url(json.dumps(full).encode())}.{base64url(body)}"
    made = JWSRegistry(algorithms=[sign]).get_alg(sign).sign(text.encode(), by)
    return f"{text}.{base64url(made)}"


def judged(token: str, known: Partner | None = None) -> Partner:
    """What the gateway makes of it."""
    return judge(read_assertion(token), known or partner(), AUDIENCES, NOW)


def reason(token: str, known: Partner | None = None) -> str:
    """Why it is refused."""
    with pytest.raises(BadAssertion) as refused:
        judged(token, known)
    return refused.value.reason


def test_a_partner_proves_itself_with_its_own_key() -> None:
    """Both kinds of keys, both names of Ed25519, both audiences, with and without typ."""
    assert judged(assertion()).code == "bv"
    assert judged(assertion(typ=None)).code == "bv"
    assert judged(assertion({**CLAIMS, "aud": [AUDIENCES[1]]})).code == "bv"
    for name in ("EdDSA", "Ed25519"):
        assert judged(assertion(by=ED, sign="Ed25519", kid="k2", alg=name)).code == "bv"


@pytest.mark.parametrize("name", ["none", "None", "HS256", "RS256", "ES512", "ES256K", ""])
def test_only_the_listed_algorithms_count(name: str) -> None:
    """Whatever the signature is."""
    assert reason(assertion(alg=name)) == "algorithm"


def test_an_unsigned_assertion_is_refused() -> None:
    """alg none carries no proof, and no third part."""
    head, body = (base64url(json.dumps(part).encode()) for part in ({"alg": "none", "kid": "k1"}, CLAIMS))
    assert reason(f"{head}.{body}.") == "malformed"


def test_a_public_key_is_no_secret() -> None:
    """HS256 with what everybody knows."""
    text = f"{base64url(json.dumps({'alg': 'HS256', 'kid': 'k1'}).encode())}.{base64url(json.dumps(CLAIMS).encode())}"
    signature = hmac.digest(EC.as_pem(private=False), text.encode(), hashlib.sha256)
    assert reason(f"{text}.{base64url(signature)}") == "algorithm"


def test_a_key_counts_for_its_own_algorithm() -> None:
    """An Ed25519 signature under the id of a P-256 key."""
    assert reason(assertion(by=ED, sign="Ed25519", kid="k1")) == "signature"
    assert reason(assertion(kid="k2")) == "signature"


@pytest.mark.parametrize("member", ["jku", "x5u", "jwk", "x5c", "x5t", "crit", "b64", "zip", "cty"])
def test_a_header_cannot_bring_a_key(member: str) -> None:
    """Anything beside alg, kid and typ is refused unread."""
    brought: Any = OTHER_EC.as_dict(private=False) if member == "jwk" else "https://evil.example/keys"
    assert reason(assertion(None, by=OTHER_EC, **{member: brought})) == "malformed"


@pytest.mark.parametrize("kid", ["k3", "", "../k1", "https://evil.example", "k1' OR ''='", "k1\x00"])
def test_a_key_id_is_looked_up_among_the_partner_s_own(kid: str) -> None:
    """A kid that is a path, an address or a query finds nothing."""
    assert reason(assertion(kid=kid)) == "unknown-key"


def test_another_partner_s_key_proves_nothing() -> None:
    """Signed by somebody we know, in the name of somebody else; or with the victim's kid."""
    other = partner(code="other", keys=(key("k9", OTHER_EC),))
    assert reason(assertion(by=OTHER_EC, kid="k9")) == "unknown-key"
    assert reason(assertion(by=OTHER_EC, kid="k1")) == "signature"
    assert reason(assertion({**CLAIMS, "iss": "other", "sub": "bv"}, by=OTHER_EC), other) == "unknown-client"
    assert reason(assertion({**CLAIMS, "iss": "other"})) == "unknown-client"


def test_a_retired_key_and_one_past_its_time_prove_nothing() -> None:
    """The next key goes on meanwhile."""
    known = partner(keys=(key("k1", EC, retired_at=NOW), key("k2", ED, not_after=NOW), key("k3", OTHER_EC)))
    assert reason(assertion(), known) == "unknown-key"
    assert reason(assertion(by=ED, sign="Ed25519", kid="k2"), known) == "unknown-key"
    assert judged(assertion(by=OTHER_EC, kid="k3"), known).code == "bv"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"aud": "https://elsewhere.example"}, "audience"),
        ({"aud": [ISSUER, "https://elsewhere.example"]}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": f"{ISSUER}/"}, "audience"),
        ({"exp": SECONDS - 30}, "expired"),
        ({"exp": SECONDS + 301}, "lives-too-long"),
        ({"exp": 1e300}, "lives-too-long"),
        ({"nbf": SECONDS + 31}, "not-yet-valid"),
        ({"iat": SECONDS + 31}, "not-yet-valid"),
        ({"jti": ""}, "jti"),
        ({"jti": "j" * 257}, "jti"),
        ({"exp": None}, "malformed"),
        ({"exp": "never"}, "malformed"),
        ({"aud": None}, "malformed"),
        ({"jti": 7}, "malformed"),
    ],
)
def test_claims_hold_now_and_here(changes: dict[str, Any], why: str) -> None:
    """Well signed, and wrong."""
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    assert reason(assertion(claims)) == why


@pytest.mark.parametrize("state", ["suspended", "revoked"])
def test_a_partner_that_is_not_active_gets_nothing(state: str) -> None:
    """Its key is right."""
    assert reason(assertion(), partner(state=state)) == "not-active"


def test_text_around_an_assertion_is_not_overlooked() -> None:
    """One text for one assertion: padding, blanks and line breaks make another, which is none."""
    token = assertion()
    for bent in (
        f"{token}=",
        f" {token}",
        f"{token}\n",
        token.replace(".", ". "),
        "a.b.c",
        token + "A" * 5000,
    ):
        assert reason(bent) == "malformed"
    assert reason(token[:-8] + "AAAAAAAA") == "signature"


def test_a_used_assertion_is_remembered_for_as_long_as_it_could_be_used() -> None:
    """Beyond its end and the tolerance of clocks."""
    read = read_assertion(assertion())
    assert read.forgotten_at > NOW + timedelta(seconds=90)
    assert read.jti_hash == hashlib.sha256(b"1").digest()


def test_public_keys_are_taken_and_nothing_else() -> None:
    """As JWK and PEM; private keys, other curves and RSA are refused."""
    kid, jwk = public_key(json.dumps({**EC.as_dict(private=False), "kid": "mine", "use": "sig"}))
    assert (kid, set(json.loads(jwk))) == ("mine", {"kty", "crv", "x", "y"})
    from_pem = public_key(EC.as_pem(private=False).decode())
    assert from_pem == (EC.thumbprint()[:16], jwk)
    assert json.loads(public_key(ED.as_pem(private=False).decode(), "named")[1])["crv"] == "Ed25519"
    for written in (
        json.dumps(EC.as_dict(private=True)),
        EC.as_pem(private=True).decode(),
        ECKey.generate_key("P-384").as_pem(private=False).decode(),
        json.dumps(RSAKey.generate_key(2048).as_dict(private=False)),
        json.dumps({"kty": "oct", "k": "AAAA"}),
        json.dumps({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}),
        "{}",
        "[" * 2000,
        "",
    ):
        with pytest.raises(Problem) as refused:
            public_key(written)
        assert (refused.value.status, refused.value.slug) == (422, "key-refused")


def test_one_key_is_one_key_however_it_is_written() -> None:
    """As PEM, as JWK, and with a leading zero in its number."""
    members = EC.as_dict(private=False)
    padded = (
        base64.urlsafe_b64encode(b"\0" + base64.urlsafe_b64decode(f"{members['x']}=")).rstrip(b"=").decode()
    )
    written = (EC.as_pem(private=False).decode(), json.dumps(members), json.dumps({**members, "x": padded}))
    assert {thumbprint(public_key(each)[1]) for each in written} == {EC.thumbprint()}
    assert thumbprint(public_key(OTHER_EC.as_pem(private=False).decode())[1]) != EC.thumbprint()


@pytest.mark.parametrize("kid", [".", "..", "a/b", "a?b", "a\n", "x" * 65])
def test_a_key_is_called_so_that_it_can_be_retired(kid: str) -> None:
    """Its name stands in a path, of which dots alone would be another place."""
    with pytest.raises(Problem):
        public_key(EC.as_pem(private=False).decode(), kid)
    assert public_key(EC.as_pem(private=False).decode(), "..k1")[0] == "..k1"

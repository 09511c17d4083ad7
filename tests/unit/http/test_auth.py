"""Tokens: whom we believe, and every known way of forging that we do not."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from libs.http import auth
from libs.http.auth import Actor, BadToken, TokenSigner, TokenVerifier
from libs.http.public_keys import key_id, make_key
from tests.unit.http.conftest import Keys


class Clock:
    """A clock that stands still until moved."""

    def __init__(self, seconds: float = 1_800_000_000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds


def reason_of(verifier: TokenVerifier, token: str) -> str:
    """The code with which `token` is refused."""
    with pytest.raises(BadToken) as refused:
        verifier.verify(token)
    return refused.value.reason


def base64url(content: bytes) -> str:
    """As in a JWT, without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def claims(clock: Clock, **changes: Any) -> dict[str, Any]:
    """The claims of a good officer's token, changed."""
    now = int(clock())
    good = {"iss": "identity", "sub": "o", "aud": "intake", "iat": now, "nbf": now, "exp": now + 300}
    return {**good, "kind": "officer", "roles": ["one_stop"], **changes}


def signed(signer: TokenSigner, content: dict[str, Any], **header: Any) -> str:
    """`content` signed with the key of `signer`, whatever it says."""
    full = {"alg": "ES256", "typ": "at+jwt", "kid": key_id(signer.issuer, signer._key), **header}
    # The registry of joserfc refuses unknown header members; the attacker's does not.
    head, body = base64url(json.dumps(full).encode()), base64url(json.dumps(content).encode())
    algorithm = JWSRegistry(algorithms=["ES256"]).get_alg("ES256")
    return f"{head}.{body}.{base64url(algorithm.sign(f'{head}.{body}'.encode(), signer._key))}"


def test_officer_token_gives_the_actor(keys: Keys) -> None:
    """Agency, roles and facility of the signed claims become the actor."""
    token = keys.identity.token(
        ["intake", "routing"], subject="o1", kind="officer", agency="a", roles=["hospital"], facility="93001"
    )
    expected = Actor(
        subject="o1", kind="officer", agency="a", roles=frozenset({"hospital"}), facility="93001"
    )
    assert TokenVerifier(keys.jwks, "intake").verify(token) == expected


def test_service_speaks_for_itself(keys: Keys) -> None:
    """A service's token without further words names the service as subject and kind."""
    actor = TokenVerifier(keys.jwks, "intake").verify(keys.routing.token("intake"))
    assert (actor.subject, actor.kind, actor.roles) == ("routing", "service", frozenset())


def test_an_audit_names_a_person_by_login_and_a_system_by_its_key() -> None:
    """The same in every deed: two keys of one partner are told apart, people are found by what they sign in with."""
    assert Actor(subject="tich-hop-01", kind="integrator", partner="bv-a").audit_name == "tich-hop-01"
    assert Actor(subject="bv-a", kind="system", credential="k1").audit_name == "bv-a/k1"


def test_unsigned_token_is_refused(keys: Keys) -> None:
    """alg none carries no proof."""
    kid = key_id("identity", keys.identity._key)
    head = base64url(json.dumps({"alg": "none", "typ": "at+jwt", "kid": kid}).encode())
    token = f"{head}.{base64url(json.dumps(claims(Clock())).encode())}."
    assert reason_of(TokenVerifier(keys.jwks, "intake"), token) == "algorithm"


def test_public_key_as_hmac_secret_is_refused(keys: Keys) -> None:
    """HS256 keyed with the public key, known to all, is not a signature."""
    kid = key_id("identity", keys.identity._key)
    for secret in (keys.identity._key.as_pem(private=False), keys.jwks.read_bytes()):
        head = base64url(json.dumps({"alg": "HS256", "typ": "at+jwt", "kid": kid}).encode())
        text = f"{head}.{base64url(json.dumps(claims(Clock())).encode())}"
        token = f"{text}.{base64url(hmac.digest(secret, text.encode(), hashlib.sha256))}"
        assert reason_of(TokenVerifier(keys.jwks, "intake"), token) == "algorithm"


@pytest.mark.parametrize("member", ["jku", "x5u", "jwk", "x5c", "crit", "b64", "zip"])
def test_header_cannot_bring_a_key(keys: Keys, member: str) -> None:
    """A header with anything beyond alg, kid and typ is refused unread."""
    value = "https://evil.example/jwks.json" if member in ("jku", "x5u") else {"kty": "EC"}
    clock = Clock()
    token = signed(keys.identity, claims(clock), **{member: value})
    assert reason_of(TokenVerifier(keys.jwks, "intake", now=clock), token) == "header"


@pytest.mark.parametrize(
    "kid", ["../identity.pem", "/etc/passwd", "http://127.0.0.1/k", "' OR 1=1", "\x00", ""]
)
def test_key_id_is_only_looked_up(keys: Keys, kid: str) -> None:
    """A kid that is a path, an address or a query finds no key."""
    clock = Clock()
    token = signed(keys.identity, claims(clock), kid=kid)
    assert reason_of(TokenVerifier(keys.jwks, "intake", now=clock), token) == "unknown-key"


def test_foreign_issuer_with_own_key_is_refused(keys: Keys) -> None:
    """routing's key cannot sign in the name of identity."""
    clock = Clock()
    token = signed(keys.routing, claims(clock))
    assert reason_of(TokenVerifier(keys.jwks, "intake", now=clock), token) == "issuer"


def test_foreign_key_under_anothers_id_is_refused(keys: Keys) -> None:
    """A signature by another key than the kid's does not verify."""
    clock = Clock()
    token = signed(keys.routing, claims(clock), kid=key_id("identity", keys.identity._key))
    assert reason_of(TokenVerifier(keys.jwks, "intake", now=clock), token) == "signature-or-claims"


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "officer", "sub": "o"},
        {"kind": "service", "sub": "results"},
        {"kind": "service", "sub": "routing", "roles": ["operator"]},
        {"kind": "system", "sub": "routing"},
    ],
)
def test_service_key_makes_no_officer(keys: Keys, changes: dict[str, Any]) -> None:
    """A service can speak for itself only, as a service, without roles."""
    clock = Clock()
    token = signed(keys.routing, claims(clock, iss="routing", **changes))
    assert reason_of(TokenVerifier(keys.jwks, "intake", now=clock), token) == "kind-not-of-issuer"


def test_identity_makes_no_service(keys: Keys) -> None:
    """identity signs for people and machines, never for a service."""
    clock = Clock()
    token = signed(keys.identity, claims(clock, kind="service", sub="identity", roles=[]))
    assert reason_of(TokenVerifier(keys.jwks, "intake", now=clock), token) == "kind-not-of-issuer"


def test_identity_vouches_for_a_person_of_a_partner(keys: Keys) -> None:
    """An integrator is of a partner, and nobody of the city."""
    token = keys.identity.token("gateway", subject="p1", kind="integrator", more={"partner": "bv-93016"})
    expected = Actor(subject="p1", kind="integrator", partner="bv-93016")
    assert TokenVerifier(keys.jwks, "gateway").verify(token) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "integrator"},
        {"kind": "integrator", "more": {"partner": "bv-93016"}, "agency": "hospital-93016"},
        {"kind": "integrator", "more": {"partner": "bv-93016"}, "roles": ["hospital"]},
        {"kind": "officer", "more": {"partner": "bv-93016"}},
    ],
)
def test_nobody_is_of_a_partner_and_of_the_city(keys: Keys, changes: dict[str, Any]) -> None:
    """Whoever has an agency or a role has no partner."""
    token = keys.identity.token("gateway", subject="p1", **changes)
    assert reason_of(TokenVerifier(keys.jwks, "gateway"), token) == "partner-and-kind"


def test_gateway_speaks_for_a_partner(keys: Keys) -> None:
    """A partner's token says whom it acts for, and by which of its keys it was asked for."""
    token = keys.gateway.token(
        "intake",
        subject="bv-93016",
        kind="system",
        agency="hospital-93016",
        roles=["hospital"],
        facility="93016",
        ttl_seconds=60,
        more={"credential": "k1"},
    )
    assert TokenVerifier(keys.jwks, "intake").verify(token) == Actor(
        subject="bv-93016",
        kind="system",
        agency="hospital-93016",
        roles=frozenset({"hospital"}),
        facility="93016",
        credential="k1",
    )


@pytest.mark.parametrize(
    ("audience", "changes", "reason"),
    [
        ("intake", {"kind": "officer"}, "kind-not-of-issuer"),
        ("intake", {"kind": "service", "sub": "intake"}, "kind-not-of-issuer"),
        ("intake", {"kind": "service", "sub": "gateway", "roles": ["operator"]}, "kind-not-of-issuer"),
        ("intake", {"exp": 1_800_000_061}, "lives-too-long"),
        ("gateway", {"exp": 1_800_000_301, "aud": "gateway"}, "lives-too-long"),
        ("intake", {"aud": ["intake", "routing"]}, "audience"),
        ("intake", {"aud": "gateway"}, "audience"),
    ],
)
def test_gateway_makes_no_officer_and_nothing_lasting(
    keys: Keys, audience: str, changes: dict[str, Any], reason: str
) -> None:
    """What it says in a partner's name is for one service and one minute, or for itself and five."""
    clock = Clock()
    good = claims(clock, iss="gateway", sub="bv-93016", kind="system", exp=1_800_000_060)
    verifier = TokenVerifier(keys.jwks, audience, now=clock)
    assert reason_of(verifier, signed(keys.gateway, {**good, **changes})) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "routing"}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": "INTAKE"}, "audience"),
        ({"exp": 1_800_000_000 - 30}, "expired"),
        ({"nbf": 1_800_000_000 + 31}, "not-yet-valid"),
        ({"iat": 1_800_000_000 + 31}, "not-yet-valid"),
        ({"exp": 1_800_000_000 + 3601}, "lives-too-long"),
        ({"sub": ""}, "subject-or-kind"),
        ({"kind": "root"}, "subject-or-kind"),
        ({"exp": "tomorrow"}, "signature-or-claims"),
        ({"roles": "operator"}, "signature-or-claims"),
    ],
)
def test_signed_claims_must_hold_here_and_now(keys: Keys, changes: dict[str, Any], reason: str) -> None:
    """A good signature does not help a token for elsewhere, of another time, or of no sense."""
    clock = Clock()
    token = signed(keys.identity, claims(clock, **changes))
    assert reason_of(TokenVerifier(keys.jwks, "intake", now=clock), token) == reason


@pytest.mark.parametrize("missing", ["iss", "sub", "aud", "exp", "nbf", "iat", "kind"])
def test_every_claim_is_needed(keys: Keys, missing: str) -> None:
    """A token that leaves one of the claims out is refused."""
    clock = Clock()
    content = claims(clock)
    del content[missing]
    assert reason_of(TokenVerifier(keys.jwks, "intake", now=clock), signed(keys.identity, content))


def test_other_kinds_of_tokens_are_refused(keys: Keys) -> None:
    """An ID token (typ JWT) is no access token."""
    clock = Clock()
    token = signed(keys.identity, claims(clock), typ="JWT")
    assert reason_of(TokenVerifier(keys.jwks, "intake", now=clock), token) == "type"


@pytest.mark.parametrize(
    "token", ["", "a", "a.b", "a.b.c", "a.b.c.d", "é.b.c", "." * 2, "e30.e30.e30", "a" * 9000]
)
def test_what_is_no_token_is_refused(keys: Keys, token: str) -> None:
    """Text that is not a token is refused like a bad one, never with another error."""
    assert reason_of(TokenVerifier(keys.jwks, "intake"), token)


def test_clocks_may_differ_by_the_skew(keys: Keys) -> None:
    """Thirty seconds of difference between two machines refuse nobody."""
    clock = Clock()
    verifier = TokenVerifier(keys.jwks, "intake", now=clock)
    verifier.verify(signed(keys.identity, claims(clock, nbf=1_800_000_030, iat=1_800_000_030)))
    verifier.verify(signed(keys.identity, claims(clock, exp=1_800_000_000 - 29)))


def test_remembered_token_expires_all_the_same(keys: Keys) -> None:
    """The memory of verified tokens does not outlive the token."""
    clock = Clock()
    verifier = TokenVerifier(keys.jwks, "intake", now=clock)
    token = signed(keys.identity, claims(clock))
    verifier.verify(token)
    clock.seconds += 300 + auth.CLOCK_SKEW_SECONDS - 1
    verifier.verify(token)
    clock.seconds += 1
    assert reason_of(verifier, token) == "expired"


def test_memory_of_tokens_is_bounded(keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest unused token is forgotten first."""
    monkeypatch.setattr(auth, "VERIFIED_TOKENS_MAX", 2)
    verifier = TokenVerifier(keys.jwks, "intake")
    for number in range(4):
        verifier.verify(keys.identity.token("intake", subject=f"o{number}", kind="officer"))
    assert len(verifier._verified) == 2


def test_removed_key_ends_access_within_a_minute(keys: Keys) -> None:
    """After a key is taken out of the file, a token it signed and we remembered is refused."""
    clock = Clock()
    verifier = TokenVerifier(keys.jwks, "intake", now=clock)
    token = signed(keys.identity, claims(clock))
    verifier.verify(token)
    document = json.loads(keys.jwks.read_text())
    document["keys"] = [member for member in document["keys"] if member["iss"] != "identity"]
    keys.jwks.write_text(json.dumps(document))
    clock.seconds += 10
    assert reason_of(verifier, token) == "unknown-key"


def test_added_key_serves_without_a_restart(keys: Keys) -> None:
    """An issuer may sign with its next key once the file has it, and still with the old one."""
    clock = Clock()
    verifier = TokenVerifier(keys.jwks, "intake", now=clock)
    old = signed(keys.identity, claims(clock))
    (keys.folder / "identity.pem").unlink()
    fresh = TokenSigner.from_file("identity", make_key("identity", keys.folder))
    clock.seconds += 10
    verifier.verify(signed(fresh, claims(clock)))
    verifier.verify(old)


def test_unreadable_keys_let_nobody_in_after_a_minute(keys: Keys) -> None:
    """A vanished file serves from memory for a while, then access ends."""
    clock = Clock()
    verifier = TokenVerifier(keys.jwks, "intake", now=clock)
    token = signed(keys.identity, claims(clock))
    keys.jwks.unlink()
    clock.seconds += 10
    verifier.verify(token)
    clock.seconds += 50
    assert reason_of(verifier, token) == "unknown-key"


def test_private_key_of_another_curve_is_refused(keys: Keys) -> None:
    """Only P-256 keys sign."""
    path = keys.folder / "other.pem"
    path.write_bytes(ECKey.generate_key("P-384").as_pem(private=True))
    with pytest.raises(ValueError, match="SERVICE_KEY"):
        TokenSigner.from_file("routing", path)

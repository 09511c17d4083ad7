"""Everything of an id_token is checked: who made it, for whom, when, for which sign-in, and how it is signed."""

import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from services.identity.openid import OpenIdFailed, OpenIdSettings, Provider

ISSUER = "https://provider.example"
SETTINGS = OpenIdSettings(
    issuer=ISSUER,
    client_id="mot-cua",
    client_secret="s" * 40,
    redirect_url="https://motcua.example/x",
    name="",
    link_by="",
)
METADATA = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/jwks",
}
RSA, EC, STRANGER = (
    RSAKey.generate_key(2048, {"kid": "r1"}),
    ECKey.generate_key("P-256", {"kid": "e1"}),
    RSAKey.generate_key(2048, {"kid": "r1"}),
)


def claims(**changes: Any) -> dict[str, Any]:
    """Claims that hold; None takes one away."""
    now = int(time.time())
    given = {
        "iss": ISSUER,
        "sub": "s-1",
        "aud": "mot-cua",
        "exp": now + 300,
        "iat": now,
        "nonce": "n-1",
    } | changes
    return {name: value for name, value in given.items() if value is not None}


def signed(content: dict[str, Any], key: Any = RSA, alg: str = "RS256", kid: str = "r1") -> str:
    """An id_token."""
    return jwt.encode({"alg": alg, "kid": kid}, content, key, algorithms=[alg])


def unsigned(content: dict[str, Any]) -> str:
    """An id_token that says of itself that it is not signed."""
    parts = (json.dumps(each).encode() for each in ({"alg": "none", "kid": "r1"}, content))
    return ".".join(urlsafe_b64encode(each).decode().rstrip("=") for each in parts) + "."


def provider(id_token: str, metadata: dict[str, Any] | None = None) -> Provider:
    """A provider that answers from memory, with this id_token."""

    def answer(request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/token":
                return httpx.Response(200, json={"id_token": id_token, "access_token": "a-1"})
            case "/jwks":
                return httpx.Response(200, json=KeySet([RSA, EC]).as_dict(private=False))
            case _:
                return httpx.Response(200, json=METADATA if metadata is None else metadata)

    made = Provider(SETTINGS)
    made._http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return made


async def person(id_token: str, metadata: dict[str, Any] | None = None) -> str:
    """The subject of a token that is accepted."""
    found = await provider(id_token, metadata).person(code="c", nonce="n-1", verifier="v" * 43)
    return found.subject


async def test_a_token_that_holds_is_accepted() -> None:
    """Signed with either kind of key, for us alone or for us among others with us as the party that asked."""
    assert await person(signed(claims())) == "s-1"
    assert await person(signed(claims(), EC, "ES256", "e1")) == "s-1"
    assert await person(signed(claims(aud=["mot-cua", "other"], azp="mot-cua"))) == "s-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": ["mot-cua", "other"], "azp": "other"},
        {"sub": None},
        {"nonce": "n-2"},
        {"nonce": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iat": int(time.time()) + 3600},
        {"iat": None},
    ],
)
async def test_wrong_claims_are_refused(changes: dict[str, Any]) -> None:
    """Each of them alone."""
    with pytest.raises(OpenIdFailed):
        await person(signed(claims(**changes)))


@pytest.mark.parametrize(
    "token",
    [
        signed(claims(), STRANGER),
        signed(claims(), RSA, "RS256", "unknown"),
        signed(claims(), OctKey.import_key(SETTINGS.client_secret), "HS256"),
        signed(claims(), RSA, "RS512"),
        unsigned(claims()),
        signed(claims())[:-8] + "AAAAAAAA",
        "not.a.token",
        "",
    ],
)
async def test_wrong_signatures_are_refused(token: str) -> None:
    """Another's key under our kid, none at all, the client secret as a key, an algorithm that is not on the list."""
    with pytest.raises(OpenIdFailed):
        await person(token)


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://provider.example/token"},
        {"token_endpoint": None},
        {"jwks_uri": "file:///etc/passwd"},
    ],
)
async def test_a_provider_that_describes_itself_wrongly_is_refused(changes: dict[str, Any]) -> None:
    """Another's name, an address in the clear, none at all."""
    with pytest.raises(OpenIdFailed):
        await person(signed(claims()), METADATA | changes)

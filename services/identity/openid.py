"""A provider of OpenID Connect: discovery, where to send a person, and who came back (Core 1.0, PKCE with S256)."""

import asyncio
import time
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

# The algorithms an id_token may be signed with: never "none", never one that a shared secret would do for.
ALGORITHMS = ["RS256", "PS256", "ES256"]
SCOPE = "openid profile email"
TIMEOUT_SECONDS = 10.0
METADATA_SECONDS = 3600.0
LEEWAY_SECONDS = 60
ANSWER_BYTES_MAX = 1 << 18
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
EMAIL, USERNAME = "email", "preferred_username"


class OpenIdSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The provider and what we are to it."""

    issuer: str
    client_id: str
    client_secret: str
    redirect_url: str
    name: str
    link_by: str


class OpenIdFailed(Exception):
    """The provider is away, or what it says does not hold; `reason` is a code for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Who came back: `email` only when the provider has verified it."""

    issuer: str
    subject: str
    email: str = ""
    username: str = ""


class Provider:
    """One provider; its metadata and keys are fetched when first needed."""

    def __init__(self, settings: OpenIdSettings) -> None:
        """Raises ValueError when the settings do not make a provider."""
        if not (settings.client_id and settings.client_secret and settings.redirect_url):
            raise ValueError("needs OPENID_CLIENT_ID, OPENID_CLIENT_SECRET and OPENID_REDIRECT_URL")
        if settings.link_by not in {"", EMAIL, USERNAME}:
            raise ValueError(f"OPENID_LINK_BY must be {EMAIL} or {USERNAME}, or empty")
        if not _is_safe(settings.issuer):
            raise ValueError("must be an https address")
        self.settings = settings
        # Its addresses are the provider's own; no proxy of a shell stands between.
        self._http = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._metadata: dict[str, Any] = {}
        self._known_until = 0.0
        self._keys: KeySet | None = None
        self._fetching = asyncio.Lock()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Where the person signs in. Raises OpenIdFailed."""
        metadata = await self._discovered()
        url: str = prepare_grant_uri(
            self._endpoint(metadata, "authorization_endpoint"),
            self.settings.client_id,
            "code",
            redirect_uri=self.settings.redirect_url,
            scope=SCOPE,
            state=state,
            nonce=nonce,
            code_challenge=create_s256_code_challenge(verifier),
            code_challenge_method="S256",
        )
        return url

    async def person(self, *, code: str, nonce: str, verifier: str) -> Person:
        """Who the code stands for, with everything about the id_token checked. Raises OpenIdFailed."""
        metadata = await self._discovered()
        answer = await self._ask(
            "POST",
            self._endpoint(metadata, "token_endpoint"),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.settings.redirect_url,
                "code_verifier": verifier,
            },
            # RFC 6749 2.3.1: both parts form-encoded before they are joined.
            auth=httpx.BasicAuth(
                quote(self.settings.client_id, safe=""), quote(self.settings.client_secret, safe="")
            ),
        )
        id_token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise OpenIdFailed("no-id-token")
        claims = await self._claims(metadata, id_token, access_token, nonce)
        wanted = self.settings.link_by
        if wanted and wanted not in claims and "userinfo_endpoint" in metadata:
            claims = {**await self._userinfo(metadata, access_token, claims["sub"]), **claims}
        return _person(self.settings.issuer, claims)

    async def _userinfo(self, metadata: dict[str, Any], access_token: str, subject: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {access_token}"}
        found = await self._ask("GET", self._endpoint(metadata, "userinfo_endpoint"), headers=headers)
        # Core 5.3.4: an answer about somebody else must not be used.
        if found.get("sub") != subject:
            raise OpenIdFailed("userinfo-of-another")
        return found

    async def _claims(
        self, metadata: dict[str, Any], id_token: str, access_token: str, nonce: str
    ) -> dict[str, Any]:
        """The claims of an id_token that is the provider's, for us, of now and of this sign-in (Core 3.1.3.7)."""
        try:
            token = await self._decoded(metadata, id_token)
            claims = CodeIDToken(
                token.claims,
                token.header,
                options={
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client_id},
                    "sub": {"essential": True},
                },
                params={
                    "nonce": nonce,
                    "client_id": self.settings.client_id,
                    "access_token": access_token,
                },
            )
            claims.validate(leeway=LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise OpenIdFailed(type(error).__name__) from None
        return dict(claims)

    async def _decoded(self, metadata: dict[str, Any], id_token: str) -> jwt.Token:
        """The token with its signature checked; keys are fetched again for one that is not known."""
        if self._keys is not None:
            try:
                return jwt.decode(id_token, self._keys, algorithms=ALGORITHMS)
            except (JoseError, ValueError):
                self._keys = None
        self._keys = KeySet.import_key_set(
            await self._ask("GET", self._endpoint(metadata, "jwks_uri"))  # type: ignore[arg-type]
        )
        return jwt.decode(id_token, self._keys, algorithms=ALGORITHMS)

    async def _discovered(self) -> dict[str, Any]:
        async with self._fetching:
            if time.monotonic() >= self._known_until:
                url = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
                metadata = await self._ask("GET", url)
                if metadata.get("issuer") != self.settings.issuer:
                    raise OpenIdFailed("another-issuer")
                self._metadata, self._known_until = metadata, time.monotonic() + METADATA_SECONDS
            return self._metadata

    @staticmethod
    def _endpoint(metadata: dict[str, Any], name: str) -> str:
        url = metadata.get(name)
        if not isinstance(url, str) or not _is_safe(url):
            raise OpenIdFailed(f"no-{name.replace('_', '-')}")
        return url

    async def _ask(self, method: str, url: str, **given: Any) -> dict[str, Any]:
        """The JSON object a 2xx answer holds. Raises OpenIdFailed."""
        try:
            response = await self._http.request(method, url, **given)
            if response.status_code == 400 and method == "POST":
                raise OpenIdFailed("code-refused")
            if not response.is_success or len(response.content) > ANSWER_BYTES_MAX:
                raise OpenIdFailed("provider-refuses")
            found = response.json()
        except (httpx.HTTPError, ValueError):
            raise OpenIdFailed("provider-away") from None
        if not isinstance(found, dict):
            raise OpenIdFailed("provider-refuses")
        return found


def is_local_path(path: str) -> bool:
    """Whether a browser sent there stays with us: a path, and nothing that browsers read as another host's address."""
    return (
        path.startswith("/")
        and not path.startswith("//")
        and "\\" not in path
        and path.isprintable()
        and len(path) <= 2000
    )


def _person(issuer: str, claims: dict[str, Any]) -> Person:
    email, username = claims.get(EMAIL), claims.get(USERNAME)
    verified = claims.get("email_verified") is True
    return Person(
        issuer=issuer,
        subject=str(claims["sub"]),
        email=email.casefold() if verified and isinstance(email, str) else "",
        username=username.casefold() if isinstance(username, str) else "",
    )


def _is_safe(url: str) -> bool:
    """Whether it is https, or this machine's own (a provider beside us)."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)

"""Who asks: short ES256 tokens, signed by the service that calls, by `identity` for people, by `gateway` for partners.

A token is `typ: at+jwt` (RFC 9068), lives at most an hour, names one issuer and its audience, and is checked against a
JWKS file in which every key belongs to one issuer: a service cannot speak for another, nor make an officer. What
`gateway` says in a partner's name counts only where it was meant for, and not long.

    @router.get("/steps")
    async def steps(actor: Annotated[Actor, Depends(require("civil_status", "police_residence"))]) -> Response: ...
"""

import time
from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from starlette.requests import Request

from libs.http.problems import Problem
from libs.http.public_keys import PublicKeys, key_id
from libs.telemetry.logs import log

ALGORITHM = "ES256"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type, not a secret
# The only issuer that may speak for officers.
IDENTITY = "identity"
# Speaks for other systems (kind `system`), never for an officer: to itself for as long as a partner's token lives, to
# another service for one call.
GATEWAY = "gateway"
SYSTEM_SECONDS_MAX = 60
PARTNER_SECONDS_MAX = 300
# A person of another system, who tends what it has at the gateway: of no agency, with no part in any dossier.
INTEGRATOR = "integrator"
KINDS = ("officer", "service", "system", INTEGRATOR)
CLOCK_SKEW_SECONDS = 30
LIFETIME_SECONDS_MAX = 3600
TOKEN_LENGTH_MAX = 4096
# What a program is told of its token: enough to mend its own mistake. Both reasons of _TOLD are only ever found of
# tokens whose signature held; every other reason is the same words.
_NO_TOKEN = "Thiếu mã truy cập: tiêu đề Authorization phải là Bearer <mã>."  # noqa: S105 - words, not a secret
_NOT_ACCEPTED = "Mã truy cập không được chấp nhận."
_TOLD: Mapping[str, str] = {
    "expired": "Mã truy cập đã hết hạn.",
    "audience": "Mã truy cập không dành cho dịch vụ này.",
}
# A verification costs 180 µs (ecosystem.md 8.2); one officer's token comes back hundreds of times.
VERIFIED_TOKENS_MAX = 4096


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. `agency` and `facility` are catalogue codes, empty when the actor has none; services have no roles.

    `credential` names the key a partner's token was given for, empty for everybody else. `partner` is the other system
    an integrator is of.
    """

    subject: str
    kind: str
    agency: str = ""
    roles: frozenset[str] = frozenset()
    facility: str = ""
    credential: str = ""
    partner: str = ""

    @property
    def client(self) -> str:
        """The scope of this actor's idempotency keys."""
        return f"{self.kind}:{self.subject}"

    @property
    def audit_name(self) -> str:
        """Who it was, for an audit: somebody by the login, a system by its code and the key it has proved itself by."""
        return f"{self.subject}/{self.credential}" if self.credential else self.subject


class BadToken(Exception):
    """The token is not accepted; the reason is a code for the log, of which the caller is told little (`_TOLD`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole header we accept: no jku, x5u, jwk or crit, from which a caller would choose the key."""

    alg: str
    kid: str
    typ: str


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: int
    nbf: int
    iat: int
    kind: str
    agency: str = ""
    roles: list[str] = []
    facility: str = ""
    credential: str = ""
    partner: str = ""


class TokenSigner:
    """Makes tokens in the name of one issuer."""

    def __init__(self, issuer: str, key: ECKey, *, now: Callable[[], float] = time.time) -> None:
        self.issuer = issuer
        self._key = key
        self._header = {"alg": ALGORITHM, "typ": TOKEN_TYPE, "kid": key_id(issuer, key)}
        self._now = now

    @classmethod
    def from_file(cls, issuer: str, path: str | Path) -> "TokenSigner":
        """The signer with the PEM private key at `path`. Raises OSError, or ValueError when it is no P-256 key."""
        key = ECKey.import_key(Path(path).read_bytes())
        if not key.is_private or key.curve_name != "P-256":
            raise ValueError("SERVICE_KEY must be a P-256 private key in PEM")
        return cls(issuer, key)

    def token(
        self,
        audience: str | Collection[str],
        *,
        subject: str = "",
        kind: str = "service",
        agency: str = "",
        roles: Collection[str] = (),
        facility: str = "",
        ttl_seconds: int = 300,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """A token for `audience` (service name or names), valid from now for `ttl_seconds` (at most an hour).

        Without `subject` the issuer speaks for itself, as a service does. `more` are further claims.
        """
        now = int(self._now())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": subject or self.issuer,
            "aud": audience if isinstance(audience, str) else sorted(audience),
            "iat": now,
            "nbf": now,
            "exp": now + ttl_seconds,
            "kind": kind,
            "agency": agency,
            "roles": sorted(roles),
            "facility": facility,
            **more,
        }
        return jwt.encode(self._header, claims, self._key, algorithms=[ALGORITHM])


class TokenVerifier:
    """Checks tokens for one audience (this service's name) against the JWKS file at `jwks`."""

    def __init__(self, jwks: str | Path, audience: str, *, now: Callable[[], float] = time.time) -> None:
        self._audience = audience
        self._now = now
        self._keys = PublicKeys(Path(jwks), now=now)
        self._verified: OrderedDict[str, tuple[Actor, int]] = OrderedDict()
        self._generation = self._keys.generation

    def verify(self, token: str) -> Actor:
        """The actor the token stands for. Raises BadToken with the reason as a code."""
        self._keys.refresh()
        if self._generation != self._keys.generation:
            self._verified.clear()
            self._generation = self._keys.generation
        now = self._now()
        known = self._verified.get(token)
        if known is not None:
            actor, expires = known
            if now >= expires + CLOCK_SKEW_SECONDS:
                del self._verified[token]
                raise BadToken("expired")
            self._verified.move_to_end(token)
            return actor
        claims = self._claims(token)
        actor = _judge(claims, self._audience, now)
        self._verified[token] = (actor, claims.exp)
        if len(self._verified) > VERIFIED_TOKENS_MAX:
            self._verified.popitem(last=False)
        return actor

    def _claims(self, token: str) -> _Claims:
        """The claims of a token whose signature and key were checked."""
        if len(token) > TOKEN_LENGTH_MAX or token.count(".") != 2:
            raise BadToken("malformed")
        header = _header(token)
        if header.alg != ALGORITHM:
            raise BadToken("algorithm")
        if header.typ.lower() != TOKEN_TYPE:
            raise BadToken("type")
        found = self._keys.find(header.kid)
        if found is None:
            raise BadToken("unknown-key")
        issuer, key = found
        try:
            claims = msgspec.convert(jwt.decode(token, key, algorithms=[ALGORITHM]).claims, _Claims)
        except (JoseError, ValueError, RecursionError):
            raise BadToken("signature-or-claims") from None
        if claims.iss != issuer:
            raise BadToken("issuer")
        return claims


def _header(token: str) -> _Header:
    try:
        # The segment is base64url without padding; joserfc checks it again together with the signature.
        return msgspec.json.decode(_unbase64(token.split(".", 1)[0]), type=_Header)
    except (ValueError, RecursionError):
        raise BadToken("header") from None


def _unbase64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _judge(claims: _Claims, audience: str, now: float) -> Actor:
    """The actor of signed claims, if they hold now, here, and for that issuer."""
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    if audience not in audiences:
        raise BadToken("audience")
    if now >= claims.exp + CLOCK_SKEW_SECONDS:
        raise BadToken("expired")
    if now < max(claims.nbf, claims.iat) - CLOCK_SKEW_SECONDS:
        raise BadToken("not-yet-valid")
    if claims.exp - claims.iat > LIFETIME_SECONDS_MAX:
        raise BadToken("lives-too-long")
    if not claims.sub or claims.kind not in KINDS:
        raise BadToken("subject-or-kind")
    if claims.iss == IDENTITY:
        _judge_person(claims)
    elif claims.iss == GATEWAY and claims.kind == "system":
        if len(audiences) != 1:
            raise BadToken("audience")
        if claims.exp - claims.iat > (PARTNER_SECONDS_MAX if audience == GATEWAY else SYSTEM_SECONDS_MAX):
            raise BadToken("lives-too-long")
    elif claims.kind != "service" or claims.sub != claims.iss or claims.roles:
        raise BadToken("kind-not-of-issuer")
    return Actor(
        subject=claims.sub,
        kind=claims.kind,
        agency=claims.agency,
        roles=frozenset(claims.roles),
        facility=claims.facility,
        credential=claims.credential,
        partner=claims.partner if claims.iss == IDENTITY else "",
    )


def _judge_person(claims: _Claims) -> None:
    """What identity may say: not that it is a service, and of an integrator nothing but the partner."""
    if claims.kind == "service":
        raise BadToken("kind-not-of-issuer")
    integrator = claims.kind == INTEGRATOR
    if integrator != bool(claims.partner) or (
        integrator and (claims.agency or claims.roles or claims.facility)
    ):
        raise BadToken("partner-and-kind")


def require(
    *roles: str, kinds: Collection[str] = ("officer", "system"), services: Collection[str] = ()
) -> Callable[[Request], Awaitable[Actor]]:
    """A dependency that lets in an actor of one of `kinds` with one of `roles`, and gives the Actor.

    Without roles the kind suffices. Services have no roles: they pass when "service" is among `kinds` and, if
    `services` is given, their name is in it. Raises Problem 401 without a valid token, 403 with a wrong one.
    """
    wanted, allowed_kinds, allowed_services = frozenset(roles), frozenset(kinds), frozenset(services)

    async def dependency(request: Request) -> Actor:
        actor = actor_of(request)
        if _may(actor, wanted, allowed_kinds, allowed_services):
            return actor
        log.warning("access-denied", actor_kind=actor.kind, agency=actor.agency)
        raise Problem(403)

    return dependency


def actor_of(request: Request) -> Actor:
    """The actor of the request's bearer token, whatever their roles. Raises Problem 401."""
    verifier: TokenVerifier | None = getattr(request.app.state, "verifier", None)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if verifier is None or scheme.lower() != "bearer" or not token:
        raise Problem(401, detail=_NO_TOKEN, headers={"WWW-Authenticate": "Bearer"})
    try:
        actor = verifier.verify(token)
    except BadToken as refused:
        log.warning("token-refused", reason=refused.reason)
        detail = _TOLD.get(refused.reason, _NOT_ACCEPTED)
        raise Problem(
            401, detail=detail, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}
        ) from None
    request.scope["actor_kind"] = actor.kind
    return actor


def _may(actor: Actor, roles: frozenset[str], kinds: frozenset[str], services: frozenset[str]) -> bool:
    if actor.kind not in kinds:
        return False
    if actor.kind == "service":
        return not services or actor.subject in services
    return not roles or not roles.isdisjoint(actor.roles)

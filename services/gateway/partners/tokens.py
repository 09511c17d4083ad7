"""Access tokens for partners: OAuth 2.0 client credentials (RFC 6749 4.4) against an assertion (RFC 7523)."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec

from libs.database.transactions import Transactions
from libs.http.auth import GATEWAY, PARTNER_SECONDS_MAX, TokenSigner
from libs.http.limits import TokenBuckets
from libs.telemetry.logs import log
from libs.telemetry.metrics import counter
from services.gateway.partners import partner_store
from services.gateway.partners.assertions import Assertion, BadAssertion, judge, read_assertion
from services.gateway.partners.partner import CODE

GRANT = "client_credentials"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_PATH = "/oauth/token"  # noqa: S105 - a path
# A token lives five minutes: a partner with twenty programs asks four times a minute. What is beyond is a mistake.
_ADDRESS_RATE, _ADDRESS_BURST = 2.0, 60
_CLIENT_RATE, _CLIENT_BURST = 0.5, 30

_TOKENS = counter("partner_tokens_total")


class Refusal(Exception):
    """An answer of the token endpoint that says why not, as RFC 6749 5.2 words it."""

    def __init__(self, error: str, description: str = "", status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


class TooMany(Exception):
    """Tried too often; `seconds` says when to come back."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """An access token (RFC 6749 5.1)."""

    access_token: str
    token_type: str = "Bearer"  # noqa: S105 - a kind of token
    expires_in: int = PARTNER_SECONDS_MAX


class TokenDesk:
    """Judges assertions and gives tokens. `issuer_url` is this gateway as partners reach it, without a last slash."""

    def __init__(self, transactions: Transactions, signer: TokenSigner, issuer_url: str) -> None:
        self._transactions = transactions
        self._signer = signer
        self.issuer_url = issuer_url
        self._audiences = (issuer_url, f"{issuer_url}{TOKEN_PATH}")
        self._addresses = TokenBuckets(rate_per_second=_ADDRESS_RATE, burst=_ADDRESS_BURST)
        # What somebody claims to be counts for their address only: nobody can use up another's tries.
        self._claimed = TokenBuckets(rate_per_second=_CLIENT_RATE, burst=_CLIENT_BURST)
        self._proved = TokenBuckets(rate_per_second=_CLIENT_RATE, burst=_CLIENT_BURST)

    async def token(self, form: dict[str, str], address: str) -> Granted:
        """A token for who proves itself. Raises Refusal or TooMany."""
        _within(self._addresses, address)
        _check_form(form)
        try:
            assertion = read_assertion(form["client_assertion"])
        except BadAssertion as bad:
            raise _refused(bad) from None
        if form.get("client_id", assertion.partner) != assertion.partner:
            raise _refused(BadAssertion("client-id"))
        _within(self._claimed, f"{address} {assertion.partner}")
        async with self._transactions.transaction() as conn:
            try:
                granted = await self._grant(conn, assertion, address)
            except BadAssertion as bad:
                refused = bad
            else:
                _TOKENS.labels("granted").inc()
                return granted
        # What a known partner is refused stands in the audit, beside the log: that part is committed.
        raise _refused(refused)

    async def _grant(self, conn: Any, assertion: Assertion, address: str) -> Granted:
        code = assertion.partner
        partner = await partner_store.find(conn, code) if CODE.fullmatch(code) else None
        try:
            partner = judge(assertion, partner, self._audiences, datetime.now(UTC))
            _within(self._proved, code)
            if not await partner_store.use_assertion(conn, code, assertion.jti_hash, assertion.forgotten_at):
                raise BadAssertion("replayed")
        except BadAssertion as bad:
            if partner is not None:
                await partner_store.audit(
                    conn,
                    partner.code,
                    "token-refused",
                    who=partner.code,
                    came_from=address,
                    detail=bad.reason,
                )
            raise
        await partner_store.audit(
            conn, code, "token-given", who=code, came_from=address, detail=assertion.header.kid
        )
        token = self._signer.token(
            GATEWAY,
            subject=code,
            kind="system",
            agency=partner.agency,
            roles=partner.roles,
            facility=partner.facility,
            ttl_seconds=PARTNER_SECONDS_MAX,
            # RFC 9068 2.2: client_id and jti. The key it was given for: when that is retired, so is the token.
            more={"client_id": code, "jti": str(uuid4()), "credential": assertion.header.kid},
        )
        return Granted(access_token=token)


def _check_form(form: dict[str, str]) -> None:
    if "grant_type" not in form:
        raise Refusal("invalid_request", "grant_type is missing")
    if form["grant_type"] != GRANT:
        raise Refusal("unsupported_grant_type", f"only {GRANT}")
    if form.get("scope"):
        raise Refusal("invalid_scope", "what a partner may read is registered, not asked for")
    if form.get("client_assertion_type") != ASSERTION_TYPE or not form.get("client_assertion"):
        raise Refusal("invalid_client", "private_key_jwt is the only way to authenticate", 401)


def _within(buckets: TokenBuckets, key: str) -> None:
    wait_seconds = buckets.take(key)
    if wait_seconds > 0:
        raise TooMany(wait_seconds)


def _refused(bad: BadAssertion) -> Refusal:
    """The same for every reason: who sent it learns no more than that it is not believed."""
    _TOKENS.labels("refused").inc()
    log.warning("assertion-refused", reason=bad.reason)
    return Refusal("invalid_client", "the client assertion is not accepted", 401)
